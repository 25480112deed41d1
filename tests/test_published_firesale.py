"""Fire sales: answers from the literature, with their source, tolerance and evidence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import contagion as ct

FOLDER = Path(__file__).with_name("eba_2016_sovereign")
NOBODY = pd.DataFrame({"creditor": [], "debtor": [], "amount": []})

# Breuer, Summer & Urosevic (2021), Systemic loss evaluation, OeNB WP 235; EBA stress test 2016,
# 51 banks; table printed in the README of github.com/Martin-Summer-1090/syslosseval @ 2815e5c.
# Evidence: printed by the authors, recomputed independently.


def digits(values: pd.Series) -> list[float]:
    """Three significant figures, which is what is published."""
    return [float(f"{value:.3g}") for value in values]


# rounds to the equilibrium that the authors report from above and from below
ROUNDS = {"greatest": 10, "least": 9}


def read_markets() -> pd.DataFrame:
    return pd.read_csv(FOLDER / "markets.csv", index_col="asset")


def read_banks() -> ct.ExposureNetwork:
    held = pd.read_csv(FOLDER / "holdings.csv")
    table = pd.read_csv(FOLDER / "banks.csv")
    bonds = table["node"].map(held.groupby("node")["value"].sum())
    nodes = pd.DataFrame(
        {
            "node": table["node"],
            "external_assets": table["other_assets"] + bonds,
            "equity": table["equity"],
        }
    )
    return ct.ExposureNetwork(nodes, NOBODY, holdings=held, unit="EUR mn")


@pytest.fixture(scope="module")
def markets() -> pd.DataFrame:
    return read_markets()


@pytest.fixture(scope="module")
def banks() -> ct.ExposureNetwork:
    return read_banks()


def model(
    markets: pd.DataFrame, *, swapped: bool, which: str | None = "greatest"
) -> ct.models.FireSale:
    """Leverage of at most 33, loans that count, impact 1.5 σ √(q / ADV)."""
    rows = markets.rename(index={"US": "Rest_of_the_world", "Rest_of_the_world": "US"})
    rows = rows if swapped else markets
    impact = {
        name: ct.liquidation.SquareRoot(1.5 * row["volatility"], row["daily_volume"])
        for name, row in rows.iterrows()
    }
    return ct.models.FireSale(1 / 33, impact=impact, other_weight=1.0, which=which, tolerance=1e-9)


@pytest.mark.parametrize(("which", "rounds"), ROUNDS.items())
def test_sovereign_bonds_of_51_banks_as_published(banks, markets, which, rounds):
    """With the rows of US and Rest_of_the_world swapped, as in the run that was published."""
    assert len(banks) == 51 and len(markets) == 8
    sales = model(markets, swapped=True, which=which)
    fall = sales.market(banks)["fall"][markets.index]
    assert digits(fall) == markets["published_fall"].tolist()
    # the authors count updates before the round that changes nothing any more
    assert sales.propagate(banks).outcome.rounds == rounds + 1


def test_the_largest_falls_of_the_51_banks_as_published(banks, markets):
    """Everybody sells everything: no bank can meet a capital ratio of 1."""
    sales = model(markets, swapped=True)
    everything = ct.models.FireSale(1.0, impact=sales.impact, other_weight=1.0)
    market = everything.market(banks)
    np.testing.assert_allclose(market["sold"], market["held"])
    fall = market["fall"][markets.index]
    assert digits(fall) == markets["published_largest_fall"].tolist()


def test_the_rows_in_place_give_another_equilibrium(banks, markets):
    """US and Rest_of_the_world trade places, and six of the eight falls differ from the table."""
    sales = model(markets, swapped=False, which=None)  # greatest and least agree
    fall = sales.market(banks)["fall"][markets.index]
    off = pd.Series(digits(fall), fall.index) != markets["published_fall"]
    assert off[off].index.tolist() == ["DE", "FR", "IT", "JP", "US", "Rest_of_the_world"]
    assert digits(fall[["US", "Rest_of_the_world"]]) == [0.00104, 0.00562]


def test_what_the_51_banks_lose_is_what_prices_fall(banks, markets):
    sales = model(markets, swapped=False)
    result = sales.propagate(banks, baseline="book")
    market = sales.market(banks)
    lost = float((market["held"] * market["fall"]).sum())
    assert result.table["loss"].sum() == pytest.approx(lost, rel=1e-9)
    assert result.socialization.missing_before == pytest.approx(lost, rel=1e-9)
    assert result.before.deadweight["falling prices"].sum() == pytest.approx(lost, rel=1e-9)
    assert not result.outcome.defaulted.any() and result.audit()["ok"].all()


# -- several fixed points -----------------------------------------------------------------------

# Appendix A3 of the same paper; inputs and three fixed points in R/test_example_thomas.R of the
# package @ 6bed876: falls 0.0564801, 0.114085, 0.13914 (six figures). Evidence: as above.
LOANS, BONDS, EQUITY = [1170.0, 1245.0, 1190.0], [145.0, 435.0, 300.0], [28.0, 80.0, 65.0]
FALLS = (0.0564801, 0.114085, 0.13914)


def three_banks() -> ct.ExposureNetwork:
    nodes = {
        "node": list("abc"),
        "external_assets": [a + b for a, b in zip(LOANS, BONDS, strict=True)],
        "equity": EQUITY,
    }
    held = {"node": list("abc"), "asset": ["bond"] * 3, "value": BONDS}
    return ct.ExposureNetwork(pd.DataFrame(nodes), NOBODY, holdings=held)


@pytest.fixture
def three() -> ct.ExposureNetwork:
    return three_banks()


def three_model(which: str | None) -> ct.models.FireSale:
    law = ct.liquidation.SquareRoot(1.0, 1 / 0.000022)
    return ct.models.FireSale(1 / 44, impact=law, other_weight=1.0, which=which)


@pytest.mark.parametrize(("which", "fall"), [("greatest", FALLS[0]), ("least", FALLS[2])])
def test_greatest_and_least_of_three_fixed_points(three, which, fall):
    assert three_model(which).market(three).loc["bond", "fall"] == pytest.approx(fall, rel=1e-5)


def test_the_fixed_point_between_them_is_one_and_nobody_gets_there(three):
    """One round from 0.114085 leads back to it, from a little below and above away from it."""
    from contagion.kernels.firesale import forced_sales

    def step(fall: float) -> float:
        bonds, loans, equity = (np.array([side]) for side in (BONDS, LOANS, EQUITY))
        part = forced_sales(
            equity - fall * bonds, loans, (1 - fall) * bonds, 1 / 44, np.ones((1, 3), bool)
        )
        return float(np.sqrt(0.000022 * (part * bonds).sum()))

    for fall in FALLS:
        assert step(fall) == pytest.approx(fall, rel=1e-5)
    assert step(0.110) < 0.110 and step(0.118) > 0.118


def test_several_solutions_are_an_error_until_one_is_chosen(three):
    with pytest.raises(ct.AmbiguousSolution, match="greatest"):
        three_model(None).propagate(three)


# -- vulnerable banks ---------------------------------------------------------------------------

# Greenwood, Landier & Thesmar (2015), JFE 115(3): two banks, closed form, recomputed; a = 100 and
# 200, debt over equity 9 and 4, weights (0.6, 0.4) and (0.2, 0.8), impact 0.001 and 0.0005 per unit
# sold, the first asset falls by 10 %. Signs here: losses and sales above 0. Tolerance 1e-9.
TWO_BANKS = {
    "direct": [0.06, 0.02],
    "sold": [35.6, 34.4],
    # by hand: x falls by 0.0356, y by 0.0172; 1 loses 60 · 0.0356 + 40 · 0.0172
    "indirect_loss": [2.824, 4.176],
    "aggregate": 7.0 / 50,
    "indirect_vulnerability": [0.2824, 0.1044],
    # γ = Σ_k (Σ_m h_mk) l_k m_nk = 100 · 0.001 · 0.6 + 200 · 0.0005 · 0.4 = 0.1 for both
    "connectedness": [0.1, 0.1],
    "systemicness": [0.108, 0.032],
}
TWO_MODEL = ct.models.LeverageTargeting(depth={"x": 1 / 0.001, "y": 1 / 0.0005})
TWO_SHOCK = ct.Shock.price({"x": -0.1})


def two_banks() -> ct.ExposureNetwork:
    nodes = {"node": ["1", "2"], "external_assets": [100.0, 200.0], "equity": [10.0, 40.0]}
    held = {"node": ["1", "1", "2", "2"], "asset": ["x", "y"] * 2, "value": [60.0, 40, 40, 160]}
    return ct.ExposureNetwork(pd.DataFrame(nodes), NOBODY, holdings=held)


@pytest.fixture
def two() -> ct.ExposureNetwork:
    return two_banks()


def test_two_vulnerable_banks(two):
    want, sold = TWO_BANKS, TWO_MODEL.market(two, TWO_SHOCK)["sold"]
    found = TWO_MODEL.vulnerability(two, TWO_SHOCK)
    np.testing.assert_allclose(found.table["direct_loss"] / [100, 200], want["direct"], rtol=1e-9)
    np.testing.assert_allclose(sold, want["sold"], rtol=1e-9)
    assert found.direct == pytest.approx(0.2, rel=1e-9)
    assert found.aggregate == pytest.approx(want["aggregate"], rel=1e-9)
    for column in ("indirect_loss", "indirect_vulnerability", "connectedness", "systemicness"):
        np.testing.assert_allclose(found.table[column], want[column], rtol=1e-9)
    loss = TWO_MODEL.propagate(two, TWO_SHOCK).table["loss"]
    np.testing.assert_allclose(loss, [6 + 2.824, 4 + 4.176], rtol=1e-9)


# -- overlapping portfolios ---------------------------------------------------------------------


TENTH_SOLD = 0.9  # the price, to 1e-5: four decimals of α are published


def price_with_a_tenth_sold() -> float:
    """α = 1.0536 of Caccioli, Shrestha, Moore & Farmer (2014)."""
    nodes = {
        "node": ["a", "b"],
        "external_assets": [10.0, 90.0],
        "external_liabilities": [5.0, 50.0],
    }
    held = {"node": ["a", "b"], "asset": ["X", "X"], "value": [10.0, 90.0]}
    net = ct.ExposureNetwork(pd.DataFrame(nodes), NOBODY, holdings=held)
    market = ct.models.OverlappingPortfolios().market(net, ct.Shock.default("a"))
    return float(market.loc["X", "price"])


def test_a_tenth_sold_takes_a_tenth_off_the_price():
    assert price_with_a_tenth_sold() == pytest.approx(TENTH_SOLD, abs=1e-5)
