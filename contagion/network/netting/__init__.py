"""Netting: set-off, close-out, novation, compression, settled collateral, and their record.

The functions behind the methods of the network (`network/changes.py`, `network/multilateral.py`)
take a network and return the changed exposures and a step: a table of what was before and after.
:func:`excess` says what compression can take away, and :mod:`contagion.network.netting.efficiency`
what a clearing house does to expected exposures.
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
