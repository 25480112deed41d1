"""C008: balance sheets and margins that are inconsistent."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...text import money, plural
from ..checks.draft import Draft, column
from .agreement import MOST, Sums, roundings, sums

ROUNDING = 1e-9
WORLD = "rest of the world"
HOW = ("add_rest_of_world", "scale_liabilities")
SIDES = (("total_assets", "claims"), ("total_liabilities", "debts"))


def exceeded(draft: Draft, given: dict[str, np.ndarray], notes: list[str]) -> Sums:
    """C008: stated totals below the sums of the exposures; returns these sums."""
    found, how = sums(draft), _how(draft)
    for at, ((total, what), inside) in enumerate(zip(SIDES, found, strict=True)):
        over = given[total] < inside * (1 - ROUNDING)
        if over.any():
            units, off = roundings(draft, given)
            most = np.fmin(units[total] + off[at], MOST * inside)
            near = over & (inside - given[total] <= most)
            over &= ~near
            if near.any():
                _rounded(draft, near, given[total], inside, total, what)
                given[total] = np.where(near, inside, given[total])
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
            _factor(given["total_assets"], found.claims)[draft.creditor],
            _factor(given["total_liabilities"], found.debts)[draft.debtor],
        )
        if (factor < 1).any():
            draft.pay(draft.amount * factor)
        found = sums(draft)
        # Scaled sums may differ from the total by rounding error.
        for (total, _), inside in zip(SIDES, found, strict=True):
            given[total] = np.where(given[total] < inside, inside, given[total])
    return found


def _how(draft: Draft) -> str:
    """The word of `balance=` for totals and margins, without names of columns; "error" if none."""
    return next((word for word in draft.words("balance") if word in HOW), "error")


def _factor(total: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """The factor that scales sums down to stated totals, 1 where they are not above them."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(inside > total, total / inside, 1.0)


def _rounded(
    draft: Draft, near: np.ndarray, total: np.ndarray, inside: np.ndarray, name: str, what: str
) -> None:
    first, n = int(np.flatnonzero(near)[0]), int(near.sum())
    draft.report(
        "W017",
        "rounded figures",
        f"{what} of {plural(n, 'node')} exceed {name.replace('_', ' ')} within the rounding of the "
        f"figures, e.g. {str(draft.nodes['node'].iloc[first])!r} by "
        f"{money(float((inside - total)[first]), draft.unit)}: the {what} count.",
        names=draft.some(near),
        amount=float((inside - total)[near].sum()),
    )


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
    if not all(name in nodes for name in ("interbank_assets", "interbank_liabilities")):
        return
    left, right = (
        float(np.nansum(column(nodes, side)))
        for side in ("interbank_assets", "interbank_liabilities")
    )
    if abs(left - right) <= ROUNDING * max(left, right):
        return
    how = _how(draft)
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
