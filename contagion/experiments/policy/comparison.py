"""Interventions side by side: one shock, or many scenarios, before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import overload

from ...errors import PolicyError, expect
from ...models.base import Model
from ...network.exposure_network import ExposureNetwork
from ...results.run_arrays import Baseline
from ...scenarios.scenario_set import Scenarios
from ...shocks import Shock
from ...statistics.scenario_estimates import Weighting
from ...vocabulary import LEVELS
from ..stress.losses import books
from .intervention import Intervention
from .runs import Bench
from .scenariotable import ScenarioComparison
from .shocktable import AS_GIVEN, ShockComparison


@overload
def compare(
    network: ExposureNetwork,
    model: Model,
    shock: Shock,
    interventions: Mapping[str, Intervention],
    *,
    baseline: Baseline = "cleared",
    of: str | None = None,
    levels: Sequence[float] = LEVELS,
    weighting: Weighting = "plain",
    n_jobs: int = 1,
    progress: bool = False,
) -> ShockComparison: ...


@overload
def compare(
    network: ExposureNetwork,
    model: Model,
    shock: Scenarios,
    interventions: Mapping[str, Intervention],
    *,
    baseline: Baseline = "cleared",
    of: str | None = None,
    levels: Sequence[float] = LEVELS,
    weighting: Weighting = "plain",
    n_jobs: int = 1,
    progress: bool = False,
) -> ScenarioComparison: ...


def compare(
    network: ExposureNetwork,
    model: Model,
    shock: Shock | Scenarios,
    interventions: Mapping[str, Intervention],
    *,
    baseline: Baseline = "cleared",
    of: str | None = None,
    levels: Sequence[float] = LEVELS,
    weighting: Weighting = "plain",
    n_jobs: int = 1,
    progress: bool = False,
) -> ShockComparison | ScenarioComparison:
    """Compare interventions: losses with and without each of them, and their costs.

        avoided = measure as given − measure with the intervention

    Money that an intervention provides (capital, a fund) is a cost. To avoid double counting, the
    part of it that is lost is `funded` and in no other measure. At a node it loses last, after the
    existing equity:

        funded_i = min(put up_i, max(0, loss of owners_i − max(equity_i, 0)))
        loss + funded = initial loss + deadweight + relief (+ missing before, on the book)

    Every run has the same shock in money, measured on the network as given, or the same scenarios.
    If an intervention leaves a node fewer external assets than the shock would destroy (collateral
    was posted, debts were repaid), only the remaining assets are destroyed; the column
    `initial_loss` shows the difference.

    Parameters
    ----------
    network, model : as for `model.propagate`. With a `CoupledCascade` interventions also act on its
        accounts and liquidations.
    shock : one shock, or a set of `ct.scenarios`.
    interventions : {name: intervention}; `a + b` is one intervention. The unchanged network comes
        first, under the name "as given".
    baseline : reference for losses, for each network its own. With "cleared", a loss that an
        intervention averts before the shock does not count as avoided, and can occur in the shock.
    of : the measure by which interventions are judged: "socialized" (by default, for models that
        settle claims), "loss" (of owners and external creditors), "owners_loss", "external_loss",
        "deadweight", "defaults"; for one shock also "shortfall" (unpaid debts). In clearing without
        default costs an intervention reallocates losses but does not reduce their sum: money put
        up then avoids at most its own amount.
    levels : of value at risk and expected shortfall, for scenarios.
    weighting, n_jobs, progress : as for `ct.stress_test`.

    Raises
    ------
    PolicyError : for no interventions, one called "as given", one that does not apply, or an
        unknown measure.
    ShockError, ConvergenceError : as for the runs themselves.

    Example
    -------
    a owes b 10 and loses 6 of 12: its owners bear 2, b bears 4. A fund of 3 bears 3 of the 4.

    >>> import contagion as ct
    >>> from contagion.experiments import policy
    >>> net = ct.ExposureNetwork.from_matrix([[0, 10], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", external_assets=[12, 20])
    >>> done = policy.compare(net, ct.EisenbergNoe(), ct.Shock.loss({"a": 6.0}),
    ...     {"fund": policy.InsuranceFund("a", 3.0)})
    >>> done.table[["socialized", "cost", "avoided", "avoided_per_cost"]].values.tolist()
    [[4.0, 0.0, 0.0, nan], [1.0, 3.0, 3.0, 1.0]]
    """
    expect(network=network, model=model)
    expect("Shock", "Scenarios", shock=shock)
    if not interventions:
        raise PolicyError('Nothing to compare: give {"name": intervention}.')
    if AS_GIVEN in interventions:
        raise PolicyError(f"{AS_GIVEN!r} is the unchanged network; choose another name.")
    for name, one in interventions.items():
        if not isinstance(one, Intervention):
            raise PolicyError(f"{name!r} is a {type(one).__name__}, not an intervention.")
    of = of or ("socialized" if model.settles else "loss")
    bench = Bench(network, model, shock, baseline, weighting, n_jobs, progress)
    costs = {AS_GIVEN: 0.0} | {
        name: one.cost(network, model) for name, one in interventions.items()
    }
    names: dict[str, Intervention | None] = {AS_GIVEN: None, **interventions}
    if isinstance(shock, Scenarios):
        equity = books(model.on(network), model, baseline).before
        tests = {name: bench.tested(shock, one, equity) for name, one in names.items()}
        return ScenarioComparison(tests, dict(interventions), costs, of, tuple(sorted(levels)))
    first, none = bench.shocked(shock, None)
    results = {AS_GIVEN: (first, none)}
    results |= {name: bench.shocked(shock, one, first) for name, one in interventions.items()}
    return ShockComparison(results, dict(interventions), costs, of)
