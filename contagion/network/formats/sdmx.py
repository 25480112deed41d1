"""SDMX-CSV: one column a dimension, OBS_VALUE, TIME_PERIOD; and the BIS files with quarters across.

Read: SDMX-CSV 1.0 and 2.0 as BIS (locational WS_LBS_D_PUB, consolidated WS_CBS_PUB), ECB and OECD
give it, headings `CODE` or `CODE:Label`, cells `5J` or `5J: All countries`; the export of the BIS
portal (title lines, "Unit multiplier"); the BIS bulk files csv_col (dimensions, then 2022-Q4 ...).

The reporter is the creditor of the counterparty, or its debtor if the only position is "L"
(liabilities). Codes with a digit or an underscore are areas or sums of countries (5J, 4T, _T, W0),
not countries: they are left out unless `totals="keep"` or `where` names them. Several series of one
pair are an error (C015); `columns={"L_INSTR": "layer"}` keeps them as separate layers. Rows without
a value are left out, UNIT_MULT and the currency are applied.

Recipe, from the bulk file of the BIS to claims of banks of a country on all sectors of another:

    ct.read("WS_CBS_PUB_csv_flat.csv", unit="USD m", period="2022-Q4", where={"L_MEASURE": "S",
        "CBS_BASIS": "F", "CBS_BANK_TYPE": "4B", "L_POSITION": "I", "L_INSTR": "A",
        "REM_MATURITY": "A", "CURR_TYPE_BOOK": "TO1", "L_CP_SECTOR": "A"},
        missing_equity="external")

`where={"TIME_PERIOD": "2022-Q4"}` keeps only one period of a wide file, already during reading.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pandas as pd

from ...text import listing, plural
from .. import schema
from ..tables import shapes
from ..tables.grids import Source
from ..tables.reading import Reading
from ..tables.shapes import Shape, code, note

REPORTERS = ("L_REP_CTY", "REF_AREA", "REPORTING_AREA", "REPORTER")
PARTNERS = ("L_CP_COUNTRY", "COUNTERPART_AREA", "COUNT_AREA", "COUNTERPART_COUNTRY", "COUNTERPARTY")
POSITIONS = ("L_POSITION", "ACCOUNTING_ENTRY")
CURRENCY = ("UNIT_MEASURE", "CURRENCY", "UNIT")
MULTIPLIER = ("UNIT_MULT", "UNIT MULTIPLIER")
ATTRIBUTES = re.compile(
    r"OBS_.*|CONF_.*|DATAFLOW.*|STRUCTURE.*|ACTION|KEY|SERIES|TITLE.*|DECIMALS|COLLECTION.*"
    r"|TIME_FORMAT|ORG_VISIBILITY|COMMENT.*|AVAILABILITY|BREAKS|SOURCE.*|FREQ|UNIT.*|CURRENCY|PRE_.*"
)
IDS = re.compile(r"[A-Z][A-Z0-9_]*|[a-z][a-z0-9_]*")  # others are labels of the column before
QUARTER = re.compile(r"(19|20)\d\d(-(Q[1-4]|S[12]|[01]\d(-[0-3]\d)?))?")
WORDS = {"units": "0", "thousands": "3", "millions": "6", "billions": "9"}
STATUS = {"E": "estimated", "P": "provisional", "B": "break", "F": "forecast", "I": "imputed"}
TOTALS = ("A", "TO1", "_T", "T", "5J", "5A", "S", "C", "W0", "S1")


def _columns(headings: Iterable[Any]) -> dict[str, Any]:
    """Headings by the id of their dimension."""
    return {code(c).upper(): c for c in reversed(list(headings))}


def _first(have: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((have[n] for n in names if n in have), None)


def _quarters(frame: pd.DataFrame) -> list[Any]:
    return [c for c in frame.columns if QUARTER.fullmatch(str(c).strip())]


def matches(source: Source) -> bool:
    """Whether there are a reporter, a counterparty, and values in one column or by quarter."""
    have = _columns(source.headings)
    if _first(have, REPORTERS) is None or _first(have, PARTNERS) is None:
        return False
    return "OBS_VALUE" in have or len(_quarters(source.frame)) > 0


def take(source: Source, name: schema.Table, how: Reading) -> Source:
    """Convert to exposures with creditor, debtor, amount, period; unit_mult, currency if given."""
    frame, findings = source.frame, list(source.findings)
    frame = frame if "OBS_VALUE" in _columns(source.headings) else _long(frame, name, how)
    frame = shapes.chosen(frame, name, how)
    have = _columns(frame.columns)
    frame = _valued(frame, have, findings)
    sides = {"creditor": _first(have, REPORTERS), "debtor": _first(have, PARTNERS)}
    frame = frame.assign(**{side: _codes(frame[c]) for side, c in sides.items()})
    frame = _countries(frame, {s: code(c) for s, c in sides.items()}, have, how, findings)
    new = {"amount": frame[have["OBS_VALUE"]]}
    by = ["creditor", "debtor"]
    if "TIME_PERIOD" in have:
        new["period"] = _codes(frame[have["TIME_PERIOD"]])
        by.append("period")
    dims = [c for c in map(str, have.values()) if _dimension(c, sides.values())]
    kept = shapes.mapped(dims, name, how)
    small = frame[["creditor", "debtor", *dims]].assign(**new)
    small = small.assign(**{c: _codes(small[c]) for c in kept}).rename(columns=kept)
    by += kept.values()
    shapes.one_series(small.drop(columns="amount"), by, source.origin, TOTALS)
    _flows(frame, have)
    done = small[[*by, "amount"]]
    position = _first(have, POSITIONS)
    if position is not None and set(_codes(frame[position])) == {"L"}:
        done = done.rename(columns={"creditor": "debtor", "debtor": "creditor"})
        findings.append(
            note("sides", f"{code(position)} is L: the reporter owes what is reported.")
        )
    multiplier, currency = _first(have, MULTIPLIER), _first(have, CURRENCY)
    if multiplier is not None:
        power = _codes(frame[multiplier])
        done = done.assign(unit_mult=power.str.lower().map(WORDS).fillna(power))
    money: Any = _codes(frame[currency]).dropna().unique() if currency is not None else []
    money = money if all(re.fullmatch("[A-Z]{3}", str(x)) for x in money) else []
    if len(money) > 1:
        done = done.assign(currency=_codes(frame[currency]))
    one = {code(c): code(frame[c].iloc[0]) for c in dims if len(frame) and frame[c].notna().any()}
    findings.append(
        note(
            "shape",
            f"SDMX: creditor is {code(sides['creditor'])}, debtor is {code(sides['debtor'])}, "
            "amount is OBS_VALUE" + (", period is TIME_PERIOD" if "period" in by else "") + ". Of "
            + ", ".join(f"{k} {v}" for k, v in one.items() if _fixed(frame, have[k.upper()])) + ".",
            len(done),
        )
    )  # fmt: skip
    unit = str(money[0]) if len(money) == 1 else ""
    return replace(source, frame=done, findings=findings, unit=unit)


def _codes(cells: pd.Series) -> pd.Series:
    """The codes of a column; each distinct cell is parsed once."""
    labels, found = pd.factorize(cells)
    new = pd.array([code(cell) for cell in found], dtype="str")
    return pd.Series(pd.Index(new).take(labels.clip(0)) if len(new) else None, cells.index).where(
        labels >= 0
    )


def _dimension(column: str, sides: Any) -> bool:
    name = code(column)
    if column in map(str, sides) or name.upper() == "TIME_PERIOD":
        return False
    return bool(IDS.fullmatch(name)) and not ATTRIBUTES.fullmatch(name.upper())


def _fixed(frame: pd.DataFrame, column: Any) -> bool:
    return int(frame[column].nunique(dropna=False)) == 1


def _long(frame: pd.DataFrame, name: schema.Table, how: Reading) -> pd.DataFrame:
    """Convert to one row a quarter; only quarters of `where={"TIME_PERIOD": ...}`, if given."""
    across = _quarters(frame)
    wanted = how.of("where", name).get("TIME_PERIOD")
    if wanted is not None:
        some = {wanted} if isinstance(wanted, str) else set(wanted)
        across = [c for c in across if str(c).strip() in some] or across
    ids = [c for c in frame.columns if not QUARTER.fullmatch(str(c).strip())]
    ids = [c for c in ids if code(c).casefold() not in ("time period", "time_period")]
    long = frame.reset_index(names="_line").melt(
        ["_line", *ids], across, var_name="TIME_PERIOD", value_name="OBS_VALUE"
    )
    long = long.set_index("_line").rename_axis(None)
    return long[long["OBS_VALUE"].notna()]


def _valued(frame: pd.DataFrame, have: dict[str, Any], findings: list[Any]) -> pd.DataFrame:
    """Rows with a value; rows without one and the status of the others are reported."""
    value = frame[have["OBS_VALUE"]]
    empty = value.isna() | value.astype(str).str.strip().str.lower().isin(["nan", "", "."])
    status = _codes(frame[have["OBS_STATUS"]]) if "OBS_STATUS" in have else None
    if empty.any():
        why = "" if status is None else f" (OBS_STATUS {_counts(status[empty])})"
        text = f"{plural(int(empty.sum()), 'row')} without a value left out{why}."
        findings.append(note("not reported", text, int(empty.sum())))
    frame = frame[~empty]
    if status is not None:
        rest = status[~empty & status.isin(STATUS)]
        if len(rest):
            text = f"{plural(len(rest), 'amount')} with OBS_STATUS {_counts(rest)}, kept."
            findings.append(note("status", text, len(rest)))
    return frame


def _counts(status: pd.Series) -> str:
    found = status.fillna("empty").value_counts(sort=False)
    return ", ".join(f"{k}{' ' + STATUS[k] if k in STATUS else ''}: {n}" for k, n in found.items())


def _countries(
    frame: pd.DataFrame,
    sides: dict[str, str],
    have: dict[str, Any],
    how: Reading,
    findings: list[Any],
) -> pd.DataFrame:
    """Rows without sums of countries, unless these are requested."""
    if how.totals == "keep":
        how.use("totals")
        return frame
    gone = pd.Series(False, frame.index)
    names: dict[str, None] = {}
    for side, column in sides.items():
        if any(schema.key(k) == schema.key(column) for k in how.where):
            continue  # the caller chose them
        own = frame[side].str.contains(r"[\d_]", na=False) | frame[side].isin(["OECD", "WLD", "W"])
        names |= dict.fromkeys(frame.loc[own, have[column.upper()]].astype(str))
        gone = gone | own
    if not gone.any():
        return frame
    if how.totals == "drop":
        how.use("totals")
    findings.append(
        note(
            "sums of countries",
            f"{plural(int(gone.sum()), 'row')} of areas that are no country left out: "
            f'{listing(names, 6)}; totals="keep" takes them as nodes.',
            int(gone.sum()), "C009",
        )
    )  # fmt: skip
    return frame[~gone]


def _flows(frame: pd.DataFrame, have: dict[str, Any]) -> None:
    """C014 for flows (changes of positions), which are not debts."""
    if "L_MEASURE" in have and len(frame) and set(_codes(frame[have["L_MEASURE"]])) <= {"F", "B"}:
        raise shapes.asked(
            "L_MEASURE is F or B: these are flows (changes of a quarter), not amounts owed.",
            "take the series with L_MEASURE S (stocks).", len(frame),
        )  # fmt: skip


SHAPE = Shape(
    "sdmx",
    "SDMX-CSV (BIS banking statistics, ECB, OECD)",
    "SDMX-CSV 1.0 and 2.0; BIS bulk files csv_flat and csv_col, portal export",
    ("exposures",),
    'ct.read("WS_CBS_PUB_csv_flat.csv", unit="USD m", where={"L_INSTR": "A"}, period="2022-Q4")',
    matches,
    take,
    ("TIME_PERIOD",),
)
