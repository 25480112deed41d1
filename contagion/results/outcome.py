"""Outcome: what a model computes for a batch of scenarios, as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Outcome:
    """What a model computes, as arrays; the hand-over between kernels and labels.

    Leading axes are scenarios, n nodes, S segments. Money in the unit of the network.

    Attributes
    ----------
    equity : (..., n) after the shock, signed; nan where the balance sheet is unknown.
    claims_lost : (..., n) what each node loses on its claims in the graph and by calls on it.
    defaulted : (..., n) bool.
    rounds, residual, converged : (...,) `residual` is the largest change that one more round would
        bring, relative to the balance sheet of the node.
    error : (...,) bound on the distance to the exact solution, relative to the balance sheet of the
        node; nan where it was not computed, `None` for models without one.
    default_round : (..., n) int, -1 never; 0 by the shock alone. `None` when not asked for;
        a result of `propagate` has its own.
    at_once : (..., n) bool, defaults by the shock alone, where a model knows them without a run for
        the rounds; else `None`.
    payments, external_paid, deadweight : (..., n) for models that settle claims, else `None`.
    unpaid : (..., S) per segment, for models that settle claims.
    loss_rate : (..., n) loss on a claim by debtor, for models that value claims.
    claim_rates : (m,) loss on a claim in default that has its own rate; nan: `loss_rate` holds.
    illiquid : (..., n) bool: nodes that cannot pay in time, for models that look at liquidity.
    channels : {name: (..., n)} how each node loses, besides the shock; they sum to the fall of
        its signed equity, "credit" is `claims_lost`. `None` for models with one channel.
    called, unmet : (..., Q) what guarantees are called for, and what of it is not paid; `None`
        without guarantees.
    marked : (..., n) what the prices of the shock give to positions of nodes that are on no balance
        sheet, below 0 take; for models that have such positions.
    products : sparse products the solution took, in units of the whole matrix.
    history : (equity, defaulted) after each round, when asked for.
    """

    equity: np.ndarray
    claims_lost: np.ndarray
    defaulted: np.ndarray
    rounds: np.ndarray
    residual: np.ndarray
    converged: np.ndarray
    error: np.ndarray | None = None
    default_round: np.ndarray | None = None
    at_once: np.ndarray | None = None
    payments: np.ndarray | None = None
    external_paid: np.ndarray | None = None
    deadweight: np.ndarray | None = None
    unpaid: np.ndarray | None = None
    loss_rate: np.ndarray | None = None
    claim_rates: np.ndarray | None = None
    illiquid: np.ndarray | None = None
    channels: dict[str, np.ndarray] | None = None
    called: np.ndarray | None = None
    unmet: np.ndarray | None = None
    marked: np.ndarray | None = None
    products: float = 0.0
    history: tuple[tuple[np.ndarray, np.ndarray], ...] = ()

    @property
    def lost(self) -> np.ndarray:
        """(..., n) what each node loses besides the shock: by all channels, or on its claims."""
        return self.claims_lost if not self.channels else np.sum(list(self.channels.values()), 0)
