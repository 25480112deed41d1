"""The result of every way into the package: two tables, and the findings."""

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
    nodes : `None` where the exposures name the nodes.
    exposures : columns creditor, debtor, amount and others.
    settings : keywords of the network that a file, a folder or a graph brings.
    origin : where messages place a row: a file name, "matrix", or empty.
    findings : what the conversion found.
    how, headings : the options of reading, and the columns that the files had.
    """

    nodes: pd.DataFrame | None
    exposures: pd.DataFrame
    settings: dict[str, Any] = field(default_factory=dict)
    origin: str = ""
    findings: list[Finding] = field(default_factory=list)
    how: Reading = field(default_factory=Reading)
    headings: list[object] = field(default_factory=list)

    def take(self) -> pd.DataFrame:
        """The exposures, handed over: no other object keeps their columns of names alive."""
        exposures, self.exposures = self.exposures, self.exposures.iloc[:0]
        return exposures

    def complete(self) -> Tables:
        """The same; raises `NetworkError` where a required column is missing."""
        have = all(name in self.exposures for name in ("creditor", "debtor", "amount"))
        if not have or (self.nodes is not None and "node" not in self.nodes):
            raise NetworkError([f for f in self.findings if f.severity == "error"])
        return self
