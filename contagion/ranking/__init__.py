"""Systemic importance: measures of every node side by side, and how far they agree.

`ct.rank` gives the table; :func:`agreement` says where its columns disagree, and
:func:`stability` how much of the order survives other data.
"""

from __future__ import annotations

from .agreement import Agreement, agreement
from .stability import Stability, perturbed, stability
from .table import rank

__all__ = [
    "Agreement",
    "Stability",
    "agreement",
    "perturbed",
    "rank",
    "stability",
]
