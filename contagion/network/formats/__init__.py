"""Files, matrices and graphs to tables of nodes and exposures, and back.

Start with :func:`read_tables`. `files`: files and folders, read by `network/tables`; `edges`:
edge lists, their columns and orientation; `registry`: the published formats, `sdmx`, `eba`,
`corep`, `defillama`, `onchain`, `ccxt`, one file each; `matrix`: square matrices of claims;
`graph`: networkx, GraphML and GEXF; `folder`: a network written as tables and a card; `tables`:
the common result of all readers.
"""

from __future__ import annotations

from .edges import ORIENTATIONS, layered, tables
from .files import KEPT, OPTIONS, read_tables, schema_text
from .folder import write_folder
from .graph import from_networkx, to_networkx
from .matrix import aligned, from_matrix
from .registry import FORMATS
from .tables import Tables

__all__ = [
    "FORMATS",
    "KEPT",
    "OPTIONS",
    "ORIENTATIONS",
    "Tables",
    "aligned",
    "from_matrix",
    "from_networkx",
    "layered",
    "read_tables",
    "schema_text",
    "tables",
    "to_networkx",
    "write_folder",
]
