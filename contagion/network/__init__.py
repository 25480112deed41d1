"""What a network is: who owes whom, the balance sheets, and everything that changes them.

Start with :func:`read` (files) or :class:`ExposureNetwork` (tables in memory).

- `exposure_network`, `forms`: the network, the ways in and out
- `contents`, `matrices`: its tables and balance sheets, its matrices
- `changes`, `multilateral`, `transforms`, `netting/`: methods that return a changed network
- `guarantees`, `shareholdings`, `holdings`: the tables beside nodes and exposures
- `tables/`: the door, which every table comes in through
- `formats/`: files, matrices and graphs to networks, and back
- `checks/`, `balance_sheet/`, `intake`: findings about the tables, and completed balance sheets
- `schema`, `schema.csv`: which columns there are
"""

from __future__ import annotations

from .exposure_network import ExposureNetwork, read
from .tables import read_table

__all__ = ["ExposureNetwork", "read", "read_table"]
