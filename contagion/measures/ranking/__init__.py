"""Systemic importance: measures of every node side by side, and how far they agree.

`ct.rank` gives the table; :func:`agreement` says where its columns disagree, :func:`stability` how
much of the order survives other data. :func:`explain_impact` says through whom the impact of one
node goes, :func:`critical_exposures` which claims carry it, :func:`protect` whom to rescue first.
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
