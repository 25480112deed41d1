"""Writes docs/validation.md, published answers beside ours: python docs/validation.py

Published figures come from the packaged datasets and from the tests; ours are computed now.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
for folder in (HERE, HERE.parent / "tests"):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))

import validation_measures  # noqa: E402, F401  (registers its cases)
import validation_venues  # noqa: E402, F401
from validation_cases import CASES, Between, Row  # noqa: E402
from validation_differs import REMARKS, Remark  # noqa: E402

PAGE = HERE / "validation.md"
HEAD = """# Validation

Made by `python docs/validation.py`; do not edit. Every figure under "ours" is computed by the
package when the page is made. Published figures are read from the packaged datasets or from the
tests (`tests/test_published*.py`, `tests/test_random_cascades.py`). A test fails when the page is
not what the script makes, when a difference is larger than its tolerance, or when a case is
missing.

The difference is the largest |ours − published| / max(1, |published|), on unrounded figures
(dollars and DAI to the cent); seven digits are shown, ten for figures of a million and more.
Evidence says how far a published answer can be trusted: a figure that its authors printed or
released is stronger evidence than a closed form, and where a dataset derives a balance sheet from
the published answer, agreement follows by construction.
"""
MISSING = """## Not on this page

- `three_venues`: made for this package, there are no published figures.
"""


def number(value: float) -> str:
    """Seven digits and nine decimals, ten digits for a million and more: hides rounding errors."""
    value = round(float(value), 9) + 0.0
    return f"{value:,.10g}" if abs(value) >= 1e6 else f"{value:.7g}"


def shown(value: Any) -> str:
    """A figure, a few figures, a range or words, for a cell of a table."""
    if isinstance(value, str):
        return value
    if isinstance(value, Between):
        return f"{number(value.low)} to {number(value.high)}"
    return ", ".join(number(x) for x in np.atleast_1d(np.asarray(value, float)))


def apart(difference: float, words: bool = False) -> str:
    """The difference as text; below 1e-9 it is a rounding error and no figure is shown."""
    if words and difference == 0:
        return "same"
    return "below 1e-9" if difference <= 1e-9 else f"{difference:.1e}"


def table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown."""
    lines = [list(columns), ["---"] * len(list(columns)), *map(list, rows)]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)


def all_rows() -> list[list[Row]]:
    """The rows of every case, computed now."""
    return [case() for case in CASES]


def section(rows: list[Row]) -> str:
    """A case: where it comes from, then every figure."""
    first, rooms = rows[0], sorted({row.tolerance for row in rows})
    tolerance = " and ".join(f"{room:.0e}" for room in rooms)
    cells = [
        [
            row.quantity,
            shown(row.published),
            shown(row.ours),
            apart(row.difference, isinstance(row.published, str)),
        ]
        for row in rows
    ]
    facts = f"Source: {first.source}\n\nEvidence: {first.evidence}\n\nTolerance: {tolerance}\n"
    columns = ("quantity", "published", "ours", "difference")
    return f"### {first.case}\n\n{facts}\n{table(columns, cells)}\n"


def remark(found: Remark) -> str:
    """A convention or an error in words, with its figures."""
    cells = [[row[0], *map(shown, row[1:])] for row in found.rows]
    text = textwrap.fill(found.text, 100, break_on_hyphens=False)
    return f"### {found.title}\n\n{text}\n\n{table(('quantity', *found.columns), cells)}\n"


def page(cases: list[list[Row]], remarks: list[Remark]) -> str:
    """The whole page."""
    summary = [
        [rows[0].case, str(len(rows)), apart(max(row.difference for row in rows))] for rows in cases
    ]
    parts = [
        HEAD,
        "## Summary\n\n" + table(("case", "rows", "largest difference"), summary) + "\n",
        "## Where published figures differ\n",
        *map(remark, remarks),
        MISSING,
        "## Cases\n",
        *map(section, cases),
    ]
    return "\n".join(parts)


def main(path: Path = PAGE) -> None:
    """Compute everything and write the page."""
    path.write_text(page(all_rows(), [make() for make in REMARKS]), "utf-8", newline="\n")


if __name__ == "__main__":
    main()
