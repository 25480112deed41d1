"""Depth that withdraws: market makers leave during liquidations and volatile prices."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from ..statistics.arrays import numbers


@dataclass(frozen=True)
class Withdrawal:
    """Depth as a share of depth in calm markets.

        part = max(floor, 1 − liquidated · G − volatility · max(σ − calm, 0))

    G is the share of the open interest at the start that was liquidated and still reduces depth:
    it decays by exp(−back) per round. σ is the volatility of the market price per round,
    `σ² ← memory σ² + (1 − memory) return²`. A sale of v units then moves the price like v / part
    units do in calm markets; the impact of earlier sales does not change.

    Parameters
    ----------
    liquidated : share of the depth that leaves when all open interest is liquidated, >= 0.
    volatility : share of the depth that leaves per unit of volatility above `calm`, >= 0.
    calm : volatility per round up to which all depth is available, >= 0.
    floor : share that always stays, above 0, at most 1.
    back : rate per round at which depth returns, >= 0.
    memory : weight of the past in the volatility, from 0 to below 1.

    Raises
    ------
    ArgumentError : a parameter out of range.

    Example
    -------
    A linear depth of 2,000: 100 units move the price by 5 %, and by 10 % after half of the open
    interest has been liquidated.

    >>> import numpy as np
    >>> gone = np.array([0.0, 0.5, 0.9])
    >>> Withdrawal(liquidated=1.0, floor=0.25).depth(gone, np.zeros(3))
    array([1.  , 0.5 , 0.25])

    Source: our own form; that depth falls when volatility rises is a common observation.
    """

    liquidated: float = 1.0
    volatility: float = 0.0
    calm: float = 0.0
    floor: float = 0.1
    back: float = 0.0
    memory: float = 0.9

    def __post_init__(self) -> None:
        for each in fields(self):
            numbers(each.name, getattr(self, each.name), 0)
        numbers("floor", self.floor, high=1, above=0)
        numbers("memory", self.memory, below=1)

    def depth(self, gone: np.ndarray, volatility: np.ndarray) -> np.ndarray:
        """Share of the calm depth (B, A)."""
        away = self.liquidated * gone + self.volatility * np.maximum(volatility - self.calm, 0.0)
        return np.asarray(np.maximum(1 - away, self.floor))

    def returned(self, gone: np.ndarray) -> np.ndarray:
        """The share of the liquidated part that still reduces depth a round later."""
        return np.asarray(gone * np.exp(-self.back))

    def variance(self, variance: np.ndarray, change: np.ndarray) -> np.ndarray:
        """The variance after one more return."""
        return self.memory * variance + (1 - self.memory) * change**2
