"""Measures as readers see them: titles, headings, the cells of a ranking."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..measures import MEASURES
from ..measures.ranking.table import HEADLINES, SHEET
from ..network.exposure_network import ExposureNetwork
from ..records import Table
from ..units import Scale, scale

COSTLIEST = 3  # defaults named in a finding
WIDE = 9  # columns of the ranking that fit on a page


def costliest(ranking: Table | pd.DataFrame) -> pd.Series | None:
    """The costs of the costliest defaults, in money, from the first column with such costs."""
    columns = [c for c in ranking.iloc[:, :WIDE] if str(c).startswith(HEADLINES[:2])]
    return ranking[columns[0]].nlargest(COSTLIEST) if columns else None


def ranking_texts(
    ranking: pd.DataFrame, network: ExposureNetwork, name: dict[object, str] | None = None
) -> tuple[list[str], list[list[str]], str]:
    """Titles of the columns, the rows as text (the node first), and the unit of the amounts."""
    columns = list(map(str, ranking.columns))
    inside = [c for c in columns if _money(c)]
    to = scale(np.concatenate([ranking[c] for c in inside]) if inside else [], network.unit)
    rows = [
        [(name or {}).get(node, str(node)), *(_cell(c, row[c], to) for c in columns)]
        for node, row in ranking.iterrows()
    ]
    return [column_head(c) for c in columns], rows, to.label


def measure_title(column: str) -> str:
    """The title of a column of a ranking.

    >>> measure_title("contagion_index.FireSale"), measure_title("claims")
    ('contagion index, FireSale', 'claims')
    """
    base, _, model = column.partition(".")
    title = MEASURES[base].title if base in MEASURES else column
    return title + (f", {model.replace('_', ' ')}" if model and base in MEASURES else "")


def column_head(column: str) -> str:
    """The heading of a column of the ranking, with its unit unless that is money."""
    base, _, model = column.partition(".")
    if base not in MEASURES:
        return column
    unit = {"%": ", %", "share": " (share)"}.get(MEASURES[base].unit, "")
    return f"{measure_title(base)}{unit}" + (f", {model.replace('_', ' ')}" if model else "")


def _money(column: str) -> bool:
    base = column.partition(".")[0]
    return base in SHEET or (base in MEASURES and MEASURES[base].unit == "money")


def _cell(column: str, value: float, to: Scale) -> str:
    if pd.isna(value):
        return "–"
    if _money(column):
        return to(value)
    measure = MEASURES.get(column.partition(".")[0])
    unit = "" if measure is None else measure.unit
    if unit == "nodes":
        return f"{value:.0f}"
    return f"{value:.1f}" if unit == "%" else f"{value:.3f}"
