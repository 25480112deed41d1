"""The same shock, in money, on a network that an intervention has changed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ...errors import PolicyError
from ...network.exposure_network import ExposureNetwork
from ...scenarios.scenario_set import Batch, Scenarios
from ...shocks import Shock


def same_shock(shock: Shock, before: ExposureNetwork, after: ExposureNetwork) -> Shock:
    """The money that a shock destroys on `before`, as a shock of `after`.

    Parts of assets and price moves are money then, so that cash that came in is not hit. Where a
    node has less left than the shock destroys, all of that goes.

    Example
    -------
    >>> net = ExposureNetwork.from_matrix([[0, 4], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", external_assets=[10, 5])
    >>> same_shock(Shock.relative(0.5), net, net.with_nodes(external_assets={"a": 90, "b": 2}))
    Shock.loss({'a': 5.0, 'b': 2.0})
    """
    losses, recoveries = shock.arrays(before)
    worth = after.book.external_assets
    losses = np.minimum(losses, np.where(np.isnan(worth), losses, worth))
    hit, pinned = np.flatnonzero(losses > 0).tolist(), np.flatnonzero(~np.isnan(recoveries))
    names = before.names
    return Shock(
        losses=tuple((names[i], float(losses[i])) for i in hit),
        defaults=tuple((names[i], float(recoveries[i])) for i in pinned.tolist()),
    )


@dataclass(frozen=True, eq=False, repr=False)
class Within(Scenarios):
    """Scenarios of a network on one that has less at some node: all of that goes, and no more.

    Attributes
    ----------
    base : the scenarios; they draw the same numbers.
    """

    base: Scenarios

    @property
    def pins(self) -> bool:
        """Whether scenarios pin nodes in default."""
        return self.base.pins

    @property
    def unit_weights(self) -> bool:
        """Whether every scenario weighs the same."""
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
        """(stop − start,) the independent replicate that each scenario belongs to."""
        return self.base.group(start, stop)

    def _block(self, number: int) -> Batch:
        start = number * self.block
        batch = self.base.draw(start, min(start + self.block, self.count))
        return replace(batch, losses=np.minimum(batch.losses, self.worth))


def same_scenarios(scenarios: Scenarios, after: ExposureNetwork) -> Scenarios:
    """The same scenarios for a changed network, see :func:`same_shock`.

    Raises
    ------
    PolicyError : where the network has other nodes, or in another order.
    """
    if not after.names.equals(scenarios.names):
        raise PolicyError(
            "The scenarios are for other nodes than the network, or in another order. Make them "
            "from this network."
        )
    has = after.book.external_assets
    short = scenarios.assets > has * (1 + 1e-9)
    if not short.any():
        return scenarios
    assets = np.where(short, has, scenarios.assets)
    words = {**scenarios.words, "within": "the external assets of the changed network"}
    return Within(scenarios.names, assets, scenarios.count, words, scenarios.assumptions, scenarios)
