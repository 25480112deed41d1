"""Run the clearing kernel and build the outcome; shared by the models that settle claims."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from ..errors import ModelError
from ..kernels import blocks
from ..kernels.calls import by_node
from ..kernels.clearing import Cleared, clear
from ..kernels.ownership import Owned, owned
from ..network.exposure_network import ExposureNetwork
from ..network.hit import external_left
from ..results.outcome import Outcome
from ..text import choice
from .base import Trace

Certify = Literal["auto", "always", "never"]

CHUNK = 2**16  # entries of a work array: the kernel solves scenarios in slices of this size


def certified(word: Certify) -> bool | None:
    """The option `certify` as the kernel expects it; `None`: error bound where it is cheap."""
    choice(word, ("auto", "always", "never"), "certify")
    return None if word == "auto" else word == "always"


def settle(
    network: ExposureNetwork,
    losses: np.ndarray,
    recoveries: np.ndarray | None,
    *,
    kept: tuple[np.ndarray, np.ndarray] | None = None,
    least: bool = False,
    strict: bool = True,
    tolerance: float,
    certify: Certify = "auto",
    trace: Trace = "none",
) -> Outcome:
    """Clear scenarios of shape (..., n) in slices and combine the results.

    `kept` are α and β (n,), the shares of external assets and of payments received that a node in
    default realizes; `None`: all. If nodes own each other, equity is the last segment of a
    company, see `kernels.ownership`.
    """
    lead, n = losses.shape[:-1], len(network)
    if network.segments.calls is not None and kept is not None:
        raise ModelError(
            "RogersVeraart does not compute guarantees together with default costs. Use "
            "EisenbergNoe, or net.with_guarantees(None) to leave them out."
        )
    owns, book = _owned(network), network.book
    segments = network.segments if owns is None else owns.segments
    flat = losses.reshape(-1, n)
    pins = None if recoveries is None or np.isnan(recoveries).all() else recoveries.reshape(-1, n)
    whole: dict[str, np.ndarray] = {}
    products, history = 0.0, []
    for at in slices(flat, max(len(segments.owner), n)):
        external = external_left(network, flat[at])
        pinned = None if pins is None else pins[at]
        cleared = clear(
            segments,
            external,
            book.claims + book.shares,
            book.can_fail,
            pinned=pinned,
            kept=kept,
            least=least,
            strict=strict,
            mode="fast" if trace == "none" else "waves",
            tolerance=tolerance,
            history=trace == "path",
            equity=None if owns is None else owns.equity,
            certify=certified(certify),
        )
        if owns is not None:
            cleared = replace(cleared, unpaid=cleared.unpaid[:, owns.rules])
        part = _complete(network, cleared, external, pinned, kept)
        if isinstance(at, slice):
            whole = part
        else:
            for name, array in part.items():
                if name not in whole:
                    whole[name] = np.empty((len(flat), *array.shape[1:]), array.dtype)
                whole[name][at] = array
        products += cleared.products
        history += cleared.history
    fields: dict[str, Any] = {k: v.reshape(lead + v.shape[1:]) for k, v in whole.items()}
    if trace == "none":
        fields.pop("default_round", None)
    due, known = network.segments.due, book.known
    states = tuple(
        (np.where(known, funds - due, np.nan).reshape(losses.shape), failed.reshape(losses.shape))
        for funds, failed in history
    )
    return Outcome(**fields, products=products, history=states)


def _owned(network: ExposureNetwork) -> Owned | None:
    """The segments including equity owned by other nodes; `None` without shareholdings."""
    if network._shareholdings is None:
        return None
    if network.segments.calls is not None:
        raise ModelError(
            "CrossHoldings does not compute guarantees together with shareholdings. Leave one "
            "out: net.with_guarantees(None) or net.with_shareholdings(None)."
        )
    return owned(network.segments, network.ownership, network.book.equity)


def _gone(external: np.ndarray, pins: np.ndarray | None) -> np.ndarray:
    """(B, n) bool: nodes set to default by the shock."""
    return np.zeros_like(external, bool) if pins is None else ~np.isnan(pins)


def slices(flat: np.ndarray, width: int) -> Iterator[np.ndarray | slice]:
    """Slices of scenarios, ordered by severity: similar scenarios need similar rounds."""
    block = blocks.width(width)
    size = block * max(1, CHUNK // (block * max(width, 1)))
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
    kept: tuple[np.ndarray, np.ndarray] | None,
) -> dict[str, np.ndarray]:
    """The arrays (B, n) of an outcome from the results of the kernel."""
    book, segments, funds = network.book, network.segments, cleared.funds
    unpaid = segments.inside * cleared.unpaid
    if not segments.one_each:
        unpaid = by_node(segments.owner, unpaid, len(network))
    payments = book.debts - unpaid
    scaled, dead = funds, np.zeros_like(funds)
    if kept is not None:
        (alpha, beta), received = kept, funds - external
        costly = cleared.defaulted & ~_gone(external, pins)
        left = np.minimum(external, alpha * external)
        scaled = np.where(costly, left + beta * received, funds)
        dead = np.where(costly, funds - scaled, 0.0)
    more = {
        name: array
        for name in ("called", "unmet", "default_round", "at_once")
        if (array := getattr(cleared, name)) is not None
    }
    cash, had = scaled, external + book.claims + book.shares
    if segments.calls is not None and cleared.called is not None and cleared.unmet is not None:
        calls = segments.calls
        cash = scaled + by_node(calls.guarantor, cleared.unmet, len(network))
        into = np.where(calls.support, cleared.called, 0.0)
        had = had + by_node(calls.beneficiary, into, len(network))
    distributed = np.clip(cash, 0.0, segments.due)
    if not book.can_fail.all():
        distributed = np.where(book.can_fail, distributed, segments.due)
    equity = funds - segments.due
    if pins is not None:
        free = np.isnan(pins)
        distributed = np.where(free, distributed, pins * segments.due)
        equity = np.where(free, equity, (pins - 1.0) * segments.due)
    if not book.known.all():
        equity = np.where(book.known, equity, np.nan)
    external_paid = np.clip(distributed - payments, 0.0, book.stated_liabilities)
    if (external < 0).any():  # creditors outside the balance sheet lose too
        hole = np.minimum(cash, 0.0)
        external_paid += hole if pins is None else np.where(free, hole, 0.0)
    return {
        "equity": equity,
        "claims_lost": had - funds,
        "defaulted": cleared.defaulted,
        "payments": payments,
        "external_paid": external_paid,
        "deadweight": dead,
        "unpaid": cleared.unpaid,
        "rounds": cleared.rounds,
        "residual": cleared.residual,
        "error": cleared.error,
        "converged": cleared.converged,
        **more,
    }
