"""Clearing: the fixed point of the segments of a network, for a batch of scenarios.

The variable is the *unpaid* amount, `y = width − payments`, so that work and rounding error depend
on the nodes in default and not on the size of the system:

    lost  = y @ S                                          losses of creditors
    y     = clip(start + width − funds[owner], 0, width)   funds = external assets + claims − lost

The least y is the greatest clearing vector. The least clearing vector is the same problem for
z = width − y. Both come from :mod:`fixed_point`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from .blocks import width
from .clearing_block import Block, Terms
from .clearing_calls import Called
from .segments import Segments

THRESHOLD = 1e-12  # solvent if funds fall short by less than this (relative to the balance sheet)


@dataclass(frozen=True)
class Cleared:
    """The result of the kernel; B scenarios, n nodes, S segments.

    unpaid (B, S) and funds (B, n) are money; funds are before default costs. default_round is
    -1 for solvent nodes, `None` without waves; at_once (1, n) marks nodes that would default even
    if all others paid in full, for a single scenario without waves. residual (B,) is the largest
    change in one more round and error (B,) the bound on the distance to the exact solution, both
    relative to the balance sheet of the node; error is nan if it was not computed. products
    counts sparse products in units of the whole matrix.
    """

    unpaid: np.ndarray
    funds: np.ndarray
    defaulted: np.ndarray
    default_round: np.ndarray | None
    rounds: np.ndarray
    residual: np.ndarray
    error: np.ndarray
    converged: np.ndarray
    products: float
    history: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)
    called: np.ndarray | None = None
    unmet: np.ndarray | None = None
    at_once: np.ndarray | None = None


def clear(
    segments: Segments,
    external: np.ndarray,
    claims: np.ndarray,
    can_fail: np.ndarray,
    *,
    pinned: np.ndarray | None = None,
    kept: tuple[np.ndarray, np.ndarray] | None = None,
    least: bool = False,
    strict: bool = True,
    tolerance: float = 1e-10,
    mode: Literal["fast", "waves"] = "fast",
    limit: np.ndarray | None = None,
    equity: np.ndarray | None = None,
    history: bool = False,
    certify: bool | None = None,
) -> Cleared:
    """Clear a batch of scenarios.

    Parameters
    ----------
    segments : the compiled rules.
    external : (B, n) external assets after the shock, money; below 0: a debt senior to all others.
    claims : (n,) claims at face value.
    can_fail : (n,) bool.
    pinned : (B, n) recovery rates in [0, 1] of nodes set to default by the shock, nan elsewhere.
    kept : α and β (n,), shares of external assets and of received payments that a node in default
        realizes; `None`: no default costs.
    least : the least clearing vector instead of the greatest.
    strict : a node whose funds equal its debts is solvent.
    tolerance : bound on the error if it is computed, else on the residual.
    mode : "waves": nodes default in waves, each cleared to its fixed point before the next one
        (fictitious default algorithm of Eisenberg & Noe 2001; GA of Rogers & Veraart 2013,
        definition 3.6). "fast": waves only if there are default costs.
    limit : (n,) funds below which a node is in default; by default its debts less the claims that
        absorb losses by the rule of the node.
    equity : (S,) bool, segments that are the equity of a company and lose without a default.
    history : keep (funds, defaulted) of every wave; all scenarios are then solved together.
    certify : compute the error bound; by default for single scenarios where it is cheap.

    Returns
    -------
    Cleared
    """
    unit = claims + segments.due
    if limit is None:
        limit = segments.due - segments.absorbing + (-THRESHOLD if strict else THRESHOLD) * unit
    unit = np.where(unit > 0, unit, 1.0)
    terms = Terms(segments, claims, can_fail, kept, least, limit, unit, tolerance, certify, equity)
    batch, n = external.shape
    waves = mode == "waves" or kept is not None
    order, size = np.arange(batch), batch if history else width(len(segments.owner))
    if batch > size:  # similar scenarios need similar numbers of sweeps
        order = np.argsort(external.sum(axis=1), kind="stable")
    out = Cleared(
        np.empty((batch, len(segments.owner))),
        np.empty((batch, n)),
        np.empty((batch, n), bool),
        np.empty((batch, n), np.int32) if waves else None,
        np.empty(batch, np.int64),
        np.empty(batch),
        np.empty(batch),
        np.empty(batch, bool),
        0.0,
    )
    products, states = 0.0, out.history
    kind = Block if segments.calls is None else Called
    if segments.calls is not None:
        shape = batch, len(segments.calls.cap)
        out = replace(out, called=np.empty(shape), unmet=np.empty(shape))
    for first in range(0, batch, max(size, 1)):
        at = order[first : first + size]
        pins = None if pinned is None else np.ascontiguousarray(pinned[at].T)
        block = kind(terms, np.ascontiguousarray(external[at].T), pins)
        if out.default_round is not None:
            funds, when = _waves(block, states if history else None)
            out.default_round[at] = when.T
        else:
            if batch == 1 and not least:
                other = block if segments.calls is None else kind(terms, block.external, pins)
                alone = other.insolvent(other.alone()) | block.outside
                out = replace(out, at_once=alone.T)
            funds = block.solve(None)
        out.unpaid[at], out.funds[at] = block.unpaid.T, funds.T
        out.defaulted[at] = (block.insolvent(funds) | block.outside).T
        out.rounds[at], out.residual[at] = block.rounds, block.found.residual
        out.error[at] = block.found.error
        if isinstance(block, Called) and out.called is not None and out.unmet is not None:
            out.called[at], out.unmet[at] = block.call.T, block.unmet.T
        out.converged[at] = out.residual[at] <= tolerance
        products += block.products * len(at) / batch
    return replace(out, products=products)


def _waves(
    block: Block, kept: list[tuple[np.ndarray, np.ndarray]] | None
) -> tuple[np.ndarray, np.ndarray]:
    """Defaults in waves, each cleared before the next one; funds and rounds of default (n, B)."""
    least = block.terms.least
    before = block.alone()
    alone = block.insolvent(before)
    default = ~block.stuck if least else alone
    when = np.where(default | block.outside, 0, -1)
    if kept is not None:
        kept.append((before.T, (alone | block.outside).T))
    wave = 0
    while True:
        funds, wave = block.solve(default), wave + 1
        grown = block.insolvent(funds)
        grown = grown & default if least else grown | default
        when[grown & (when < 0)] = wave
        if kept is not None:
            kept.append((funds.T, (grown | block.outside).T))
        if (grown == default).all():
            return funds, when
        default = grown
