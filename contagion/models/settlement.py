"""From the clearing kernel to an outcome: shared by the models that settle claims."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ..kernels.clearing import Cleared, clear
from ..model import Trace
from ..network import ExposureNetwork
from ..results import Outcome

CHUNK = (
    2**17
)  # entries of a working array: scenarios go through the kernel in slices that fit a cache


def settle(
    network: ExposureNetwork,
    losses: np.ndarray,
    recoveries: np.ndarray | None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    least: bool = False,
    strict: bool = True,
    tolerance: float,
    max_rounds: int,
    trace: Trace = "none",
) -> Outcome:
    """Clear scenarios of shape (..., n) chunk by chunk and put the arrays together."""
    lead, n = losses.shape[:-1], len(network)
    book, segments = network.book, network.segments
    flat = losses.reshape(-1, n)
    pins = None if recoveries is None or np.isnan(recoveries).all() else recoveries.reshape(-1, n)
    assets = np.nan_to_num(book.external_assets)
    external = np.maximum(assets - flat, 0.0)
    pieces = [
        clear(
            segments,
            external[at],
            book.claims,
            book.can_fail,
            pinned=None if pins is None else pins[at],
            alpha=alpha,
            beta=beta,
            least=least,
            strict=strict,
            mode="fast" if trace == "none" else "waves",
            tolerance=tolerance,
            max_rounds=max_rounds,
            history=trace == "path",
        )
        for at in _slices(len(flat), max(len(segments.owner), n))
    ]
    join = _joiner(pieces, lead)
    unpaid, funds = join(lambda c: c.unpaid), join(lambda c: c.funds)
    defaulted = join(lambda c: c.defaulted)
    pinned = np.zeros(funds.shape, bool) if pins is None else ~np.isnan(pins).reshape(funds.shape)
    rate = np.zeros(1) if pins is None else np.nan_to_num(pins).reshape(funds.shape)
    inside = segments.inside
    missed = _by_owner(segments.owner, inside * unpaid, n)
    payments = book.debts - missed
    scaled = funds
    if alpha < 1 or beta < 1:
        received = funds - external.reshape(funds.shape)
        costly = defaulted & ~pinned
        scaled = np.where(costly, alpha * (funds - received) + beta * received, funds)
    distributed = np.where(book.can_fail, np.clip(scaled, 0.0, segments.due), segments.due)
    distributed = np.where(pinned, rate * segments.due, distributed)
    outside = np.nan_to_num(book.external_liabilities)
    external_paid = np.clip(distributed - payments, 0.0, outside)
    external_paid = np.where(outside > 0, external_paid, 0.0)
    equity = np.where(pinned, (rate - 1.0) * segments.due, funds - segments.due)
    equity = np.where(book.known, equity, np.nan)
    return Outcome(
        equity=equity,
        claims_lost=external.reshape(funds.shape) + book.claims - funds,
        defaulted=defaulted,
        rounds=join(lambda c: c.rounds),
        residual=join(lambda c: c.residual),
        converged=join(lambda c: c.converged),
        default_round=join(lambda c: c.default_round) if trace != "none" else None,
        payments=payments,
        external_paid=external_paid,
        deadweight=np.where(defaulted & ~pinned, funds - scaled, 0.0),
        unpaid=unpaid,
        products=sum(piece.products for piece in pieces),
        history=_history(pieces[0], segments.due, book.known, lead) if trace == "path" else (),
    )


def _slices(total: int, width: int) -> Iterator[slice]:
    size = max(1, CHUNK // max(width, 1))
    for first in range(0, total, size):
        yield slice(first, first + size)


def _joiner(
    pieces: list[Cleared], lead: tuple[int, ...]
) -> Callable[[Callable[[Cleared], np.ndarray]], np.ndarray]:
    def join(get: Callable[[Cleared], np.ndarray]) -> np.ndarray:
        parts = [get(piece) for piece in pieces]
        whole = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return whole.reshape(lead + whole.shape[1:])

    return join


def _by_owner(owner: np.ndarray, values: np.ndarray, n: int) -> np.ndarray:
    """Sum segment values (..., S) by their owner to (..., n)."""
    if len(owner) == n:
        return values
    if not len(owner):
        return np.zeros((*values.shape[:-1], n))
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    out = np.zeros((*values.shape[:-1], n))
    out[..., owner[first]] = np.add.reduceat(values, first, axis=-1)
    return out


def _history(
    piece: Cleared, due: np.ndarray, known: np.ndarray, lead: tuple[int, ...]
) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    states = []
    for funds, failed in piece.history:
        equity = np.where(known, funds - due, np.nan)
        states.append(
            (equity.reshape(lead + equity.shape[1:]), failed.reshape(lead + failed.shape[1:]))
        )
    return tuple(states)
