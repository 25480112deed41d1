"""C010: nodes that are sums of other nodes of the table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ...errors import ArgumentError, Finding, NetworkError
from ...text import known_name, listing, money
from .draft import Draft

NAMED = (
    r"(?i)^\s*(?:(?:grand |sub)?totals?|sum|all (?:countries|banks|counterparties|sectors|nodes)"
    r"|(?:the )?world|euro area|euro zone|eurozone|emerging markets|developed countries"
    r"|developing countries|offshore cent(?:er|re)s)\b\s*(?:\(?total\)?|\(all\))?\s*$"
    r"|\((?:total|sum)\)\s*$|:\s*(?:total|all countries|all)\b|^5[A-Z]:"
)
MOST = 10_000  # only this number of nodes is checked, the largest: aggregates are among them
EXACT = 1e-9


def aggregates(draft: Draft) -> None:
    """C010: nodes that are sums of other nodes, by their name or by arithmetic."""
    choice = draft.choice.get("aggregates", "error")
    if isinstance(choice, str) and choice == "keep":
        return
    if isinstance(choice, str):
        found = _named(draft)
        found = found if len(found) else _arithmetic(draft)
    else:
        found = _wanted(draft, list(choice))
    if not len(found):
        return
    hit = np.zeros(len(draft.names) + 1, bool)
    hit[found] = True
    touched = hit[draft.creditor] | hit[draft.debtor]
    rows, names = np.flatnonzero(touched), draft.nodes["node"].iloc[found]
    stake = draft.stake(rows)
    one = len(found) == 1
    draft.report(
        "C010",
        "aggregates",
        f"{listing(names)} look{'s like the sum' if one else ' like sums'} of other nodes in the "
        f"table: {money(stake, draft.unit)} counted twice ({draft.lines(rows)})."
        if len(rows)
        else f"{listing(names)} look{'s like the sum' if one else ' like sums'} of other nodes.",
        f'aggregates="drop" leaves {"it" if one else "them"} out, aggregates=["…"] names the ones '
        'to leave out, aggregates="keep" says that they are not sums.',
        names=names,
        amount=stake,
        repaired=choice != "error",
    )
    if not (isinstance(choice, str) and choice == "error"):
        _drop(draft, hit[: len(draft.names)], touched)


def _named(draft: Draft) -> np.ndarray:
    """Nodes with the name of a sum, such as "total"."""
    nodes, n = draft.nodes, len(draft.nodes)
    rows = np.arange(n)
    if n > MOST:
        clean = draft.trial() if draft.failed else draft
        size = np.bincount(clean.creditor, clean.amount, n)
        size += np.bincount(clean.debtor, clean.amount, n)
        rows = np.argpartition(-size, MOST)[:MOST]
    hit = np.zeros(len(rows), bool)
    for column in ("node", "name"):
        if column in nodes:
            names = draft.names[:n] if column == "node" else pd.Index(nodes[column])
            hit |= _like_sums(names if n <= MOST else names[rows])
    return np.sort(rows[hit])


def _like_sums(names: pd.Series | pd.Index) -> np.ndarray:
    """(n,) bool: names typical of sums."""
    if names.dtype.kind in "iuf":
        return np.zeros(len(names), bool)  # numbers are not names of sums
    import pyarrow as pa
    import pyarrow.compute as pc

    text = isinstance(names.dtype, pd.StringDtype)
    found = pc.match_substring_regex(
        pa.array(names if text else names.astype("str"), from_pandas=True), NAMED
    )
    if not pc.any(found).as_py():
        return np.zeros(len(names), bool)
    return np.asarray(found.fill_null(False).to_numpy(zero_copy_only=False), bool)


def _arithmetic(draft: Draft) -> np.ndarray:
    """Nodes whose claims (or debts) equal the sum over all others, for every counterparty."""
    n, found = len(draft.nodes), []
    if draft.failed:
        draft = draft.trial()
    if n < 5 or not len(draft.amount):
        return np.empty(0, np.int64)
    amount = draft.amount
    for mine, theirs in ((draft.creditor, draft.debtor), (draft.debtor, draft.creditor)):
        size = np.bincount(mine, amount, n)
        largest = int(np.argmax(size))
        if abs(size[largest] - size.sum() / 2) > EXACT * size.sum():
            continue
        here = mine == largest
        top = np.bincount(theirs[here], amount[here], n)
        rest = np.bincount(theirs[~here], amount[~here], n)
        if np.allclose(top, rest, rtol=1e-6, atol=0) and (top > 0).sum() > 2:
            found.append(largest)
    return np.unique(np.array(found, np.int64))


def _wanted(draft: Draft, wanted: list[object]) -> np.ndarray:
    place = pd.Index(draft.nodes["node"]).get_indexer_for(pd.Index(wanted, dtype=object))
    if len(wanted) and (place < 0).any():
        lost = next(name for name in wanted if not (draft.nodes["node"] == name).any())
        known_name(lost, list(draft.nodes["node"]), "node", "aggregates")
    return np.unique(place)


def _drop(draft: Draft, hit: np.ndarray, touched: np.ndarray) -> None:
    draft.keep(~touched)
    n = len(draft.nodes)
    draft.nodes = draft.nodes[~hit[:n]].reset_index(drop=True)
    renumber = np.append(np.cumsum(~hit) - 1, -1).astype(draft.creditor.dtype)
    draft.creditor, draft.debtor = renumber[draft.creditor], renumber[draft.debtor]
    draft.names = draft.names[~hit]


def without_sums(table: pd.DataFrame, choice: Any, unit: str) -> pd.DataFrame:
    """A table of margins without rows that are sums of others, by the option `aggregates=`.

    Raises
    ------
    NetworkError : C010 if there are such rows and the option is not given.
    ArgumentError : if there are no such rows to drop.
    """
    if isinstance(choice, str) and choice == "keep":
        return table
    names = table["node"].astype("str")
    if isinstance(choice, str):
        hit = _like_sums(names)
        if not hit.any() and len(table) > 3:
            sides = table[["interbank_assets", "interbank_liabilities"]].to_numpy(np.float64)
            total = np.nansum(sides, axis=0)
            hit = (sides > 0).all(axis=1) & np.isclose(2 * sides, total, rtol=EXACT).all(axis=1)
    else:
        for name in choice:
            known_name(name, list(table["node"]), "node", "aggregates")
        hit = table["node"].isin(list(choice)).to_numpy(bool)
    if choice != "error":
        if not hit.any():
            raise ArgumentError(f"aggregates={choice!r}: no node is a sum of others. Leave it out.")
        return table[~hit]
    if not hit.any():
        return table
    some = names[hit]
    raise NetworkError(
        [
            Finding(
                "C010",
                "error",
                "aggregates",
                f"{listing(some)} look{'s like the sum' if len(some) == 1 else ' like sums'} of "
                "other nodes.",
                'aggregates="drop" leaves them out, aggregates=["…"] names the ones to leave out, '
                'aggregates="keep" says that they are not sums.',
                int(hit.sum()),
                float(table["interbank_assets"].to_numpy(np.float64)[hit].sum()),
                tuple(some[:3]),
            )
        ]
    )
