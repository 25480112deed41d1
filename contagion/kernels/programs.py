"""Linear and mixed-integer programmes (HiGHS), with a check of the duality gap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array, vstack

from ..errors import ConvergenceError

GAP = 1e-6  # largest relative duality gap of a solved linear programme
MIP_GAP = 1e-9  # relative gap at which an integer programme counts as solved


@dataclass(frozen=True, eq=False)
class Solution:
    """Of `min cost · z`: `z`, the value, dual prices of the rows `A z <= b`, the duality gap."""

    z: np.ndarray
    value: float
    prices: np.ndarray
    gap: float


def linear_program(
    name: str,
    cost: np.ndarray,
    bounds: np.ndarray,
    *,
    below: tuple[csr_array, np.ndarray] | None = None,
    equal: tuple[csr_array, np.ndarray] | None = None,
    gap: float = GAP,
    **options: Any,
) -> Solution:
    """`min cost · z` with `low <= z <= high`, `A z <= b` (below) and `C z = d` (equal).

    The value is compared with the dual, λ·b + μ·d + Σ reduced costs · bounds; in a solved programme
    the difference is at most `gap` times 1 + |value|.

    Parameters
    ----------
    name : of the programme, for error messages.
    cost : (k,); bounds : (k, 2), infinite for no bound.
    options : of HiGHS: `method`, tolerances.

    Raises
    ------
    ConvergenceError
        If there is no solution, or the dual does not confirm it.

    Example
    -------
    >>> found = linear_program("mine", np.array([-1.0]), np.array([[0.0, np.inf]]),
    ...     below=(csr_array([[2.0]]), np.array([6.0])))
    >>> found.z.tolist(), found.value, found.prices.tolist()
    ([3.0], -3.0, [-0.5])
    """
    from scipy import optimize

    solver: Any = optimize.linprog  # its type stubs lack sparse matrices
    method = options.pop("method", "highs")
    upper, right = below if below is not None else (None, None)
    matrix, wanted = equal if equal is not None else (None, None)
    found = solver(
        cost, A_ub=upper, b_ub=right, A_eq=matrix, b_eq=wanted, bounds=bounds, method=method,
        options=options,
    )  # fmt: skip
    if found.status != 0:
        raise ConvergenceError(f"The {name} programme was not solved: {found.message}")
    away = dual_gap(name, found, bounds, right, wanted, gap)
    return Solution(found.x, float(found.fun), np.asarray(found.ineqlin.marginals), away)


def dual_gap(
    name: str,
    found: Any,
    bounds: np.ndarray,
    right: np.ndarray | None,
    wanted: np.ndarray | None,
    most: float = GAP,
) -> float:
    """Relative duality gap of a solved programme; raises if it is too large."""
    dual = 0.0
    for rows, side in ((found.ineqlin, right), (found.eqlin, wanted)):
        dual += float(rows.marginals @ side) if side is not None else 0.0
    for part, bound in ((found.lower, bounds[:, 0]), (found.upper, bounds[:, 1])):
        there = np.isfinite(bound)
        dual += float(part.marginals[there] @ bound[there])
    away = abs(dual - float(found.fun)) / (1.0 + abs(float(found.fun)))
    if not away <= most:
        raise ConvergenceError(
            f"The {name} programme is not solved: its duality gap is {away:.1e}."
        )
    return away


@dataclass(frozen=True, eq=False)
class IntegerSolution:
    """The best `z` found, or None; a lower bound of the value; the message of the solver."""

    z: np.ndarray | None
    bound: float
    proved: bool
    impossible: bool
    message: str


def integer_program(
    cost: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    integer: np.ndarray,
    rows: Sequence[tuple[Any, Any, Any]],
    *,
    seconds: float,
    gap: float = MIP_GAP,
) -> IntegerSolution:
    """`min cost · z` with `low <= z <= high`, `l <= A z <= u` for rows (A, l, u), some z integer.

    `integer` (k,) is 1 for integer variables and 0 for the others. HiGHS stops after `seconds`;
    then `proved` is False, and `bound` limits the value of any better solution.

    >>> found = integer_program(np.array([1.0]), np.zeros(1), np.array([9.0]), np.ones(1),
    ...     [(csr_array([[2.0]]), 5.0, np.inf)], seconds=10)
    >>> found.z.tolist(), found.proved
    ([3.0], True)
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    matrix = csr_array(vstack([a for a, _, _ in rows], format="csr"))
    sides = [
        np.concatenate([np.broadcast_to(np.asarray(r[k], float), r[0].shape[0]) for r in rows])
        for k in (1, 2)
    ]
    found = milp(
        cost,
        constraints=LinearConstraint(matrix, *sides),
        bounds=Bounds(low, high),
        integrality=integer,
        options={"time_limit": seconds, "mip_rel_gap": gap},
    )
    bound = np.nan if found.mip_dual_bound is None else float(found.mip_dual_bound)
    z = None if found.x is None else np.asarray(found.x)
    return IntegerSolution(z, bound, found.status == 0, found.status == 2, str(found.message))
