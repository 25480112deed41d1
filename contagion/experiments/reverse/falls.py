"""The smallest fall of prices that makes a node default, or causes a given loss."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import ArgumentError, ConvergenceError, expect
from ...media import shown
from ...models import EisenbergNoe
from ...models.base import Model
from ...network.exposure_network import ExposureNetwork
from ...network.hit import Hit
from ...results.ledger import entries
from ...results.outcome import Outcome
from ...shocks import Shock
from ...text import known_name, money

COARSE, POINTS = 48, 8  # sizes run first, and in each bracket
TOLERANCE = 1e-8  # of the largest fall
NONE = Shock()


@dataclass(frozen=True, eq=False, repr=False)
class SmallestFall:
    """The smallest fall of prices that reaches a goal.

    Attributes
    ----------
    moves : {asset: relative change} at which the goal is reached; empty if it is never reached.
    size : the largest of these falls, above 0; nan if the goal is not reached.
    below : the largest size at which the goal is known not to be reached, just below.
    verified : the model was run at `size` (goal reached) and at `below` (not reached).
    goal : in words.
    """

    moves: dict[Any, float]
    size: float
    below: float
    verified: bool
    goal: str

    @property
    def shock(self) -> Shock:
        """The fall itself, for `model.propagate`."""
        return Shock.price(self.moves)

    @shown
    def __repr__(self) -> str:
        if not self.moves:
            return f"Smallest fall for {self.goal}: none, not even when prices are 0"
        moves = ", ".join(f"{name} {move:+.4%}" for name, move in self.moves.items())
        sure = f"{'' if self.verified else 'NOT '}confirmed by runs at this size and just below it"
        return f"Smallest fall for {self.goal}: {moves} (of {COARSE} sizes the first; {sure})"


def smallest_fall(
    network: ExposureNetwork,
    model: Model | None = None,
    *,
    assets: Iterable[Any] | Mapping[Any, float],
    fail: Any = None,
    loss: float | None = None,
    socialized: float | None = None,
    given: Shock = NONE,
) -> SmallestFall:
    """The smallest fall of prices that makes a node default, or causes a given loss.

        min t   such that the goal holds when the price of each asset a falls by t · weight_a

    Any model can be used, also a :class:`~contagion.liquidation.CoupledCascade`, in which a larger
    fall need not cause a larger loss. Sizes are run from 0 to the one at which a price is 0, and
    the first interval in which the goal is reached is bracketed by further runs.

    Parameters
    ----------
    network, model : as for `model.propagate`; by default `EisenbergNoe()`.
    assets : names, with equal relative falls, or {asset: weight > 0}.
    fail : node that has to default. loss : loss of owners and external creditors that the fall has
        to cause, money. socialized : the part of it by contagion. Give one of the three.
    given : a shock that is applied in any case.

    Raises
    ------
    UnknownNameError : for an unknown node or asset, with the closest name.
    ArgumentError : for no goal or several, or weights that are not above 0.
    ConvergenceError : if the model does not converge without any shock.

    Example
    -------
    h is long 10 units at 100, with a margin of 100 only: below a price of 90 others lose, 20 at 88.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork({"node": ["v"], "external_assets": [30.0]},
    ...     {"creditor": [], "debtor": [], "amount": []})
    >>> book = ct.liquidation.MarginBook({"X": 100.0}, positions=[{"venue": "v", "holder": "h",
    ...     "instrument": "X", "size": 10, "margin": 100}])
    >>> model = ct.liquidation.CoupledCascade(book)
    >>> round(smallest_fall(net, model, assets=["X"], socialized=20.0).size, 6)
    0.12

    Source: arithmetic; the question is that of reverse stress tests.
    """
    model = EisenbergNoe() if model is None else model
    expect(network=network, model=model)
    expect("Shock", given=given)
    network = model.on(network)
    goal = _Goal.of(network, model, fail, loss, socialized)
    weights = dict(assets) if isinstance(assets, Mapping) else dict.fromkeys(assets, 1.0)
    for name, weight in weights.items():
        known_name(name, network.priced_assets, "asset")
        if not (np.isfinite(weight) and weight > 0):
            raise ArgumentError(f"assets= gives {name!r} {weight}: a weight above 0.")
    if not weights:
        raise ArgumentError("assets= is empty: name at least one asset.")

    def reached(sizes: np.ndarray) -> np.ndarray:
        hits = [(given + Shock.price({a: -t * w for a, w in weights.items()})).arrays(network)
                for t in sizes.tolist()]  # fmt: skip
        stacked = [np.array(side) for side in zip(*(h._replace(recoveries=h.pins) for h in hits),
                   strict=True)]  # fmt: skip
        return goal.holds(Hit(*stacked))

    top = 1.0 / max(weights.values())
    low, high = 0.0, np.nan
    sizes = np.linspace(0.0, top, COARSE + 1)
    while True:
        found = np.flatnonzero(reached(sizes))
        if not len(found):
            if np.isnan(high):
                return SmallestFall({}, np.nan, np.nan, False, goal.words)
            low = float(sizes[-1])
        elif found[0] == 0 and np.isnan(high):
            return SmallestFall(dict.fromkeys(weights, 0.0), 0.0, 0.0, True, goal.words)
        else:
            high = float(sizes[found[0]])
            low = float(sizes[found[0] - 1]) if found[0] else low
        if high - low <= TOLERANCE * top:
            break
        sizes = low + (high - low) * np.arange(1, POINTS + 1) / (POINTS + 1)
    sure = reached(np.array([low, high])).tolist() == [False, True]
    moves = {name: -high * weight for name, weight in weights.items()}
    return SmallestFall(moves, high * max(weights.values()), low * max(weights.values()), sure,
                        goal.words)  # fmt: skip


@dataclass(frozen=True)
class _Goal:
    network: ExposureNetwork
    model: Model
    reference: Outcome
    node: int | None
    amount: float
    socialized: bool
    words: str

    @classmethod
    def of(
        cls, network: ExposureNetwork, model: Model, fail: Any, loss: Any, socialized: Any
    ) -> _Goal:
        named = [what for what in (fail, loss, socialized) if what is not None]
        if len(named) != 1:
            raise ArgumentError("Give one goal: fail=, loss= or socialized=.")
        if fail is None and not (np.isfinite(named[0]) and named[0] > 0):
            raise ArgumentError(f"{named[0]}: money above 0.")
        reference = model.run(network, np.zeros(len(network)))
        if not np.all(reference.converged):
            raise ConvergenceError("The model does not converge without any shock.", reference)
        if fail is not None:
            at = network.position(fail)
            return cls(network, model, reference, at, np.nan, False, f"default of {fail}")
        what = "loss" if loss is not None else "socialized loss"
        words = f"a {what} of {money(float(named[0]), network.unit)}"
        social = loss is None
        return cls(network, model, reference, None, float(named[0]), social, words)

    def holds(self, hit: Hit) -> np.ndarray:
        """(B,) bool: whether each scenario reaches the goal; without convergence losses are low."""
        outcome = self.model.solve(self.network, *hit)
        if self.node is not None:
            return np.asarray(outcome.defaulted[:, self.node])
        found = entries(self.network, outcome, self.reference, hit)
        lost = found.socialized if self.socialized else found.borne.sum(axis=(1, 2))
        return np.asarray(lost >= self.amount * (1 - 1e-9))
