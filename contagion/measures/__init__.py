"""Who is critical: measures of systemic importance, in one registry.

Start with :func:`contagion.rank`, or with `MEASURES["debtrank"].formula`. Every measure has a
definition, unit, denominator and source; undefined values are nan, and `reasons` of the record
says why.

- `impact`, `every_default`, `indices`, `threat`: each node defaults once, alone
- `bounds`: bounds without exposures
- `attribution`, `shapley`, `diagonal`, `expected`, `sensitivity`: contributions to a loss
- `covar`, `tail`: CoVaR, MES, SES and tail dependence of simulated losses
- `centrality`, `walks`, `communicability`, `coreperiphery`, `topology`: position and structure
- `concentration`, `stability`: concentration of amounts; spectral stability of leverage
- `ranking/`, `scorecards/`: measures side by side; G-SIB scores and large exposures
"""

from __future__ import annotations

from . import (
    attribution,
    bounds,
    centrality,
    communicability,
    concentration,
    coreperiphery,
    diagonal,
    expected,
    impact,
    scorecards,
    sensitivity,
    stability,
    tail,
    threat,
)
from . import covar as conditional
from . import shapley as shares
from . import topology as shape
from . import walks as flow
from .attribution import Attribution, SystemLoss, leave_one_out, protection
from .bounds import glasserman_young
from .centrality import degree, eigenvector, katz, pagerank, strength
from .communicability import impact_diffusion, impact_fluidity, impact_matrix, impact_susceptibility
from .concentration import (
    amounts,
    concentration_curve,
    concentration_ratio,
    concentration_table,
    gini,
    hhi,
)
from .coreperiphery import CorePeriphery, core_periphery
from .covar import covar
from .diagonal import aumann_shapley
from .every_default import EveryDefault, every_default
from .expected import ExpectedLoss, expected_systemic_loss, marginal_systemic_risk
from .impact import each_default, rounds_of_contagion
from .indices import contagion_index, debtrank, default_impact, vulnerability_index
from .registry import MEASURES, Measure
from .sensitivity import Gradient, gradient
from .shapley import shapley, shapley_of_defaults, shapley_of_risk
from .stability import LeverageStability, leverage_stability
from .tail import (
    euler_allocation,
    marginal_expected_shortfall,
    systemic_expected_shortfall,
    tail_dependence,
)
from .threat import threat_index
from .topology import Topology, clustering, core_number, topology
from .walks import betweenness, harmonic, sinkrank

FAMILIES = (
    impact,
    bounds,
    attribution,
    shares,
    diagonal,
    conditional,
    tail,
    centrality,
    flow,
    communicability,
    shape,
    coreperiphery,
    stability,
    concentration,
    sensitivity,
    threat,
    expected,
)

MEASURES.update({measure.name: measure for family in FAMILIES for measure in family.DEFINITIONS})

__all__ = [
    "MEASURES",
    "Attribution",
    "CorePeriphery",
    "EveryDefault",
    "ExpectedLoss",
    "Gradient",
    "LeverageStability",
    "Measure",
    "SystemLoss",
    "Topology",
    "amounts",
    "aumann_shapley",
    "betweenness",
    "clustering",
    "concentration_curve",
    "concentration_ratio",
    "concentration_table",
    "contagion_index",
    "core_number",
    "core_periphery",
    "covar",
    "debtrank",
    "default_impact",
    "degree",
    "each_default",
    "eigenvector",
    "euler_allocation",
    "every_default",
    "expected_systemic_loss",
    "gini",
    "glasserman_young",
    "gradient",
    "harmonic",
    "hhi",
    "impact_diffusion",
    "impact_fluidity",
    "impact_matrix",
    "impact_susceptibility",
    "katz",
    "leave_one_out",
    "leverage_stability",
    "marginal_expected_shortfall",
    "marginal_systemic_risk",
    "pagerank",
    "protection",
    "rounds_of_contagion",
    "scorecards",
    "shapley",
    "shapley_of_defaults",
    "shapley_of_risk",
    "sinkrank",
    "strength",
    "systemic_expected_shortfall",
    "tail_dependence",
    "threat_index",
    "topology",
    "vulnerability_index",
]
