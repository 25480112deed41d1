"""The common result of all readers: two tables, and the findings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from ...errors import Finding, NetworkError
from ..tables.reading import Reading


@dataclass
class Tables:
    """Node and exposure tables with the columns of the schema.

    Attributes
    ----------
    nodes : `None` if the nodes are those named in the exposures.
    exposures : columns creditor, debtor, amount and others.
    settings : keywords of the network from a file, a folder or a graph.
    origin : source of the rows for messages: a file name, "matrix", or empty.
    findings : findings of the conversion.
    how, headings : the options of reading, and the columns of the files.
    """

    nodes: pd.DataFrame | None
    exposures: pd.DataFrame
    settings: dict[str, Any] = field(default_factory=dict)
    origin: str = ""
    findings: list[Finding] = field(default_factory=list)
    how: Reading = field(default_factory=Reading)
    headings: list[object] = field(default_factory=list)

    def take(self) -> pd.DataFrame:
        """The exposures, removed from this object so that their memory can be freed."""
        exposures, self.exposures = self.exposures, self.exposures.iloc[:0]
        return exposures

    def complete(self) -> Tables:
        """The same tables; raises `NetworkError` if a required column is missing."""
        have = all(name in self.exposures for name in ("creditor", "debtor", "amount"))
        if not have or (self.nodes is not None and "node" not in self.nodes):
            raise NetworkError([f for f in self.findings if f.severity == "error"])
        return self
