"""Network valuation against the figures of its authors: all six valuations, both solutions."""

from __future__ import annotations

import numpy as np
import pytest

import contagion as ct
from contagion.models import valuations as v

# Barucca, Bardoscia, Caccioli, D'Errico, Visentin, Caldarelli & Battiston (2020), Network
# valuation in financial systems, Mathematical Finance 30(4), example of figure 2;
# data/balance_sheets.csv and exposures_table.csv of github.com/marcobardoscia/neva.
# Evidence: output of the authors' released package, recomputed independently. Tolerance 1e-9 of
# max(1, |value|), that of a fixed point found by rounds.
TOLERANCE = 1e-9
# External and interbank creditors pari passu; equity exactly 0 is default; volatility of external
# assets, horizon 1.
FUNCTIONS = {
    "furfine": v.Furfine(strict=False),
    "eisenberg_noe": v.EisenbergNoe(),
    "linear_debtrank": v.LinearDebtRank(),
    "rogers_veraart": v.RogersVeraart(0.5, 0.5, strict=False),
    "exante_merton": v.Merton(0.1, recovery=1.0),
    "exante_blackcox": v.BlackCox(0.1, recovery=0.6),
}
# Equity of A, B and C after every bank has lost this part of its external assets.
EQUITY = {
    ("furfine", 0.05): [0.5, 0.75, 0.85],
    ("eisenberg_noe", 0.05): [0.5, 0.75, 0.85],
    ("linear_debtrank", 0.05): [0.24285714285714322, 0.4857142857142862, 0.47142857142857153],
    ("rogers_veraart", 0.05): [0.5, 0.75, 0.85],
    ("exante_merton", 0.05): [0.4991542280804945, 0.7499971667045928, 0.8409625837655321],
    ("exante_blackcox", 0.05): [0.4812639994136232, 0.7492436337063482, 0.7262444029796451],
    ("furfine", 0.10): [0.0, 0.5, 0.2],
    ("eisenberg_noe", 0.10): [0.0, 0.5, 0.7],
    ("linear_debtrank", 0.10): [-0.45, 0.1, 0.2],
    ("rogers_veraart", 0.10): [0.0, 0.5, 0.45],
    ("exante_merton", 0.10): [-0.002765262691501902, 0.499975307477605, 0.6810348439546177],
    ("exante_blackcox", 0.10): [-0.05249606637099524, 0.4910205818529998, 0.5],
    ("furfine", 0.15): [-0.5, 0.25, 0.05],
    ("eisenberg_noe", 0.15): [-0.5, 0.25, 0.5236842105263155],
    ("linear_debtrank", 0.15): [-1.0, -0.225, 0.05],
    ("rogers_veraart", 0.15): [-0.5, 0.25, 0.2868421052631577],
    ("exante_merton", 0.15): [-0.5076500006830843, 0.24981128997723223, 0.5152643251848099],
    ("exante_blackcox", 0.15): [-0.6221943934352165, 0.21991234505776225, 0.35],
    ("furfine", 0.20): [-1.5, -0.5, -0.1],
    ("eisenberg_noe", 0.20): [-1.0, 0.0, 0.347368421052632],
    ("linear_debtrank", 0.20): [-1.5, -0.5, -0.1],
    ("rogers_veraart", 0.20): [-1.25, 0.0, 0.11710526315789505],
    ("exante_merton", 0.20): [-1.0177909722445344, -0.0011686440382639995, 0.3439137176032403],
    ("exante_blackcox", 0.20): [-1.2, -0.08021657723296904, 0.2],
    ("furfine", 0.30): [-2.5, -1.0, -0.4],
    ("eisenberg_noe", 0.30): [-2.055737704918033, -0.5016393442622952, -0.008196721311475752],
    ("linear_debtrank", 0.30): [-2.5, -1.0, -0.4],
    ("rogers_veraart", 0.30): [-2.2928352098259976, -0.771033776867963, -0.21033776867963183],
    ("exante_merton", 0.30): [-2.059112860209485, -0.5176397357038278, -0.008439957771901374],
    ("exante_blackcox", 0.30): [-2.2, -0.7, -0.1],
}
WORDS = {  # in the outcomes of the dataset
    "Furfine": "furfine",
    "Eisenberg-Noe": "eisenberg_noe",
    "linear DebtRank": "linear_debtrank",
    "Rogers-Veraart": "rogers_veraart",
    "ex ante Merton": "exante_merton",
    "ex ante Black-Cox": "exante_blackcox",
}


def close(got, want) -> None:
    got, want = np.asarray(got), np.asarray(want)
    assert (np.abs(got - want) <= TOLERANCE * np.maximum(1.0, np.abs(want))).all(), (got, want)


@pytest.fixture(scope="module")
def net() -> ct.ExposureNetwork:
    return ct.datasets.load("neva_ring3")


@pytest.mark.parametrize("which", ["greatest", "least", None])
@pytest.mark.parametrize(("name", "shock"), EQUITY)
def test_neva_ring(net, name, shock, which):
    """The solutions are unique on this ring: from above, from below, and said to be."""
    model = ct.models.NetworkValuation(FUNCTIONS[name], which=which)
    result = model.propagate(net, ct.Shock.relative(shock))
    close(result.table["equity_after"], EQUITY[name, shock])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_neva_ring_as_a_batch(net, name):
    shocks = [shock for function, shock in EQUITY if function == name]
    outcome = ct.models.NetworkValuation(FUNCTIONS[name]).solve(
        net, np.outer(shocks, [10.0, 5.0, 3.0])
    )
    close(outcome.equity, [EQUITY[name, shock] for shock in shocks])


def test_the_packaged_outcomes_are_these(net):
    """All 90 figures of the dataset, each under the valuation it names."""
    table = ct.datasets.outcomes("neva_ring3")
    for (what, run), rows in table.groupby(["what", "run"]):
        name, shock = WORDS[what.removeprefix("equity, ")], float(run.split()[-2]) / 100
        result = ct.models.NetworkValuation(FUNCTIONS[name]).propagate(
            net, ct.Shock.relative(shock)
        )
        close(result.table["equity_after"].loc[rows["node"]], rows["value"])
    assert len(table) == 90


def test_a_wrong_figure_would_be_noticed():
    with pytest.raises(AssertionError):
        close([0.5, 0.75], [0.5, 0.75 + 2e-9])
