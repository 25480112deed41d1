"""COREP large exposures: C 28.00 (exposures of one institution) and C 27.00 (counterparties).

Read: the templates of Annex VIII of Regulation (EU) 680/2014 and of its successor (EU) 2021/451,
with headings by number (010, 0010, c0010), by name, or both ("040 Total original exposure"), also
with the numbers in a separate line below the names. C 28: 010 code of the counterparty, 040
total original exposure (before value adjustments, exemptions and credit risk mitigation). C 27: 010
(011 since 2021) code, 020 (021) name, 040 residence, 050 sector.

The file is the report of one institution, whose name is given as a constant. Another amount, such
as the exposure value after exemptions and mitigation, is selected with `columns`. Recipe:

    ct.read("c28.csv", nodes="c27.csv", constants={"creditor": "MYBANK"},
            missing_equity="external")
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import Any

import pandas as pd

from .. import schema
from ..tables import shapes
from ..tables.grids import Source
from ..tables.reading import Reading
from ..tables.shapes import Shape, note

NUMBER = re.compile(r"(?i)\s*(?:\(|c)?0?(\d{2}[015])\)?(?:\s*[-–:.]?\s*(.*))?", re.DOTALL)
EXPOSURES = {"010": "debtor", "code": "debtor", "040": "amount", "totaloriginalexposure": "amount"}
NODES = {"010": "node", "011": "node", "code": "node", "020": "name", "021": "name", "name": "name"}


def _parts(heading: object) -> tuple[str, str]:
    """Number and key of a heading: "040 Total original exposure", "c0040", "Code"."""
    return _split(str(heading))


@lru_cache(4096)
def _split(text: str) -> tuple[str, str]:
    found = NUMBER.fullmatch(text)
    return (found[1], schema.key(found[2] or "")) if found else ("", schema.key(text))


def _headed(source: Source) -> Source:
    """The table with complete headings, if the numbers are in a separate line."""
    frame = source.frame
    for k in range(min(len(frame), 2 if source.headerless else 1)):
        if not any(NUMBER.fullmatch(str(frame.iat[k, c])) for c in range(min(2, frame.shape[1]))):
            continue  # all cells but one are numbers
        parts = [_parts(cell) for cell in source.row(k)]
        if sum(bool(n) and not text for n, text in parts) < max(2, len(parts) - 1):
            continue
        cells = frame.iloc[k].fillna("")
        above = list(frame.iloc[0].fillna("")) if k else [""] * len(parts)
        above = above if source.headerless else source.headings
        names = [f"{cell} {c}".strip() for cell, c in zip(cells, above, strict=True)]
        return replace(source, frame=frame.iloc[k + 1 :].set_axis(names, axis=1))
    return source


def _template(headings: list[Any]) -> str:
    """The template, C 28 or C 27, or an empty text."""
    parts = [_parts(c) for c in headings]
    numbers, names = {n for n, _ in parts if n}, {text for _, text in parts}
    if "totaloriginalexposure" in names and ("code" in names or "010" in numbers):
        return "C 28"
    if {"sectorofthecounterparty", "typeofcounterparty"} & names and "code" in names:
        return "C 27"
    if names - {""}:
        return ""
    if len(numbers) == len(parts) and {"010", "040"} <= numbers:
        return "C 28" if len(numbers) > 7 else "C 27" if "070" in numbers else ""
    return "C 27" if {"011", "070"} <= numbers else ""


def matches(source: Source) -> bool:
    """Whether the columns are those of C 28 or C 27."""
    return bool(_template(_headed(source).headings))


def take(source: Source, name: schema.Table, how: Reading) -> Source:
    """Convert to exposures of the reporter (C 28), or names of the counterparties (C 27)."""
    headed = _headed(source)
    frame, template = headed.frame, _template(headed.headings)
    if template != {"exposures": "C 28", "nodes": "C 27"}[name]:
        raise shapes.asked(
            f"this is {template}, which has no {name}.",
            'nodes="…" takes it beside C 28.' if template == "C 27" else "take C 27.",
            len(frame),
        )
    wanted = EXPOSURES if template == "C 28" else NODES
    ours: dict[Any, str] = {}
    for column in frame.columns:
        number, text = _parts(column)
        our = wanted.get(text) or ("" if text else wanted.get(number, ""))
        if our and our not in ours.values():
            ours[column] = our
    findings = list(source.findings)
    if template == "C 28":
        _reporter(frame, how)
    else:
        frame = _with_reporter(frame, ours, how)
    renamed = shapes.named(frame, ours, name, how)
    said = ", ".join(f"{our} is {theirs!r}" for theirs, our in renamed.items())
    text = f"{template}.00: {said or 'as columns= says'}."
    if "amount" in renamed.values():
        text += (
            " It is before value adjustments, exemptions and mitigation; columns= names another."
        )
    findings.append(note("shape", text, len(frame)))
    return replace(source, frame=frame.rename(columns=renamed), findings=findings, headerless=False)


def _reporter(frame: pd.DataFrame, how: Reading) -> None:
    """C001 without the name of the reporting institution."""
    own = {schema.key(c) for c in frame.columns} | set(how.of("columns", "exposures").values())
    if "creditor" not in {*own, *how.of("constants", "exposures")}:
        raise shapes.asked(
            "C 28 is the report of one institution, which is not in the file: it is the creditor "
            "of every row.",
            'constants={"creditor": "…"} names it.', len(frame), "C001", "orientation",
        )  # fmt: skip


def _with_reporter(frame: pd.DataFrame, ours: dict[Any, str], how: Reading) -> pd.DataFrame:
    """The nodes with the reporting institution, which is not in C 27."""
    who = how.of("constants", "exposures").get("creditor")
    node = next((c for c, our in ours.items() if our == "node"), None)
    if who is None or node is None or (frame[node] == who).any():
        return frame
    row = pd.DataFrame({node: [str(who)]}, index=[frame.index.max() + 1])
    return pd.concat([frame, row])


SHAPE = Shape(
    "corep",
    "COREP large exposures (C 28 and C 27)",
    "Annex VIII of Regulation (EU) 680/2014 and (EU) 2021/451",
    ("exposures", "nodes"),
    'ct.read("c28.csv", nodes="c27.csv", constants={"creditor": "MYBANK"})',
    matches,
    take,
)
