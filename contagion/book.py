"""The balance sheet of every node: completed from what is known, checked, never guessed.

One identity carries it: equity = external assets + claims − external liabilities − debts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from .text import listing, money
from .validation import Draft

ROUNDING = 1e-9
TOKENS = ("token", "stablecoin", "vault", "yield_protocol", "liquid_staking")
FIELDS = ("external_assets", "external_liabilities", "equity", "total_assets", "total_liabilities")


@dataclass(frozen=True)
class Book:
    """Balance sheets as arrays of shape (n,), in money; nan where a side is unknown.

    Attributes
    ----------
    external_assets, claims, external_liabilities, debts, equity : see DESIGN words; equity signed.
    can_fail : false for nodes that pay in full whatever happens.
    assumptions : what was assumed, one sentence each.
    """

    external_assets: np.ndarray
    claims: np.ndarray
    external_liabilities: np.ndarray
    debts: np.ndarray
    can_fail: np.ndarray
    assumptions: tuple[str, ...] = ()

    @property
    def equity(self) -> np.ndarray:
        return self.external_assets + self.claims - self.external_liabilities - self.debts

    @property
    def known(self) -> np.ndarray:
        return np.isfinite(self.external_assets) & np.isfinite(self.external_liabilities)


def with_assumptions(book: Book, assumptions: tuple[str, ...]) -> Book:
    """The same balance sheets with the assumptions of the network they were made from."""
    return replace(book, assumptions=tuple(dict.fromkeys(assumptions + book.assumptions)))


def complete(draft: Draft) -> Book:
    """Complete the balance sheets of a draft and report what is missing or does not add up."""
    nodes, n = draft.nodes, len(draft.nodes)
    claims = np.bincount(draft.creditor, draft.amount, n)
    debts = np.bincount(draft.debtor, draft.amount, n)
    given = {name: _column(nodes, name) for name in FIELDS}
    _claims_exceed_assets(draft, given, claims, debts)
    assets, liabilities = given["external_assets"], given["external_liabilities"]
    equity, notes = given["equity"].copy(), []
    assets = np.where(np.isnan(assets), given["total_assets"] - claims, assets)
    liabilities = np.where(np.isnan(liabilities), given["total_liabilities"] - debts, liabilities)
    if not {"external_liabilities", "total_liabilities", "equity"} & set(nodes.columns):
        liabilities = np.where(np.isnan(assets), np.nan, 0.0)
    can_fail = np.ones(n, bool)
    if "can_fail" in nodes:
        can_fail = nodes["can_fail"].astype("boolean").fillna(True).to_numpy(bool)
    equity = _assumed(draft, assets, liabilities, equity, notes)
    assets, liabilities = _from_equity(draft, assets, liabilities, equity, claims, debts)
    can_fail = _missing(draft, assets, liabilities, can_fail, notes)
    book = Book(assets, claims, liabilities, debts, can_fail, tuple(notes))
    _stated_equity(draft, book, given["equity"])
    book = _collateral(draft, book)
    _insolvent(draft, book)
    _concentration(draft, book)
    return _circular(draft, book)


def _column(nodes: pd.DataFrame, name: str) -> np.ndarray:
    if name not in nodes:
        return np.full(len(nodes), np.nan)
    return pd.to_numeric(nodes[name]).to_numpy(np.float64, na_value=np.nan).copy()


def _names(draft: Draft, mask: np.ndarray) -> pd.Series:
    return draft.nodes["node"].iloc[np.flatnonzero(mask)]


def _claims_exceed_assets(
    draft: Draft, given: dict[str, np.ndarray], claims: np.ndarray, debts: np.ndarray
) -> None:
    """C008: stated totals below what the exposures of the table already add up to."""
    repair = draft.choice.get("balance", "error") == "add_rest_of_world"
    for total, inside, what in (
        ("total_assets", claims, "claims"),
        ("total_liabilities", debts, "debts"),
    ):
        over = given[total] < inside * (1 - ROUNDING)
        if over.any():
            first = int(np.flatnonzero(over)[0])
            gap = float((inside - given[total])[over].sum())
            draft.report(
                "C008",
                "balance sheets",
                f"{str(draft.nodes['node'].iloc[first])!r}: {what} {money(inside[first])} exceed "
                f"{total.replace('_', ' ')} {money(given[total][first])}; {int(over.sum())} such "
                f"nodes, {money(gap, draft.unit)}.",
                'balance="add_rest_of_world" raises the total to what the exposures add up to, '
                "or correct the exposures.",
                names=_names(draft, over),
                amount=gap,
                repaired=repair,
            )
            if repair:
                given[total] = np.where(over, inside, given[total])


def margins(draft: Draft) -> None:
    """C008: interbank assets and liabilities (margins without exposures) that do not agree."""
    nodes = draft.nodes
    if not {"interbank_assets", "interbank_liabilities"} <= set(nodes.columns):
        return
    left, right = (
        float(np.nansum(_column(nodes, side)))
        for side in ("interbank_assets", "interbank_liabilities")
    )
    if abs(left - right) <= ROUNDING * max(left, right):
        return
    how = draft.choice.get("balance", "error")
    draft.report(
        "C008",
        "margins",
        f"interbank assets {money(left)} ≠ interbank liabilities {money(right)}: both margins "
        "cannot be met.",
        'balance="add_rest_of_world" | "scale_liabilities".',
        count=1,
        amount=abs(left - right),
        repaired=how != "error",
    )
    if how == "scale_liabilities":
        scaled = _column(nodes, "interbank_liabilities") * (left / right)
        draft.nodes = nodes.assign(interbank_liabilities=scaled)
    elif how == "add_rest_of_world":
        world = {
            "node": "rest of the world",
            "can_fail": False,
            "interbank_assets": max(right - left, 0.0),
            "interbank_liabilities": max(left - right, 0.0),
        }
        draft.nodes = pd.concat([nodes, pd.DataFrame([world])], ignore_index=True)


def _assumed(
    draft: Draft, assets: np.ndarray, liabilities: np.ndarray, equity: np.ndarray, notes: list[str]
) -> np.ndarray:
    """Fill unknown equity from assume_equity= and start_defaulted=; say so."""
    blank = np.isnan(equity) & (np.isnan(assets) | np.isnan(liabilities))
    index = pd.Index(draft.nodes["node"])
    wanted = {
        **dict.fromkeys(draft.choice.get("start_defaulted", ()), 0.0),
        **draft.choice.get("assume_equity", {}),
    }
    place = index.get_indexer(pd.Index(list(wanted), dtype=index.dtype if wanted else None))
    lost = [name for name, at in zip(wanted, place, strict=True) if at < 0]
    if lost:
        draft.report(
            "C004",
            "unknown ids",
            f"equity is assumed for {listing(lost)}, which the node table does not have.",
            "correct the names.",
            names=lost,
        )
    for (name, value), at in zip(wanted.items(), place, strict=True):
        if at >= 0 and blank[at]:
            equity[at] = value
            notes.append(
                f"equity of {name} assumed {money(value, draft.unit)} (not in the sources)"
            )
    return equity


def _from_equity(
    draft: Draft,
    assets: np.ndarray,
    liabilities: np.ndarray,
    equity: np.ndarray,
    claims: np.ndarray,
    debts: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Complete the missing side; where both are missing, the smallest that carries the equity."""
    has = ~np.isnan(equity)
    no_assets, no_liabilities = np.isnan(assets), np.isnan(liabilities)
    net = claims - debts - equity
    both = has & no_assets & no_liabilities
    assets = np.where(has & no_assets & ~no_liabilities, liabilities - net, assets)
    liabilities = np.where(has & no_liabilities & ~no_assets, assets + net, liabilities)
    assets = np.where(both, np.maximum(-net, 0.0), assets)
    liabilities = np.where(both, np.maximum(net, 0.0), liabilities)
    scale = claims + debts + np.abs(np.nan_to_num(equity))
    assets = np.where(np.abs(assets) <= ROUNDING * scale, np.maximum(assets, 0.0), assets)
    liabilities = np.where(
        np.abs(liabilities) <= ROUNDING * scale, np.maximum(liabilities, 0.0), liabilities
    )
    for side, what in ((assets, "external assets"), (liabilities, "external liabilities")):
        below = side < 0
        if below.any():
            gap = float(-side[below].sum())
            draft.report(
                "C008",
                "balance sheets",
                f"{int(below.sum())} nodes would need negative {what} to balance: "
                f"{listing(_names(draft, below))}, {money(gap, draft.unit)} in all.",
                "correct the equity, the other side or the exposures of these nodes.",
                names=_names(draft, below),
                amount=gap,
            )
    if both.any():
        draft.report(
            "W008",
            "smallest balance sheet",
            f"only the equity of {int(both.sum()):,} nodes is known ({listing(_names(draft, both))})"
            ": the smallest balance sheet that carries it is used. Recovery rates of clearing "
            "models depend on the true size; default cascades and DebtRank do not.",
            names=_names(draft, both),
        )
    return assets, liabilities


def _missing(
    draft: Draft,
    assets: np.ndarray,
    liabilities: np.ndarray,
    can_fail: np.ndarray,
    notes: list[str],
) -> np.ndarray:
    """C005: nodes that may fail and whose capital nobody has told us."""
    unknown = np.isnan(assets) | np.isnan(liabilities)
    blank = unknown & can_fail
    if blank.any():
        external = draft.choice.get("missing_equity", "error") == "external"
        names = _names(draft, blank)
        draft.report(
            "C005",
            "equity missing",
            f"equity is missing for {int(blank.sum()):,} nodes ({listing(names)}). A node without "
            "equity is not immune, and we do not guess.",
            "give equity (or assets and liabilities), assume_equity={…: …}, "
            'missing_equity="external" (they lose but never fail), or start_defaulted=[…].',
            names=names,
            repaired=external,
        )
        if external:
            notes.append(
                f"{int(blank.sum())} nodes without known capital hold claims and lose them, but "
                f"never fail ({listing(names)})"
            )
    return can_fail & ~unknown


def _stated_equity(draft: Draft, book: Book, stated: np.ndarray) -> None:
    """C005 and C008: equity stated at or below zero, or against the rest of the row."""
    started = draft.nodes["node"].isin(list(draft.choice.get("start_defaulted", ()))).to_numpy()
    scale = book.claims + book.debts + np.abs(np.nan_to_num(book.external_assets))
    gap = np.abs(book.equity - stated)
    wrong = gap > 1e-6 * np.maximum(scale, np.abs(stated))
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        draft.report(
            "C008",
            "balance sheets",
            f"{int(wrong.sum())} rows do not add up, e.g. "
            f"{str(draft.nodes['node'].iloc[first])!r}: stated equity {money(stated[first])}, "
            f"assets less liabilities {money(float(book.equity[first]))}.",
            "leave one of external_assets, external_liabilities and equity empty, or correct it.",
            names=_names(draft, wrong),
            amount=float(gap[wrong].sum()),
        )
    alone = np.isnan(_column(draft.nodes, "external_assets"))
    alone &= np.isnan(_column(draft.nodes, "total_assets"))
    below = (stated <= 0) & alone & ~started
    if below.any():
        draft.report(
            "C005",
            "equity not positive",
            f"equity is ≤ 0 for {int(below.sum()):,} nodes ({listing(_names(draft, below))}) and "
            "their assets are not given.",
            "correct it, give external_assets, or start_defaulted=[…].",
            names=_names(draft, below),
        )


def _insolvent(draft: Draft, book: Book) -> None:
    scale = book.claims + np.nan_to_num(book.external_assets)
    below = book.equity < -ROUNDING * scale
    below &= ~draft.nodes["node"].isin(list(draft.choice.get("start_defaulted", ()))).to_numpy()
    if below.any():
        hole = float(-book.equity[below].sum())
        draft.report(
            "W009",
            "insolvent on the book",
            f"{int(below.sum()):,} nodes owe more than they have before any shock "
            f"({listing(_names(draft, below))}; {money(hole, draft.unit)} missing). Losses count "
            'from face value with baseline="book", from the clearing without shock with '
            'baseline="cleared".',
            "start_defaulted=[…] says that this is known.",
            names=_names(draft, below),
            amount=hole,
        )


def _concentration(draft: Draft, book: Book) -> None:
    with np.errstate(invalid="ignore", divide="ignore"):
        share = draft.amount / book.equity[draft.creditor]
    rows = np.flatnonzero((share > 0.25) & np.isfinite(share))
    if len(rows):
        worst = int(rows[np.argmax(share[rows])])
        draft.report(
            "W010",
            "large exposures",
            f"{len(rows):,} claims exceed 25 % of the creditor's equity, e.g. {draft.pair(worst)} "
            f"at {share[worst]:.0%}.",
            rows=rows,
            amount=float(draft.amount[rows].sum()),
        )


def _collateral(draft: Draft, book: Book) -> Book:
    """Collateral: settle it (the secured part is paid from the pledge) or say that it is there."""
    if "collateral" not in draft.exposures:
        return book
    pledged = np.nan_to_num(_column(draft.exposures, "collateral"))
    rows = np.flatnonzero(pledged > 0)
    if not len(rows):
        return book
    how = draft.choice.get("collateral", "error")
    stake = float(np.minimum(pledged, draft.amount).sum())
    draft.report(
        "C011",
        "collateral",
        f"{len(rows):,} claims carry collateral of {money(stake, draft.unit)} ({draft.lines(rows)}).",
        'collateral="settle" pays the secured part from the pledge and leaves the rest as the '
        'claim, collateral="ignore" treats the claims as unsecured.',
        rows=rows,
        amount=stake,
        repaired=how != "error",
    )
    if how != "settle":
        return book
    n, taken = len(draft.nodes), np.minimum(pledged, draft.amount)
    out, back = (np.bincount(side, taken, n) for side in (draft.debtor, draft.creditor))
    short = book.external_assets - out < -ROUNDING * out
    if short.any():
        draft.report(
            "C008",
            "balance sheets",
            f"{listing(_names(draft, short))} pledged more than their external assets.",
            "raise external_assets (pledged assets are part of them) or correct the collateral.",
            names=_names(draft, short),
        )
    draft.amount = draft.amount - taken
    draft.exposures = draft.exposures.assign(collateral=pledged - taken)
    note = f"collateral of {money(stake, draft.unit)} settled on {len(rows)} claims"
    return Book(
        np.maximum(book.external_assets - out, 0.0) + back,
        book.claims - back,
        book.external_liabilities,
        book.debts - out,
        book.can_fail,
        (*book.assumptions, note),
    )


def _circular(draft: Draft, book: Book) -> Book:
    """C010: tokens that back each other; gain is what comes round the loop per unit sent in."""
    how = draft.choice.get("loops", "error")
    if "kind" not in draft.nodes:
        return book
    token = draft.nodes["kind"].astype(str).str.contains("|".join(TOKENS)).to_numpy()
    rows = np.flatnonzero(token[draft.creditor] & token[draft.debtor] & (draft.amount > 0))
    if not len(rows):
        return book
    n = len(draft.nodes)
    pairs = (draft.creditor[rows], draft.debtor[rows])
    graph = csr_array((draft.amount[rows], pairs), shape=(n, n))
    parts, label = connected_components(graph, directed=True, connection="strong")
    inside = label[pairs[0]] == label[pairs[1]]
    if not inside.any():
        return book
    loop_rows = rows[inside]
    total = book.claims + np.nan_to_num(book.external_assets)
    for part in np.unique(label[draft.creditor[loop_rows]]):
        members = np.flatnonzero(label == part)
        share = graph[members][:, members].toarray() / total[members, None]
        gain = float(np.abs(np.linalg.eigvals(share)).max() ** len(members))
        names = draft.nodes["node"].iloc[members]
        here = loop_rows[label[draft.creditor[loop_rows]] == part]
        carries = (
            f"1.00 of outside asset carries {1 / (1 - gain):.3g} of claims"
            if gain < 1
            else ("no outside asset backs it")
        )
        draft.report(
            "C010",
            "circular backing",
            f"{'→'.join(map(str, names.iloc[:4]))}{'→…' if len(names) > 4 else ''}→"
            f"{names.iloc[0]} back each other with gain {gain:.2f}: {carries} "
            f"({money(float(draft.amount[here].sum()), draft.unit)} inside the loop).",
            'loops="solve" clears the loop to its fixed point, loops="cut" leaves these claims out.',
            names=names,
            amount=float(draft.amount[here].sum()),
            repaired=how != "error",
        )
    if how == "cut":
        mask = np.ones(len(draft.amount), bool)
        mask[loop_rows] = False
        draft.keep(mask)
        claims, debts = (
            np.bincount(side, draft.amount, n) for side in (draft.creditor, draft.debtor)
        )
        book = replace(book, claims=claims, debts=debts)
    return book
