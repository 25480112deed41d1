"""Netting: set-off, close-out, novation, compression, settled collateral, and their record.

The functions behind the methods of the network (`network/changes.py`, `network/multilateral.py`)
take a network and return the changed exposures and a step: a table of claims before and after.
:func:`excess` is the amount that compression can remove. The effect of a clearing house on
expected exposures is in :mod:`contagion.network.netting.efficiency`.
"""

from __future__ import annotations

from . import efficiency
from .compression import Excess, compress, excess
from .novation import novate
from .pledges import settle_collateral
from .record import summary, table
from .rows import repeated
from .sets import close_out, set_off

__all__ = [
    "Excess",
    "close_out",
    "compress",
    "efficiency",
    "excess",
    "novate",
    "repeated",
    "set_off",
    "settle_collateral",
    "summary",
    "table",
]
