"""Set-off, close-out netting and settled collateral, and the record of what they changed.

Every function takes a network and returns the changed exposures and a step: a table of what was
before and after. The methods of the network that use them are in `contagion/changes.py`.
"""

from __future__ import annotations

from .pledges import settle_collateral
from .record import summary, table
from .sets import close_out, set_off

__all__ = ["close_out", "set_off", "settle_collateral", "summary", "table"]
