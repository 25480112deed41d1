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
    """The loss in money that a shock causes on `before`, as a shock for `after`.

    Price moves are unchanged. Fractions of assets and of equity are converted to money, so that new
    cash is not hit. If a node has fewer assets left than the shock would destroy, only the
    remaining assets are destroyed.

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
    """Scenarios on a network with fewer assets at some node: losses are capped at these assets."""

    def _block(self, number: int) -> Batch:
        batch = self._based(number)
        most = np.where(self.worth < self.base.worth, self.worth, np.inf)
        return replace(batch, losses=np.minimum(batch.losses, most))


def same_scenarios(scenarios: Scenarios, after: ExposureNetwork) -> Scenarios:
    """The same scenarios for a changed network, see :func:`same_shock`.

    Raises
    ------
    PolicyError : if the network has other nodes, or another order of nodes.
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
