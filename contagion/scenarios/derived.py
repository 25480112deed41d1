"""Scenarios based on other scenarios: the same random numbers, for another network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from ..errors import ShockError
from ..network.exposure_network import ExposureNetwork
from ..text import known_name
from .scenario_set import Batch, Scenarios, assets_of, capped


@dataclass(frozen=True, eq=False, repr=False)
class Derived(Scenarios):
    """Scenarios with the random numbers of other scenarios.

    Attributes
    ----------
    base : the other scenarios.
    """

    base: Scenarios

    @property
    def pins(self) -> bool:
        """True if some scenarios set nodes to default with a fixed recovery rate."""
        return self.base.pins

    @property
    def unit_weights(self) -> bool:
        """Whether all scenarios have the same weight."""
        return self.base.unit_weights

    @property
    def sampled(self) -> bool:
        """Whether the scenarios are a random sample."""
        return self.base.sampled

    @property
    def labels(self) -> pd.Index:
        """(len,) a name for each scenario."""
        return self.base.labels

    @property
    def groups(self) -> np.ndarray | None:
        """(len,) the independent replicate of each scenario."""
        return self.base.groups

    def group(self, start: int, stop: int) -> np.ndarray:
        """(stop − start,) the independent replicate of each scenario."""
        return self.base.group(start, stop)

    @property
    def portfolio(self) -> tuple[pd.Index, csr_array] | None:
        """Assets whose prices move, and the holdings of them."""
        return self.base.portfolio

    def _based(self, number: int) -> Batch:
        """The scenarios of block `number`, as drawn by the base."""
        start = number * self.block
        return self.base.draw(start, min(start + self.block, self.count))


@dataclass(frozen=True, eq=False, repr=False)
class Placed(Derived):
    """Scenarios on a network with more nodes, or of assets alone on a network with holdings.

    Attributes
    ----------
    held : assets (A,) of the network and holdings of its nodes (n, A), money.
    places : (a,) position of each asset of the base among them.
    """

    held: tuple[pd.Index, csr_array]
    places: np.ndarray

    @property
    def portfolio(self) -> tuple[pd.Index, csr_array] | None:
        """Assets whose prices move, and the holdings of them."""
        return None if self.base.portfolio is None else self.held

    def _block(self, number: int) -> Batch:
        batch = self._based(number)
        k, m = batch.losses.shape
        losses, rates, prices = np.zeros((k, len(self.names))), None, None
        losses[:, :m] = batch.losses
        if batch.recoveries is not None:
            rates = np.full(losses.shape, np.nan)
            rates[:, :m] = batch.recoveries
        if batch.prices is not None:
            prices = np.ones((k, len(self.held[0])))
            prices[:, self.places] = batch.prices
            if not m:  # of assets alone: use the holdings of the nodes
                losses = capped((1.0 - prices) @ self.held[1].T, self.worth)
        return Batch(losses, rates, batch.weights, prices)


def placed(scenarios: Scenarios, network: ExposureNetwork) -> Scenarios:
    """The scenarios on a network whose first nodes are theirs; of assets alone on any network.

    Scenarios of other nodes are returned unchanged.

    Raises
    ------
    ShockError : for an asset whose price moves and that the network does not contain.
    """
    count = len(scenarios.names)
    if not network.names[:count].equals(scenarios.names) or not len(network):
        return scenarios
    moved, assets = scenarios.portfolio, network.priced_assets
    same = moved is None or moved[0].equals(assets)
    if same and count == len(network):
        return scenarios
    places = np.empty(0, int)
    if moved is not None:
        places = assets.get_indexer_for(moved[0])
        if (places < 0).any():
            name = moved[0][int(np.argmax(places < 0))]
            if not len(assets):
                raise ShockError(
                    f"The scenarios move the price of {name!r}, and no node of the network holds "
                    "an asset: give it holdings= (node, asset, value)."
                )
            known_name(name, assets, "asset", "the scenarios")
    return Placed(
        network.names,
        assets_of(network),
        len(scenarios),
        scenarios.words,
        scenarios.assumptions,
        scenarios,
        (assets, network.held),
        places,
    )
