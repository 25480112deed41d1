"""Published answers on cross-holdings: who published them, where, to which tolerance and why.

Transcribed by hand; tolerances are relative to max(1, |value|).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import contagion as ct
from contagion.network.shareholdings import from_matrix


def same(got, want, tolerance=1e-9):
    got, want = np.asarray(got, float), np.asarray(want, float)
    assert (np.abs(got - want) <= tolerance * np.maximum(1.0, np.abs(want))).all(), (got, want)


# -- two firms that hold each other's debt -----------------------------------------------------

# Karl & Fischer (2014), Cross-ownership as a structural explanation for over- and underestimation
# of default probability, Quantitative Finance 14(6), parameters of figure 6: debts of 11.3, of
# which each holds the part 0.95 of the other's. Evidence: closed form, recomputed; 1e-9.
D, W = 11.3, 0.95


def two_firms(assets, debt=0.0, equity=0.0, due=D) -> ct.ExposureNetwork:
    """Each firm holds parts of the other's debt (pari passu with external creditors) and equity."""
    holdings = [{"owner": i, "company": j, "fraction": equity} for i, j in ("ab", "ba")]
    return ct.ExposureNetwork.from_matrix(
        [[0, debt * due], [debt * due, 0]],
        ["a", "b"],
        orientation="debtor->creditor",
        external_assets=assets,
        external_liabilities=[(1 - debt) * due] * 2,
        external_creditors="pari_passu",
        shareholdings=holdings if equity else None,
    )


def debt_values(outcome: ct.results.Outcome) -> np.ndarray:
    return outcome.payments + outcome.external_paid


TWO_FIRMS = [
    # both insolvent: r = (a_i + w a_j) / (1 − w²)
    ([0.3, 0.3], [5.999999999999997] * 2),
    # a pays in full, b pays a_b + w d
    ([3.0, 0.1], [D, 0.1 + W * D]),
    ([14.0, 0.2], [D, 0.2 + W * D]),
    ([1.0, 1.0], [D, D]),
]


@pytest.mark.parametrize(("assets", "value"), TWO_FIRMS)
@pytest.mark.parametrize("which", ["greatest", "least", None])
def test_two_firms_that_hold_each_others_debt(assets, value, which):
    result = ct.models.CrossHoldings(which=which).propagate(two_firms(assets, debt=W))
    same(debt_values(result.outcome), value)
    assert (result.outcome.defaulted == (np.array(value) < D - 1e-9)).all()


# The four cases of Suzuki (2002) for equity alone, w = 1/2: what is on paper, solved by hand.
# Both solvent: s_i = (a_i − d + w (a_j − d)) / (1 − w²). One solvent: it gets nothing from the
# other. The shares of the second save the first, or are not enough.
TWO_OWNERS = [
    ([14.3, 12.3], [(3 + 0.5) / 0.75, (1 + 1.5) / 0.75]),
    ([10.3, 14.3], [(-1 + 1.5) / 0.75, (3 - 0.5) / 0.75]),  # saved by its shares
    ([10.3, 12.3], [-1 + 0.5, 1.0]),
    ([10.3, 10.3], [-1.0, -1.0]),
]


@pytest.mark.parametrize(("assets", "equity"), TWO_OWNERS)
def test_two_firms_that_hold_each_others_equity(assets, equity):
    result = ct.models.CrossHoldings().propagate(two_firms(assets, equity=0.5))
    same(result.table["equity_after"], equity)


def test_two_firms_that_hold_both():
    """b fails: r_b = a_b + v d + u s_a, s_a = a_a + v r_b − d, v of debt and u of equity held."""
    net = two_firms([9.0, 2.0], debt=0.5, equity=0.4)
    result = ct.models.CrossHoldings().propagate(net)
    debt = (2.0 + 0.5 * D + 0.4 * (9.0 - D)) / (1 - 0.4 * 0.5)
    assert debt < D
    same(debt_values(result.outcome), [D, debt])
    same(result.table["equity_after"], [9.0 + 0.5 * debt - D, debt - D])


# -- European debt: Elliott, Golub and Jackson -------------------------------------------------

# Elliott, Golub & Jackson (2014), American Economic Review 104(10), section on European debt
# cross-holdings. Inputs: BIS Quarterly Review, table 9B, end of 2011, immediate borrower basis, in
# millions of USD, rows hold what columns owe; a third of the debt of each country is cross-held.
# GDP of 2011 and 2008 over that of Portugal in 2011. Failure: value below θ times the value at GDP
# of 2008; it costs half of the threshold. Evidence: published inputs; the waves are quoted from
# memory and reproduced by exact computation: 0.90, 0.93 and 0.94 are firm, 0.935 is not.
COUNTRIES = ["France", "Germany", "Greece", "Italy", "Portugal", "Spain"]
CLAIMS = np.array(
    [
        [0, 198304, 39458, 329550, 21817, 115162],
        [174862, 0, 32977, 133954, 30208, 146096],
        [1960, 2663, 0, 444, 51, 292],
        [40311, 227813, 2302, 0, 3188, 26939],
        [6679, 2271, 8077, 2108, 0, 21620],
        [27015, 54178, 1001, 29938, 78005, 0],
    ],
    float,
)
NOW = np.array([11.61506276, 14.88284519, 1.267782427, 9.20083682, 1, 6.251046025])
BEFORE = np.array([11.98745, 15.27615, 1.468619, 9.65272, 1.058577, 6.698745])
ONE = [["Greece"]]
ALL = [["Greece"], ["Portugal", "Spain"], ["France", "Germany"], ["Italy"]]

WAVES = {0.9: ONE, 0.93: ONE, 0.94: ALL}
AT_0935 = [["Greece"], ["Portugal"], ["Spain"], ["France", "Germany"], ["Italy"]]


def six_countries() -> ct.ExposureNetwork:
    return ct.ExposureNetwork(
        pd.DataFrame({"node": COUNTRIES, "external_assets": BEFORE}),
        pd.DataFrame({"creditor": [], "debtor": [], "amount": []}),
        shareholdings=from_matrix(CLAIMS / CLAIMS.sum(axis=0) / 3, COUNTRIES),
    )


@pytest.fixture
def europe() -> ct.ExposureNetwork:
    return six_countries()


GDP = ct.Shock.loss(dict(zip(COUNTRIES, BEFORE - NOW, strict=True)))


def waves(net, threshold) -> list[list[str]]:
    wave = ct.models.FailureCosts(threshold, 0.5).values(net, GDP)["wave"]
    return [sorted(wave.index[wave == k]) for k in range(1, wave.max() + 1)]


@pytest.mark.parametrize(("threshold", "want"), WAVES.items())
def test_waves_of_sovereign_failures(europe, threshold, want):
    assert waves(europe, threshold) == want


def test_waves_at_0935_begin_as_published(europe):
    """Greece, then Portugal, then Spain; all six fail in the end."""
    found = waves(europe, 0.935)
    assert found[:3] == AT_0935[:3]
    assert sorted(name for wave in found for name in wave) == COUNTRIES


@pytest.mark.xfail(
    strict=True,
    reason="France fails one wave before Germany in the exact computation: both are within 1e-3 of "
    "the threshold, and rounding the dependency matrix to two decimals, as its printed version "
    "is, moves them. The table is quoted from memory.",
)
def test_waves_at_0935_end_as_published(europe):
    assert waves(europe, 0.935)[3:] == AT_0935[3:]


def test_values_of_the_countries_add_up(europe):
    """Σ v = Σ D p − Σ b, and the waves are the rounds of the result."""
    model = ct.models.FailureCosts(0.94, 0.5)
    table = model.values(europe, GDP)
    same(table["value"].sum(), NOW.sum() - table["cost"].sum(), 1e-12)
    outcome = model.propagate(europe, GDP).outcome
    late = table["wave"] > 1
    assert (outcome.default_round[late] == table["wave"][late]).all()
    assert outcome.default_round[COUNTRIES.index("Greece")] in (0, 1)
    assert int(outcome.rounds) == 4
