"""Conversion of text to numbers, column by column by the schema; messages for wrong cells."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ...errors import Finding
from ...text import closest, listing, plural
from ...units import parse
from .. import schema
from .columns import Mapped
from .numbers import Numbers, numbers, truths
from .reading import RATES, Reading

FEW = 200
EXAMPLES = {"percent": 5, "basis_points": 500, "factor": 1.05, "factor_basis_points": 10500}


def converted(done: Mapped, name: schema.Table, how: Reading, dtypes: Mapping[Any, Any]) -> None:
    """Convert every column of numbers to float64, in place; repairs are added to the findings.

    A column with cells that are not numbers remains text: the checks name the cells. The decimal
    sign follows from the column, or else from the other columns of the table. `dtypes` are those of
    the columns.
    """
    table, own = done.frame, schema.columns(name)
    text = [
        c
        for c, dtype in dtypes.items()
        if (c not in own or own[c].dtype in ("int", "float"))
        and not pd.api.types.is_numeric_dtype(dtype)
        and (c in own or _maybe(table[c]))
    ]
    if text:
        how.use("decimal", "thousands")
    read = {c: _numbers(table[c], own.get(c), how) for c in text}
    signs = {one.sign for one in read.values() if one.sign}
    if len(signs) == 1 and how.decimal is None:
        for c in [c for c, one in read.items() if one.ambiguous]:
            read[c] = _numbers(table[c], own.get(c), how, next(iter(signs)))
    new: dict[Any, np.ndarray] = {}
    for c, one in read.items():
        if one.unread is None and (c in own or not np.isnan(one.values).all()):
            new[c] = one.values
    for c in [c for c in own if c in dtypes]:
        if own[c].unit == "money":
            _money(done, c, name, read.get(c), new, how)
        if c in how.rates or own[c].fraction:
            _rate(done, c, name, read.get(c), new, how)
        if c in read and read[c].hexed and not _has_decimals(dtypes, name, how):
            _raw(done, c, name)
    if new:
        done.frame = table.assign(**{str(c): v for c, v in new.items()})


def _has_decimals(have: Collection[Any], name: schema.Table, how: Reading) -> bool:
    own = schema.columns(name)
    return bool(how.decimals) or any(str(c).endswith("decimals") and c in own for c in have)


def _numbers(
    cells: pd.Series, column: schema.Column | None, how: Reading, elsewhere: str = ""
) -> Numbers:
    fraction = column is None or column.fraction or column.column in how.rates
    return numbers(cells, how.decimal, how.thousands, elsewhere, fraction)


def _maybe(cells: pd.Series) -> bool:
    """Whether a column outside the schema has numbers in its first cells."""
    if not isinstance(cells.dtype, pd.StringDtype):
        return False
    some = cells.dropna().iloc[:FEW]
    if not len(some) or some.str.match(r"^\s*0\d").any():
        return False
    return any(numbers(some, sign, fraction=True).unread is None for sign in ".,")


def _money(
    done: Mapped,
    c: str,
    name: schema.Table,
    read: Numbers | None,
    new: dict[Any, np.ndarray],
    how: Reading,
) -> None:
    """Convert words such as bn, signs of currencies and units of headings to the common unit."""
    home, said = parse(how.unit), parse(done.units.get(c, ""))
    codes = list(read.codes) if read is not None else []
    codes += [said.asset] if said.asset else []
    foreign = [
        x for x in dict.fromkeys(codes) if home.asset and x.casefold() != home.asset.casefold()
    ]
    if len(set(codes)) > 1 or [x for x in foreign if x not in how.fx]:
        done.findings.append(
            Finding(
                "C007", "error", "mixed units",
                f"the {name} have amounts in {listing(dict.fromkeys(codes))} in the column {c!r}"
                + (f"; the unit is {how.unit}." if how.unit else "; a network has one unit."),
                "fx={" + ", ".join(f'"{x}": …' for x in foreign[:4] or codes[:4]) + "}"
                if len(set(codes)) == 1 else "a column currency says the currency of each row.",
                len(done.frame),
            )
        )  # fmt: skip
        return
    if len(set(codes)) == 1 and not how.unit:
        done.units.setdefault(c, codes[0])  # the unit of the network, if it is the only one
    if read is None and said.factor == 1 and not foreign:
        return
    values = new.get(c)
    if values is None:
        if c in done.frame and pd.api.types.is_numeric_dtype(done.frame[c].dtype):
            values = done.frame[c].to_numpy(np.float64, na_value=np.nan)
        else:
            return
    factor = np.ones(len(values))
    if read is not None and read.scaled is not None:
        bare = ~read.scaled & np.isfinite(values) & (values != 0)
        if bare.any() and home.factor != 1:
            done.findings.append(
                Finding(
                    "C007", "error", "mixed units",
                    f"the column {c!r} of the {name} has amounts with a word such as bn and "
                    f"amounts without; the unit is {how.unit}.",
                    "write all amounts in one way.", int(bare.sum()),
                )
            )  # fmt: skip
            return
        factor /= home.factor
    elif said.factor != 1 and how.unit and said.factor != home.factor:
        factor *= said.factor / home.factor
    for code in foreign:
        factor *= float(how.fx[code])
        how.use(f"fx:{code}")
    if (factor != 1).any():
        new[c] = values * factor
    if (read is not None and read.scaled is not None) or (factor != 1).any():
        done.findings.append(
            Finding(
                "C007", "repaired", "mixed units",
                f"{c} of the {name} "
                + ("has amounts in words such as bn" if read is not None and read.scaled is not None
                   else f"is in {done.units.get(c) or listing(foreign)}")
                + f": read in {how.unit or 'single units'}.",
                "", len(values),
            )
        )  # fmt: skip


def _rate(
    done: Mapped,
    c: str,
    name: schema.Table,
    read: Numbers | None,
    new: dict[Any, np.ndarray],
    how: Reading,
) -> None:
    """Convert per cent, basis points and factors to fractions."""
    if c in how.rates:
        how.use(f"rates:{c}")
        values = new.get(c)
        if values is None:
            if not pd.api.types.is_numeric_dtype(done.frame[c].dtype):
                return
            values = done.frame[c].to_numpy(np.float64, na_value=np.nan)
        slope, level = RATES[how.rates[c]]
        percent = np.zeros(len(values), bool)
        if read is not None and read.percent is not None:
            percent = read.percent
        new[c] = np.where(percent, values, np.round(values * slope + level, 12))
        said = f"{c} of the {name} is written as {how.rates[c].replace('_', ' ')}"
    elif read is not None and read.percent is not None and c in new:
        said = f"{plural(int(read.percent.sum()), 'cell')} of {c} in per cent"
    else:
        return
    done.findings.append(
        Finding("C012", "repaired", f"column {c}", f"{said}: read as fractions.", "", len(new[c]))
    )


def _raw(done: Mapped, c: str, name: schema.Table) -> None:
    done.findings.append(
        Finding(
            "C007", "error", "raw integers",
            f"the column {c!r} of the {name} has hex integers, which count in the smallest unit.",
            'decimals={"…": …} divides by asset, as {"USDC": 6, "WETH": 18} does.', len(done.frame),
        )
    )  # fmt: skip


def cells(
    column: schema.Column, given: pd.Series, how: Reading
) -> tuple[np.ndarray | pd.Series | None, np.ndarray | None]:
    """A column with the type of the schema (None: unchanged), and the cells not permitted."""
    if column.dtype == "string":
        if not column.words:
            return None, None
        words = column.words.split()
        text = given.astype(object).where(given.notna(), None)
        folded = text.map(lambda x: x.strip().casefold() if isinstance(x, str) else x)
        good = folded.isin(words)
        bad = (given.notna() & ~good & (folded != "")).to_numpy(bool)
        changed = (good & (folded != text)).any()
        return (folded.where(good, text) if changed else None), bad
    if column.dtype == "bool":
        return truths(given, bool(column.fill))
    read = _numbers(given, column, how)
    bad = np.isinf(read.values) | (read.values < column.least)
    if column.fraction:
        bad |= read.values > 1
    if column.dtype == "int":
        whole = np.where(np.isfinite(read.values), read.values, 0.0)
        bad |= whole != np.round(whole)
    bad = bad if read.unread is None else bad | read.unread
    return (None if pd.api.types.is_numeric_dtype(given.dtype) else read.values), bad


def wrong(
    column: schema.Column, given: pd.Series, rows: np.ndarray, where: str
) -> tuple[str, str, str]:
    """Title, message and fix for cells that the schema does not permit."""
    some = given.iloc[rows]
    near = closest(some.iloc[0], column.words.split()) if column.words else ""
    hint = f" Did you mean {near!r}?" if near else ""
    message = (
        f"{plural(len(rows), 'cell')} {where} {'is' if len(rows) == 1 else 'are'} not "
        f"{column.what}: {listing(some.drop_duplicates())}.{hint} The column says: "
        f"{column.meaning}."
    )
    fix = "correct the cells, or leave them empty"
    fix += f" (then {column.default})." if column.default else " (unknown)."
    if column.fraction:
        x = numbers(given, ".", fraction=True).values
        ways = [
            way for way, (slope, level) in RATES.items()
            if ((x * slope + level >= 0) & (x * slope + level <= 1) | np.isnan(x)).all()
        ]  # fmt: skip
        said = [f'rates={{"{column.column}": "{way}"}} ({EXAMPLES[way]} is 0.05)' for way in ways]
        fix = "; ".join([*said, "or correct the cells."])
    return f"column {column.column}", message, fix
