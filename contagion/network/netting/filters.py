"""Filters of claims by the columns of the exposure table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ...text import known_name
from .. import schema


@dataclass
class Columns:
    """The columns of an exposure table for filters, each prepared once."""

    table: pd.DataFrame
    seen: dict[str, tuple[pd.Series, dict[Any, None]]] = field(default_factory=dict)

    def cells(self, name: str) -> pd.Series:
        """A column with the defaults of the schema; `UnknownNameError` if it does not exist."""
        known_name(name, self.table.columns, "exposure column")
        cells: pd.Series = self.table[name]
        column = schema.columns("exposures").get(name)
        default: Any = column.fill if column else None
        return cells if default is None else cells.fillna(default)

    def matching(self, rows: np.ndarray, wanted: Mapping[str, Any]) -> np.ndarray:
        """The part of `rows` with the value, or one of the values, for every filter column."""
        for name, value in wanted.items():
            if name not in self.seen:
                cells = self.cells(name)
                self.seen[name] = cells, dict.fromkeys(cells.dropna().unique())
            cells, known = self.seen[name]
            single = isinstance(value, str) or not isinstance(value, Iterable)
            values = [value] if single else list(value)
            for one in values:
                known_name(one, known, f"{name} of a claim")
            rows = rows[cells.iloc[rows].isin(values).to_numpy(bool)]
        return rows
