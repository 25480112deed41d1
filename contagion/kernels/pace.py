"""When a scenario is worth a linear solve, and how exact it has to be."""

from __future__ import annotations

import copy

import numpy as np

PATIENCE, BATCH_PATIENCE = 16, 60  # plain rounds that a linear solve has to save to be worth it
ROUGH, EXACT = 0.1, 1e-13  # reduction of a linear solve while the pattern moves, and at the end
SETTLED = 1e-3  # change in the number of moving segments below which the pattern counts as found


class Pace:
    """When a scenario is worth a linear solve, and how exact. Arrays (B,).

    With several segments a node the map is neither concave nor convex and the pattern of moving
    segments can run in circles from solve to solve. A solve that did not bring the residual down
    therefore doubles the plain rounds until the next one; those always lead to the fixed point.
    """

    def __init__(self, count: int, every: int = 1):
        patience = PATIENCE if count == 1 else BATCH_PATIENCE
        self.patience = np.full(count, patience / every)
        self.before = np.full(count, np.inf)
        self.last = np.full(count, np.inf)
        self.steady = np.full(count, -1)
        self.wait = np.full(count, 3)
        self.pause = np.ones(count, np.int64)
        self.judge = np.zeros(count, bool)

    def take(self, columns: np.ndarray) -> Pace:
        part = copy.copy(self)
        for name, array in vars(self).items():
            setattr(part, name, array[columns])
        return part

    def slow(self, residual: np.ndarray, tolerance: float) -> np.ndarray:
        """Would plain rounds, which do shrink, take so many that a solve is worth it?"""
        self.wait -= 1
        harmful = self.judge & (residual > 0.5 * self.last)
        self.pause = np.where(harmful, 2 * self.pause, self.pause)
        self.wait = np.where(harmful, self.pause, self.wait)
        self.judge = np.zeros_like(self.judge)
        with np.errstate(divide="ignore", invalid="ignore"):
            rate = np.clip(residual / self.before, 1e-12, 1 - 1e-12)
            left = np.log(tolerance / residual) / np.log(rate)
        shrinks = np.isfinite(self.before) & (residual <= self.before)
        self.before = residual
        return np.asarray(shrinks & (left > self.patience) & (self.wait < 0))

    def accuracy(
        self, at: np.ndarray, count: np.ndarray, residual: np.ndarray, tolerance: float
    ) -> np.ndarray:
        """Rough while the number of moving segments still changes, exact once it stands."""
        shift = np.abs(count - self.steady[at]) / np.maximum(count, 1)
        self.steady[at] = count
        wanted = np.where(shift < SETTLED, 0.1 * tolerance / residual, shift)
        return np.asarray(np.clip(wanted, EXACT, ROUGH))

    def solved(
        self, at: np.ndarray, good: np.ndarray, stride: np.ndarray, residual: np.ndarray
    ) -> None:
        """Take note of a solve, to judge it by the next residual; a stride is none to judge."""
        self.last[at], self.judge[at] = residual, good & ~stride
        self.pause[at] = np.where(good | stride, self.pause[at], 2 * self.pause[at])
        self.wait[at] = np.where(good | stride, 1, np.maximum(self.pause[at], 10))
