"""Results do not depend on the number of processes, and a bar says how far a run is."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import random_network, random_shock

import contagion as ct
from contagion import measures, parallel, randomgraphs
from contagion.experiments import policy, reverse
from contagion.liquidation import Linear, LiquidationCascade, MarginBook, criticality_map
from contagion.measures import ranking
from contagion.synthetic import generate, reconstruct

NET = random_network(4)
MODEL = ct.EisenbergNoe()
SHOCK = random_shock(NET, 3)
LOSSES = np.random.default_rng(1).exponential(1.0, (400, 3))
CHANCE = np.full(len(NET), 0.05)
BOOK = MarginBook(
    {"X": 100.0},
    positions=[{"venue": "v", "holder": "h", "instrument": "X", "size": 10, "margin": 100}],
)
MARGINS = reconstruct.Margins.from_network(generate.erdos_renyi(12, 3, rng=1))
FUNDS = {str(name): policy.InsuranceFund(name, 1.0) for name in NET.names[:3]}
SETS = ct.scenarios.common_factor(NET, scenarios=64, volatility=0.5, rng=1)
MANY = ct.scenarios.common_factor(NET, scenarios=12 * 1024, volatility=0.5, rng=2)

SPLIT: dict[str, Callable[..., Any]] = {
    "rank": lambda **how: ct.rank(NET, [MODEL], **how),
    "each_default": lambda **how: measures.each_default(NET, MODEL, **how),
    "default_impact": lambda **how: measures.default_impact(NET, MODEL, **how),
    "rounds": lambda **how: measures.rounds_of_contagion(NET, MODEL, **how),
    "protection": lambda **how: measures.protection(NET, MODEL, SHOCK, **how),
    "expected": lambda **how: (
        measures.expected_systemic_loss(
            NET, MODEL, CHANCE, method="sampled", samples=50, rng=1, **how
        ).value
    ),
    "marginal": lambda **how: measures.marginal_systemic_risk(
        NET, MODEL, CHANCE, exposures=[0, 1, 2], **how
    ),
    "covar": lambda **how: measures.covar(LOSSES, 0.8, resamples=45, minimum=1, rng=1, **how),
    "mes": lambda **how: measures.marginal_expected_shortfall(
        LOSSES, 0.9, resamples=45, rng=1, **how
    ),
    "euler": lambda **how: (
        measures.euler_allocation(LOSSES, 0.9, resamples=45, rng=1, **how).standard_errors
    ),
    "critical": lambda **how: ranking.critical_exposures(NET, MODEL, SHOCK, **how),
    "stability": lambda **how: (
        ranking.stability(ranking.perturbed(NET, samples=5, rng=1), [MODEL], **how).table
    ),
    "window": lambda **how: randomgraphs.gai_kapadia_window(
        [2, 4, 6], n=40, samples=10, rng=1, **how
    ),
    "criticality_map": lambda **how: (
        criticality_map(
            BOOK, LiquidationCascade(impact=Linear(depth=100)), [0.0, 0.12], depth=[1.0, 0.5], **how
        ).loss
    ),
    "sweep": lambda **how: (
        ct.sweep(lambda x, rng: x + rng.random(), {"x": [1, 2]}, samples=3, rng=1, **how).table
    ),
    "cheapest": lambda **how: (
        policy.cheapest(NET, MODEL, SETS, FUNDS, budget=2.0, of="loss", **how).table
    ),
}
IN_ORDER: dict[str, Callable[..., Any]] = {
    "protect": lambda **how: ranking.protect(NET, MODEL, SHOCK, **how).table,
    "triggers": lambda **how: reverse.fewest_triggers(NET, MODEL, fail=NET.names[0], **how).nodes,
    "exit_values": lambda **how: ct.rules.exit_values(
        5.0, {"claimant": ["a", "b"], "amount": [9.0, 1.0]}, samples=50, rng=1, **how
    ),
    "gibbs": lambda **how: reconstruct.gibbs(
        MARGINS, density=0.3, samples=3, thin=2, burn_in=5, rng=1, **how
    ).mean(),
    "fitness": lambda **how: reconstruct.fitness(
        MARGINS, density=0.3, samples=3, rng=1, **how
    ).mean(),
    "configuration": lambda **how: reconstruct.configuration(
        MARGINS, samples=3, rng=1, **how
    ).mean(),
    "minimum_density": lambda **how: reconstruct.minimum_density(
        MARGINS, samples=2, rng=1, **how
    ).mean(),
}


def same(one: Any, two: Any) -> None:
    if isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, two, check_exact=True)
    elif isinstance(one, pd.Series):
        pd.testing.assert_series_equal(one, two, check_exact=True)
    else:
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("name", SPLIT)
def test_the_number_of_processes_changes_no_number(name, monkeypatch):
    for module in ("measures.impact", "measures.joint_defaults"):
        monkeypatch.setattr(f"contagion.{module}.CHUNK", 2 * len(NET))  # several parts
    same(SPLIT[name](n_jobs=2), SPLIT[name]())


@pytest.mark.parametrize("name", [*SPLIT, *IN_ORDER])
def test_a_bar_is_drawn_on_demand_and_changes_no_number(name, capsys):
    run = (SPLIT | IN_ORDER)[name]
    usual = run()
    assert capsys.readouterr().err == ""
    same(run(progress=True), usual)
    assert capsys.readouterr().err


def test_results_come_in_order_and_errors_pass_through():
    assert list(parallel.each(pow, ((k, 2) for k in range(5)), n_jobs=2)) == [0, 1, 4, 9, 16]
    with pytest.raises(ZeroDivisionError):
        list(parallel.each(divmod, [(1, 0)], n_jobs=2))
    with pytest.raises(ZeroDivisionError):
        list(parallel.each(divmod, [(1, 0)]))


class Counted:
    """Something to share that says how often it was pickled."""

    pickled = 0

    def __init__(self, weight: int):
        self.weight = np.ones(weight)

    def __getstate__(self):
        type(self).pickled += 1
        return self.__dict__


def heavier(shared: Counted, factor: float, other: object = None) -> float:
    return float(shared.weight.sum()) * factor


def test_what_all_tasks_share_is_pickled_once(monkeypatch):
    monkeypatch.setattr(Counted, "pickled", 0)
    one, two = Counted(5000), Counted(7000)
    tasks = [(one, float(k)) for k in range(9)] + [(two, 1.0), (one, 2.0)]
    assert list(parallel.each(heavier, tasks, n_jobs=2)) == [heavier(*task) for task in tasks]
    assert Counted.pickled == 3  # where another takes its place, that one too, and then it again
    for few in ([], [(one, 2.0)]):
        assert list(parallel.each(heavier, few, n_jobs=2)) == [heavier(*task) for task in few]


@pytest.mark.slow
def test_dask_sends_the_network_to_each_worker_once(monkeypatch):
    distributed = pytest.importorskip("distributed", reason="needs contagion-risk[distributed]")
    import joblib

    sent: list[int] = []
    packed = parallel.Shipped.__reduce__

    def counted(self):
        sent.append(len(self.packed))
        return packed(self)

    monkeypatch.setattr(parallel.Shipped, "__reduce__", counted)
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
        ) as cluster,
        distributed.Client(cluster),
        joblib.parallel_config(backend="dask"),
    ):
        ranked = measures.each_default(NET, MODEL, n_jobs=2)
        sent.clear()
        test = ct.stress_test(NET, MODEL, MANY, n_jobs=2, chunk=1024, levels=())
    assert len(sent) <= 2  # of 12 tasks; dask may weigh it and send it
    same(ranked, measures.each_default(NET, MODEL))
    assert test.digest() == ct.stress_test(NET, MODEL, MANY, levels=()).digest()


@contextmanager
def ray_here():
    """A cluster of ray on this machine, where it is installed; it is no extra of the package."""
    ray = pytest.importorskip("ray", reason="needs ray")
    from ray.util.joblib import register_ray

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
        register_ray()
        try:
            yield
        finally:
            ray.shutdown()


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing", "ray"])
def test_no_backend_changes_a_number(backend, monkeypatch, tmp_path):
    import joblib

    monkeypatch.setattr(parallel, "TURN", 2)  # several turns, where results come all together
    with ray_here() if backend == "ray" else nullcontext(), joblib.parallel_config(backend=backend):
        ranked = measures.each_default(NET, MODEL, n_jobs=2)
        test = ct.stress_test(NET, MODEL, MANY, n_jobs=2, chunk=1024, out=tmp_path / "run")
        few = list(parallel.each(pow, [(k, 2) for k in range(9)], n_jobs=2))
    same(ranked, measures.each_default(NET, MODEL))
    assert test.digest() == ct.stress_test(NET, MODEL, MANY).digest()
    assert few == [k**2 for k in range(9)]


def test_results_come_before_all_calls_are_made():
    """Also by a backend that gives them together: memory must not grow with the number of calls."""
    import joblib

    made = []

    def calls():
        for k in range(100 * parallel.TURN):
            made.append(k)
            yield joblib.delayed(pow)(k, 2)

    with joblib.parallel_config(backend="multiprocessing"), parallel.workers(2) as pool:
        results = pool(calls())
        assert next(results) == 0
        assert len(made) == 2 * parallel.TURN
        results.close()
