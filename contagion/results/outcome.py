"""Outcome: what a model computes for a batch of scenarios, as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Outcome:
    """The arrays that a model computes, without labels.

    Leading axes are scenarios, n nodes, S segments. Amounts in the unit of the network.

    Attributes
    ----------
    equity : (..., n) after the shock, signed; nan where the balance sheet is unknown.
    claims_lost : (..., n) loss of each node on its claims in the graph and by calls on it.
    defaulted : (..., n) bool.
    rounds, residual, converged : (...,) `residual` is the largest change in one more round,
        relative to the balance sheet of the node.
    error : (...,) bound on the distance to the exact solution, relative to the balance sheet of the
        node; nan where it was not computed, `None` for models without one.
    default_round : (..., n) int, round of default: 0 by the shock alone, -1 for nodes that survive.
        `None` when not requested; results of `propagate` compute it when it is read.
    at_once : (..., n) bool, defaults by the shock alone, if the model knows them without a separate
        run for the rounds; else `None`.
    payments, external_paid, deadweight : (..., n) for models that settle claims, else `None`.
    unpaid : (..., S) per segment, for models that settle claims.
    loss_rate : (..., n) loss on a claim by debtor, for models that value claims.
    claim_rates : (m,) loss rate in default of claims with a rate of their own; nan: `loss_rate`.
    illiquid : (..., n) bool: nodes that cannot pay in time, for models with liquidity.
    channels : {name: (..., n)} losses of each node by channel, besides the shock; they sum to the
        fall of its signed equity, "credit" is `claims_lost`. `None` for models with one channel.
    called, unmet : (..., Q) amounts called from guarantees, and the unpaid part of them; `None`
        without guarantees.
    marked : (..., n) gain of each node on positions outside its balance sheet from the prices of
        the shock, negative for a loss; only for models with such positions.
    products : number of sparse matrix products used, in units of the whole matrix.
    history : (equity, defaulted) after each round, when requested.
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
        """(..., n) loss of each node besides the shock: by all channels, or on its claims."""
        return self.claims_lost if not self.channels else np.sum(list(self.channels.values()), 0)
