"""Systemic importance: measures of every node side by side, and their agreement.

`ct.rank` gives the table. :func:`agreement` compares its columns; :func:`stability` tests how
robust the order is to other data. :func:`explain_impact` shows the paths of the impact of one node,
:func:`critical_exposures` the claims that transmit it, :func:`protect` the nodes to rescue first.
"""

from __future__ import annotations

from .agreement import Agreement, agreement
from .critical import ImpactPaths, critical_exposures, explain_impact
from .protection import Protection, protect
from .stability import RankStability, perturbed, stability
from .table import rank

__all__ = [
    "Agreement",
    "ImpactPaths",
    "Protection",
    "RankStability",
    "agreement",
    "critical_exposures",
    "explain_impact",
    "perturbed",
    "protect",
    "rank",
    "stability",
]
