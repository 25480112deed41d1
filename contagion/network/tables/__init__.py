"""Input of every table of the schema, from files and from memory.

Start with :func:`read_table`. `reading`: the options, one list for Python and the command line;
`stored`, `delimited`, `grids`, `headers`: files to tables; `frames`: tables in memory;
`columns`: the meaning of columns; `identifiers`, `numbers`, `typed`, `currencies`: their cells;
`door`: all steps together, and the findings.
"""

from __future__ import annotations

from .door import Read, read_table
from .reading import Reading, reading

__all__ = ["Read", "Reading", "read_table", "reading"]
