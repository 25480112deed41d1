"""Inputs of an adjoint solve: the solved system, and the partial derivatives of a loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from ..errors import ConvergenceError, ModelError
from ..kernels.adjoint import KINK, Side, System, between, exceeds
from ..kernels.debtrank import linear_system
from ..models.base import Model, _check_pins
from ..network.exposure_network import ExposureNetwork
from ..network.hit import external_left
from ..results.propagation_result import PropagationResult
from ..shocks import Shock
from ..text import choice

Of: TypeAlias = (
    Literal["owners", "shortfall", "external", "socialized"]
    | Mapping[Any, float]
    | pd.Series
    | np.ndarray
)
TOTALS = ("owners", "shortfall", "external", "socialized")
ASSETS, SHOCK, CLAIMS, LOST, DUE = range(5)  # arguments of the loss of a node, one row each


def solved(network: ExposureNetwork, model: Model, shock: Shock) -> PropagationResult:
    """The result of a model, without the rounds (the derivative does not need them)."""
    if not differentiable(model):
        raise ModelError(
            f"{model!r} does not compute a gradient: its losses are not the piecewise linear fixed "
            "point of segments. Use EisenbergNoe, RogersVeraart or DebtRank('linear')."
        )
    if network._guarantees is not None:
        raise ModelError(
            "The gradient does not compute guarantees. Use net.with_guarantees(None) to leave "
            "them out."
        )
    hit = shock.arrays(network)
    outcome = model.solve(network, *hit)
    result = PropagationResult(network, model, shock, hit, outcome, "book")
    if not bool(np.all(outcome.converged)):
        raise ConvergenceError(f"{type(model).__name__} did not reach its tolerance.", result)
    if model.settles:
        _check_pins(result)
    return result


def differentiable(model: Model) -> bool:
    """Whether a model has a gradient, tested by class name (measures do not import models)."""
    name = type(model).__name__
    linear = name == "DebtRank" and getattr(model, "variant", "") == "linear"
    return linear or name in ("EisenbergNoe", "RogersVeraart")


def clearing_system(result: PropagationResult) -> System:
    """The inputs of the adjoint solve for a clearing model, with or without default costs."""
    net, outcome = result.network, result.outcome
    kept = result.model.kept(net) if hasattr(result.model, "kept") else None
    alpha, beta = (1.0, 1.0) if kept is None else kept
    assert outcome.unpaid is not None
    external = external_left(net, result.hit.losses)
    received = net.book.claims - outcome.claims_lost
    free = net.book.can_fail & ~result.pinned
    costly = free & outcome.defaulted
    own = np.where(costly & (external >= 0), alpha, 1.0)
    passed = np.where(costly, beta, 1.0)
    if kept is not None:
        free = free & (outcome.defaulted | (np.asarray(net.segments.absorbing) > 0))
    used = own * external + passed * received
    scale = net.book.stated_assets + net.book.claims + net.segments.due
    return System(net.segments, outcome.unpaid, used, free, own, passed, KINK * scale)


def debtrank_system(result: PropagationResult) -> System:
    """The inputs of the adjoint solve for linear DebtRank: each node passes on its equity loss."""
    net, outcome = result.network, result.outcome
    assert outcome.loss_rate is not None
    equity = np.nan_to_num(net.book.equity)
    alive = net.book.can_fail & (equity > 0)
    segments = linear_system(net.liabilities, equity, net.book.debts)
    unpaid = outcome.loss_rate * segments.width
    used = np.where(alive, equity - result.hit.losses - outcome.claims_lost, 0.0)
    one, scale = np.ones(len(net)), np.where(alive, equity, 0.0)
    free = alive & ~result.pinned
    return System(segments, unpaid, used, free, one, one, KINK * scale)


def direct(
    result: PropagationResult, system: System, of: Of, side: Side
) -> tuple[str, float, np.ndarray, float]:
    """Name and value of a loss, its partial derivatives (5, n), and that by unpaid debts inside."""
    n, settles = len(result.network), result.model.settles
    if not isinstance(of, str):
        weights = _weights(result.network, of)
        return "weighted", float(weights @ result.loss), _owners(result, system, weights, side), 0.0
    choice(of, TOTALS, "of", "weights of the nodes")
    if of in ("external", "socialized") and not settles:
        raise ModelError(
            f"{type(result.model).__name__} does not compute the loss {of!r}: it settles no claims."
        )
    if of == "owners":
        return of, float(result.loss.sum()), _owners(result, system, np.ones(n), side), 0.0
    if of == "socialized":
        return of, float(result.entries.socialized), _socialized(result, system, side), -1.0
    if not settles:
        return of, float(result.claim_losses.sum()), np.zeros((5, n)), 1.0
    short = shortfalls(system, result.network.segments.due, result.hit.pins, side)
    lost = float(result.claim_losses.sum()), float(result.outside_losses.sum())
    return (of, sum(lost), short, 0.0) if of == "shortfall" else (of, lost[1], short, -1.0)


def _weights(network: ExposureNetwork, of: Any) -> np.ndarray:
    if isinstance(of, (Mapping, pd.Series)):
        weights = np.zeros(len(network))
        for node, weight in of.items():
            weights[network.position(node)] = weight
    else:
        weights = np.asarray(of, float)
    if weights.shape != (len(network),) or not np.isfinite(weights).all():
        raise ModelError(
            f"of= are weights of shape {weights.shape}; give one finite number a node, "
            f"{len(network)} in all, or {{node: weight}}."
        )
    return weights


def _owners(
    result: PropagationResult, system: System, weights: np.ndarray, side: Side
) -> np.ndarray:
    """Partial derivatives (5, n) of `Σ w_i loss_i`; see `PropagationResult.loss`."""
    book, due, pin = result.network.book, result.network.segments.due, result.hit.pins
    pinned, limited, slack = ~np.isnan(pin), result.limited, system.slack
    had = limited & exceeds(book.equity, slack, side)
    has = limited & ~pinned & exceeds(result.outcome.equity, slack, side)
    holds = _holds(result, system, side)
    out = np.zeros((5, len(due)))
    out[ASSETS] = out[CLAIMS] = had * 1.0 - has
    out[DUE] = -out[CLAIMS] - (1.0 - np.nan_to_num(pin)) * holds
    free = ~limited & ~pinned
    out[SHOCK] = has | free
    out[LOST] = has | free | holds
    return np.asarray(out * weights)


def _holds(result: PropagationResult, system: System, side: Side) -> np.ndarray:
    """(n,) bool: nodes in a pinned default that are unknown and lose more than they pass on."""
    pin, lost = result.hit.pins, result.outcome.claims_lost - result.start.claims_lost
    beyond = lost - (1.0 - np.nan_to_num(pin)) * result.network.segments.due
    more = exceeds(beyond, system.slack, "gain" if side == "loss" else "loss")
    return np.asarray(~result.limited & ~np.isnan(pin) & more)


def shortfalls(system: System, due: np.ndarray, pin: np.ndarray, side: Side) -> np.ndarray:
    """Partial derivatives (5, n) of `Σ clip(due − used, 0, due)`, for pinned `(1 − ρ) due`."""
    x = due - system.used
    now = system.free & (due > 0) & between(x, due, system.slack, side)
    whole = system.free & ~now & (x > 0.5 * due)
    out = np.zeros((5, len(due)))
    out[SHOCK], out[LOST] = system.own * now, system.passed * now
    out[ASSETS], out[CLAIMS] = -out[SHOCK], -out[LOST]
    out[DUE] = np.where(np.isnan(pin), now | whole, 1.0 - pin)
    return out


def _socialized(result: PropagationResult, system: System, side: Side) -> np.ndarray:
    """Partial derivatives (5, n) of `Σ (loss_i − d_i)` + losses of external creditors.

    `d_i = min(initial_i, e_i⁺)`, with `e_i⁺ = max(book equity_i, 0)` minus the loss in the
    reference; :func:`before` has the derivative of that loss, from the reference run.
    """
    pin, book, due = result.hit.pins, result.network.book, result.network.segments.due
    out = _owners(result.caused, system, np.ones(len(due)), side)
    out += shortfalls(system, due, pin, side)
    initial, bound = result.entries.initial, capped(result, system, side)
    had = bound & exceeds(book.equity, system.slack, side)
    out[ASSETS] -= had
    out[CLAIMS] -= had
    out[DUE] += had
    out[SHOCK] -= ~bound & np.isnan(pin)
    ruined = ~bound & book.known & ~np.isnan(pin) & (initial > system.slack)
    out[ASSETS] -= ruined
    out[CLAIMS] -= ruined
    out[LOST] += ruined
    out[DUE] += np.where(ruined, np.nan_to_num(pin), 0.0)
    return out


def capped(result: PropagationResult, system: System, side: Side) -> np.ndarray:
    """(n,) bool: nodes whose equity, not the shock, limits the immediate loss of their owners."""
    room = result.entries.initial - np.maximum(np.nan_to_num(result.reference.equity), 0.0)
    slack = system.slack
    return np.asarray(result.limited & (room >= -slack if side == "loss" else room > slack))


def before(
    result: PropagationResult, reference: PropagationResult, system: System, side: Side
) -> np.ndarray:
    """Partial derivatives (5, n) of the reference loss, which `socialized` does not count."""
    unknown = ~result.limited & result.pinned & ~_holds(result.caused, system, side)
    apart = 1.0 - (capped(result, system, side) | unknown)
    due, pin = result.network.segments.due, reference.hit.pins
    return np.asarray(_owners(reference, system, apart, side) + shortfalls(system, due, pin, side))
