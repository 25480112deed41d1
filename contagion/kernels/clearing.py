"""The clearing kernel: the fixed point of the segments, for a batch of scenarios.

Written in what is *not* paid, `y = width − payments`, so that work and rounding follow the
nodes in default and not the size of the system:

    lost  = y @ S                                          what creditors do not get
    y     = clip(start + width − funds[owner], 0, width)   funds = external assets + claims − lost

From y = 0 upward this reaches the greatest clearing vector, from y = width downward the least.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .clearing_calls import Called
from .iteration import Problem
from .segments import Segments

THRESHOLD = 1e-12  # funds this close to what is due (relative to the balance sheet) are solvent


@dataclass(frozen=True)
class Cleared:
    """What the kernel hands back; B scenarios, n nodes, S segments.

    unpaid (B, S) and funds (B, n) are money; funds are before default costs. default_round is
    -1 for solvent nodes and only meaningful outside mode "fast". residual (B,) is the largest
    change of one more round relative to the balance sheet of the node; products counts sparse
    products in units of the whole matrix.
    """

    unpaid: np.ndarray
    funds: np.ndarray
    defaulted: np.ndarray
    default_round: np.ndarray
    rounds: np.ndarray
    residual: np.ndarray
    converged: np.ndarray
    products: float
    history: list[tuple[np.ndarray, np.ndarray]]
    called: np.ndarray | None = None
    unmet: np.ndarray | None = None


def clear(
    segments: Segments,
    external: np.ndarray,
    claims: np.ndarray,
    can_fail: np.ndarray,
    *,
    pinned: np.ndarray | None = None,
    alpha: float = 1.0,
    beta: float = 1.0,
    least: bool = False,
    strict: bool = True,
    tolerance: float = 1e-10,
    max_rounds: int = 10_000,
    mode: Literal["fast", "waves", "rounds"] = "fast",
    limit: np.ndarray | None = None,
    history: bool = False,
    problem_of: Callable[..., Problem] | None = None,
) -> Cleared:
    """Clear a batch of scenarios.

    Parameters
    ----------
    segments : the compiled rules.
    external : (B, n) external assets after the shock, money.
    claims : (n,) claims at face value.
    can_fail : (n,) bool.
    pinned : (B, n) recovery in [0, 1] of nodes that fail for outside reasons, nan elsewhere.
    alpha, beta : parts of external assets and of received payments that survive default.
    least : the least clearing vector instead of the greatest.
    strict : funds that just equal what is due are solvent.
    tolerance : bound on the residual.
    max_rounds : rounds after which `converged` stays false.
    mode : "waves": nodes default in waves, each cleared to its fixed point before the next one
        (fictitious default algorithm of Eisenberg & Noe 2001; GA of Rogers & Veraart 2013,
        definition 3.6). "rounds": plain synchronous rounds. "fast": whatever is fastest.
    limit : (n,) funds below which a node counts as in default, by default what is due less the
        claims that absorb losses by the rule of the node.
    history : keep (funds, defaulted) of every wave or round.
    problem_of : makes the problem, for segments of which some have a meaning of their own.

    Returns
    -------
    Cleared
    """
    batch, n = external.shape
    face = np.ascontiguousarray(external.T)
    pin = np.full((n, batch), np.nan) if pinned is None else np.ascontiguousarray(pinned.T)
    outside = ~np.isnan(pin)
    scale = claims + segments.due
    if limit is None:
        limit = segments.due - segments.absorbing + (-THRESHOLD if strict else THRESHOLD) * scale
    kind = problem_of or (Problem if segments.calls is None else Called)
    problem = kind(
        segments,
        face,
        claims[:, None],
        ~can_fail[:, None] | outside,
        np.where(outside, pin, 1.0),
        alpha,
        beta,
        limit[:, None],
        scale[:, None],
    )
    default = problem.insolvent(0.0) if not least else ~problem.stuck
    default_round = np.where(default | outside, 0, -1).astype(np.int32)
    kept = [(problem.funds(0.0).T.copy(), (default | outside).T.copy())] if history else []

    def record(number: int, grown: np.ndarray) -> None:
        default_round[grown & (default_round < 0)] = number
        if history:
            kept.append((problem.funds(problem.lost).T.copy(), (grown | outside).T.copy()))

    def each_round() -> None:
        record(int(problem.rounds[0]), problem.insolvent(problem.lost))

    if mode == "rounds":
        problem.start(least=least)
        problem.rounds += 1
        each_round()
        problem.iterate(tolerance, max_rounds, accelerate=False, each=each_round)
    elif mode == "fast" and alpha == 1 and beta == 1:
        problem.start(least=least)
        problem.iterate(tolerance, max_rounds)
    else:
        problem.hold(default)
        problem.start(least=least)
        for wave in range(1, max_rounds):
            problem.iterate(tolerance, max_rounds)
            grown = problem.insolvent(problem.lost)
            if not least:
                grown |= default
            record(wave, grown)
            if (grown == default).all() or problem.rounds.max() >= max_rounds:
                break
            default = grown
            problem.hold(default)
    funds = problem.funds(problem.lost)
    ended = problem.insolvent(problem.lost) | outside
    return Cleared(
        problem.unpaid().T,
        funds.T,
        ended.T,
        default_round.T,
        problem.rounds,
        problem.residual,
        problem.residual <= tolerance,
        problem.counter[0],
        kept,
        problem.call.T if isinstance(problem, Called) else None,
        problem.unmet().T if isinstance(problem, Called) else None,
    )
