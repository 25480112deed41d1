"""C008: balance sheets and margins that do not add up."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...text import listing, money, plural
from ..checks.draft import Draft, column
from .sheet import Book

ROUNDING = 1e-9
WORLD = "rest of the world"
SIDES = (("total_assets", "claims"), ("total_liabilities", "debts"))


def exceeded(
    draft: Draft, given: dict[str, np.ndarray], notes: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """C008: stated totals below what the exposures already add up to; returns claims and debts."""
    claims, debts = _sums(draft)
    how = draft.choice.get("balance", "error")
    for (total, what), inside in zip(SIDES, (claims, debts), strict=True):
        over = given[total] < inside * (1 - ROUNDING)
        if over.any():
            _report(draft, over, given[total], inside, total, what, how != "error")
            nodes = plural(int(over.sum()), "node")
            if how == "add_rest_of_world":
                given[total] = np.where(over, inside, given[total])
                notes.append(f"{total.replace('_', ' ')} of {nodes} raised to the {what} listed")
            elif how == "scale_liabilities":
                notes.append(f"{what} of {nodes} scaled down to their {total.replace('_', ' ')}")
    if how == "scale_liabilities":
        factor = np.minimum(
            _factor(given["total_assets"], claims)[draft.creditor],
            _factor(given["total_liabilities"], debts)[draft.debtor],
        )
        if (factor < 1).any():
            draft.pay(draft.amount * factor)
        claims, debts = _sums(draft)
        # What scales down to a total may differ from it in the last digit.
        for (total, _), inside in zip(SIDES, (claims, debts), strict=True):
            given[total] = np.where(given[total] < inside, inside, given[total])
    return claims, debts


def _factor(total: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """What brings sums down to stated totals, 1 where they are not above them."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(inside > total, total / inside, 1.0)


def _sums(draft: Draft) -> tuple[np.ndarray, np.ndarray]:
    n = len(draft.nodes)
    return np.bincount(draft.creditor, draft.amount, n), np.bincount(draft.debtor, draft.amount, n)


def _report(
    draft: Draft,
    over: np.ndarray,
    total: np.ndarray,
    inside: np.ndarray,
    name: str,
    what: str,
    repaired: bool,
) -> None:
    first = int(np.flatnonzero(over)[0])
    gap = float((inside - total)[over].sum())
    n = int(over.sum())
    with np.errstate(divide="ignore"):
        times = float(np.log10(np.median(inside[over] / total[over])))
    power = next((p for p in (3, 6, 9) if abs(times - p) < 0.5), 0)
    units = f" The exposures look 10{'³⁶⁹'[power // 3 - 1]} times too large." if power else ""
    more = "" if n == 1 else f"; {n:,} such nodes, {money(gap, draft.unit)} in all"
    draft.report(
        "C008",
        f"{what} exceed {name.split('_')[1]}",
        f"{str(draft.nodes['node'].iloc[first])!r}: {what} "
        f"{money(float(inside[first]), draft.unit)} exceed {name.replace('_', ' ')} "
        f"{money(float(total[first]), draft.unit)}{more}. "
        f"{'Assets' if what == 'claims' else 'Debts'} outside the graph would be negative.{units}",
        'balance="add_rest_of_world" raises the totals to what the exposures add up to, '
        'balance="scale_liabilities" scales the exposures down to the totals.',
        names=draft.some(over),
        amount=gap,
        repaired=repaired,
    )


def margins(draft: Draft) -> None:
    """C008: interbank assets and liabilities (margins without exposures) that do not agree."""
    nodes = draft.nodes
    if not {"interbank_assets", "interbank_liabilities"} <= set(nodes.columns):
        return
    left, right = (
        float(np.nansum(column(nodes, side)))
        for side in ("interbank_assets", "interbank_liabilities")
    )
    if abs(left - right) <= ROUNDING * max(left, right):
        return
    how = draft.choice.get("balance", "error")
    draft.report(
        "C008",
        "margins",
        f"interbank assets {money(left, draft.unit)} ≠ interbank liabilities "
        f"{money(right, draft.unit)}: both margins cannot be met.",
        'balance="add_rest_of_world" gives the difference to a new node, '
        'balance="scale_liabilities" scales the liabilities.',
        count=1,
        amount=abs(left - right),
        repaired=how != "error",
    )
    if how == "scale_liabilities":
        scaled = column(nodes, "interbank_liabilities") * (left / right if right else np.nan)
        draft.nodes = nodes.assign(interbank_liabilities=scaled)
    elif how == "add_rest_of_world" and len(draft.names) == len(nodes):
        world = {
            "node": WORLD,
            "can_fail": False,
            "interbank_assets": max(right - left, 0.0),
            "interbank_liabilities": max(left - right, 0.0),
        }
        if "can_fail" not in nodes:
            nodes = nodes.assign(can_fail=True)
        draft.nodes = pd.concat([nodes, pd.DataFrame([world])], ignore_index=True)
        draft.names = draft.names.append(pd.Index([WORLD]))


def stated(draft: Draft, book: Book, given: dict[str, np.ndarray]) -> None:
    """C008: equity or totals stated against the rest of the row."""
    scale = book.claims + book.debts + np.abs(np.nan_to_num(book.external_assets))
    for name, value, sides in (
        ("equity", book.equity, "external_assets, external_liabilities and equity"),
        ("total_assets", book.external_assets + book.claims, "external_assets and total_assets"),
        (
            "total_liabilities",
            book.external_liabilities + book.debts,
            "external_liabilities and total_liabilities",
        ),
    ):
        gap = np.abs(value - given[name])
        wrong = gap > 1e-6 * np.maximum(scale, np.abs(given[name]))
        if not wrong.any():
            continue
        first, n = int(np.flatnonzero(wrong)[0]), int(wrong.sum())
        draft.report(
            "C008",
            "balance sheets",
            f"{plural(n, 'row')} of the node table {'does' if n == 1 else 'do'} not add up, e.g. "
            f"{str(draft.nodes['node'].iloc[first])!r}: stated {name.replace('_', ' ')} "
            f"{money(float(given[name][first]), draft.unit)}, the other columns and the exposures "
            f"give {money(float(value[first]), draft.unit)}.",
            f"leave one of {sides} empty for {listing(draft.some(wrong))}, or correct it.",
            names=draft.some(wrong),
            amount=float(gap[wrong].sum()),
        )
