"""The same shock, in money, on a network that an intervention has changed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...errors import PolicyError
from ...network.exposure_network import ExposureNetwork
from ...network.hit import equity_lost
from ...scenarios.derived import Derived
from ...scenarios.scenario_set import Batch, Scenarios
from ...shocks import Shock, pairs_of


def same_shock(shock: Shock, before: ExposureNetwork, after: ExposureNetwork) -> Shock:
    """The money that a shock destroys on `before`, as a shock of `after`.

    Prices move as they did. Parts of assets and of equity are money then, so that cash that came in
    is not hit. Where a node has less left than the shock would destroy, only that is destroyed.

    Example
    -------
    >>> net = ExposureNetwork.from_matrix([[0, 4], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", external_assets=[10, 5])
    >>> same_shock(Shock.relative(0.5), net, net.with_nodes(external_assets={"a": 90, "b": 2}))
    Shock.loss({'a': 5.0, 'b': 2.0})
    """
    shock, hit = shock.resolved(before), shock.arrays(before)
    gone = equity_lost(before, shock.equities, shock.equity_fractions)
    rest = hit.losses - hit.marks(before) - gone
    worth = after.book.external_assets - hit.marks(after)
    rest = np.minimum(rest, np.where(np.isnan(worth), rest, np.maximum(worth, 0.0)))
    rest = np.where(rest > 1e-12 * hit.losses, rest, 0.0)
    gone = np.minimum(gone, np.fmax(after.book.equity, 0.0))
    losses, equities = (pairs_of(before.names, money) for money in (rest, gone))
    return Shock(losses, (), shock.defaults, shock.prices, equities=equities)


@dataclass(frozen=True, eq=False, repr=False)
class Within(Derived):
    """Scenarios of a network on one that has less at some node: only that is destroyed."""

    def _block(self, number: int) -> Batch:
        batch = self._based(number)
        most = np.where(self.worth < self.base.worth, self.worth, np.inf)
        return replace(batch, losses=np.minimum(batch.losses, most))


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
