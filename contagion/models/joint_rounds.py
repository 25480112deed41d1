"""Constant inputs and changing state of the rounds of the joint model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..network.exposure_network import ExposureNetwork
from .channels import Funding, Prices
from .portfolios import Law, Portfolios


@dataclass(frozen=True)
class Case:
    """Inputs that stay constant over the rounds. B scenarios, n nodes, A assets; money."""

    network: ExposureNetwork
    mine: Portfolios
    prices: Prices | None
    funding: Funding | None
    law: Law | None
    start: np.ndarray  # (B, A) prices after the shock
    flat: np.ndarray  # (B, n) the shock, money
    pins: np.ndarray  # (B, n) recoveries
    started: np.ndarray  # (B, n) bool, set to default by the shock
    sells: np.ndarray  # (B, n) bool, can be forced to sell
    most: np.ndarray  # (B, n) upper bound on sale costs
    scale: np.ndarray  # (n,) by which changes of costs are divided


@dataclass
class State:
    """State of all scenarios after a round; those not yet converged are `live`, (b,) rows."""

    price: np.ndarray  # (B, A)
    cost: np.ndarray  # (B, n)
    part: np.ndarray  # (B, n) share of holdings sold
    sold: np.ndarray  # (B, A)
    change: np.ndarray  # (B,) change in the last round
    rounds: np.ndarray  # (B,)
    good: np.ndarray  # (B,) bool, the marks of the last round converged

    @classmethod
    def of(cls, case: Case) -> State:
        """The state before any loss, sale or withdrawal."""
        count, price = len(case.flat), case.start.copy()
        cost, part = np.zeros_like(case.flat), np.zeros_like(case.flat)
        change, rounds = np.full(count, np.inf), np.zeros(count, np.int64)
        return cls(price, cost, part, np.zeros_like(price), change, rounds, np.ones(count, bool))

    def step(
        self, live: np.ndarray, price: np.ndarray, cost: np.ndarray, scale: np.ndarray,
        tolerance: float, most: int,
    ) -> np.ndarray:  # fmt: skip
        """Count a round and update the state; (b,) bool: scenarios that need another round."""
        moved = np.abs(price - self.price[live]).max(axis=1, initial=0.0)
        dearer = ((cost - self.cost[live]) / scale).max(axis=1)
        self.change[live] = np.maximum(moved, dearer)
        self.rounds[live] += 1
        go = (self.change[live] > tolerance) & (self.rounds[live] < most)
        self.price[live[go]], self.cost[live[go]] = price[go], cost[go]
        return np.asarray(go)
