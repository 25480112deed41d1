"""Whether any network meets the margins. If not: the nodes that prevent it, amounts and a fix."""

from __future__ import annotations

import numpy as np

from ...errors import NetworkError
from ...text import listing, money, plural
from ._cells import ROUNDING, Problem
from ._transport import carried, reached, shortfall

FIX = (
    'Fix: residual="rest of the world" adds an external node that takes the remainder, or '
    "correct the figures"
)


def leftover(problem: Problem) -> tuple[float, float]:
    """Smallest amounts of claims without a debtor and of debts without a creditor.

    If only the diagonal is forbidden, the largest amount that can be placed is

        min(Σ claims, Σ debts, min_i Σ claims + Σ debts − claims_i − debts_i),

    by the max-flow min-cut theorem; otherwise the maximum flow is computed.
    """
    supply, demand = problem.supply, problem.demand
    given, asked = float(supply.sum()), float(demand.sum())
    if len(problem.closed) == len(supply):
        most = float(np.min(given + asked - supply - demand, initial=np.inf))
        placed = min(given, asked, most)
    else:
        placed = float(carried(*problem.cells, supply, demand).sum())
    floor = ROUNDING * max(given, asked)
    return tuple(gap if gap > floor else 0.0 for gap in (given - placed, asked - placed))  # type: ignore[return-value]


def require(problem: Problem, names: np.ndarray, unit: str) -> None:
    """Raise `NetworkError` where no network meets the margins; names the nodes that prevent it.

    Parameters
    ----------
    names : (n,) in the order of the problem.
    """
    supply, demand = problem.supply, problem.demand
    given, asked = float(supply.sum()), float(demand.sum())
    if abs(given - asked) > ROUNDING * max(given, asked):
        side = "claims" if given > asked else "debts"
        raise NetworkError(
            f"All claims are {money(given, unit)}, all debts {money(asked, unit)}: "
            f"{money(abs(given - asked), unit)} of the {side} cannot be placed among the "
            f"{plural(len(supply), 'node')}. {FIX}."
        )
    if not any(leftover(problem)):
        return
    row, column = problem.cells
    amount = carried(row, column, supply, demand)
    surplus, _ = shortfall(row, column, amount, supply, demand)
    rows, columns = reached(row, column, amount, surplus)
    claims, debts = float(supply[rows].sum()), float(demand[columns].sum())
    raise NetworkError(_blocked(problem, names, unit, rows, columns, claims, debts))


def _blocked(
    problem: Problem,
    names: np.ndarray,
    unit: str,
    rows: np.ndarray,
    columns: np.ndarray,
    claims: float,
    debts: float,
) -> str:
    """A message with the violated condition of Hall, for the side with fewer nodes."""
    known = " beyond the known ones" if len(problem.known_row) else ""
    others = ~rows & (problem.supply > 0), ~columns & (problem.demand > 0)
    gap = money(claims - debts, unit)
    if rows.sum() <= others[1].sum():
        who, sums = names[rows & (problem.supply > 0)], (claims, debts)
        what, may = "claims", "may lend to owe"
        there = names[columns & (problem.demand > 0)]
    else:
        who = names[others[1]]
        sums = float(problem.demand[others[1]].sum()), float(problem.supply[others[0]].sum())
        what, may = "debts", "may borrow from have claims of"
        there = names[others[0]]
    one = len(who) == 1
    partners = f" ({listing(there)})" if 0 < len(there) <= 3 else ""
    return (
        f"{listing(who)} {'has' if one else 'have'} {what} of {money(sums[0], unit)}{known}, but "
        f"all nodes that {'it' if one else 'they'} {may} {money(sums[1], unit)}{partners}: {gap} "
        f"cannot be placed. {FIX}, or allow more cells."
    )
