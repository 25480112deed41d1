"""Buffers: the smallest sufficient fund or capital, and equity implied by observed defaults."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ...errors import ArgumentError, ModelError, expect
from ...media import shown
from ...models import EisenbergNoe
from ...models.base import Model
from ...network.exposure_network import ExposureNetwork
from ...shocks import Shock
from ...text import money

NEAR = 1e-6  # relative distance below the break-even at which the model is run


@dataclass(frozen=True, repr=False)
class BreakEven:
    """The smallest buffer with which a node pays in full.

    Attributes
    ----------
    node : the node that receives it.
    need : buffer above the existing funds of the node, money; 0 if it pays in full without one.
    saved : losses of its creditors and all further nodes that the buffer averts, money.
    verified : the model was run with the buffer (the node pays in full) and just below (it does
        not).
    unit : of money.
    """

    node: Any
    need: float
    saved: float
    verified: bool
    unit: str

    @shown
    def __repr__(self) -> str:
        if self.need == 0:
            return f"{self.node} pays in full without a buffer."
        return (
            f"{self.node} pays in full with {money(self.need, self.unit)} more; owners and outside "
            f"creditors of the others then lose {money(self.saved, self.unit)} less "
            f"({'' if self.verified else 'NOT '}confirmed by runs with it and just below it)"
        )


def break_even_fund(
    network: ExposureNetwork, node: Any, shock: Shock, model: Model | None = None
) -> BreakEven:
    """The smallest insurance fund, or additional capital, with which a node pays its debts in full.

        need = max(0, due − funds),   funds with the node paying in full

    One clearing run, with the node set to pay in full, gives its funds, including payments that
    return to it through the graph; so the answer is exact. The fund is part of the external assets
    of the node; its equity and every layer of its rule lose before it.

    Parameters
    ----------
    network, shock : the run.
    node : the venue. The shock must not set it to default with a fixed recovery rate.
    model : one that settles claims by clearing alone; by default `EisenbergNoe()`.

    Raises
    ------
    UnknownNameError : for an unknown node, with the closest name.
    ArgumentError : for a node that the shock sets to default.
    ModelError : for models that do not settle claims, or have other channels.

    Example
    -------
    The exchange owes 10 and is left with 6.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 10], [0, 0]], ["exchange", "user"],
    ...     orientation="debtor->creditor", external_assets=[12, 0])
    >>> break_even_fund(net, "exchange", ct.Shock.loss({"exchange": 6.0})).need
    4.0
    """
    model = EisenbergNoe() if model is None else model
    expect(network=network, shock=shock, model=model)
    at = network.position(node)
    hit = model.in_money(network, shock, "buffers")
    losses, recoveries = hit.losses, hit.pins
    if not np.isnan(recoveries[at]):
        raise ArgumentError(
            f"{str(node)!r} is set to default by the shock, whatever its funds. Give its loss of "
            "assets instead of a default: Shock.loss."
        )
    paid = recoveries.copy()
    paid[at] = 1.0
    outcome = _cleared(network, model, losses, np.stack([recoveries, paid]))
    short = losses[at] + outcome.lost[1, at] - network.book.equity[at]
    need = max(float(short), 0.0) if not np.isnan(short) else np.nan
    if np.isnan(need):
        raise ArgumentError(f"The balance sheet of {str(node)!r} is not known: give it one first.")
    borne = _borne(network, losses, outcome)
    borne[:, at] = 0.0
    saved = float(borne[0].sum() - borne[1].sum())
    ok = [_whole(network, model, shock, at, part * need) for part in (1.0, 1.0 - NEAR)]
    verified = bool(ok[0] and (need == 0 or not ok[1]))
    return BreakEven(network.names[at], need, saved, verified, network.unit)


def consistent_buffers(
    network: ExposureNetwork,
    shock: Shock,
    *,
    survived: Iterable[Any] = (),
    failed: Iterable[Any] = (),
    model: Model | None = None,
) -> pd.DataFrame:
    """Bounds on the equity of nodes, implied by their observed survival or default.

    A survivor paid in full, so its equity was at least its losses. A node in default had less
    equity than its losses would have been if it had paid in full. With all survivors paying in
    full, and the other nodes clearing according to the data:

        survivor:  equity_j >= losses_j + claims lost_j
        failed:    equity_j <  losses_j + claims lost_j,   j set to pay in full

    Parameters
    ----------
    network : balance sheets where they are known; those of the failed nodes determine their
        payments, and so the losses of the others.
    shock : the shock that occurred.
    survived, failed : the observed nodes; other nodes clear according to the data.
    model : one that settles claims by clearing alone; by default `EisenbergNoe()`.

    Returns
    -------
    DataFrame, one row a node of `survived` and `failed`: outcome, equity (in the data, money, nan
    where unknown), at_least, below (money; nan where there is no bound), consistent (True, False,
    or None where equity is unknown), verified (the model was run at the bound and just below: the
    node survives, and fails).

    Raises
    ------
    UnknownNameError, ArgumentError, ModelError : for an unknown node, one named in both, a survivor
        that the shock sets to default, and models without clearing.

    Example
    -------
    a defaults; b lost 10 and survived, c lost 4 and defaulted.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 10, 4], [0, 0, 0], [0, 0, 0]], ["a", "b", "c"],
    ...     orientation="debtor->creditor", equity=[1, 12, 5])
    >>> found = consistent_buffers(net, ct.Shock.default("a"), survived=["b"], failed=["c"])
    >>> found[["equity", "at_least", "below", "consistent"]].values.tolist()
    [[12.0, 10.0, nan, True], [5.0, nan, 4.0, False]]
    """
    model = EisenbergNoe() if model is None else model
    expect(network=network, shock=shock, model=model)
    hit = model.in_money(network, shock, "buffers")
    losses, recoveries = hit.losses, hit.pins
    stood, fell = (
        [network.position(name) for name in survived],
        [network.position(name) for name in failed],
    )
    both = [str(network.names[at]) for at in stood if at in fell]
    if both:
        raise ArgumentError(f"{both[0]!r} is in both survived= and failed=.")
    pinned = [str(network.names[at]) for at in stood if not np.isnan(recoveries[at])]
    if pinned:
        raise ArgumentError(f"{pinned[0]!r} is in survived=, but the shock sets it to default.")
    fell = [at for at in fell if np.isnan(recoveries[at])]
    pins = np.tile(recoveries, (1 + len(fell), 1))
    pins[:, stood] = 1.0
    pins[np.arange(len(fell)) + 1, fell] = 1.0
    outcome = _cleared(network, model, losses, pins)
    lost = losses + outcome.lost
    bound = np.concatenate([lost[0, stood], lost[np.arange(len(fell)) + 1, fell]])
    rows, survivor = np.array([*stood, *fell], int), np.arange(len(bound)) < len(stood)
    equity = np.where(network.book.known, network.book.equity, np.nan)[rows]
    fits = np.where(survivor, equity >= bound * (1 - 1e-12), equity < bound)
    known = ~np.isnan(equity)
    checked = [
        _confirmed(network, model, losses, pins[0 if s else 1 + k - len(stood)], int(at), float(b))
        for k, (at, b, s) in enumerate(zip(rows, bound, survivor, strict=True))
    ]
    return pd.DataFrame(
        {
            "outcome": np.where(survivor, "survived", "failed"),
            "equity": equity,
            "at_least": np.where(survivor, bound, np.nan),
            "below": np.where(survivor, np.nan, bound),
            "consistent": [bool(f) if k else None for f, k in zip(fits, known, strict=True)],
            "verified": checked,
        },
        index=pd.Index(network.names[rows], name="node"),
    )


def _cleared(network: ExposureNetwork, model: Model, losses: np.ndarray, pins: np.ndarray) -> Any:
    """The outcome; only for models in which a node with recovery rate 1 has no other effect."""
    if not model.settles:
        raise ModelError(f"{type(model).__name__} does not settle claims; use EisenbergNoe.")
    outcome = model.solve(network, np.broadcast_to(losses, pins.shape), pins)
    if outcome.channels is not None:
        raise ModelError(
            f"{type(model).__name__} has channels besides claims; use EisenbergNoe or "
            "RogersVeraart."
        )
    return outcome


def _borne(network: ExposureNetwork, losses: np.ndarray, outcome: Any) -> np.ndarray:
    """(B, n) losses of owners and external creditors of each node."""
    book = network.book
    before = np.maximum(book.equity, 0.0)
    owners = np.where(book.known, before - np.maximum(outcome.equity, 0.0), losses + outcome.lost)
    return np.asarray(owners + book.stated_liabilities - outcome.external_paid)


def _whole(network: ExposureNetwork, model: Model, shock: Shock, at: int, more: float) -> bool:
    """Whether the node pays in full with the additional external assets `more`."""
    name, due = network.names[at], float(network.segments.due[at])
    assets = float(network.book.external_assets[at]) + more
    richer = network.with_nodes(external_assets={name: assets}, can_fail={name: True})
    outcome = model.propagate(richer, shock).outcome
    assert outcome.payments is not None and outcome.external_paid is not None
    unpaid = due - float(outcome.payments[at] + outcome.external_paid[at])
    return unpaid <= 1e-9 * (due + assets)


def _confirmed(
    network: ExposureNetwork,
    model: Model,
    losses: np.ndarray,
    pins: np.ndarray,
    at: int,
    bound: float,
) -> bool:
    """Whether the node survives with equity at the bound, and defaults just below it."""
    pins = pins.copy()
    pins[at] = np.nan
    name, owed = network.names[at], network.book.debts[at]
    ends = []
    for equity in (bound * (1 + 1e-11), bound * (1 - NEAR)):
        wanted = equity + owed - network.book.claims[at]
        outside = network.book.stated_liabilities[at]
        assets = max(wanted + outside, losses[at], 0.0)
        sheet = {
            "external_assets": {name: assets},
            "external_liabilities": {name: assets - wanted},
            "can_fail": {name: True},
        }
        other = network.with_nodes(**sheet)
        ends.append(bool(model.solve(other, losses, pins).defaulted[at]))
    return bound == 0.0 or ends == [False, True]
