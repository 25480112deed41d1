"""Writes docs/venues.md, what each venue does and its documents: python docs/venues.py

Everything comes from the records in `contagion.venues`.
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
if str(HERE) not in sys.path:
    sys.path.append(str(HERE))

from validation import table  # noqa: E402

from contagion import venues  # noqa: E402

PAGE = HERE / "venues.md"
HEAD = """# Venues and their documents

Made by `python docs/venues.py` from the records of `contagion.venues`; do not edit. A test fails
when the page is not what the script makes. `contagion venues NAME` prints the card of one venue:
its rule as a waterfall with a worked example, parameters, formulas, what is not modelled.

"In full": the part about the rule was read, as a stored copy. "Excerpt": a part of it, or a
quotation. "Memory": believed, in no source that was read. "Not read": it exists and was not seen. A
rule with a document of the last two kinds is not verified; its text says what is missing.
"""


def page() -> str:
    """The whole page."""
    terms, documents = venues.terms(), venues.documents().table.reset_index()
    words = terms.table.astype(object).where(terms.table.notna(), "not known")
    status = words["status"].value_counts()
    counted = "; ".join(f"{count} {word}" for word, count in status.items())
    files = [[venues.CATALOGUE[name].file, name, *row] for name, row in zip(
        words.index, words.drop(columns=["status", "as_of"]).to_numpy().tolist(), strict=True
    )]  # fmt: skip
    parts = [
        HEAD,
        f"{len(words)} rules: {counted}.\n",
        "## What each venue does\n",
        table(("file", "rule", *words.columns[:-2]), files) + "\n",
        "## Documents\n",
        table(documents.columns, documents.to_numpy().tolist()) + "\n",
        "## Figures of the clearing houses\n",
        _figures(),
    ]
    return "\n".join(parts)


def _figures() -> str:
    frame = venues.clearing_houses.figures().table.reset_index()
    frame["value"] = [f"{value:g}" if value == value else "" for value in frame["value"]]
    return table(frame.columns, frame.fillna("").astype(str).to_numpy().tolist()) + "\n"


def main(path: Path = PAGE) -> None:
    """Write the page."""
    path.write_text(page(), "utf-8", newline="\n")


if __name__ == "__main__":
    main()
