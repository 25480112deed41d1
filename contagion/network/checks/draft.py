"""The tables from which a network is built: names as codes, amounts as numbers, findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sized
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import islice
from pathlib import PurePath
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from ...errors import Finding, NetworkError
from ...text import money, percent
from ..tables.numbers import Numbers, numbers
from ..tables.reading import Reading
from .choices import Choices

EXCLUDED = ("C003", "C004", "C006")  # later checks ignore rows with these errors
MATRIX = "matrix"
LINED = (".csv", ".tsv", ".txt", ".tab", ".dat", ".gz")


@dataclass
class Draft:
    """The tables from which a network is built.

    Attributes
    ----------
    nodes : the node table; its row numbers are the codes 0 … n − 1.
    names : the ids of the nodes, then ids that occur only in the exposures.
    creditor, debtor : (m,) codes into `names`, −1 where the cell is empty.
    amount : (m,) face values, nan where the cell is empty or cannot be read.
    columns : the other columns of the exposures (m rows), with the index of the input.
    raw, cells : the column `amount` as converted, and its original cells.
    broken : (m,) rows with an error; later checks ignore them.
    liabilities : `L` of exactly these amounts, if a check has already built it.
    how : the options of reading, which record the options that were used.
    """

    nodes: pd.DataFrame
    names: pd.Index
    creditor: np.ndarray
    debtor: np.ndarray
    amount: np.ndarray
    columns: pd.DataFrame
    choice: Choices
    unit: str = ""
    origin: str = ""
    raw: Numbers | None = None
    cells: pd.Series | None = None
    findings: list[Finding] = field(default_factory=list)
    broken: np.ndarray | None = None
    liabilities: csr_array | None = None
    how: Reading = field(default_factory=Reading)

    def report(
        self,
        code: str,
        title: str,
        message: str,
        fix: str = "",
        *,
        repaired: bool = False,
        rows: np.ndarray | None = None,
        names: Iterable[object] = (),
        count: int = 0,
        amount: float = float("nan"),
    ) -> None:
        """Add a finding; `rows` are positions in the exposure table."""
        names = names if isinstance(names, Sized) else list(names)
        samples = self.samples(rows) if rows is not None else tuple(map(str, islice(names, 3)))
        known = {"W": "warning", "N": "note"}
        severity = known.get(code[0], "repaired" if repaired else "error")
        count = count or (len(rows) if rows is not None else len(names))
        self.findings.append(Finding(code, severity, title, message, fix, count, amount, samples))
        if rows is not None and severity == "error" and code in EXCLUDED:
            if self.broken is None:
                self.broken = np.zeros(len(self.amount), bool)
            self.broken[rows] = True

    def words(self, option: Literal["balance"]) -> tuple[str, ...]:
        """The words of an option that accepts one or several."""
        given = self.choice.get(option, ())
        return (given,) if isinstance(given, str) else tuple(given)

    @property
    def failed(self) -> bool:
        """True if an error has been found."""
        return any(finding.severity == "error" for finding in self.findings)

    # -- words for rows ---------------------------------------------------------------------

    def place(self, rows: np.ndarray, most: int = 3) -> tuple[str, list[str]]:
        """The word for a row in the source of the data, and the labels of the first rows."""
        if self.origin == MATRIX:
            return "cell", [self.pair(int(row)) for row in rows[:most]]
        index = self.columns.index
        word = "line" if _lined(self.origin) else "row"
        header = 2 if word == "line" or ".xls" in self.origin.lower() else 0
        add = header if pd.api.types.is_integer_dtype(index.dtype) else 0
        labels = [index[int(row)] for row in rows[:most]]
        return f"{self.origin} {word}".strip(), [str(x + add if add else x) for x in labels]

    def lines(self, rows: np.ndarray) -> str:
        """File and lines of some rows, for a message: "claims.csv lines 3, 17 and 4 more"."""
        word, labels = self.place(rows)
        more = f" and {len(rows) - 3:,} more" if len(rows) > 3 else ""
        return f"{word}{'s' if len(rows) > 1 else ''} {', '.join(labels)}{more}"

    def samples(self, rows: np.ndarray) -> tuple[str, ...]:
        """Up to three rows with their position and content."""
        word, labels = self.place(rows)
        return tuple(
            f"{word} {label}: {self.pair(int(row))} {self.amount[row]:g} {self.unit}".rstrip()
            for label, row in zip(labels, rows[:3], strict=True)
        )

    def name(self, code: int) -> str:
        """The name behind a code, "?" for an empty cell."""
        return str(self.names[code]) if code >= 0 else "?"

    def pair(self, row: int) -> str:
        """Creditor→debtor of a row."""
        return f"{self.name(self.creditor[row])}→{self.name(self.debtor[row])}"

    def stake(self, rows: np.ndarray) -> float:
        """The sum of the absolute amounts in some rows; cells that are not numbers are ignored."""
        some = self.amount[rows]
        return float(np.abs(some[np.isfinite(some)]).sum())

    def weight(self, rows: np.ndarray) -> str:
        """The total amount of some rows and its share of all exposures, for a message."""
        stake = self.stake(rows)
        total = float(np.abs(self.amount[np.isfinite(self.amount)]).sum())
        share = f", {percent(stake / total)} of all exposures" if total > 0 else ""
        return money(stake, self.unit) + share

    def some(self, mask: np.ndarray) -> pd.Series:
        """The names of the nodes where a mask of length n is true."""
        return self.nodes["node"].iloc[np.flatnonzero(mask)]

    # -- repairs ----------------------------------------------------------------------------

    def keep(self, mask: np.ndarray) -> None:
        """Drop the exposure rows where `mask` is false."""
        self.columns = self.columns[mask]
        self.amount, self.creditor = self.amount[mask], self.creditor[mask]
        self.debtor, self.liabilities = self.debtor[mask], None
        if self.broken is not None:
            self.broken = self.broken[mask]

    def pay(self, amount: np.ndarray) -> None:
        """Replace the amounts."""
        self.amount, self.liabilities = amount, None

    def trial(self) -> Draft:
        """A copy without the rows that have errors, and without findings."""
        good = (self.creditor >= 0) & (self.debtor >= 0) & np.isfinite(self.amount)
        if self.broken is not None:
            good &= ~self.broken
        n = len(self.nodes)
        good &= (self.creditor < n) & (self.debtor < n)
        copy = replace(self, findings=[], broken=None, names=self.names[:n])
        copy.keep(good)
        return copy


@lru_cache(64)
def _lined(origin: str) -> bool:
    return PurePath(origin).suffix.lower() in LINED


def draft(
    nodes: pd.DataFrame | None,
    exposures: pd.DataFrame,
    choice: Choices,
    unit: str = "",
    origin: str = "",
    how: Reading | None = None,
) -> Draft:
    """Convert names to codes and amounts to numbers; each column of names is processed once."""
    cells = exposures["amount"]
    small = np.int32 if 3 * len(exposures) < 2**31 - 1 else np.int64
    id_map = choice.get("id_map", {})
    labels, found = [], []
    for side in ("creditor", "debtor"):
        try:
            codes, unique = pd.factorize(_plain(exposures[side]))
        except TypeError:
            raise NetworkError(
                f"The column {side!r} holds lists or other things that are not ids: text and "
                "numbers are."
            ) from None
        if isinstance(unique, pd.Categorical):
            unique = _plain(_uncategorical(pd.Index(unique)))
        if id_map:
            unique = _plain(pd.Index([id_map.get(name, name) for name in pd.Index(unique)]))
        labels.append(codes.astype(small))
        found.append(unique)
    if nodes is None:
        nodes = pd.DataFrame({"node": _sorted(_append(*map(_index, found)).unique())})
    elif isinstance(nodes["node"].dtype, pd.CategoricalDtype):
        nodes = nodes.assign(node=_uncategorical(pd.Index(nodes["node"])))
    known, n = pd.Index(nodes["node"]), len(nodes)
    place, uniques = pd.factorize(_joined(known, *found))
    names = known
    if known.hasnans or len(uniques) != n or not (place[:n] == np.arange(n)).all():
        first, keys = _first_rows(place[:n], len(uniques))
        place = np.append(first, -1)[place]
        names = _append(known, _index(uniques)[keys])
    sides, at = [], n
    for label, unique in zip(labels, found, strict=True):
        here = np.append(place[at : at + len(unique)], -1).astype(small)
        sides.append(here[label])
        at += len(unique)
    how = how or Reading()
    others = [c for c in exposures.columns if c not in ("creditor", "debtor", "amount")]
    columns = exposures[others] if others else pd.DataFrame({}, exposures.index)
    raw = numbers(cells, how.decimal, how.thousands)
    return Draft(
        nodes,
        names,
        sides[0],
        sides[1],
        raw.values,
        columns,
        choice,
        unit,
        origin,
        raw,
        cells if raw.unread is not None else None,
        how=how,
    )


def _first_rows(place: np.ndarray, total: int) -> tuple[np.ndarray, np.ndarray]:
    """First node row of every key, ids not in the node table numbered after it, and their keys."""
    n = len(place)
    first = np.full(total, -1)
    rows = np.flatnonzero(place >= 0)[::-1]
    first[place[rows]] = rows
    keys = np.flatnonzero(first < 0)
    first[keys] = n + np.arange(len(keys))
    return first, keys


def _plain(cells: pd.Series | pd.Index) -> Any:
    """The array of some cells, a numpy array if possible, which pandas factorizes without a copy
    and without building an index."""
    return cells.to_numpy() if isinstance(cells.dtype, np.dtype) else cells.array


def _index(cells: Any) -> pd.Index:
    """An index of the cells with the same dtype, e.g. text stored as objects."""
    index: pd.Index = pd.Index(cells, dtype=cells.dtype)
    return index


def _uncategorical(index: pd.Index) -> pd.Index:
    if isinstance(index.dtype, pd.CategoricalDtype):
        return index.astype(index.dtype.categories.dtype)
    return index


def _joined(known: pd.Index, *found: Any) -> Any:
    """The ids of the nodes and of both sides, concatenated."""
    if all(isinstance(part, np.ndarray) and part.dtype == known.dtype for part in found):
        return np.concatenate([known.to_numpy(), *found])
    return _append(known, *map(_index, found))


def _append(*parts: pd.Index) -> pd.Index:
    """The parts concatenated; empty parts do not affect the dtype."""
    some = [part for part in parts if len(part)] or [parts[0]]
    return some[0].append(some[1:])


def _sorted(names: pd.Index) -> pd.Index:
    names = names[names.notna()]
    try:
        return names.sort_values()
    except TypeError:  # numbers and text mixed
        return names[np.argsort(names.map(str).to_numpy(object), kind="stable")]


def column(table: pd.DataFrame | Mapping[str, Any], name: str) -> np.ndarray:
    """A numeric column as float64 (a copy), nan where it or a cell is missing."""
    if name not in table:
        return np.full(len(table), np.nan)
    cells = table[name]
    if cells.dtype == np.float64:
        return cells.to_numpy(copy=True)
    return pd.to_numeric(cells).to_numpy(np.float64, na_value=np.nan, copy=True)
