"""C005 and other checks of equity: assumed, derived, missing or negative equity."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from ...media import visible
from ...text import closest, listing, money, percent, plural
from ..checks.draft import Draft, column
from .sheet import Book
from .totals import ROUNDING


def assume(
    draft: Draft, assets: np.ndarray, liabilities: np.ndarray, equity: np.ndarray, notes: list[str]
) -> None:
    """Fill unknown equity from assume_equity= and start_defaulted=, in place, and report it."""
    blank = np.isnan(equity) & (np.isnan(assets) | np.isnan(liabilities))
    assumed = draft.choice.get("assume_equity", {})
    wanted = {**dict.fromkeys(draft.choice.get("start_defaulted", ()), 0.0), **assumed}
    if not wanted:
        return
    known = pd.Index(draft.nodes["node"])
    place = known.get_indexer_for(pd.Index(list(wanted), dtype=object))
    lost = [name for name, at in zip(wanted, place, strict=True) if at < 0]
    if lost:
        match = closest(lost[0], known)
        draft.report(
            "C004",
            "unknown ids",
            f"equity is assumed for {listing(lost)}, which the node table does not have"
            + (f" (closest {match!r})." if match else "."),
            "correct the names in assume_equity= or start_defaulted=.",
            names=lost,
        )
    unused = []
    for (name, value), at in zip(wanted.items(), place, strict=True):
        if at >= 0 and blank[at]:
            equity[at] = value
            amount = money(float(value), draft.unit)
            notes.append(f"equity of {name} assumed {amount} (not in the sources)")
        elif at >= 0 and name in assumed:
            unused.append(name)
    if unused:
        draft.report(
            "W014",
            "assumption not used",
            f"the equity assumed for {listing(unused)} is not used: the tables give its capital.",
            "net.with_nodes(equity={…: …}) replaces a known figure.",
            names=unused,
        )


def from_equity(
    draft: Draft,
    assets: np.ndarray,
    liabilities: np.ndarray,
    equity: np.ndarray,
    claims: np.ndarray,
    debts: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Compute the missing side from equity; if both are missing, the smallest consistent sides."""
    has = ~np.isnan(equity)
    no_assets, no_liabilities = np.isnan(assets), np.isnan(liabilities)
    both = has & no_assets & no_liabilities
    given = ~no_assets, ~no_liabilities
    scale = claims + debts
    if has.any():
        net = claims - debts - equity
        assets = np.where(has & no_assets & ~no_liabilities, liabilities - net, assets)
        liabilities = np.where(has & no_liabilities & ~no_assets, assets + net, liabilities)
        assets = np.where(both, np.maximum(-net, 0.0), assets)
        liabilities = np.where(both, np.maximum(net, 0.0), liabilities)
        scale = scale + np.where(has, np.abs(equity), 0.0)
    assets, liabilities = (_not_below(side, ROUNDING * scale) for side in (assets, liabilities))
    for side, seen, what in (
        (assets, given[0], "external assets"),
        (liabilities, given[1], "external liabilities"),
    ):
        below = (side < 0) & ~seen  # given figures have their own finding
        if below.any():
            gap, n = float(-side[below].sum()), int(below.sum())
            sums = money(gap, draft.unit) + (" in all" if n > 1 else "")
            draft.report(
                "C008",
                "balance sheets",
                f"{plural(n, 'node')} would need negative {what} to balance: "
                f"{listing(draft.some(below))}, {sums}.",
                f"correct the equity, the other side or the exposures of "
                f"{'this node' if n == 1 else 'these nodes'}.",
                names=draft.some(below),
                amount=gap,
            )
    if both.any():
        n = int(both.sum())
        draft.report(
            "W008",
            "smallest balance sheet",
            f"only the equity of {plural(n, 'node')} is known ({listing(draft.some(both))}): the "
            "smallest balance sheet that carries it is used. Recovery rates of clearing models "
            "depend on the true size; default cascades and DebtRank do not.",
            "give external_assets or external_liabilities.",
            names=draft.some(both),
        )
    return assets, liabilities


def _not_below(side: np.ndarray, rounding: np.ndarray) -> np.ndarray:
    """The side with values set to 0 that are negative only by rounding error."""
    return np.where((side <= 0) & (side >= -rounding), 0.0, side)


def missing(
    draft: Draft,
    assets: np.ndarray,
    liabilities: np.ndarray,
    can_fail: np.ndarray,
    inside: np.ndarray,
    notes: list[str],
) -> np.ndarray:
    """C005: nodes that can default and have no equity given; returns the nodes that can default."""
    unknown = np.isnan(assets) | np.isnan(liabilities)
    blank = unknown & can_fail
    if blank.any():
        external = draft.choice.get("missing_equity", "error") == "external"
        names, stake, n = draft.some(blank), float(inside[blank].sum()), int(blank.sum())
        one = str(names.iloc[0])
        draft.report(
            "C005",
            "equity missing",
            f"equity is missing for {plural(n, 'node')} ({listing(names)}; claims and debts of "
            f"{money(stake, draft.unit)}). A node without equity is not immune, and we do not "
            "guess.",
            f'a column equity (or external_assets, external_liabilities), assume_equity={{"{one}": '
            f'…}}, missing_equity="external" (they lose but never fail), or start_defaulted='
            f'["{one}"].',
            names=names,
            amount=stake,
            repaired=external,
        )
        if external:
            notes.append(
                f"{plural(n, 'node')} without known capital {'holds' if n == 1 else 'hold'} claims "
                f"and {'loses' if n == 1 else 'lose'} them, but never "
                f"{'fails' if n == 1 else 'fail'} ({listing(names)})"
            )
    may: np.ndarray = can_fail & ~unknown
    return may


def _started(draft: Draft) -> np.ndarray:
    wanted = list(draft.choice.get("start_defaulted", ()))
    if not wanted:
        return np.zeros(len(draft.nodes), bool)
    started: np.ndarray = draft.nodes["node"].isin(wanted).to_numpy(bool)
    return started


def not_positive(draft: Draft, given: dict[str, np.ndarray]) -> None:
    """C005: equity stated at or below zero, without the assets that would explain it."""
    below = given["equity"] <= 0
    if not below.any():
        return
    below &= np.isnan(column(draft.nodes, "external_assets"))
    below &= np.isnan(column(draft.nodes, "total_assets"))
    started = _started(draft)
    if (below & ~started).any():
        below &= ~started
    if below.any():
        names, n = draft.some(below), int(below.sum())
        draft.report(
            "C005",
            "equity not positive",
            f"equity is ≤ 0 for {plural(n, 'node')} ({listing(names)}) and "
            f"{'its' if n == 1 else 'their'} assets are not given: failed already, or a blank "
            "that was exported as 0?",
            f"correct it, give external_assets, or {_known(names)}.",
            names=names,
            amount=float(-given["equity"][below].sum()),
            repaired=bool((below & started).any()),
        )


def _known(names: pd.Series) -> str:
    """The text of the option that names nodes in default before the shock."""
    listed = ", ".join(visible(json.dumps(str(name), ensure_ascii=False)) for name in names[:3])
    listed += ", …" if len(names) > 3 else ""
    return f"start_defaulted=[{listed}]"


def insolvent(draft: Draft, book: Book) -> None:
    """W009: nodes with negative equity before any shock."""
    below = book.equity < -ROUNDING * (book.claims + book.stated_assets)
    if below.any():
        below &= ~_started(draft)
    if below.any():
        hole, n = float(-book.equity[below].sum()), int(below.sum())
        draft.report(
            "W009",
            "insolvent on the book",
            f"{plural(n, 'node owes', 'nodes owe')} more than "
            f"{'it has' if n == 1 else 'they have'} before any shock "
            f"({listing(draft.some(below))}; {money(hole, draft.unit)} missing). That is "
            "no loss from the shock.",
            f"{_known(draft.some(below))} says that this is known; the baseline “book” counts "
            "losses from face value.",
            names=draft.some(below),
            amount=hole,
        )


def concentrated(draft: Draft, book: Book) -> None:
    """W010: claims above 25 % of the creditor's equity."""
    equity = book.equity
    limit = np.where(equity > 0, 0.25 * equity, np.inf)
    rows = np.flatnonzero(draft.amount > limit[draft.creditor])
    if len(rows):
        share = draft.amount[rows] / equity[draft.creditor[rows]]
        worst = int(rows[np.argmax(share)])
        draft.report(
            "W010",
            "large exposures",
            f"{plural(len(rows), 'claim exceeds', 'claims exceed')} 25 % of the creditor's equity, "
            f"e.g. {draft.pair(worst)} at {percent(float(share.max()))}.",
            rows=rows,
            amount=draft.stake(rows),
        )
