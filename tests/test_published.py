"""Answers from the literature: who published them, where, to which tolerance, and on what evidence.

Transcribed by hand from the papers or from the released code named in each case; nothing is
read from outside the project. Tolerances are relative to max(1, |value|).
"""

from __future__ import annotations

from dataclasses import dataclass

import checks
import numpy as np
import pandas as pd
import pytest

import contagion as ct


@dataclass(frozen=True)
class Case:
    """Where a number comes from and how far it may be off."""

    citation: str
    evidence: str
    tolerance: float = 1e-9

    def same(self, got, want) -> None:
        got, want = np.asarray(got, float), np.asarray(want, float)
        room = self.tolerance * np.maximum(1.0, np.abs(want))
        assert (np.abs(got - want) <= room).all(), f"{got} instead of {want} ({self.citation})"


# -- NEVA: a ring of three banks -------------------------------------------------------------

NEVA = Case(
    "Barucca, Bardoscia, Caccioli, D'Errico, Visentin, Caldarelli & Battiston (2020), Network "
    "valuation in financial systems, Mathematical Finance 30(4), example of figure 2; "
    "data/balance_sheets.csv and exposures_table.csv of github.com/marcobardoscia/neva",
    "output of the authors' released package, recomputed independently",
)
# External and interbank creditors pari passu; equity exactly 0 is default (visible at 0.10).
NEVA_MODELS = {
    "furfine": ct.models.Furfine(strict=False),
    "eisenberg_noe": ct.EisenbergNoe(),
    "linear_debtrank": ct.DebtRank(),
    "rogers_veraart": ct.models.RogersVeraart(0.5, 0.5, which="greatest", strict=False),
}
# Equity of A, B and C after every bank has lost this part of its external assets.
NEVA_EQUITY = {
    ("furfine", 0.05): [0.5, 0.75, 0.85],
    ("eisenberg_noe", 0.05): [0.5, 0.75, 0.85],
    ("linear_debtrank", 0.05): [0.24285714285714322, 0.4857142857142862, 0.47142857142857153],
    ("rogers_veraart", 0.05): [0.5, 0.75, 0.85],
    ("furfine", 0.10): [0.0, 0.5, 0.2],
    ("eisenberg_noe", 0.10): [0.0, 0.5, 0.7],
    ("linear_debtrank", 0.10): [-0.45, 0.1, 0.2],
    ("rogers_veraart", 0.10): [0.0, 0.5, 0.45],
    ("furfine", 0.15): [-0.5, 0.25, 0.05],
    ("eisenberg_noe", 0.15): [-0.5, 0.25, 0.5236842105263155],
    ("linear_debtrank", 0.15): [-1.0, -0.225, 0.05],
    ("rogers_veraart", 0.15): [-0.5, 0.25, 0.2868421052631577],
    ("furfine", 0.20): [-1.5, -0.5, -0.1],
    ("eisenberg_noe", 0.20): [-1.0, 0.0, 0.347368421052632],
    ("linear_debtrank", 0.20): [-1.5, -0.5, -0.1],
    ("rogers_veraart", 0.20): [-1.25, 0.0, 0.11710526315789505],
    ("furfine", 0.30): [-2.5, -1.0, -0.4],
    ("eisenberg_noe", 0.30): [-2.055737704918033, -0.5016393442622952, -0.008196721311475752],
    ("linear_debtrank", 0.30): [-2.5, -1.0, -0.4],
    ("rogers_veraart", 0.30): [-2.2928352098259976, -0.771033776867963, -0.21033776867963183],
}


@pytest.fixture
def neva() -> ct.ExposureNetwork:
    return ct.ExposureNetwork.from_matrix(
        [[0, 0.5, 0], [0, 0, 0.5], [0.5, 0, 0]],
        ["A", "B", "C"],
        orientation="creditor->debtor",
        external_assets=[10, 5, 3],
        external_liabilities=[9, 4, 2],
        external_creditors="pari_passu",
    )


@pytest.mark.parametrize(("name", "shock"), NEVA_EQUITY)
def test_neva_ring(neva, name, shock):
    result = NEVA_MODELS[name].propagate(neva, ct.Shock.relative(shock))
    NEVA.same(result.table["equity_after"], NEVA_EQUITY[name, shock])


@pytest.mark.parametrize("name", NEVA_MODELS)
def test_neva_ring_as_a_batch(neva, name):
    """The same numbers from one call of `solve` with five scenarios."""
    shocks = [shock for model, shock in NEVA_EQUITY if model == name]
    losses = np.outer(shocks, [10.0, 5.0, 3.0])
    outcome = NEVA_MODELS[name].solve(neva, losses)
    NEVA.same(outcome.equity, [NEVA_EQUITY[name, shock] for shock in shocks])


# -- Eisenberg-Noe and linear DebtRank: exercise 3 -------------------------------------------

LDR = Case(
    "Barucca, Big Data Finance 2017, exercises 2 and 4 (github paolobarucca/eisenbergnoe and "
    "paolobarucca/debtrank), after Eisenberg & Noe (2001) and Bardoscia et al. (2015)",
    "published inputs; output from an independent solver",
)


@pytest.fixture
def exercise() -> ct.ExposureNetwork:
    """External creditors senior, as the recovery 1 + E / l of the exercise implies."""
    return ct.ExposureNetwork.from_matrix(
        [[0, 4, 0], [0, 0, 3], [2, 0, 0]],
        range(3),
        orientation="debtor->creditor",
        external_assets=[20, 20, 10],
        external_liabilities=[17, 18, 8],
    )


def test_exercise_3_eisenberg_noe(exercise):
    LDR.same(exercise.balance_sheet["equity"], [1, 3, 3])
    result = ct.EisenbergNoe().propagate(exercise, ct.Shock.relative(0.1))
    LDR.same(result.table["equity_after"], [-1, 0, 2])
    LDR.same(result.payments, [3, 3, 2])
    checks.assert_valid_clearing(result)


def test_exercise_3_linear_debtrank(exercise):
    result = ct.DebtRank().propagate(exercise, ct.Shock.relative(0.1))
    LDR.same(result.table["equity_after"], [-3, -3, -1])


# -- Rogers-Veraart: the greatest clearing vector algorithm, round by round -------------------

GA = Case(
    "Rogers & Veraart (2013), Failure and rescue in an interbank network, Management Science "
    "59(4), definition 3.6; numbers from test/models/test_rogers.jl of "
    "github.com/bertschi/FinNetValu",
    "output of the authors' released package, recomputed independently",
)
GA_FACE = np.array([0.8, 12.5, 8.4])
GA_PATHS = {
    (1.0, 1.0, 1.0): [[0.8, 12.5, 8.4], [0.8, 9.5, 8.4]],
    (0.0, 0.0, 0.1): [[0.8, 12.5, 8.4], [0.8, 8.5, 8.4], [0.8, 5.625, 5.525]],
}


def payments_by_round(result: ct.results.PropagationResult) -> list[np.ndarray]:
    """Payments of every round: face value for nodes that stood, all they have for the others."""
    rounds = [frame for _, frame in result.path.groupby("round")]
    payments, standing = [GA_FACE], ~rounds[0]["defaulted"].to_numpy()
    for frame in rounds[1:]:
        left = np.maximum(GA_FACE + frame["equity"].to_numpy(), 0.0)
        payments.append(np.where(standing, GA_FACE, left))
        standing = ~frame["defaulted"].to_numpy()
    return payments


@pytest.mark.parametrize("assets", GA_PATHS)
@pytest.mark.parametrize(
    "model", [ct.EisenbergNoe(), ct.models.RogersVeraart(1.0, 1.0, which="greatest")]
)
def test_greatest_clearing_vector_algorithm_path(assets, model):
    net = ct.ExposureNetwork.from_matrix(
        [[0, 0.1, 0.7], [2, 0, 10.5], [0, 8.4, 0]],
        range(3),
        orientation="debtor->creditor",
        external_assets=assets,
    )
    result = model.propagate(net)
    GA.same(payments_by_round(result), GA_PATHS[assets])
    GA.same(result.payments, GA_PATHS[assets][-1])


# -- Seniority against pari passu -------------------------------------------------------------

SENIORITY = Case(
    "Elsinger (2009), Financial networks, cross holdings and limited liability, OeNB WP 156; "
    "Fischer (2014), Mathematical Finance 24(1)",
    "closed form, recomputed",
)


def seniority(*tiers: int) -> ct.results.PropagationResult:
    nodes = pd.DataFrame({"node": [0, 1, 2], "external_assets": [4.0, 1.0, 1.0]})
    exposures = pd.DataFrame(
        {"creditor": [1, 2, 0], "debtor": [0, 0, 2], "amount": [6.0, 8.0, 5.0], "tier": tiers}
    )
    return ct.EisenbergNoe().propagate(ct.ExposureNetwork(nodes, exposures))


def test_seniority_unwinds_the_junior_cycle():
    result = seniority(1, 2, 2)
    SENIORITY.same(result.flows["paid"], [5, 0, 1])
    SENIORITY.same(result.table["equity_after"].clip(lower=0), [0, 6, 0])
    assert result.table["defaulted"].tolist() == [True, False, True]


def test_pari_passu_fails_only_one():
    result = seniority(1, 1, 1)
    SENIORITY.same(result.payments, [9, 0, 5])
    assert result.table["defaulted"].tolist() == [True, False, False]


# -- DebtRank variants ------------------------------------------------------------------------

DEBTRANK = Case(
    "Battiston, Puliga, Kaushik, Tasca & Caldarelli (2012), Scientific Reports 2:541 (single "
    "hit); Bardoscia, Battiston, Caccioli & Caldarelli (2015), PLoS ONE 10(6) (linear)",
    "closed form, recomputed",
)


# Impact 1/2 round the ring, initial distress 0.2, equal weights; R leaves the shock out.
DEBTRANK_RING = {
    "single-hit": ([0.225, 0.1, 0.05], 0.05833333333333333),
    "linear": ([0.2285714285714286, 0.1142857142857143, 0.05714285714285715], 0.0666666666666),
}


def debtrank_ring() -> ct.ExposureNetwork:
    return ct.ExposureNetwork.from_matrix(
        [[0, 0.5, 0], [0, 0, 0.5], [0.5, 0, 0]],
        range(3),
        orientation="debtor->creditor",
        external_assets=[1, 1, 1],
    )


@pytest.mark.parametrize("variant", DEBTRANK_RING)
def test_debtrank_variants_on_a_ring(variant):
    net, (h, importance) = debtrank_ring(), DEBTRANK_RING[variant]
    DEBTRANK.same(net.balance_sheet["equity"], [1, 1, 1])
    result = ct.DebtRank(variant=variant).propagate(net, ct.Shock.loss({0: 0.2}))
    distress = result.table["loss"].to_numpy()
    DEBTRANK.same(distress, h)
    DEBTRANK.same(distress @ np.full(3, 1 / 3) - 0.2 / 3, importance)
    DEBTRANK.same(np.abs(np.linalg.eigvals(net.leverage.toarray())).max(), 0.5)


# -- Ring and complete network ----------------------------------------------------------------

AOT = Case(
    "Acemoglu, Ozdaglar & Tahbaz-Salehi (2015), Systemic risk and stability in financial "
    "networks, American Economic Review 105(2), propositions 4 to 6",
    "closed form, recomputed",
)
AOT_DEFAULTS = {
    ("ring", 2.5): 2,
    ("complete", 2.5): 1,
    ("ring", 3.5): 3,
    ("complete", 3.5): 1,
    ("ring", 6.2): 6,
    ("complete", 6.2): 1,
    ("ring", 9.9): 9,
    ("complete", 9.9): 1,
    ("ring", 10.5): 10,
    ("complete", 10.5): 10,
    ("ring", 12.0): 10,
    ("complete", 12.0): 10,
}


def ring_or_complete(shape: str) -> ct.ExposureNetwork:
    """n = 10 banks owe y = 100 each and have a − v = 1 between assets and senior outside debt.

    The paper has a = 2, v = 1 and shocks up to 12; here a = 100, v = 99, so that the shock is a
    loss of assets that exist. Only a − v enters the payment equation.
    """
    n, y = 10, 100.0
    shapes = {
        "ring": y * np.roll(np.eye(n), 1, axis=1),
        "complete": y / (n - 1) * (1 - np.eye(n)),
    }
    return ct.ExposureNetwork.from_matrix(
        shapes[shape],
        range(n),
        orientation="debtor->creditor",
        external_assets=np.full(n, 100.0),
        external_liabilities=np.full(n, 99.0),
    )


@pytest.mark.parametrize(("shape", "shock"), AOT_DEFAULTS)
def test_ring_against_complete(shape, shock):
    result = ct.EisenbergNoe().propagate(ring_or_complete(shape), ct.Shock.loss({0: shock}))
    assert result.table["defaulted"].sum() == AOT_DEFAULTS[shape, shock], AOT.citation
    checks.assert_valid_clearing(result)


# -- Pathways towards instability -------------------------------------------------------------

PATHWAYS = Case(
    "Bardoscia, Battiston, Caccioli & Caldarelli (2017), Pathways towards instability in "
    "financial networks, Nature Communications 8:14416",
    "closed form, recomputed",
    1e-6,
)
LEVERAGE = {
    "dag3": ([[0, 3, 3], [0, 0, 3], [0, 0, 0]], 0.0),
    "ring4_1p1": ([[0, 1.1, 0, 0], [0, 0, 1.1, 0], [0, 0, 0, 1.1], [1.1, 0, 0, 0]], 1.1),
    "two_bank": ([[0, 4], [0.3, 0]], 1.0954451150103321),
}


@pytest.mark.parametrize("name", LEVERAGE)
def test_largest_eigenvalue_of_the_leverage_matrix(name):
    matrix, want = LEVERAGE[name]
    net = ct.ExposureNetwork.from_matrix(
        matrix, range(len(matrix)), orientation="creditor->debtor", equity=np.ones(len(matrix))
    )
    leverage = net.leverage.toarray()
    PATHWAYS.same(leverage, matrix)
    PATHWAYS.same(np.abs(np.linalg.eigvals(leverage)).max(), want)


def test_an_edge_more_makes_the_chain_unstable():
    """dag3 plus a claim of the third bank on the first: the paper's point, without a number."""
    matrix = [[0, 3, 3], [0, 0, 3], [0.5, 0, 0]]
    net = ct.ExposureNetwork.from_matrix(
        matrix, range(3), orientation="creditor->debtor", equity=[1.0, 1.0, 1.0]
    )
    assert np.abs(np.linalg.eigvals(net.leverage.toarray())).max() > 1


@pytest.mark.parametrize("case", [NEVA, LDR, GA, SENIORITY, DEBTRANK, AOT, PATHWAYS])
def test_a_wrong_number_would_be_noticed(case):
    with pytest.raises(AssertionError, match="instead of"):
        case.same([1.0, 2.0], [1.0, 2.0 + 3 * max(case.tolerance, 1e-9)])
