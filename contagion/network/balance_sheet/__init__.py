"""The balance sheet of every node: completed from known figures and checked, never guessed.

It uses one identity: equity = external assets + claims − external liabilities − debts.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..checks.draft import Draft, column
from . import agreement, capital, collateral, totals
from . import token_loops as loops
from .sheet import Book, with_assumptions


def complete_book(draft: Draft) -> Book:
    """Complete the balance sheets of a draft and report missing or inconsistent figures."""
    nodes, n = draft.nodes, len(draft.nodes)
    given = {name: column(nodes, name) for name in agreement.FIELDS}
    notes: list[str] = []
    inside = totals.exceeded(draft, given, notes)
    agreement.agree(draft, given, inside, notes)
    claims, debts = inside.claims, inside.debts
    assets, liabilities = given["external_assets"], given["external_liabilities"]
    equity = given["equity"].copy()
    assets = np.where(np.isnan(assets), given["total_assets"] - claims, assets)
    liabilities = np.where(np.isnan(liabilities), given["total_liabilities"] - debts, liabilities)
    if not any(name in nodes for name in ("external_liabilities", "total_liabilities", "equity")):
        liabilities = np.where(np.isnan(assets), np.nan, 0.0)
        if np.isfinite(assets).any():
            draft.report(
                "N004",
                "default assumed",
                "no external liabilities, total liabilities or equity are given: nodes owe nothing "
                "outside the graph.",
                names=draft.some(np.isfinite(assets)),
            )
    can_fail = np.ones(n, bool)
    if "can_fail" in nodes:
        can_fail = nodes["can_fail"].astype("boolean").fillna(True).to_numpy(bool)
    capital.assume(draft, assets, liabilities, equity, notes)
    assets, liabilities = capital.from_equity(draft, assets, liabilities, equity, claims, debts)
    can_fail = capital.missing(draft, assets, liabilities, can_fail, claims + debts, notes)
    said = agreement.derived(given, assets, liabilities)
    book = Book(assets, claims, liabilities, debts, can_fail, tuple(notes), derived=said)
    capital.not_positive(draft, given)
    book = loops.settle(draft, collateral.settle(draft, book)).frozen()
    capital.insolvent(draft, book)
    capital.concentrated(draft, book)
    return book


def with_shares(draft: Draft, book: Book, shares: np.ndarray) -> Book:
    """The balance sheets with the shares held in other nodes, and updated findings on equity."""
    owning = replace(book, shares=shares).frozen()
    said = ("W009", "W010")
    draft.findings = [finding for finding in draft.findings if finding.code not in said]
    capital.insolvent(draft, owning)
    capital.concentrated(draft, owning)
    return owning


__all__ = ["Book", "complete_book", "with_assumptions", "with_shares"]
