"""Exposure networks: claims between nodes, balance sheets, and methods that change them.

Start with :func:`read` (files) or :class:`ExposureNetwork` (tables in memory).

- `exposure_network`, `forms`: the network, its construction and conversion
- `contents`, `matrices`: its tables and balance sheets, its matrices
- `changes`, `multilateral`, `transforms`, `netting/`: methods that return a changed network
- `guarantees`, `shareholdings`, `holdings`: the tables besides nodes and exposures
- `tables/`: reading of every input table
- `formats/`: files, matrices and graphs to networks, and back
- `checks/`, `balance_sheet/`, `intake`: findings about the tables, and completed balance sheets
- `schema`, `schema.csv`: the columns of the tables
"""

from __future__ import annotations

from .exposure_network import ExposureNetwork, read
from .tables import read_table

__all__ = ["ExposureNetwork", "read", "read_table"]
