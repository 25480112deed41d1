"""Buffers: what a fund, or capital, would have to be; and what it must have been."""

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

NEAR = 1e-6  # how far below the break-even the model is run, as a part of it


@dataclass(frozen=True, repr=False)
class BreakEven:
    """The smallest buffer with which a node pays in full.

    Attributes
    ----------
    node : the node that gets it.
    need : money, on top of what the node has; 0 where it pays in full anyway.
    saved : what its creditors and all further nodes lose less with it, money.
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
    """How large an insurance fund, or how much more capital, lets a node pay everything it owes.

        need = max(0, due − funds),   funds with the node paying in full

    One clearing in which the node is made to pay in full gives the funds it then has, with what
    comes back to it through the graph; so the answer is exact. The fund is external assets of the
    node, which its own equity and every layer of its rule stand before.

    Parameters
    ----------
    network, shock : the run.
    node : the venue. It must not be one that the shock fails with a pinned recovery.
    model : one that settles claims by clearing alone; by default `EisenbergNoe()`.

    Raises
    ------
    UnknownNameError : for an unknown node, with the closest name.
    ArgumentError : for a node that the shock pins in default.
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
            f"{str(node)!r} fails by the shock, whatever it has: give its loss of assets instead "
            "of a default, Shock.loss."
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
    """What equity every node must have had, given who survived a shock and who did not.

    A survivor paid in full, so it had at least what it lost then; a node that failed had less than
    what it would have lost while paying in full. With all survivors paying in full and the others
    clearing as the data say:

        survivor:  equity_j >= losses_j + claims lost_j
        failed:    equity_j <  losses_j + claims lost_j,   j made to pay in full

    Parameters
    ----------
    network : balance sheets where they are known; those of the failed nodes decide what they
        pay, and with it what the others lose.
    shock : what happened.
    survived, failed : what was observed; other nodes clear as the data say.
    model : one that settles claims by clearing alone; by default `EisenbergNoe()`.

    Returns
    -------
    DataFrame, one row a node of `survived` and `failed`: outcome, equity (in the data, money, nan
    where unknown), at_least, below (money; nan where there is no bound), consistent (True, False,
    or None where equity is unknown), verified (the model was run at the bound and just below: the
    node survives, and fails).

    Raises
    ------
    UnknownNameError, ArgumentError, ModelError : for an unknown node, one that is said to have done
        both, one that the shock fails and that survived, and models without clearing.

    Example
    -------
    a fails; b lost 10 and survived, c lost 4 and did not.

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
        raise ArgumentError(f"{both[0]!r} is said to have survived and to have failed.")
    pinned = [str(network.names[at]) for at in stood if not np.isnan(recoveries[at])]
    if pinned:
        raise ArgumentError(f"{pinned[0]!r} is said to have survived, and fails by the shock.")
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
    """The outcome, of a model in which a node that is pinned at 1 does nothing but pay."""
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
    """(B, n) what owners and external creditors of each node lose."""
    book = network.book
    before = np.maximum(book.equity, 0.0)
    owners = np.where(book.known, before - np.maximum(outcome.equity, 0.0), losses + outcome.lost)
    return np.asarray(owners + book.stated_liabilities - outcome.external_paid)


def _whole(network: ExposureNetwork, model: Model, shock: Shock, at: int, more: float) -> bool:
    """Does the node pay everything it owes with so much more outside?"""
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
    """With equity at the bound the node survives, and just below it does not."""
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
