"""One run with an intervention: the network, the same shock, and the loss of the money put up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...models.base import Model
from ...network.exposure_network import ExposureNetwork
from ...results.propagation_result import PropagationResult
from ...results.run_arrays import Baseline
from ...scenarios.derived import placed
from ...scenarios.scenario_set import Scenarios
from ...shocks import Shock
from ...statistics.scenario_estimates import Weighting
from ..stress import StressTest, stress_test
from .intervention import Intervention
from .same import same_scenarios, same_shock


@dataclass(frozen=True, eq=False)
class Used:
    """The loss of money that was put up, in each scenario: total, and by contagion.

    Attributes
    ----------
    total : (N,) money, one entry for a single shock.
    contagion : (N,) the part lost by contagion; existing equity bears the shock first.
    """

    total: np.ndarray
    contagion: np.ndarray


@dataclass(frozen=True, eq=False)
class Bench:
    """The common inputs of all runs.

    Attributes
    ----------
    network, model, shock, baseline : as given.
    weighting, n_jobs, progress : of stress tests.
    """

    network: ExposureNetwork
    model: Model
    shock: Shock | Scenarios
    baseline: Baseline = "cleared"
    weighting: Weighting = "plain"
    n_jobs: int = 1
    progress: bool = False

    def system(self, one: Intervention | None) -> tuple[ExposureNetwork, Model]:
        """The network and the model with an intervention."""
        network, model = (self.network, self.model)
        if one is not None:
            network, model = one.act(network, model)
        return model.on(network), model

    def shocked(
        self, shock: Shock, one: Intervention | None, first: PropagationResult | None = None
    ) -> tuple[PropagationResult, Used]:
        """One shock; `first` is the run as given, which has the existing equity."""
        (before, _), (network, model) = self.system(None), self.system(one)
        same = shock if one is None else same_shock(shock, before, network)
        result = model.propagate(network, same, baseline=self.baseline)
        equity = (first or result).equity_before
        lost = result.borne[0][None], result.entries.contagion[None]
        return result, used(before, network, equity, *lost)

    def tested(
        self, scenarios: Scenarios, one: Intervention | None, equity: np.ndarray
    ) -> tuple[StressTest, Used]:
        """Many scenarios; `equity` (n,) is that of the network as given."""
        (before, _), (network, model) = self.system(None), self.system(one)
        money = put_up(before, network).any()
        test = stress_test(
            network,
            model,
            same_scenarios(placed(scenarios, before), network),
            baseline=self.baseline,
            levels=(),
            joint=False,
            keep=("owners_loss", "contagion") if money else (),
            weighting=self.weighting,
            n_jobs=self.n_jobs,
            progress=self.progress,
        )
        none = np.zeros(len(scenarios))
        if not money:
            return test, Used(none, none)
        lost = test.kept("owners_loss"), test.kept("contagion")
        return test, used(before, network, equity, *lost)


def put_up(before: ExposureNetwork, after: ExposureNetwork) -> np.ndarray:
    """(n,) money that interventions put up at each node: the increase of its book equity."""
    rise = np.nan_to_num(after.book.equity - before.book.equity)
    scale = after.book.stated_assets + after.book.claims
    return np.where(rise > 1e-12 * scale, rise, 0.0)


def used(
    before: ExposureNetwork,
    after: ExposureNetwork,
    equity: np.ndarray,
    loss: np.ndarray,
    contagion: np.ndarray,
) -> Used:
    """The loss of the money put up: the loss of owners beyond the existing equity.

        used_i = min(put up_i, max(0, loss_i − max(equity_i, 0)))

    Parameters
    ----------
    equity : (n,) without the intervention, the reference for losses.
    loss : (N, n) of owners, with the intervention.
    contagion : (N, n) the part of the loss that is not an immediate loss by the shock.
    """
    money = put_up(before, after)
    at = np.flatnonzero(money)
    own = np.maximum(np.nan_to_num(equity[at]), 0.0)
    gone = np.clip(loss[:, at] - own, 0.0, money[at])
    return Used(gone.sum(axis=1), np.minimum(gone, contagion[:, at]).sum(axis=1))
