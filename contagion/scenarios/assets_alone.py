"""Scenarios of prices without a network; the network is chosen when they are run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from ..errors import ShockError
from ..network.exposure_network import ExposureNetwork
from ..text import known_name
from .copulas import clayton_copula, gaussian_copula, t_copula
from .derived import Derived
from .factors import common_factor, factors
from .history import historical
from .lognormal import jumps, prices
from .scenario_set import Batch, Scenarios
from .simulated import from_array

LAWS: dict[str, Callable[..., Scenarios]] = {
    function.__name__: function
    for function in (prices, jumps, historical, common_factor, factors, gaussian_copula, t_copula,
                     clayton_copula, from_array)
}  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class Assets(Derived):
    """Scenarios with prices of assets only, without nodes.

    Attributes
    ----------
    base : scenarios in which every asset is a node that holds one unit of that asset.
    index : (A,) the assets, sorted.
    """

    index: pd.Index

    @property
    def portfolio(self) -> tuple[pd.Index, csr_array]:
        """Assets whose prices move; their holdings are empty."""
        return self.index, csr_array((0, len(self.index)))

    def changes(self, start: int, stop: int) -> pd.DataFrame:
        """Relative price change of every asset, one row a scenario, start to stop − 1."""
        moved = self.draw(start, stop).prices
        assert moved is not None
        rows = pd.RangeIndex(start, stop, name="scenario")
        return pd.DataFrame(moved - 1.0, rows, self.index)

    def _block(self, number: int) -> Batch:
        batch = self._based(number)
        moved = 1.0 - batch.losses if batch.prices is None else batch.prices
        return Batch(np.zeros((len(moved), 0)), None, batch.weights, moved)


def assets(names: Iterable[Any], law: str = "prices", **parameters: Any) -> Assets:
    """Scenarios of the prices of assets, for any network or book that contains them.

    Parameters
    ----------
    names : the assets.
    law : the function of `ct.scenarios` that draws. "prices" and "jumps" are lognormal;
        "historical" resamples rows of `returns`, one by one or in blocks; "from_array" takes your
        own `prices`. The others ("common_factor", "factors", "gaussian_copula", "t_copula",
        "clayton_copula") give the relative fall of each price; prices never rise.
    **parameters : of that function, with assets instead of nodes.

    Raises
    ------
    UnknownNameError : for an unknown law, with the closest one.
    ShockError : for no names, a duplicate name, and as raised by the function.

    Example
    -------
    >>> falls = assets(["BTC", "ETH"], volatility=0.0, drift={"BTC": 0.0, "ETH": -0.5},
    ...     scenarios=2, rng=1)
    >>> falls.changes(0, 1).round(4).to_dict("list")
    {'BTC': [0.0], 'ETH': [-0.3935]}
    >>> past = pd.DataFrame({"BTC": [-0.1, -0.1], "ETH": [0.2, 0.2]})
    >>> again = assets(past, "historical", returns=past, horizon=2, scenarios=1, rng=1)
    >>> again.changes(0, 1).round(2).values.tolist()
    [[-0.19, 0.44]]
    """
    known_name(law, LAWS, "law")
    network = one_of_each(names)
    index = network.priced_assets
    if law == "historical":
        parameters = {"by": "asset", **parameters}
    base = LAWS[law](network, **parameters)
    words = {**base.words, "assets": [str(name) for name in index]}
    none = pd.Index([], dtype=object)
    return Assets(none, np.empty(0), len(base), words, (), base, index)


def one_of_each(names: Iterable[Any]) -> ExposureNetwork:
    """A network in which every asset is a node that holds one unit of that asset."""
    index = pd.Index(list(names), name="asset")
    if not len(index) or not index.is_unique:
        raise ShockError(f"assets({list(index)}): names of assets, each one once.")
    index = index.sort_values()
    nodes = pd.DataFrame({"node": index, "external_assets": 1.0})
    own = pd.DataFrame({"node": index, "asset": index, "value": 1.0})
    owed = pd.DataFrame({"creditor": [], "debtor": [], "amount": []})
    return ExposureNetwork(nodes, owed, holdings=own)
