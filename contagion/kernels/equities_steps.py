"""Linear solves that replace slow rounds: steps that cannot overshoot the solution.

    y = missing(x[owner])        shortfall of every claim from its face value
    x = base − y @ S             equity of every node

A step goes to the fixed point z of the linear map with the slopes at the current point x.
From above, suppose that the shortfall of every claim is at least its line L between x and z. Then
the map with L in place of y has z as its greatest fixed point below x, and it lies above the map
itself; so the greatest solution is below z. The valuation functions are first convex and then
concave in equity, so it is enough to check the end point z. A claim whose line fails there gets
the chord from x to z, and the system is solved once more.

The linear map has no fixed point if a group of nodes passes on all losses within the group. Its
slopes are then reduced slightly, z is far away, and the step d = z − x ends where the first line
fails, at x + t d. This cannot overshoot the solution E either: with A the slopes and
w = E − x − t d, E = F(E) implies w ≤ (1 − t)(F(x) − x) + A max(w, 0) ≤ A max(w, 0), and w ≤ 0
because the powers of A tend to 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from .linear import Solver, krylov
from .shares import Shares
from .valuation import Terms, Valued

EXACT, ROUNDING = 1e-13, 1e-13  # residual of a solve; rounding error, relative to balance sheets
FLATTER = (1 - 1e-9, 0.99, 0.9, 1.0)  # factors on the slopes if the linear map has no fixed point
DIRECT, LARGE = 8, 2000  # most scenarios and claims for which scenarios are solved one by one


@dataclass(frozen=True)
class System:
    """A batch of valuation problems.

    Attributes
    ----------
    missing : (terms, equity of the debtor (S, B), its default (S, B)) -> y and −dy/dE, (S, B), or
        (P, S, B) for parts that add up.
    terms, owner, shares : the claims; `owner` (S,) debtor, `shares` (S, n) creditors.
    base : (n, B) equity with all claims at face value, after the shock.
    fixed, still : (S, B) claims whose `y` does not depend on equity, and that `y`.
    limit : (n, 1) equity below which a node is in default.
    able : (n, B) nodes that can default in the model; outside : (n, B) set to default by the shock.
    scale : (n, 1) money by which residuals are divided.
    jumps : the value of a claim jumps at the default of its debtor.
    """

    missing: Callable[[Terms, np.ndarray, np.ndarray], Valued]
    terms: Terms
    owner: np.ndarray
    shares: Shares
    base: np.ndarray
    fixed: np.ndarray
    still: np.ndarray
    limit: np.ndarray
    able: np.ndarray
    outside: np.ndarray
    scale: np.ndarray
    jumps: bool

    def take(self, columns: np.ndarray) -> System:
        """Some of the scenarios."""
        names = ("base", "fixed", "still", "able", "outside")
        part = {name: getattr(self, name)[:, columns] for name in names}
        return replace(self, terms=self.terms.take(columns), **part)

    def failing(self, equity: np.ndarray) -> np.ndarray:
        """(n, B) bool: equity below the limit, or set to default by the shock."""
        return np.asarray((equity < self.limit) & self.able | self.outside)

    def value(self, equity: np.ndarray, default: np.ndarray) -> Valued:
        """y and −dy/dE at equities (n, B), by parts (P, S, B)."""
        y, slope = self.missing(self.terms, equity[self.owner], default[self.owner])
        if y.ndim == 2:
            y, slope = y[None], slope[None]
        if self._held:
            y, slope = np.where(self.fixed, 0.0, y), np.where(self.fixed, 0.0, slope)
            y[0] += np.where(self.fixed, self.still, 0.0)
        return y, slope

    @cached_property
    def _held(self) -> bool:
        return bool(self.fixed.any())


def leap(
    system: System,
    least: bool,
    long: np.ndarray,
    x: np.ndarray,
    default: np.ndarray,
    y: np.ndarray,
    slope: np.ndarray,
    change: np.ndarray,
) -> tuple[np.ndarray, int]:
    """The step (n, B) to the fixed point of the linear map, `change` if none is found; products."""
    way = 1.0 if least else -1.0
    room = ROUNDING * system.scale
    ahead = (change * way >= -room).all(axis=0)
    best, good, products = change.copy(), ~ahead, 0
    flat = np.zeros(change.shape[1], bool)
    wide = ROUNDING * system.terms.width

    def again(d: np.ndarray) -> np.ndarray:
        nonlocal products
        products += 1
        return system.shares.spread(slope.sum(axis=0) * d[system.owner])

    for flatter in FLATTER:
        if good.all():
            break
        step, solved = krylov(again, change, EXACT)
        late = ~solved & long
        if late.any():
            step[:, late] = direct(system, slope[..., late].sum(axis=0), change[:, late])
            solved |= late
        with np.errstate(invalid="ignore"):
            solved &= np.isfinite(step).all(axis=0)
            solved &= (step * way >= change * way - room).all(axis=0)
        step = np.where(solved, step, change)
        reach = step[system.owner]
        there, _ = system.value(x + step, default)
        beyond = (there - y + slope * reach) * way > wide
        fits = solved & ~good & ~beyond.any(axis=(0, 1))
        best = np.where(fits, step, best)
        good |= fits
        over = solved & ~good & flat
        if over.any():  # stop at the first line that fails
            ends = np.where(beyond, (y - there) / np.where(beyond, slope * reach, 1.0), 1.0)
            part = step * ends.min(axis=(0, 1))
            short, _ = system.value(x + part, default)
            held = (short - y + slope * part[system.owner]) * way <= wide
            over &= held.all(axis=(0, 1)) & (np.abs(part).max(axis=0) > np.abs(best).max(axis=0))
            best = np.where(over, part, best)
            good |= over
        flat = flat | ~solved
        chord = np.maximum((y - there) / np.where(reach == 0, 1.0, reach), 0.0)
        lower = np.where(beyond & (reach != 0), np.minimum(chord, slope), slope)
        slope = np.where(solved, lower, flatter * slope)
    return best, products


def direct(system: System, slope: np.ndarray, change: np.ndarray) -> np.ndarray:
    """`step = change + slope step` for scenarios that the batch does not solve, one by one.

    nan if there is no solution or the system is too large.
    """
    n = len(change)
    out = np.full(change.shape, np.nan)
    for b in range(min(change.shape[1], DIRECT)):
        rows = np.flatnonzero(slope[:, b] > 0)
        places = (np.arange(len(rows)), system.owner[rows])
        onto = csr_array((slope[rows, b], places), (len(rows), n))
        solver = Solver(csr_array(system.shares.explicit(rows).T @ onto))
        if len(rows) <= LARGE or solver.easy:
            out[:, b], _ = solver(change[:, b])
    return out
