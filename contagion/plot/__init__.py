"""Figures, one function each: it takes a network, result or comparison and `ax`, returns `ax`.

Start with :func:`cascade`. matplotlib is only imported when a figure is drawn. Layouts are
deterministic. Figures show results and compute none.

- `graph` with `maps/`: the map of a network of any size; `rounds`, `bearers`, `boxes`: one shock
- `tree`, `byhop`: one shock by steps from it; `periods`, `frontier`, `quadrant`: comparisons
- `waterfall`, `rule_comparison`, `flow`, `flowboxes`: loss sharing and look-through
- `kindflow`: claims between kinds
- `heat`, `exceedance`, `bearerspread`, `phase`, `window`: many scenarios, grids, random graphs
- `ranks`, `triggers`, `concentration`, `distribution`, `layers`: measures and layers
- `criticality`, `profile`, `path`: liquidations
- `interactive/`: maps, tables and charts on a page, with one small script
- `registry`: all figures by name; `style`: colours, headings and amounts of all figures
"""

from __future__ import annotations

from .bearers import who_pays
from .bearerspread import bearer_distribution
from .byhop import loss_by_hop
from .concentration import cumulative_shares
from .criticality import criticality
from .distribution import distribution
from .exceedance import exceedance
from .figures import FIGURES
from .flow import look_through_flow
from .frontier import efficient_frontier
from .graph import network
from .heat import kind_heat, victim_heat
from .interactive import interactive
from .kindflow import kind_flow
from .layers import layer_gap
from .path import cascade_path
from .periods import period_change
from .phase import phase_diagram
from .profile import liquidation_profile
from .quadrant import impact_quadrant
from .ranks import rank_ranges
from .rounds import cascade
from .rule_comparison import rule_comparison
from .tree import cascade_tree
from .triggers import trigger_bars
from .waterfall import waterfall
from .window import contagion_window

__all__ = [
    "FIGURES",
    "bearer_distribution",
    "cascade",
    "cascade_path",
    "cascade_tree",
    "contagion_window",
    "criticality",
    "cumulative_shares",
    "distribution",
    "efficient_frontier",
    "exceedance",
    "impact_quadrant",
    "interactive",
    "kind_flow",
    "kind_heat",
    "layer_gap",
    "liquidation_profile",
    "look_through_flow",
    "loss_by_hop",
    "network",
    "period_change",
    "phase_diagram",
    "rank_ranges",
    "rule_comparison",
    "trigger_bars",
    "victim_heat",
    "waterfall",
    "who_pays",
]
