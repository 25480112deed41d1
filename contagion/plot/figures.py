"""All figures by name, with content and argument; used by the gallery, tests and report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .bearers import who_pays
from .bearerspread import bearer_distribution
from .byhop import loss_by_hop
from .concentration import cumulative_shares
from .criticality import criticality
from .distribution import distribution
from .exceedance import exceedance
from .flow import look_through_flow
from .frontier import efficient_frontier
from .graph import network
from .heat import kind_heat, victim_heat
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


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes
    ----------
    draw : the function; it takes `ax` and returns it.
    title : its content, in a few words.
    takes : its first argument, in words.
    """

    draw: Callable[..., Any]
    title: str
    takes: str


ALL = (
    Figure(network, "Map of the network, and how a loss travels on it", "a network, a result"),
    Figure(cascade, "How the loss travels, one column for each step", "a result"),
    Figure(cascade_tree, "The cascade as a tree, one row for each node", "a result"),
    Figure(loss_by_hop, "The loss by distance from the shock", "a result"),
    Figure(who_pays, "Who bears the loss, one bar for each bearer", "a result"),
    Figure(waterfall, "The waterfall of a venue, layer by layer", "a result, an allocation"),
    Figure(rule_comparison, "The same loss under several rules", "a comparison of rules"),
    Figure(look_through_flow, "The backing of each claim", "a look-through"),
    Figure(kind_heat, "Claims between kinds", "a network"),
    Figure(kind_flow, "Claims between kinds, from debtors to creditors", "a network"),
    Figure(victim_heat, "Losses of each node when another defaults", "a table of victims"),
    Figure(exceedance, "The loss exceedance curve", "a stress test"),
    Figure(bearer_distribution, "Who bears the socialized loss, over scenarios", "a stress test"),
    Figure(phase_diagram, "A measure over two parameters", "a sweep"),
    Figure(contagion_window, "Where random graphs have global cascades", "a window"),
    Figure(rank_ranges, "The ranks of nodes under several measures", "an agreement"),
    Figure(trigger_bars, "What each default costs the others", "a record of every default"),
    Figure(impact_quadrant, "Who endangers others, and who is in danger", "a ranking"),
    Figure(efficient_frontier, "Cost and remaining loss of policies", "a comparison of policies"),
    Figure(period_change, "What changed between two periods", "a run of a panel"),
    Figure(cumulative_shares, "Concentration of claims, debts and assets", "a network"),
    Figure(distribution, "How many partners, and how much, nodes have", "a network"),
    Figure(layer_gap, "Layers apart and together", "a comparison of layers"),
    Figure(criticality, "Amplification of a price drop", "a table of falls and depths"),
    Figure(liquidation_profile, "Liquidatable amounts by change of price", "a book"),
    Figure(cascade_path, "Price, depth and open interest of a liquidation cascade", "a cascade"),
)
FIGURES: dict[str, Figure] = {figure.draw.__name__: figure for figure in ALL}
