"""Losses on holdings from random prices: lognormal, with or without jumps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.special import ndtr, pdtr

from ..errors import ShockError, expect
from ..network.exposure_network import ExposureNetwork
from ..vocabulary import Rng
from .factors import OnField
from .field import loadings_of
from .sampling import INDEPENDENT, Sampler, Sampling, sampler
from .scenario_set import Batch, assets_of, capped
from .values import Values, by_name, one


@dataclass(frozen=True, eq=False, repr=False)
class PriceLosses(OnField):
    """Losses on holdings from random prices at the horizon.

    Attributes
    ----------
    held : (A,) assets of the holdings, sorted by name.
    exposed : (n, A) holdings of each node in each asset, money.
    drift, spread : (a,) mean and standard deviation of the log change without jumps.
    jump_mean, jump_spread : (a,) of the log size of one jump.
    jumps : expected number of jumps over the horizon.
    """

    held: pd.Index
    exposed: csr_array
    drift: np.ndarray
    spread: np.ndarray
    jump_mean: np.ndarray
    jump_spread: np.ndarray
    jumps: float

    @property
    def portfolio(self) -> tuple[pd.Index, csr_array]:
        """Assets whose prices move, and the holdings of them."""
        return self.held, self.exposed

    def changes(self, start: int, stop: int) -> pd.DataFrame:
        """Relative price change of every asset, one row a scenario, start to stop − 1."""
        size = self.block
        parts = [self._changes(b)[0] for b in range(start // size, -(-stop // size))]
        table = np.concatenate([np.empty((0, len(self.held))), *parts])
        rows = table[start - start // size * size :][: stop - start]
        return pd.DataFrame(rows, pd.RangeIndex(start, stop, name="scenario"), self.held)

    def _changes(self, number: int) -> tuple[np.ndarray, np.ndarray | None]:
        x, weights, extra = self.field.draw(number)
        x *= -self.spread
        x += self.drift
        if self.jumps:
            count = poisson(extra[:, :1], self.jumps)
            x += count * self.jump_mean + np.sqrt(count) * self.jump_spread * extra[:, 1:]
        return np.expm1(x), weights

    def _block(self, number: int) -> Batch:
        change, weights = self._changes(number)
        lost = capped(-(change @ self.exposed.T), self.worth)
        return Batch(lost, None, weights, 1.0 + change)


def prices(
    network: ExposureNetwork,
    volatility: Values,
    *,
    drift: Values = 0.0,
    correlation: Values | pd.DataFrame = 0.5,
    horizon: float = 1.0,
    scenarios: int = 10_000,
    sampling: Sampling = INDEPENDENT,
    rng: Rng = None,
) -> PriceLosses:
    """Losses on holdings where the prices of assets are geometric Brownian motions.

    The price of asset a at the horizon T over the price now, and the loss of node i:

        R_a = exp((drift_a − volatility_a² / 2) T − volatility_a sqrt(T) x_a)
        loss_i = min(max(Σ_a holding_ia (1 − R_a), 0), external assets_i)

    with x standard normal and correlated, so that E[R_a] = exp(drift_a T). Gains on one asset
    offset losses on another in the same node; a net gain counts as a loss of 0. A model in which
    sales move prices starts from the R_a. Prices are drawn only at the horizon, from their exact
    distribution; the path before it is not simulated.

    Parameters
    ----------
    volatility : of log prices for one unit of time, ≥ 0: a number for all assets of the holdings,
        or {asset: number} that names all of them.
    drift : expected growth for one unit of time, in the same forms.
    correlation : ρ of one factor, one ρ_a an asset, or a matrix with the names of the assets.
    horizon : T > 0, in the unit of time of volatility and drift.
    scenarios, sampling, rng : as in :func:`common_factor`.

    Raises
    ------
    ShockError : for a network without holdings, unknown or missing assets, and parameters out of
        range.

    Example
    -------
    >>> import contagion as ct
    >>> import pandas as pd
    >>> nodes = pd.DataFrame({"node": ["a", "b"], "external_assets": [50.0, 50.0]})
    >>> owed = pd.DataFrame({"creditor": ["a"], "debtor": ["b"], "amount": [4.0]})
    >>> held = pd.DataFrame({"node": ["a", "b"], "asset": ["ETH", "ETH"], "value": [40.0, 20.0]})
    >>> net = ct.ExposureNetwork(nodes, owed, holdings=held)
    >>> down = prices(net, volatility=0, drift=-0.5, scenarios=1, rng=1)   # e^−0.5 = 0.6065
    >>> down.draw(0, 1).losses.round(3)
    array([[15.739,  7.869]])

    Source: after Black and Scholes (1973), Journal of Political Economy 81(3), the law of prices.
    """
    expect(network=network)
    sample = sampler(scenarios, rng, sampling)
    given = {
        "volatility": volatility,
        "drift": drift,
        "correlation": correlation,
        "horizon": horizon,
    }
    return _made(network, "prices", given, sample)


def jumps(
    network: ExposureNetwork,
    volatility: Values,
    *,
    rate: float,
    jump_mean: Values,
    jump_volatility: Values = 0.0,
    drift: Values = 0.0,
    correlation: Values | pd.DataFrame = 0.5,
    horizon: float = 1.0,
    scenarios: int = 10_000,
    sampling: Sampling = INDEPENDENT,
    rng: Rng = None,
) -> PriceLosses:
    """Losses on holdings if prices also jump, all at the same times.

    As :func:`prices`, with N ~ Poisson(rate · T) jumps of log size N(jump_mean, jump_volatility²):

        log R_a = (drift_a − rate κ_a − volatility_a² / 2) T − volatility_a sqrt(T) x_a
                  + N jump_mean_a + sqrt(N) jump_volatility_a y_a
        κ_a = exp(jump_mean_a + jump_volatility_a² / 2) − 1

    so that E[R_a] is e^(drift T), as without jumps. N is the same for all assets (a common crisis);
    the sizes y_a are independent.

    Parameters
    ----------
    rate : expected jumps for one unit of time, ≥ 0.
    jump_mean, jump_volatility : of the log size of a jump, for all assets or {asset: number}.
    sampling : its `tilt` shifts the factors of x, not the jumps.

    The other parameters and errors are those of :func:`prices`.

    Example
    -------
    >>> import contagion as ct
    >>> import pandas as pd
    >>> nodes = pd.DataFrame({"node": ["a"], "external_assets": [50.0]})
    >>> owed = pd.DataFrame({"creditor": [], "debtor": [], "amount": []})
    >>> held = pd.DataFrame({"node": ["a"], "asset": ["ETH"], "value": [40.0]})
    >>> net = ct.ExposureNetwork(nodes, owed, holdings=held)
    >>> crash = jumps(net, 0.5, rate=0.1, jump_mean=-0.7, scenarios=100, rng=1)
    >>> crash.changes(0, 100).shape
    (100, 1)

    Source: after Merton (1976), Journal of Financial Economics 3, 125-144; common jumps are our
    assumption, in Merton they are specific to a stock.
    """
    expect(network=network)
    sample = sampler(scenarios, rng, sampling)
    given = {
        "volatility": volatility,
        "rate": rate,
        "jump_mean": jump_mean,
        "jump_volatility": jump_volatility,
        "drift": drift,
        "correlation": correlation,
        "horizon": horizon,
    }
    return _made(network, "jumps", given, sample)


def poisson(z: np.ndarray, mean: float) -> np.ndarray:
    """Poisson counts from standard normal numbers, increasing in these.

    >>> poisson(np.array([-1.0, 1.0, 3.0]), 0.5)
    array([0., 1., 4.])
    """
    most = int(mean + 12 * np.sqrt(mean) + 40)
    levels = pdtr(np.arange(most), mean)
    return np.minimum(np.searchsorted(levels, ndtr(z)), most - 1).astype(float)


def holdings_matrix(network: ExposureNetwork) -> tuple[pd.Index, csr_array]:
    """Assets (A,) of the holdings, sorted by name, and holdings (n, A) of every node, money."""
    if not len(network.priced_assets):
        raise ShockError(
            "No node holds an asset: the network has no table of holdings "
            "(holdings= with columns node, asset, value)."
        )
    return network.priced_assets, network.held


def _made(
    network: ExposureNetwork, kind: str, given: dict[str, Any], sample: Sampler
) -> PriceLosses:
    rate = one(given.get("rate", 0.0), "rate", 0.0)
    held, exposed = holdings_matrix(network)
    time = one(given["horizon"], "horizon", 1e-12)

    def each(what: str, low: float = -np.inf) -> np.ndarray:
        return by_name(held, given.get(what, 0.0), what, low, noun="asset")

    volatility = each("volatility", 0.0)
    size = each("jump_mean")
    spread = each("jump_volatility", 0.0)
    growth = each("drift") - rate * np.expm1(size + spread**2 / 2)
    loadings, specific = loadings_of(held, given["correlation"], "asset")
    field = sample.field(
        held,
        loadings,
        specific,
        volatility * exposed.sum(axis=0),
        n=max(len(network), len(held)),
        extra=1 + len(held) if rate else 0,
    )
    assets = assets_of(network)
    return PriceLosses(
        network.names,
        assets,
        sample.scenarios,
        sample.words(kind, given),
        (),
        field,
        held,
        exposed,
        (growth - volatility**2 / 2) * time,
        volatility * np.sqrt(time),
        size,
        spread,
        rate * time,
    )
