"""C008 and W017: figures of one row that are inconsistent, beyond or within their rounding.

Any two of assets, liabilities and equity give the third; a table with more figures than needed may
be inconsistent.
"""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np

from ...errors import ArgumentError
from ...text import listing, money, plural, same_scale
from ..checks.draft import Draft

FIELDS = ("external_assets", "external_liabilities", "equity", "total_assets", "total_liabilities")
SIDES = (("external_assets", "total_assets"), ("external_liabilities", "total_liabilities"))
EXACT = 1e-6  # relative difference up to which figures are equal
MOST = 0.05  # largest relative difference that can be rounding, for figures of any precision
ROUND = (9, 6, 3)  # powers of 10 to which figures may be rounded: billions, millions, thousands
FIGURES, DIGITS = 6, 100  # minimum number of figures, and of their median in units of rounding
Given = dict[str, np.ndarray]


class Sums(NamedTuple):
    """Sums of the exposures of every node, as creditor and as debtor: arrays (n,)."""

    claims: np.ndarray
    debts: np.ndarray


class Rounding(NamedTuple):
    """Possible rounding errors: {column: unit of its last digit}, and those of claims (n,)."""

    units: dict[str, float]
    inside: Sums


class Gap(NamedTuple):
    """A stated figure against its value from the other columns: arrays (n,), `wrong` is bool."""

    column: str
    value: np.ndarray
    size: np.ndarray
    wrong: np.ndarray
    rounding: np.ndarray


def sums(draft: Draft) -> Sums:
    """Claims and debts of the exposures, by node."""
    n = len(draft.nodes)
    return Sums(*(np.bincount(side, draft.amount, n) for side in (draft.creditor, draft.debtor)))


def last_digit(values: np.ndarray) -> float:
    """The unit of the last digit that some figures show, at most 1; 0 for more than nine decimals.

    >>> last_digit(np.array([95.1, 2.0])), last_digit(np.array([95118.0, 2300.0]))
    (0.1, 1.0)
    """
    some = values[np.isfinite(values) & (values != 0)]
    for places in range(10):
        scaled = some * 10.0**places
        if (np.abs(scaled - np.round(scaled)) <= 4 * np.spacing(np.abs(scaled))).all():
            return float(10.0**-places)
    return 0.0


def roundings(draft: Draft, given: Given) -> Rounding:
    """The unit of the last digit of every column, and its sum over the claims of every node.

    Whole figures count as rounded to thousands, millions or billions if all of them are multiples
    of it and their median has at least three digits in this unit.
    """
    figures = {**given, "amount": draft.amount}
    units = {name: last_digit(values) for name, values in figures.items()}
    for group in (FIELDS, ("amount",)):
        if not all(units[name] == 1 for name in group):
            continue
        pool = np.unique(np.abs(np.concatenate([figures[name] for name in group])))
        pool = pool[np.isfinite(pool) & (pool > 0)]
        for power in ROUND:
            whole = not (pool % 10.0**power).any()
            if len(pool) >= FIGURES and whole and np.median(pool) >= DIGITS * 10.0**power:
                units |= dict.fromkeys(group, 10.0**power)
                break
    n, one = len(draft.nodes), units["amount"]
    sides = (draft.creditor, draft.debtor)
    return Rounding(units, Sums(*(one * np.bincount(side, minlength=n) for side in sides)))


def gaps(given: Given, inside: Sums, rounding: Rounding) -> list[Gap]:
    """Differences between stated figures and the other columns; rounding = Σ units of the terms.

    If external figures and totals are both given, the external figures are used.
    """
    sides, terms, found, units = [], [], [], rounding.units
    for (outer, total), add, off in zip(SIDES, inside, rounding.inside, strict=True):
        own, term = given[outer] + add, units[outer] + off
        found.append((total, own, term + units[total]))
        blank = np.isnan(own)
        sides.append(np.where(blank, given[total], own))
        terms.append(np.where(blank, units[total], term))
    found.insert(0, ("equity", sides[0] - sides[1], terms[0] + terms[1] + units["equity"]))
    size = np.fmax(np.abs(sides[0]), np.abs(sides[1]))
    out = []
    for name, value, off in found:
        scale = np.fmax(size, np.abs(given[name]))
        gap = np.nan_to_num(np.abs(value - given[name]))
        wrong = gap > EXACT * np.nan_to_num(scale)
        out.append(Gap(name, value, gap, wrong, np.fmin(off, MOST * scale)))
    return out


def give_way(given: Given, inside: Sums, rounding: Rounding, column: str) -> np.ndarray:
    """Empty one column in rows where it is part of a difference, in place; returns these (n,)."""
    hit = np.zeros(len(given[column]), bool)
    for gap in gaps(given, inside, rounding):
        side = next((pair for pair in SIDES if gap.column in pair), FIELDS)
        hit |= gap.wrong & (column in side) & ~np.isnan(given[column])
    given[column] = np.where(hit, np.nan, given[column])
    return hit


def mends(
    given: Given, inside: Sums, rounding: Rounding, columns: tuple[str, ...], rows: np.ndarray
) -> bool:
    """Whether the rows are consistent and complete if these columns are recomputed there."""
    trial = {name: values[rows].copy() for name, values in given.items()}
    mine, off = (Sums(*(values[rows] for values in both)) for both in (inside, rounding.inside))
    allowed = Rounding(rounding.units, off)
    if not all(give_way(trial, mine, allowed, name).any() for name in columns):
        return False
    if any((gap.wrong & (gap.size > gap.rounding)).any() for gap in gaps(trial, mine, allowed)):
        return False
    assets, owed = (
        np.where(np.isnan(trial[outer]), trial[total] - add, trial[outer])
        for (outer, total), add in zip(SIDES, mine, strict=True)
    )
    net = mine.claims - mine.debts - trial["equity"]
    assets, owed = (
        np.where(np.isnan(assets), owed - net, assets),
        np.where(np.isnan(owed), assets + net, owed),
    )
    return bool((np.fmin(assets, owed) >= 0).all())


def agree(draft: Draft, given: Given, inside: Sums, notes: list[str]) -> None:
    """Recompute the columns named in `balance=`, in place; report remaining inconsistencies.

    Raises
    ------
    ArgumentError
        For a column that the node table does not have.
    """
    words = draft.words("balance")
    have = [name for name in FIELDS if name in draft.nodes]
    lost = [word for word in words if word in FIELDS and word not in have]
    if lost:
        raise ArgumentError(
            f'balance="{lost[0]}": the node table has no column {lost[0]!r} that could give way; '
            f"it has {listing(have, 9) or 'none of a balance sheet'}."
        )
    if set(have) <= {outer for outer, _ in SIDES}:
        return  # no figure is stated twice
    exact = Rounding(dict.fromkeys(FIELDS, 0.0), Sums(*np.zeros((2, len(draft.nodes)))))
    if not any(gap.wrong.any() for gap in gaps(given, inside, exact)):
        return
    rounding = roundings(draft, given)
    before = gaps(given, inside, rounding)
    stated = {name: values.copy() for name, values in given.items()}
    moved = {word: give_way(given, inside, rounding, word) for word in words if word in have}
    for word, hit in moved.items():
        if hit.any():
            nodes = f"{plural(int(hit.sum()), 'node')} ({listing(draft.some(hit))})"
            notes.append(f"{word.replace('_', ' ')} of {nodes} computed from the other columns")
    left = gaps(given, inside, rounding)
    for gap, old in zip(left, before, strict=True):
        beyond = gap.wrong & (gap.size > gap.rounding)
        within = gap.wrong & ~beyond
        settled = old.wrong & ~gap.wrong
        if settled.any():
            _report(draft, old, settled, stated, "", repaired=True)
        if beyond.any():
            _report(draft, gap, beyond, given, _choices(draft, given, inside, rounding, beyond))
        if within.any():
            _rounded(draft, gap, within, given)


def derived(given: Given, assets: np.ndarray, liabilities: np.ndarray) -> tuple[str, ...]:
    """The computed sides and the figures used for them, with the number of nodes; sentences."""
    said = {}
    known = [~(np.isnan(given[outer]) & np.isnan(given[total])) for outer, total in SIDES]
    for outer, total, inside, side, other, across in (
        (*SIDES[0], "claims", assets, "equity + liabilities", known[1]),
        (*SIDES[1], "debts", liabilities, "assets − equity", known[0]),
    ):
        name, blank = outer.replace("_", " "), np.isnan(given[outer]) & ~np.isnan(side)
        if not blank.any():
            continue
        whole = blank & ~np.isnan(given[total])
        rest = blank & ~whole & across & ~np.isnan(given["equity"])  # both unknown: W008
        said[f"{name} = {total.replace('_', ' ')} − {inside}"] = whole
        said[f"{name} = {other} − {inside}"] = rest
        said[f"{name} taken as 0, no column has them"] = (
            blank & np.isnan(given["equity"]) & ~whole & (side == 0)
        )
    return tuple(
        f"{text} ({plural(int(rows.sum()), 'node')})" for text, rows in said.items() if rows.any()
    )


def _choices(draft: Draft, given: Given, inside: Sums, rounding: Rounding, rows: np.ndarray) -> str:
    """The columns whose recomputation repairs these rows, as options; two if one is not enough."""
    have = [name for name in FIELDS if name in draft.nodes]
    already = [f'"{word}"' for word in draft.words("balance")]
    for n in (1, 2):
        found = [
            [*already, *(f'"{name}"' for name in names)]
            for names in combinations(have, n)
            if mends(given, inside, rounding, names, rows)
        ]
        if found:
            said = [one[0] if len(one) == 1 else f"[{', '.join(one)}]" for one in found]
            return (
                f"balance={' | '.join(said)}: the column that gives way for "
                f"{listing(draft.some(rows))} and follows from the others."
            )
    return f"correct {listing(draft.some(rows))}: no column can give way."


def _said(draft: Draft, gap: Gap, rows: np.ndarray, given: Given) -> str:
    first = int(np.flatnonzero(rows)[0])
    stated, value = float(given[gap.column][first]), float(gap.value[first])
    say = same_scale([stated, value], draft.unit)
    return (
        f"{str(draft.nodes['node'].iloc[first])!r}: stated {gap.column.replace('_', ' ')} "
        f"{say(stated)}, the other columns and the exposures give {say(value)} "
        f"({money(float(gap.size[first]), draft.unit)} apart)"
    )


def _report(
    draft: Draft,
    gap: Gap,
    rows: np.ndarray,
    given: Given,
    fix: str,
    *,
    repaired: bool = False,
) -> None:
    n = int(rows.sum())
    draft.report(
        "C008",
        "balance sheets",
        f"{plural(n, 'row')} of the node table {'does' if n == 1 else 'do'} not add up, e.g. "
        f"{_said(draft, gap, rows, given)}.",
        fix,
        names=draft.some(rows),
        amount=float(gap.size[rows].sum()),
        repaired=repaired,
    )


def _rounded(draft: Draft, gap: Gap, rows: np.ndarray, given: Given) -> None:
    n = int(rows.sum())
    taken = "assets less liabilities" if gap.column == "equity" else "the external figure"
    draft.report(
        "W017",
        "rounded figures",
        f"{plural(n, 'row')} of the node table {'adds' if n == 1 else 'add'} up only within the "
        f"rounding of the figures, e.g. {_said(draft, gap, rows, given)}. Taken is {taken}.",
        f'balance="{gap.column}" says that the stated figure gives way.',
        names=draft.some(rows),
        amount=float(gap.size[rows].sum()),
    )
