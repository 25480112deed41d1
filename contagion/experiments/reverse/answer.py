"""The result of a search for the smallest shock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from ...errors import ArgumentError
from ...media import shown
from ...models.base import Model
from ...network.exposure_network import ExposureNetwork
from ...results.outcome import Outcome
from ...shocks import Shock
from ...text import money, same_scale

Norm = Literal["money", "largest", "relative"]
NORMS = ("money", "largest", "relative")


@dataclass(frozen=True)
class Goal:
    """The goal of the shock: `fail` or `loss`.

    Attributes
    ----------
    fail : rows of nodes that all have to be in default.
    loss : total loss of owners to be reached, by the shock and by contagion, above `base`, money.
    base : loss without the shock, because nodes are insolvent before, money.
    """

    fail: tuple[int, ...] = ()
    loss: float = np.nan
    base: float = 0.0

    @staticmethod
    def of(network: ExposureNetwork, fail: Any, loss: float | None) -> Goal:
        """From names; `UnknownNameError` for an unknown node, `ArgumentError` for none or both."""
        if (fail is None) == (loss is None):
            raise ArgumentError("Give one goal: fail= a node or nodes, or loss= money.")
        if loss is not None:
            if not (np.isfinite(loss) and loss > 0):
                raise ArgumentError(f"loss = {loss}: money above 0.")
            return Goal(loss=float(loss))
        names = list(fail) if isinstance(fail, list | tuple | set) else [fail]
        rows = []
        for name in names:
            at = network.position(name)
            if not network.book.can_fail[at] or not network.book.known[at]:
                raise ArgumentError(
                    f"{str(name)!r} cannot fail in these data (can_fail is false, or its balance "
                    "sheet is not known): give it one with with_nodes."
                )
            rows.append(at)
        return Goal(fail=tuple(rows))

    def holds(
        self, network: ExposureNetwork, outcome: Outcome, losses: np.ndarray | float
    ) -> np.ndarray:
        """(B,) bool: whether each outcome reaches the goal."""
        if self.fail:
            return np.asarray(outcome.defaulted[:, list(self.fail)].all(axis=1))
        lost = owners(network, outcome, losses).sum(axis=1)
        return np.asarray(lost - self.base >= self.loss * (1 - 1e-9))

    def counted(self, network: ExposureNetwork, model: Model, recoveries: np.ndarray) -> Goal:
        """The same goal, with the losses before the shock as its base."""
        if self.fail:
            return self
        none = np.zeros((1, len(network)))
        outcome = model.solve(network, none, recoveries[None])
        return replace(self, base=float(owners(network, outcome, none).sum()))

    def words(self, network: ExposureNetwork) -> str:
        """The goal in words."""
        if self.fail:
            return "default of " + ", ".join(str(network.names[at]) for at in self.fail)
        return f"a loss of {money(self.loss, network.unit)}"


def owners(network: ExposureNetwork, outcome: Outcome, losses: np.ndarray | float) -> np.ndarray:
    """(B, n) losses of the owners of each node relative to face values, money."""
    before = np.maximum(network.book.equity, 0.0)
    limited = network.book.known & network.book.can_fail
    fall = before - np.maximum(outcome.equity, 0.0)
    return np.asarray(np.where(limited, fall, losses + outcome.lost))


@dataclass(frozen=True, eq=False, repr=False)
class Smallest:
    """The smallest shock that reaches a goal.

    Attributes
    ----------
    losses : Series node → external assets destroyed, money, without zeros.
    size : its size in the norm: total loss ("money"), loss of the node hit most ("largest"), or the
        largest loss relative to the external assets of a node ("relative").
    below : the largest size, in the same direction, at which the goal is known not to be reached.
    norm, direction, method : how it was found.
    exact : True if no smaller shock in any direction reaches the goal.
    least : lower bound: no shock of a smaller size, in any direction, reaches the goal; nan if not
        known.
    verified : the model was run at `size` (goal reached) and at `below` (not reached).
    goal, unit : text for display.
    """

    losses: pd.Series
    size: float
    below: float
    norm: Norm
    direction: str
    method: str
    exact: bool
    least: float
    verified: bool
    goal: str
    unit: str

    @property
    def shock(self) -> Shock:
        """The shock itself, for `model.propagate`."""
        return Shock.loss(dict(self.losses))

    @shown
    def __repr__(self) -> str:
        size, least = self._text(self.size), self._text(self.least)
        if not np.isfinite(self.size):
            return f"Smallest shock for {self.goal}: none. {self.method}"
        most = self.losses.sort_values(ascending=False, kind="stable").head(4)
        say = same_scale([self.size, *most] if self.norm != "relative" else most, self.unit)
        hits = ", ".join(f"{node} {say(float(x))}" for node, x in most.items())
        more = len(self.losses) - len(most)
        words = {"money": "in all", "largest": "at the node hit most", "relative": "of assets"}
        how = "no smaller one exists"
        if not self.exact:
            how = "a smaller one in another direction may exist"
            how += "" if np.isnan(self.least) else f", none below {least}"
        return (
            f"Smallest shock for {self.goal}: {size} {words[self.norm]} ({self.direction})\n"
            f"  {hits}{f' and {more} more' if more > 0 else ''}\n"
            f"  {self.method}; {how}; "
            f"{'' if self.verified else 'NOT '}confirmed by runs at this size and just below it"
        )

    def _text(self, size: float) -> str:
        return f"{size:.4%}" if self.norm == "relative" else money(size, self.unit)


@dataclass(frozen=True)
class Search:
    """The inputs of every step of a search: a network after the given shock, a model, and a goal.

    Attributes
    ----------
    network, model, goal, norm : as given.
    assets : (n,) external assets that the shock may destroy, money.
    recoveries : (n,) recovery rates of nodes set to default by the given shock, nan for the others.
    """

    network: ExposureNetwork
    model: Model
    goal: Goal
    norm: Norm
    assets: np.ndarray
    recoveries: np.ndarray

    def reached(self, losses: np.ndarray) -> np.ndarray:
        """(B,) bool: whether each shock (B, n) reaches the goal.

        A run that stops before convergence underestimates losses, so a goal it reaches is reached.
        """
        pins = np.broadcast_to(self.recoveries, losses.shape)
        outcome = self.model.solve(self.network, losses, pins)
        return self.goal.holds(self.network, outcome, losses)

    def confirmed(self, pair: np.ndarray) -> bool:
        """Whether only the first shock of a pair (2, n) reaches the goal, in runs that converge."""
        pins = np.broadcast_to(self.recoveries, pair.shape)
        outcome = self.model.solve(self.network, pair, pins)
        first, second = self.goal.holds(self.network, outcome, pair)
        return bool(first and not second and outcome.converged[1])

    def sized(self, losses: np.ndarray) -> np.ndarray:
        """The size (...,) of shocks (..., n) in the norm."""
        if self.norm == "money":
            return np.asarray(losses.sum(axis=-1))
        part = losses
        if self.norm == "relative":
            part = np.zeros_like(losses)
            np.divide(losses, self.assets, out=part, where=self.assets > 0)
        return np.asarray(np.max(part, axis=-1), float)

    def answer(
        self,
        pair: np.ndarray,
        direction: str,
        method: str,
        *,
        exact: bool,
        least: float,
        sure: bool,
    ) -> Smallest:
        """The first shock of a pair (2, n); the second is just below."""
        size, below = (float(x) for x in self.sized(pair))
        series = pd.Series(pair[0], self.network.names, name="loss")
        goal, unit = self.goal.words(self.network), self.network.unit
        kept = series[series > 0]
        return Smallest(
            kept, size, below, self.norm, direction, method, exact, least, sure, goal, unit
        )

    def unreachable(self, direction: str, why: str) -> Smallest:
        """No shock reaches the goal: a size of nan."""
        none = pd.Series([], pd.Index([], name="node"), dtype=float, name="loss")
        nan, goal, unit = np.nan, self.goal.words(self.network), self.network.unit
        return Smallest(none, nan, nan, self.norm, direction, why, False, nan, False, goal, unit)


def assets_of(network: ExposureNetwork, hit: Iterable[Any] | None) -> np.ndarray:
    """(n,) external assets that the shock may destroy, money; 0 if not allowed or not known."""
    assets: np.ndarray = network.book.stated_assets
    if hit is None:
        return assets
    may = np.zeros(len(network), bool)
    for name in hit:
        may[network.position(name)] = True
    return np.asarray(np.where(may, assets, 0.0))
