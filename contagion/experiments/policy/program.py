"""The programme behind an optimal bailout: its matrices, its solution, and its dual."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array, eye_array, hstack, vstack

from ...errors import ConvergenceError, PolicyError
from ...kernels.programs import integer_program, linear_program
from ...network.exposure_network import ExposureNetwork
from ...network.hit import external_left

SLACK = 1e-9  # of a balance sheet: tolerance within which funds count as beyond a start


@dataclass(frozen=True, eq=False)
class Solved:
    """Injections and payments (n,), money; the shadow price of the budget; certificates."""

    injections: np.ndarray
    paid: np.ndarray
    price: float
    switches: int
    gap: float


@dataclass(frozen=True, eq=False)
class Program:
    """Clearing as inequalities, in units of the largest balance sheet.

    Variables: injections s (n,), payments p (S,) on segments, payments d (n,) to all creditors.

    Attributes
    ----------
    size : money in a unit.
    base : (n,) funds without injections and without payments on any segment.
    due, start, width : of nodes and segments.
    owner : (S,) the node that pays the segment.
    share : (S, n) the shares of its holders.
    low, high : (S,) bounds of p: equal where p is known.
    fixed : (n,) fixed payments of a node, nan for the others.
    behind : (S,) largest distance of funds below the start; 0: always reached, nan: never reached.
    """

    size: float
    base: np.ndarray
    due: np.ndarray
    start: np.ndarray
    width: np.ndarray
    owner: np.ndarray
    share: csr_array
    low: np.ndarray
    high: np.ndarray
    fixed: np.ndarray
    behind: np.ndarray

    @staticmethod
    def of(
        network: ExposureNetwork,
        losses: np.ndarray,
        pins: np.ndarray,
        least: np.ndarray,
        most: np.ndarray,
    ) -> Program:
        """The programme of a network after a shock.

        `least` and `most` (n,) are the funds without injections, and with the largest possible.
        """
        book, segments = network.book, network.segments
        scale = book.claims + segments.due
        size = max(float(scale.max(initial=0.0)), 1e-300)
        owner, width = segments.owner, segments.width / size
        start, due = segments.start / size, segments.due / size
        share = csr_array(segments.shares.explicit())
        external = external_left(network, losses)
        base = (external + book.claims) / size - np.asarray(share.T @ width).ravel()
        pinned = ~np.isnan(pins)
        rate = np.where(pinned, np.nan_to_num(pins), np.where(book.can_fail, np.nan, 1.0))
        slack = SLACK * scale[owner] / size
        least, most = (np.maximum(side, 0.0)[owner] / size for side in (least, most))
        full = least >= start + width - slack * 1e-3
        never = most <= start
        low, high = np.zeros(len(owner)), width.copy()
        low[full] = width[full]
        high[never] = 0.0
        stuck = ~np.isnan(rate[owner])
        low[stuck] = high[stuck] = (rate[owner] * width)[stuck]
        behind = np.maximum(start - least, 0.0)
        behind[(behind <= slack) & (start > 0)] = 0.0
        behind[full | never | stuck] = np.nan
        fixed = rate * due
        return Program(size, base, due, start, width, owner, share, low, high, fixed, behind)

    def solve(
        self, budget: float, open_to: np.ndarray, weights: np.ndarray, seconds: float
    ) -> Solved:
        """Maximise repayments, then minimise spending; `open_to` (n,) bool, `weights` (n,)."""
        n, s = len(self.base), len(self.owner)
        switched = np.flatnonzero(self.behind > 0)
        cost = np.concatenate([np.zeros(n + s), -weights])
        box = self._box(open_to)
        if len(switched):
            box = self._switched(cost, box, budget, switched, seconds)
        matrix, right = self._rows(np.flatnonzero(self.behind == 0), budget)
        if len(switched):
            on = switched[box[n + switched, 1] > 0]
            matrix, right = self._rows(np.union1d(np.flatnonzero(self.behind == 0), on), budget)
        found = linear_program("bailout", cost, box, below=(matrix, right))
        enough = csr_array(vstack([matrix, csr_array(cost[None])], format="csr"))
        spend = np.concatenate([np.ones(n), np.zeros(s + n)])
        try:
            below = (enough, np.append(right, found.value))
            best = linear_program("bailout", spend, box, below=below)
        except ConvergenceError:  # equally good, and within the budget
            best = found
        given = np.where(best.z[:n] > 1e-9, best.z[:n], 0.0) * self.size
        paid = best.z[n + s :] * self.size
        return Solved(given, paid, max(-float(found.prices[0]), 0.0), len(switched), found.gap)

    def _box(self, open_to: np.ndarray) -> np.ndarray:
        """Bounds (variables, 2)."""
        free = np.isnan(self.fixed)
        top = np.where(open_to, np.inf, 0.0)
        paid = np.where(free, self.due, np.nan_to_num(self.fixed))
        low = np.concatenate([np.zeros(len(top)), self.low, np.where(free, 0.0, paid)])
        return np.column_stack([low, np.concatenate([top, self.high, paid])])

    def _rows(self, active: np.ndarray, budget: float) -> tuple[csr_array, np.ndarray]:
        """`A z <= b`: the budget, payments within funds, and for `active` beyond their start."""
        n, s = len(self.base), len(self.owner)
        free = np.flatnonzero(np.isnan(self.fixed))
        eye, held = eye_array(n, format="csr"), csr_array(self.share.T)
        spent = csr_array((np.ones(n), (np.zeros(n, int), np.arange(n))), shape=(1, n + s + n))
        within = csr_array(hstack([-eye, -held, eye], format="csr"))[free]
        at = self.owner[active]
        pay = csr_array(
            (np.ones(len(active)), (np.arange(len(active)), active)), shape=(len(active), s)
        )
        none = csr_array((len(active), n))
        beyond = hstack([-eye[at], csr_array(pay - held[at]), none], format="csr")
        right = [[budget / self.size], self.base[free], self.base[at] - self.start[active]]
        return csr_array(vstack([spent, within, beyond], format="csr")), np.concatenate(right)

    def _switched(
        self,
        cost: np.ndarray,
        box: np.ndarray,
        budget: float,
        switched: np.ndarray,
        seconds: float,
    ) -> np.ndarray:
        """The bounds with each switch fixed at its value from the mixed-integer programme."""
        n, k = len(self.base), len(switched)
        plain = np.flatnonzero(self.behind == 0)
        matrix, right = self._rows(np.concatenate([plain, switched]), budget)
        rows = matrix.shape[0]
        on = (np.arange(rows - k, rows), np.arange(k))
        slope = csr_array((self.behind[switched], on), shape=(rows, k))
        right = right.copy()
        right[rows - k :] += self.behind[switched]
        limit = csr_array((np.ones(k), (np.arange(k), n + switched)), shape=(k, len(cost)))
        upper = csr_array((-self.width[switched], (np.arange(k), np.arange(k))), shape=(k, k))
        found = integer_program(
            np.append(cost, np.zeros(k)),
            np.append(box[:, 0], np.zeros(k)),
            np.append(box[:, 1], np.ones(k)),
            np.append(np.zeros(len(cost)), np.ones(k)),
            [(hstack([matrix, slope]), -np.inf, right), (hstack([limit, upper]), -np.inf, 0.0)],
            seconds=seconds,
        )
        if found.z is None or not found.proved:
            raise PolicyError(
                f"The bailout programme with {k} switches was not solved in {seconds:g} seconds "
                f"({found.message}). Increase seconds=, or give fewer nodes=."
            )
        box = box.copy()
        off = switched[found.z[len(cost) :] < 0.5]
        box[n + off, 1] = 0.0
        return box
