"""From the clearing kernel to an outcome: shared by the models that settle claims."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from ..errors import ModelError
from ..kernels.clearing import Cleared, clear
from ..kernels.ownership import Owned, owned
from ..network.exposure_network import ExposureNetwork
from ..results.outcome import Outcome
from .base import Trace

CHUNK = 2**16  # entries of a working array: scenarios go through the kernel in slices of that size


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
    """Clear scenarios of shape (..., n) slice by slice and put the arrays together.

    Where nodes own each other, equity is the last segment of a company, see `kernels.ownership`.
    """
    lead, n = losses.shape[:-1], len(network)
    if network.segments.calls is not None and (alpha < 1 or beta < 1):
        raise ModelError(
            "RogersVeraart does not compute guarantees together with default costs. Use "
            "EisenbergNoe, or net.with_guarantees(None) to leave them out."
        )
    owns = _owned(network)
    segments = network.segments if owns is None else owns.segments
    flat = losses.reshape(-1, n)
    pins = None if recoveries is None or np.isnan(recoveries).all() else recoveries.reshape(-1, n)
    assets = np.nan_to_num(network.book.external_assets)
    whole: dict[str, np.ndarray] = {}
    products, history = 0.0, []
    for at in slices(flat, max(len(segments.owner), n)):
        external = np.maximum(assets - flat[at], 0.0)
        pinned = None if pins is None else pins[at]
        gone = np.zeros_like(external, bool) if pinned is None else ~np.isnan(pinned)
        cleared = clear(
            segments,
            external,
            network.book.claims + network.book.shares,
            network.book.can_fail,
            pinned=pinned,
            alpha=alpha,
            beta=beta,
            least=least,
            strict=strict,
            mode="fast" if trace == "none" else "waves",
            tolerance=tolerance,
            max_rounds=max_rounds,
            history=trace == "path",
            problem_of=None if owns is None else owns.problem(gone.T),
        )
        if owns is not None:
            cleared = replace(cleared, unpaid=cleared.unpaid[:, owns.rules])
        part = _complete(network, cleared, external, pinned, alpha, beta)
        for name, array in part.items():
            if name not in whole:
                whole[name] = (
                    array
                    if isinstance(at, slice)
                    else np.empty((len(flat), *array.shape[1:]), array.dtype)
                )
            whole[name][at] = array
        products += cleared.products
        history += cleared.history
    fields: dict[str, Any] = {k: v.reshape(lead + v.shape[1:]) for k, v in whole.items()}
    if trace == "none":
        fields["default_round"] = None
    due, known = network.segments.due, network.book.known
    states = tuple(
        (np.where(known, funds - due, np.nan).reshape(losses.shape), failed.reshape(losses.shape))
        for funds, failed in history
    )
    return Outcome(**fields, products=products, history=states)


def _owned(network: ExposureNetwork) -> Owned | None:
    """The segments with the equity of companies that other nodes own, where there are any."""
    if network._shareholdings is None:
        return None
    if network.segments.calls is not None:
        raise ModelError(
            "CrossHoldings does not compute guarantees together with shareholdings. Leave one "
            "out: net.with_guarantees(None) or net.with_shareholdings(None)."
        )
    return owned(network.segments, network.ownership, network.book.equity)


def slices(flat: np.ndarray, width: int) -> Iterator[np.ndarray | slice]:
    """Slices of scenarios; those of like severity take like rounds, so they go together."""
    size = max(1, CHUNK // max(width, 1))
    if len(flat) <= size:
        yield slice(None)
        return
    order = np.argsort(flat.sum(axis=1), kind="stable")
    for first in range(0, len(order), size):
        yield order[first : first + size]


def _complete(
    network: ExposureNetwork,
    cleared: Cleared,
    external: np.ndarray,
    pins: np.ndarray | None,
    alpha: float,
    beta: float,
) -> dict[str, np.ndarray]:
    """The arrays (B, n) of an outcome from what the kernel hands back."""
    book, segments, funds = network.book, network.segments, cleared.funds
    pinned = np.zeros((1, 1), bool) if pins is None else ~np.isnan(pins)
    rate = np.zeros((1, 1)) if pins is None else np.nan_to_num(pins)
    payments = book.debts - _by_owner(
        segments.owner, segments.inside * cleared.unpaid, len(network)
    )
    scaled, dead = funds, np.zeros_like(funds)
    if alpha < 1 or beta < 1:
        received = funds - external
        costly = cleared.defaulted & ~pinned
        scaled = np.where(costly, alpha * external + beta * received, funds)
        dead = np.where(costly, funds - scaled, 0.0)
    called = {} if cleared.called is None else {"called": cleared.called, "unmet": cleared.unmet}
    cash, support = scaled, np.zeros((1, 1))
    if segments.calls is not None and cleared.called is not None and cleared.unmet is not None:
        calls = segments.calls
        cash = scaled + sums(calls.guarantor, cleared.unmet, len(network))
        into = np.where(calls.support, cleared.called, 0.0)
        support = sums(calls.beneficiary, into, len(network))
    distributed = np.clip(cash, 0.0, segments.due)
    if not book.can_fail.all():
        distributed = np.where(book.can_fail, distributed, segments.due)
    equity = funds - segments.due
    if pins is not None:
        distributed = np.where(pinned, rate * segments.due, distributed)
        equity = np.where(pinned, (rate - 1.0) * segments.due, equity)
    if not book.known.all():
        equity = np.where(book.known, equity, np.nan)
    outside = np.nan_to_num(book.external_liabilities)
    external_paid = np.clip(distributed - payments, 0.0, outside)
    return {
        "equity": equity,
        "claims_lost": external + book.claims + book.shares + support - funds,
        "defaulted": cleared.defaulted,
        "default_round": cleared.default_round,
        "payments": payments,
        "external_paid": external_paid,
        "deadweight": dead,
        "unpaid": cleared.unpaid,
        "rounds": cleared.rounds,
        "residual": cleared.residual,
        "converged": cleared.converged,
        **called,
    }


def sums(at: np.ndarray, money: np.ndarray, n: int) -> np.ndarray:
    """Sum values (..., Q) by node to (..., n)."""
    to = csr_array((np.ones(len(at)), (np.arange(len(at)), at)), shape=(len(at), n))
    return np.asarray(money @ to)


def _by_owner(owner: np.ndarray, values: np.ndarray, n: int) -> np.ndarray:
    """Sum segment values (..., S) by their owner to (..., n)."""
    if np.array_equal(owner, np.arange(n)):
        return values
    if not len(owner):
        return np.zeros((*values.shape[:-1], n))
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    out = np.zeros((*values.shape[:-1], n))
    out[..., owner[first]] = np.add.reduceat(values, first, axis=-1)
    return out
