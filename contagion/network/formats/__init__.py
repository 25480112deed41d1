"""Files, matrices and graphs to tables of nodes and exposures, and back."""

from __future__ import annotations

from .edges import ORIENTATIONS, layered, side_table, tables, to_pandas
from .files import OPTIONS, read_table, read_tables, schema_text
from .folder import write_folder
from .graph import from_networkx, to_networkx
from .matrix import aligned, from_matrix
from .tables import Tables

__all__ = [
    "OPTIONS",
    "ORIENTATIONS",
    "Tables",
    "aligned",
    "from_matrix",
    "from_networkx",
    "layered",
    "read_table",
    "read_tables",
    "schema_text",
    "side_table",
    "tables",
    "to_networkx",
    "to_pandas",
    "write_folder",
]
