"""Common parts of the fire-sale models: the matrix of holdings, price impact, markets."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Protocol, TypeAlias, runtime_checkable

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from ..errors import ArgumentError, ArgumentTypeError, ModelError
from ..network.exposure_network import ExposureNetwork
from ..network.hit import Hit
from ..results.hops import Route
from ..results.outcome import Outcome
from ..results.run_arrays import RunArrays
from ..shocks import Shock
from ..text import listing
from .base import NO_SHOCK, Model, Trace
from .routes import NOISE, lost_by, through_assets

SHARE = 1.0536  # −ln(0.9) / 0.1: prices fall by 10 % when 10 % of everything held is sold

Law = Callable[[np.ndarray], np.ndarray]


@runtime_checkable
class PriceLaw(Protocol):
    """How sales move a price, such as `ct.liquidation.Linear`."""

    def factor(self, volume: np.ndarray) -> np.ndarray:
        """Prices over those before, after a volume sold."""
        ...


Impact: TypeAlias = float | PriceLaw | Mapping[Any, float | PriceLaw]


@dataclass(frozen=True)
class Portfolios:
    """Marketable holdings of a network.

    assets : names (A,) in order; held : (n, A) sparse, money at the price before the shock, which
    is 1, so amounts are units; total : (A,) holdings of all nodes; value : (n,) holdings of each
    node; outside : (n,) external assets, at least `value`; column : (A,) position of each asset
    among all assets with a price.
    """

    assets: tuple[Any, ...]
    held: csr_array
    total: np.ndarray
    value: np.ndarray
    outside: np.ndarray
    column: np.ndarray

    @classmethod
    def of(cls, network: ExposureNetwork, illiquid: tuple[Any, ...] = ()) -> Portfolios:
        """The holdings of a network except `illiquid` ones; possibly none."""
        sold = ~network.priced_assets.isin(list(illiquid))
        column = np.flatnonzero(sold & (np.asarray(network.held.sum(axis=0)).ravel() > 0))
        assets, held = tuple(network.priced_assets[column]), csr_array(network.held[:, column])
        value = np.asarray(held.sum(axis=1)).ravel()
        outside = np.maximum(network.book.stated_assets, value)
        return cls(assets, held, np.asarray(held.sum(axis=0)).ravel(), value, outside, column)

    def shocked(self, count: int, prices: np.ndarray | None) -> np.ndarray:
        """(B, A) prices after the shock and before any sale, relative to those before the shock."""
        if prices is None:
            return np.ones((count, len(self.assets)))
        return np.asarray(prices[:, self.column])

    def after(self, losses: np.ndarray, shocked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(B, n) share of marked holdings, and amount of other external assets, after losses.

        Prices (B, A) mark the holdings. Other losses are not assigned to assets by the shock: other
        external assets are written down first, then all holdings in proportion. The units stay the
        same, only their value falls. Gains from prices are left out, in proportion.
        """
        marked = np.asarray(shocked @ self.held.T)
        left = np.maximum(self.outside - losses, 0.0)
        holdings = np.minimum(left, np.minimum(marked, self.value))
        whole = np.where(marked > 0, marked, 1.0)
        return np.where(marked > 0, holdings / whole, 0.0), left - holdings

    def named(self, name: str, value: Any, default: np.ndarray) -> np.ndarray:
        """(A,) a parameter that is one number, pairs of asset and number, or `None`."""
        if value is None:
            return default
        if not isinstance(value, tuple):
            return np.full(len(self.assets), float(value))
        return np.array([float(v) for v in self._lookup(name, value)])

    def law(self, impact: Any) -> Law:
        """Map units sold (B, A) to prices (B, A) relative to those after the shock."""
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
                f"{name} has no value for {listing(missing)}, which nodes hold; it has values for "
                f"{listing(list(given), 6)}. Give every asset a value, or one value for all."
            )
        return [given[asset] for asset in self.assets]


def _stacked(laws: list[Any]) -> Any:
    """Price laws of the same form merged into one with arrays (A,); `None` if not possible."""
    if all(isinstance(law, float) for law in laws):
        return np.array(laws)
    kinds = {type(law) for law in laws}
    if len(kinds) > 1 or not all(
        isinstance(value, float) for law in laws for value in vars(law).values()
    ):
        return None
    return kinds.pop()(**{key: [vars(law)[key] for law in laws] for key in vars(laws[0])})


def by_asset(name: str, value: Any, check: Callable[[Any], Any]) -> Any:
    """The checked parameter in a form that can be hashed: `{asset: value}` as ordered pairs.

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
    """A price law: a number >= 0 or an object with `factor`, see :mod:`contagion.liquidation`.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        For anything else.
    """
    if hasattr(value, "factor"):
        return value
    return checked_number("impact")(value)


def checked_number(name: str, low: float = 0.0, *, above: bool = False) -> Callable[[Any], float]:
    """A check that returns a float `>= low` (`above`: `> low`) or raises with the name."""

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

    part : (B, n) share of its holdings that each node has sold, nan if it has sold an unknown
    share; sold : (B, A) units, money at the price before; price : (B, A) after the sales, and
    fall : (B, A) price fall due to sales, both relative to the price before.
    """

    outcome: Outcome
    portfolios: Portfolios
    part: np.ndarray
    sold: np.ndarray
    price: np.ndarray
    fall: np.ndarray


@dataclass(frozen=True, repr=False)
class PortfolioModel(Model):
    """A model in which sales move prices: `run` gives the outcome, `market` prices and volumes."""

    reads_prices: ClassVar[bool] = True

    @abstractmethod
    def _solve(self, network: ExposureNetwork, hit: Hit, trace: Trace) -> Solved:
        """Solve losses and recoveries (B, n): an outcome of the same shape, and its markets."""

    def run(
        self,
        network: ExposureNetwork,
        losses: np.ndarray,
        recoveries: np.ndarray | None = None,
        prices: np.ndarray | None = None,
        *,
        trace: Trace = "none",
    ) -> Outcome:
        """The outcome of scenarios (..., n); see :meth:`contagion.models.Model.run`."""
        done = self._solve(network, _flat(Hit(losses, recoveries, prices)), trace).outcome
        return shaped(done, losses.shape[:-1])

    def market(self, network: ExposureNetwork, shock: Shock = NO_SHOCK) -> pd.DataFrame:
        """Prices and volumes after the sales, one row per asset that can be sold.

        Columns: held (by all nodes) and sold, units: money at the price before; price (relative to
        the price before the shock), fall (the part of the price fall that is due to sales).
        Empty for a network without holdings.

        Raises
        ------
        ShockError, ModelError
            For a shock or parameters that do not fit the network.
        """
        self._usable(network)
        done = self._solve(network, _flat(shock.arrays(network)), "none")
        columns = {
            "held": done.portfolios.total,
            "sold": done.sold[0],
            "price": done.price[0],
            "fall": done.fall[0],
        }
        return pd.DataFrame(columns, index=pd.Index(done.portfolios.assets, name="asset"))

    def routes(self, result: RunArrays) -> tuple[Route, ...]:
        """Routes from sellers to holders of the same assets, see :mod:`contagion.results.hops`."""
        return self._prices(result)[1]

    def _prices(self, result: RunArrays) -> tuple[np.ndarray, tuple[Route, ...]]:
        """(n,) bool: nodes that sell because of the shock, and the routes of falling prices."""
        network = result.network
        done = self._solve(network, _flat(result.hit), "path")
        before = self._solve(network, _flat(Hit(np.zeros(len(network)))), "path")
        mine, fall = done.portfolios, done.fall[0] - before.fall[0]
        sold = ~(done.part[0] <= NOISE)  # nan has sold
        sold &= ~(before.part[0] >= 1.0 - NOISE)  # sells everything even without the shock
        loser = lost_by(result, "price") > NOISE * mine.value
        return sold, (through_assets(mine.held, sold, fall > NOISE, loser),)


def _flat(hit: Hit) -> Hit:
    """A hit with a single axis of scenarios."""
    flat, prices = hit.losses.reshape(-1, hit.losses.shape[-1]), hit.prices
    prices = None if prices is None else prices.reshape(len(flat), prices.shape[-1])
    return Hit(flat, hit.pins.reshape(flat.shape), prices)


def shaped(outcome: Outcome, lead: tuple[int, ...]) -> Outcome:
    """An outcome of (B, ...) arrays with its scenarios in the shape `lead`."""
    arrays: dict[str, Any] = {
        field.name: value.reshape(lead + value.shape[1:])
        for field in fields(outcome)
        if field.name != "claim_rates"  # of claims, the same in all scenarios
        and isinstance(value := getattr(outcome, field.name), np.ndarray)
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
    """The outcome (B, n) of a model that values claims and holdings without settlement.

    For a node set to default by the shock, the loss on its holdings is not booked separately.
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
