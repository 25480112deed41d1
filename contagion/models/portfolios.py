"""What the models of fire sales share: the holdings as a matrix, laws of price, markets."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from ..errors import ArgumentError, ArgumentTypeError, ModelError
from ..network.exposure_network import ExposureNetwork
from ..results.hops import Route
from ..results.outcome import Outcome
from ..results.run_arrays import RunArrays
from ..shocks import Shock
from ..text import listing
from .base import NO_SHOCK, Model, Trace
from .routes import NOISE, lost_by, through_assets

SHARE = 1.0536  # −ln(0.9) / 0.1: prices fall by 10 % when 10 % of everything held is sold

Law = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Portfolios:
    """Marketable holdings of a network.

    assets : names (A,) in order; held : (n, A) sparse, money; total : (A,) what all nodes hold;
    value : (n,) what each node holds; outside : (n,) external assets, not less than `value`.
    """

    assets: tuple[Any, ...]
    held: csr_array
    total: np.ndarray
    value: np.ndarray
    outside: np.ndarray

    @classmethod
    def of(cls, network: ExposureNetwork, illiquid: tuple[Any, ...] = ()) -> Portfolios:
        """The holdings of a network but for those that cannot be sold; possibly none."""
        table = network._holdings
        if table is None:
            table = pd.DataFrame({"node": [], "asset": [], "value": []})
        table = table[~table["asset"].isin(list(illiquid)) & (table["value"] > 0)]
        assets = tuple(sorted(table["asset"].unique(), key=str))
        row = network.names.get_indexer(pd.Index(table["node"]))
        column = pd.Index(assets).get_indexer(pd.Index(table["asset"]))
        money = table["value"].to_numpy(float)
        held = csr_array((money, (row, column)), shape=(len(network), len(assets)))
        value = np.asarray(held.sum(axis=1)).ravel()
        outside = np.maximum(network.book.stated_assets, value)
        return cls(assets, held, np.asarray(held.sum(axis=0)).ravel(), value, outside)

    def after(self, losses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(B, n) part of the value of holdings, and money of other assets, that losses leave.

        A shock says how much a node loses and not on what: other external assets lose first, then
        all holdings in proportion. Units stay: they are worth less.
        """
        left = np.maximum(self.outside - losses, 0.0)
        holdings = np.minimum(left, self.value)
        whole = np.where(self.value > 0, self.value, 1.0)
        return np.where(self.value > 0, holdings / whole, 0.0), left - holdings

    def named(self, name: str, value: Any, default: np.ndarray) -> np.ndarray:
        """(A,) a parameter that is one number, pairs of asset and number, or `None`."""
        if value is None:
            return default
        if not isinstance(value, tuple):
            return np.full(len(self.assets), float(value))
        return np.array([float(v) for v in self._lookup(name, value)])

    def law(self, impact: Any) -> Law:
        """Volumes sold (B, A) in money at the price before, to prices (B, A)."""
        if not isinstance(impact, tuple):
            return self._one(impact, self.total)
        found = self._lookup("impact", impact)
        whole = _stacked(found)
        if whole is not None:
            return self._one(whole, self.total)
        single = [self._one(law, self.total[k]) for k, law in enumerate(found)]
        return lambda volume: np.stack([f(volume[:, k]) for k, f in enumerate(single)], axis=1)

    def _one(self, impact: Any, total: np.ndarray) -> Law:
        if hasattr(impact, "factor"):
            return lambda volume: np.asarray(impact.factor(volume))
        rate = impact / np.where(total > 0, total, 1.0)
        return lambda volume: np.asarray(np.exp(-rate * volume))

    def _lookup(self, name: str, pairs: tuple[tuple[Any, Any], ...]) -> list[Any]:
        given = dict(pairs)
        missing = [asset for asset in self.assets if asset not in given]
        if missing:
            raise ModelError(
                f"{name} says nothing about {listing(missing)}, which nodes hold; it knows "
                f"{listing(list(given), 6)}. Give every asset a value, or one value for all."
            )
        return [given[asset] for asset in self.assets]


def _stacked(laws: list[Any]) -> Any:
    """Laws of one form with plain numbers as one law with arrays (A,); `None` where not."""
    if all(isinstance(law, float) for law in laws):
        return np.array(laws)
    kinds = {type(law) for law in laws}
    if len(kinds) > 1 or not all(
        isinstance(value, float) for law in laws for value in vars(law).values()
    ):
        return None
    return kinds.pop()(**{key: [vars(law)[key] for law in laws] for key in vars(laws[0])})


def by_asset(name: str, value: Any, check: Callable[[Any], Any]) -> Any:
    """A parameter that can be hashed: `{asset: value}` as pairs in order, every value checked.

    >>> by_asset("depth", {"B": 2, "A": 1}, float)
    (('A', 1.0), ('B', 2.0))
    """
    if isinstance(value, Mapping):
        value = tuple(value.items())
    if not isinstance(value, tuple):
        return check(value)
    try:
        pairs = [(asset, check(item)) for asset, item in value]
    except (TypeError, ValueError) as error:
        if isinstance(error, ValueError) and name in str(error):
            raise
        raise ArgumentTypeError(f"{name}={value!r}: give one value, or {{asset: value}}.") from None
    return tuple(sorted(pairs, key=lambda pair: str(pair[0])))


def checked_impact(value: Any) -> Any:
    """A law of price: a number >= 0 or a form of :mod:`contagion.margin` with `factor`.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        For anything else.
    """
    if hasattr(value, "factor"):
        return value
    return checked_number("impact")(value)


def checked_number(name: str, low: float = 0.0, *, above: bool = False) -> Callable[[Any], float]:
    """A check that gives a float `>= low` (`above`: `> low`) or raises with the name."""

    def check(value: Any) -> float:
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise ArgumentTypeError(f"{name}={value!r}: a number is needed.") from None
        if not (number > low if above else number >= low):
            raise ArgumentError(
                f"{name}={number:g}: it has to be {'>' if above else '>='} {low:g}."
            )
        return number

    return check


@dataclass(frozen=True)
class Solved:
    """An outcome with its markets.

    part : (B, n) of its holdings that each node has sold, nan where it is only known that it has
    sold something; sold : (B, A) money at the price before; price : (B, A).
    """

    outcome: Outcome
    portfolios: Portfolios
    part: np.ndarray
    sold: np.ndarray
    price: np.ndarray


@dataclass(frozen=True, repr=False)
class PortfolioModel(Model):
    """A model in which sales move prices: `run` gives the outcome, `market` prices and volumes."""

    @abstractmethod
    def _solve(
        self, network: ExposureNetwork, flat: np.ndarray, pins: np.ndarray, trace: Trace
    ) -> Solved:
        """Losses and pins (B, n) to an outcome of the same shape, and its markets."""

    def run(
        self,
        network: ExposureNetwork,
        losses: np.ndarray,
        recoveries: np.ndarray | None = None,
        *,
        trace: Trace = "none",
    ) -> Outcome:
        """Scenarios (..., n) to an outcome; see :meth:`contagion.models.Model.run`."""
        n = len(network)
        flat = losses.reshape(-1, n)
        pins = np.full(flat.shape, np.nan) if recoveries is None else recoveries.reshape(-1, n)
        done = self._solve(network, flat, pins, trace).outcome
        return shaped(done, losses.shape[:-1])

    def market(self, network: ExposureNetwork, shock: Shock = NO_SHOCK) -> pd.DataFrame:
        """Prices and volumes after the sales, one row an asset that can be sold.

        Columns: held (by all nodes, money), sold (money at the price before), price (over the
        price before), fall (1 − price). Empty for a network without holdings.

        Raises
        ------
        ShockError, ModelError
            For a shock or parameters that do not fit the network.
        """
        self._usable(network)
        losses, recoveries = shock.arrays(network)
        done = self._solve(network, losses[None], recoveries[None], "none")
        columns = {
            "held": done.portfolios.total,
            "sold": done.sold[0],
            "price": done.price[0],
            "fall": 1.0 - done.price[0],
        }
        return pd.DataFrame(columns, index=pd.Index(done.portfolios.assets, name="asset"))

    def routes(self, result: RunArrays) -> tuple[Route, ...]:
        """From who sold to who holds the same, see :func:`contagion.results.hops.hops`."""
        return self._prices(result)[1]

    def _prices(self, result: RunArrays) -> tuple[np.ndarray, tuple[Route, ...]]:
        """(n,) bool: who sells because of the shock, and where the prices that fall lead to."""
        network, pins = result.network, result.pinned_recoveries
        done = self._solve(network, result.asset_losses[None], pins[None], "path")
        none = np.zeros_like(result.asset_losses)
        before = self._solve(network, none[None], np.full((1, len(none)), np.nan), "path")
        mine, fall = done.portfolios, before.price[0] - done.price[0]
        sold = ~(done.part[0] <= NOISE)  # nan has sold
        sold &= ~(before.part[0] >= 1.0 - NOISE)  # who sells everything anyway sells no more
        loser = lost_by(result, "price") > NOISE * mine.value
        return sold, (through_assets(mine.held, sold, fall > NOISE, loser),)


def shaped(outcome: Outcome, lead: tuple[int, ...]) -> Outcome:
    """An outcome of (B, ...) arrays with its scenarios in the shape `lead`."""
    arrays: dict[str, Any] = {
        field.name: value.reshape(lead + value.shape[1:])
        for field in fields(outcome)
        if isinstance(value := getattr(outcome, field.name), np.ndarray)
    }
    if outcome.channels is not None:
        arrays["channels"] = {
            name: money.reshape(lead + money.shape[1:]) for name, money in outcome.channels.items()
        }
    states = tuple(
        (equity.reshape(lead + equity.shape[1:]), failed.reshape(lead + failed.shape[1:]))
        for equity, failed in outcome.history
    )
    return replace(outcome, **arrays, history=states)


def valued(
    network: ExposureNetwork,
    flat: np.ndarray,
    pins: np.ndarray,
    claims: np.ndarray,
    on_holdings: np.ndarray,
    rate: np.ndarray,
    default_round: np.ndarray | None,
    rounds: np.ndarray,
    converged: np.ndarray,
    history: list[tuple[np.ndarray, np.ndarray]],
) -> Outcome:
    """The outcome (B, n) of a model that values claims and holdings but settles nothing.

    What a node that fails for outside reasons loses on its own holdings is part of its failure.
    """
    book, started = network.book, ~np.isnan(pins)
    room = 1e-12 * (book.claims + np.abs(book.stated_assets))
    equity = book.equity - flat - claims - on_holdings
    equity = np.where(started, np.minimum(equity, 0.0), equity)
    failed = started | (book.can_fail & (equity < -room))
    if default_round is None:
        before = started | (book.can_fail & (book.equity - flat < -room))
        default_round = np.where(failed, np.where(before, 0, 1), -1)
    else:
        failed = default_round >= 0
    return Outcome(
        equity=equity,
        claims_lost=claims,
        defaulted=failed,
        rounds=rounds,
        residual=np.zeros(len(flat)),
        converged=converged,
        default_round=default_round,
        loss_rate=rate,
        channels={"credit": claims, "price": np.where(started, 0.0, on_holdings)},
        history=tuple((book.equity - flat - gone, now) for gone, now in history),
    )
