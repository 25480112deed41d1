"""C010: tokens that back each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from ...text import money, plural
from ..checks.draft import Draft
from .sheet import Book

TOKENS = ("token", "stablecoin", "vault", "yield_protocol", "liquid_staking")


def settle(draft: Draft, book: Book) -> Book:
    """C010: report loops of tokens, keep them for clearing ("solve") or cut them.

    The gain of a loop is the share of its members' assets that are claims on each other; one
    unit of outside assets then supports 1 / (1 − gain) of reported assets.
    """
    if "kind" not in draft.nodes:
        return book
    kinds = draft.nodes["kind"].astype("str")
    token = kinds.str.contains("|".join(TOKENS), na=False).to_numpy(bool)
    rows = np.flatnonzero(token[draft.creditor] & token[draft.debtor] & (draft.amount > 0))
    if not len(rows):
        return book
    from scipy.sparse.csgraph import connected_components

    n = len(draft.nodes)
    pairs = (draft.creditor[rows], draft.debtor[rows])
    graph = csr_array((draft.amount[rows], pairs), shape=(n, n))
    _, label = connected_components(graph, directed=True, connection="strong")
    inside = (label[pairs[0]] == label[pairs[1]]) & (pairs[0] != pairs[1])
    if not inside.any():
        return book
    rows = rows[inside]
    _report(draft, book, rows, label)
    if draft.choice.get("loops", "error") != "cut":
        return book
    note = (
        f"{plural(len(rows), 'claim')} inside loops of tokens, "
        f"{money(draft.stake(rows), draft.unit)}, left out"
    )
    mask = np.ones(len(draft.amount), bool)
    mask[rows] = False
    draft.keep(mask)
    claims, debts = (np.bincount(side, draft.amount, n) for side in (draft.creditor, draft.debtor))
    return replace(book, claims=claims, debts=debts, assumptions=(*book.assumptions, note))


def _report(draft: Draft, book: Book, rows: np.ndarray, label: np.ndarray) -> None:
    how = draft.choice.get("loops", "error")
    part = pd.factorize(label[draft.creditor[rows]])[0]
    within = np.bincount(part, draft.amount[rows])
    for at in np.argsort(-within, kind="stable")[:3]:
        here = rows[part == at]
        members = np.flatnonzero(label == label[draft.creditor[here[0]]])
        total = float((book.claims + book.external_assets)[members].sum())
        gain = within[at] / total
        if np.isnan(gain):
            carries = "what backs it from outside is not known"
        elif gain < 1 - 1e-12:
            carries = (
                f"gain {gain:.2f}, 1.00 of outside assets carries {1 / (1 - gain):.3g} of assets "
                "on paper"
            )
        else:
            carries = "no outside asset backs it"
        names = draft.nodes["node"].iloc[members]
        shown = [str(name) for name in names[:4]] + ["…"] * (len(names) > 4)
        draft.report(
            "C010",
            "circular backing",
            f"{' → '.join([*shown, str(names.iloc[0])])} back each other: {carries} "
            f"({draft.weight(here)}, inside the loop).",
            'loops="solve" clears the loop to its fixed point, loops="cut" leaves these claims '
            "out.",
            names=names,
            amount=draft.stake(here),
            repaired=how != "error",
        )
    if len(within) > 3:
        rest = np.sort(within)[:-3]
        draft.report(
            "C010",
            "circular backing",
            f"{plural(len(rest), 'more loop')} of tokens that back each other "
            f"({money(float(rest.sum()), draft.unit)} inside them).",
            'loops="solve" or loops="cut".',
            count=len(rest),
            amount=float(rest.sum()),
            repaired=how != "error",
        )
