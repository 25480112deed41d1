"""The claims that a rule reads: amounts, debtors, and the columns that a rule may require."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from ..errors import RuleError
from ..text import closest, listing, plural

DEFAULTS = {"tier": 1.0, "rank": 0.0}  # as in the schema


@dataclass(frozen=True)
class Claims:
    """K claims on one or many venues, as arrays.

    Attributes
    ----------
    owner : (K,) index of the venue that owes the claim, >= 0.
    amount : (K,) money >= 0.
    columns : the other columns by name, (K,) each.
    names : function from rows to names of claimants, for messages.
    cap : (K,) the largest loss of each claim, money; `None`: its amount.
    """

    owner: np.ndarray
    amount: np.ndarray
    columns: Mapping[str, Any] = field(default_factory=dict)
    names: Callable[[np.ndarray], Iterable[Any]] = lambda rows: rows
    cap: np.ndarray | None = None

    @property
    def most(self) -> np.ndarray:
        """(K,) the largest loss of each claim."""
        return self.amount if self.cap is None else self.cap

    def __len__(self) -> int:
        return len(self.amount)

    def take(self, at: np.ndarray) -> Claims:
        """Some of the claims; their columns are selected when a rule reads them."""
        columns = _Rows(self.columns, at)
        cap = None if self.cap is None else self.cap[at]
        names = self.names
        return Claims(self.owner[at], self.amount[at], columns, lambda rows: names(at[rows]), cap)

    def grouped(self, owner: np.ndarray) -> Claims:
        """The same claims with other owners."""
        return replace(self, owner=owner)

    def numbers(
        self, column: str, rule: object, *, least: float = -np.inf, empty: float = np.nan
    ) -> np.ndarray:
        """A column as numbers (K,); `amount` is also a column.

        Parameters
        ----------
        least : the lowest number that is allowed.
        empty : the value of an empty cell; nan: an empty cell is an error, except in the columns
            `tier` and `rank`, which have defaults.

        Raises
        ------
        RuleError
            If the column is missing, or a cell is empty, not a number or below `least`.
        """
        if column == "amount":
            return self.amount
        if column not in self.columns:
            if column in DEFAULTS:
                return np.full(len(self), DEFAULTS[column])
            near = closest(column, list(self.columns))
            raise RuleError(
                f"{rule!r} needs a column {column!r}, which the claims do not have"
                + (f". Did you mean {near!r}?" if near else "; add it, one number a claim.")
            )
        given = pd.Series(self.columns[column])
        blank = given.isna().to_numpy(bool)
        values = pd.to_numeric(given, errors="coerce").to_numpy(np.float64, na_value=np.nan)
        found = np.where(blank, DEFAULTS.get(column, empty), values)
        self.refuse(
            np.isnan(found), f"{rule!r}: {column!r} is empty or not a number for", "Fill it in."
        )
        self.refuse(
            found < least,
            f"{rule!r}: {column!r} is below {least:g} for",
            'With ProRata(weight, negative="zero") those bear no loss.'
            if least == 0
            else "Correct it.",
        )
        return np.asarray(found)

    def refuse(self, bad: np.ndarray, what: str, fix: str) -> None:
        """Raise a `RuleError` that names the claims marked in `bad` (K,), if any."""
        rows = np.flatnonzero(bad)
        if len(rows):
            who = listing(list(self.names(rows[:4])) + [""] * (len(rows) - 4))
            money = f"{float(self.amount[rows].sum()):,.6g}"
            raise RuleError(f"{what} {plural(len(rows), 'claim')} of {money} ({who}). {fix}")


class _Rows(Mapping[str, Any]):
    """Some rows of columns, selected on use."""

    def __init__(self, columns: Mapping[str, Any], at: np.ndarray):
        self.columns, self.at = columns, at

    def __getitem__(self, name: str) -> np.ndarray:
        return np.asarray(np.asarray(self.columns[name])[self.at])

    def __contains__(self, name: object) -> bool:
        return name in self.columns

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)


def read(table: Any) -> tuple[pd.DataFrame, Claims]:
    """A claims table of one venue, checked: columns claimant and amount, and any others.

    Parameters
    ----------
    table : pandas, anything narwhals reads, or a mapping of columns.

    Raises
    ------
    RuleError
        For a missing column, or an amount that is empty, infinite or negative.
    """
    if isinstance(table, Mapping):
        frame = pd.DataFrame(dict(table))
    elif isinstance(table, pd.DataFrame):
        frame = table.reset_index(drop=True)
    else:
        import narwhals as nw

        frame = nw.from_native(table, eager_only=True).to_pandas()
    for column in ("claimant", "amount"):
        if column not in frame:
            raise RuleError(
                f"The claims have no column {column!r}; they have {listing(frame.columns, 9)}. "
                "One row a claim: claimant, amount (money), and the columns that the rule needs."
            )
    names = frame["claimant"]
    amount = pd.to_numeric(frame["amount"], errors="coerce").to_numpy(np.float64, na_value=np.nan)
    columns = {str(c): frame[c].to_numpy() for c in frame if c not in ("claimant", "amount")}
    claims = Claims(
        np.zeros(len(frame), np.int64), amount, columns, lambda rows: names.iloc[rows].tolist()
    )
    bad = ~(np.isfinite(amount) & (amount >= 0))
    if bad.any():
        replace(claims, amount=np.where(np.isfinite(amount), amount, 0.0)).refuse(
            bad, "amount is empty, infinite or negative for", "A claim is money >= 0."
        )
    return frame, claims
