"""Scorecards by hand: G-SIB scores and their bands, large exposures, interconnectedness."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import random_network

import contagion as ct
from contagion.measures import scorecards
from contagion.measures.scorecards import gsib, methodology

TWELVE = list(scorecards.weights("2013").index)


def share(parts: dict[str, float] | float, year: int = 2016, **options) -> pd.DataFrame:
    """A bank that has a share of the denominators, by indicator or of all."""
    over = scorecards.denominators(year, **options)
    return (over * (pd.Series(parts) if isinstance(parts, dict) else parts)).to_frame("bank").T


# -- denominators and weights ----------------------------------------------------------------


@pytest.mark.parametrize("year", range(2012, 2024))
def test_every_year_has_denominators(year):
    found = scorecards.denominators(year)
    want = TWELVE + (list(methodology.TRADING) if year >= 2021 else [])
    assert set(found.index) == set(want) and (found > 0).all() and found.index.is_unique
    assert found.unit == "EUR bn" and found.year == year
    assert "bis.org" in found.source or year > 2016


def test_dollars_are_the_euros_at_one_rate():
    """The Federal Reserve publishes what the Committee does, at the rate of the end of the year."""
    for year, rate in ((2014, 1.2141), (2015, 1.0887)):
        ratio = scorecards.denominators(year, currency="USD") / scorecards.denominators(year)
        np.testing.assert_allclose(ratio, rate, rtol=1e-9)


def test_years_without_denominators():
    with pytest.raises(ct.DatasetError, match=r"No denominators in EUR for 2030. .* 2012, .*2023"):
        scorecards.denominators(2030)
    with pytest.raises(ct.DatasetError, match="There are: 2014, 2015"):
        scorecards.denominators(2016, currency="USD")


def test_weights_of_both_methodologies():
    """A fifth for each category; 2018 halves underwriting for trading volume."""
    for name in ("2013", "2018"):
        weights = scorecards.weights(name)
        by_category = weights.groupby([methodology.category_of(i) for i in weights.index]).sum()
        assert by_category.tolist() == pytest.approx([0.2] * 5)
    old, new = scorecards.weights("2013"), scorecards.weights("2018")
    assert len(old) == 12 and len(new) == 14
    assert old["underwriting"] == pytest.approx(1 / 15)
    assert new["underwriting"] == pytest.approx(1 / 30)
    assert new["trading_volume_fixed_income"] == pytest.approx(1 / 60)
    assert new["payments"] == new["level3"] == pytest.approx(1 / 15)
    with pytest.raises(ValueError, match="choose '2013' or '2018'"):
        scorecards.weights("2011")


# -- the Basel score -------------------------------------------------------------------------


def test_one_indicator_at_a_time():
    """1 % of one denominator is 100 bp times its weight."""
    for name, weight in scorecards.weights("2018").items():
        parts = dict.fromkeys(scorecards.weights("2018").index, 0.0) | {name: 0.01}
        found = scorecards.bcbs_gsib(share(parts, 2023))
        assert found.table.loc["bank", "score"] == pytest.approx(100 * weight)
        assert found.indicators.loc["bank", name] == pytest.approx(100)


def test_the_cap_by_hand():
    """10 % of custody and payments, 1 % of the rest: 700 bp in substitutability, 500 count."""
    parts = dict.fromkeys(TWELVE, 0.01) | {"assets_under_custody": 0.1, "payments": 0.1}
    found = scorecards.bcbs_gsib(share(parts), year=2016)
    row = found.table.loc["bank"]
    assert found.categories.loc["bank", "substitutability"] == pytest.approx(700)
    assert found.categories.loc["bank", "complexity"] == pytest.approx(100)
    assert row["score"] == pytest.approx((4 * 100 + 500) / 5)
    assert row["cap_cost"] == pytest.approx(200 / 5)
    assert row["bucket"] == 1 and row["surcharge"] == 1.0


def test_the_cap_holds_for_substitutability_alone():
    parts = dict.fromkeys(TWELVE, 0.01) | {"otc_derivatives": 0.3}
    found = scorecards.bcbs_gsib(share(parts), year=2016)
    assert found.categories.loc["bank", "complexity"] == pytest.approx(3200 / 3)
    assert found.table.loc["bank", "cap_cost"] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("score", "whole", "bucket", "rate"),
    [
        (129.49, 129, 0, 0.0),
        (129.5, 130, 1, 1.0),
        (229.4999, 229, 1, 1.0),
        (229.5, 230, 2, 1.5),
        (330.0, 330, 3, 2.0),
        (429.51, 430, 4, 2.5),
        (529.5, 530, 5, 3.5),
        (629.0, 629, 5, 3.5),
        (629.5, 630, 6, 4.5),
        (735.0, 735, 7, 5.5),
    ],
)
def test_buckets_at_their_edges(score, whole, bucket, rate):
    """Everything at one share; substitutability is capped, so the others take what it leaves."""
    rest = score if score <= 500 else (5 * score - 500) / 4
    parts = {
        name: (min(rest, 500.0) if methodology.category_of(name) == "substitutability" else rest)
        for name in TWELVE
    }
    found = scorecards.bcbs_gsib(share({k: v / 1e4 for k, v in parts.items()}), year=2016)
    row = found.table.loc["bank"]
    assert row[["rounded", "bucket", "surcharge"]].tolist() == [whole, bucket, rate]
    assert row["to_next"] == pytest.approx(130 + 100 * bucket - 0.5 - score)
    if bucket:
        assert row["to_lower"] == pytest.approx(score - (100 * bucket + 29.5))
    else:
        assert np.isnan(row["to_lower"])


def test_the_distance_to_the_next_bucket_is_just_enough():
    weights = scorecards.weights("2013")
    bank = share(0.02)
    room = scorecards.bcbs_gsib(bank, year=2016).table.loc["bank", "to_next"]
    assert room == pytest.approx(29.5)
    for more, bucket in ((-0.01, 1), (0.01, 2)):
        grown = bank.copy()
        over = scorecards.denominators(2016)["total_exposures"]
        grown["total_exposures"] += (room + more) / weights["total_exposures"] / 1e4 * over
        assert scorecards.bcbs_gsib(grown, year=2016).table.loc["bank", "bucket"] == bucket


def test_units_banks_and_methodologies():
    bank = share(0.03, 2023)
    table = pd.concat([bank / 3, bank]).set_axis(["small", "large"])
    found = scorecards.bcbs_gsib(table)
    assert list(found.table.index) == ["large", "small"]
    assert found.table["rounded"].tolist() == [300, 100]
    for unit, factor in (("EUR", 1e9), ("EUR mn", 1e3)):
        again = scorecards.bcbs_gsib(table * factor, unit=unit)
        pd.testing.assert_frame_equal(again.table, found.table)
    old = scorecards.bcbs_gsib(table, methodology="2013")
    assert "trading_volume_fixed_income" not in old.indicators
    assert "large" in repr(found) and "surcharge" in repr(found)
    dollars = scorecards.bcbs_gsib(
        share(0.02, 2015, currency="USD"), unit="USD bn",
        divisors=scorecards.denominators(2015, currency="USD"),
    )  # fmt: skip
    assert dollars.table.loc["bank", "score"] == pytest.approx(200)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda b: scorecards.bcbs_gsib(b.rename(columns={"level3": "level_3"}), year=2016),
            r"Missing 1 of 12 indicators: 'level3'. Perhaps 'level_3' is 'level3'. A missing one",
        ),
        (lambda b: scorecards.bcbs_gsib(b, year=2016, unit="USD bn"), "Convert the amounts first"),
        (lambda b: scorecards.bcbs_gsib(-b, year=2016), "they are not for 'bank'"),
        (lambda b: scorecards.bcbs_gsib(b * np.nan, year=2016), "they are not for 'bank'"),
        (
            lambda b: scorecards.bcbs_gsib(b, year=2016, methodology="2018"),
            r"trading_volume_equities_other. .* methodology='2013'",
        ),
        (
            lambda b: scorecards.bcbs_gsib(b, divisors=scorecards.denominators(2016) * 0),
            "finite and above 0",
        ),
        (
            lambda b: scorecards.us_gsib(b, divisors=scorecards.denominators(2016).drop("level3")),
            "No denominator for level3. Give one",
        ),
    ],
)
def test_indicators_that_do_not_fit(call, text):
    with pytest.raises(ct.DatasetError, match=text):
        call(share(0.02))


# -- the US surcharge ------------------------------------------------------------------------


def us(parts: dict[str, float] | float, funding: float | None, year: int = 2015) -> pd.DataFrame:
    one = pd.Series({"bank": 1000.0})
    return scorecards.us_gsib(
        share(parts, year, currency="USD"),
        divisors=scorecards.denominators(year, currency="USD"),
        funding=None if funding is None else one * funding,
        risk_weighted_assets=one,
    )


def test_method_1_caps_substitutability_at_100():
    """500 bp of the category are 100 of the score."""
    parts = dict.fromkeys(TWELVE, 0.0) | {"assets_under_custody": 0.3}
    found = us(parts, 0.0).loc["bank"]
    assert found["method_1"] == pytest.approx(100)  # 200 without the cap
    assert found["method_2"] == 0 and found["surcharge"] == 0 and found["binding"] == "none"


def test_funding_counts_350_times():
    """Funding of a fifth of risk-weighted assets: 70 bp."""
    base, more = us(0.02, 0.0), us(0.02, 0.2)
    assert (more["method_2"] - base["method_2"])["bank"] == pytest.approx(70)
    assert more.loc["bank", "method_1"] == base.loc["bank", "method_1"] == pytest.approx(200)


def test_the_larger_surcharge_counts():
    found = us(0.02, 0.2).loc["bank"]
    assert found["rounded_1"] == 200 and found["surcharge_1"] == 1.0
    assert found["surcharge_2"] == found["surcharge"] > 1 and found["binding"] == "method 2"
    parts = dict.fromkeys(TWELVE, 0.0) | {"payments": 0.2, "underwriting": 0.2, "level3": 0.05}
    low = us(parts, 0.0).loc["bank"]  # 100 from the cap and 33 of complexity
    assert low["rounded_1"] == 133 and low["surcharge"] == 1.0 and low["binding"] == "method 1"
    assert low["rounded_2"] < 130 and low["surcharge_2"] == 0


def test_a_bank_below_the_cut_off_has_no_surcharge():
    found = us(0.0129, 0.9).loc["bank"]
    assert found["rounded_1"] == 129 and found["rounded_2"] > 130
    assert found[["surcharge_1", "surcharge_2", "surcharge"]].tolist() == [0, 0, 0]


def test_method_2_without_funding_is_not_known():
    found = us(0.02, None)
    row = found.loc["bank"]
    assert np.isnan(row["method_2"]) and np.isnan(row["surcharge"]) and pd.isna(row["rounded_2"])
    assert row["surcharge_1"] == 1.0 and row["binding"] == ""
    assert "funding" in found.reasons["method_2"]["bank"]
    assert us(0.01, None).loc["bank", "surcharge"] == 0  # whatever method 2 would say
    with pytest.raises(ct.DatasetError, match="Risk-weighted assets have to be above 0"):
        us(0.02, -0.1)


@pytest.mark.parametrize(
    ("score", "rate"),
    [(129, 0.0), (130, 1.0), (229, 1.0), (530, 3.0), (629, 3.0), (630, 3.5), (1030, 5.5),
     (1129, 5.5), (1130, 6.0), (1229, 6.0), (1230, 6.5)],
)  # fmt: skip
def test_bands_of_method_2(score, rate):
    assert methodology.US_METHOD_2.of(np.array([score]))[1][0] == rate


def test_halves_are_rounded_up_whatever_the_noise():
    noisy = np.array([0.1 + 0.2 - 0.3 + 129.5, 129.5 - 1e-12, 129.49999])
    assert gsib.rounded(noisy).tolist() == [130, 130, 129]


# -- large exposures -------------------------------------------------------------------------


@pytest.fixture
def banks() -> ct.ExposureNetwork:
    """a holds 25 on b, 14 on c, 9 on d; b holds 16 on a; c holds 1 on d. Equity 100, 100, 50, 9."""
    return ct.ExposureNetwork.from_matrix(
        [[0, 25, 14, 9], [16, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]],
        list("abcd"),
        orientation="creditor->debtor",
        equity=[100, 100, 50, 9],
        unit="EUR mn",
    )


def rows(frame: pd.DataFrame, *columns: str) -> dict:
    return {
        (row.creditor, row.counterparty): tuple(getattr(row, c) for c in columns)
        for row in frame.itertuples()
    }


def test_large_exposures_by_hand(banks):
    """25 % is the limit itself, 10 % is large, nothing above."""
    found = scorecards.large_exposures(banks)
    assert rows(found, "percent", "limit", "flag", "excess") == {
        ("a", "b"): (25, 25, "large", 0),
        ("b", "a"): (16, 25, "large", 0),
        ("a", "c"): (14, 25, "large", 0),
        ("a", "d"): (9, 25, "", 0),
        ("c", "d"): (2, 25, "", 0),
    }
    assert found["percent"].is_monotonic_decreasing and not found.reasons


def test_between_systemic_banks_the_limit_is_15(banks):
    found = rows(scorecards.large_exposures(banks, gsibs=["a", "b"]), "limit", "flag", "excess")
    assert found[("a", "b")] == (15, "breach", 10) and found[("b", "a")] == (15, "breach", 1)
    assert found[("a", "c")] == (25, "large", 0) and found[("c", "d")] == (25, "", 0)


def test_connected_counterparties_are_one(banks):
    """b and c belong together: 39 of 100. c holds 1 on d, which is its own group then."""
    groups = {"b": "bc", "c": "bc"}
    found = rows(scorecards.large_exposures(banks, groups=groups), "exposure", "flag", "excess")
    assert found[("a", "bc")] == (39, "breach", 14) and ("a", "b") not in found
    found = rows(
        scorecards.large_exposures(banks, groups={"c": 1, "d": 1, "b": 2}, gsibs=["a", "d"]),
        "exposure", "limit", "flag", "excess",
    )  # fmt: skip
    assert found[("a", 1)] == (23, 15, "breach", 8)  # d, a G-SIB, is in the group
    assert found[("c", 1)] == (1, 25, "own group", 0)


def test_capital_that_is_given_unknown_or_gone(banks):
    found = scorecards.large_exposures(banks, capital={"a": 200.0, "b": 0.0})
    assert rows(found, "percent", "flag", "excess")[("a", "b")] == (12.5, "large", 0)
    by = found.set_index(["creditor", "counterparty"])
    assert by.loc[("b", "a"), "flag"] == "breach" and by.loc[("b", "a"), "excess"] == 16
    assert by.loc[("c", "d"), "flag"] == "unknown capital"
    assert by.loc[("c", "d"), ["percent", "excess"]].isna().all()
    said = {found.loc[row, "creditor"]: why for row, why in found.reasons["percent"].items()}
    assert said == {
        "b": "the creditor has no positive capital",
        "c": "the capital of the creditor is not known",
    }


def test_parallel_claims_are_summed_and_limits_can_be_changed():
    claims = pd.DataFrame(
        {"creditor": list("aa"), "debtor": list("bb"), "amount": [20.0, 10.0], "layer": ["x", "y"]}
    )
    nodes = pd.DataFrame({"node": list("ab"), "external_assets": [80.0, 90.0]})
    net = ct.ExposureNetwork(nodes, claims, duplicates="keep")
    found = scorecards.large_exposures(net, limit=0.2, reported=0.3)
    assert found[["exposure", "capital", "limit", "flag", "excess"]].values.tolist() == [
        [30, 110, 20, "breach", 8]
    ]


@pytest.mark.parametrize("seed", range(3))
def test_large_exposures_against_loops(seed):
    net = random_network(seed, n=9, degree=3, features={"parallel", "insolvent"})
    group = {name: int(i) % 4 for i, name in enumerate(net.names)}
    systemic = set(net.names[::3])
    found = rows(
        scorecards.large_exposures(net, groups=group, gsibs=systemic), "exposure", "excess"
    )
    want: dict = {}
    for c, d, amount in net.exposures[["creditor", "debtor", "amount"]].itertuples(index=False):
        want[(c, group[d])] = want.get((c, group[d]), 0.0) + amount
    assert set(found) == set(want)
    for (c, g), amount in want.items():
        both = c in systemic and any(x in systemic for x in net.names if group[x] == g)
        capital = max(net.balance_sheet.loc[c, "equity"], 0)
        excess = max(0.0, amount - (0.15 if both else 0.25) * capital) if group[c] != g else 0.0
        assert found[(c, g)] == pytest.approx((amount, excess), abs=1e-9)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        (
            {"capital": {"A": 1.0}},
            ct.UnknownNameError,
            "Unknown node in capital 'A'. Did you mean 'a'",
        ),
        ({"gsibs": ["x"]}, ct.UnknownNameError, "Unknown G-SIB 'x'"),
        ({"groups": {"z": "g"}}, ct.UnknownNameError, "Unknown node in groups 'z'"),
        ({"groups": {"a": "b"}}, ct.NetworkError, "'b' is a node and the name of a group"),
        ({"limit": 25}, ValueError, "limit=25: a part of capital"),
    ],
)
def test_large_exposures_that_cannot_be_told(banks, options, error, text):
    with pytest.raises(error, match=text):
        scorecards.large_exposures(banks, **options)


# -- interconnectedness ----------------------------------------------------------------------


def test_interconnectedness_by_hand(banks):
    """Claims 48, 16, 1, 0 of 65; debts 16, 25, 14, 10 of 65."""
    record = scorecards.interconnectedness(banks)
    found = record.loc[list("abcd")]
    assert found["intra_financial_assets"].tolist() == [48, 16, 1, 0]
    assert found["intra_financial_liabilities"].tolist() == [16, 25, 14, 10]
    assert found["interconnectedness"].tolist() == pytest.approx(
        [1e4 * x / 130 for x in (64, 41, 15, 10)]
    )
    assert found["interconnectedness"].sum() == pytest.approx(1e4)
    assert found["creditors"].tolist() == [1, 1, 1, 2]
    assert found["debtors"].tolist() == [3, 1, 1, 0]
    sheet = banks.balance_sheet
    totals = sheet["external_assets"] + sheet["claims"]
    assert found["total_exposures"].tolist() == totals.tolist()
    assert found["percent_of_assets"].tolist() == (100 * sheet["claims"] / totals).tolist()
    assert found["securities_outstanding"].isna().all()
    assert "not in a network" in record.reasons["securities_outstanding"]["a"]


def test_only_financial_institutions_count(banks):
    found = scorecards.interconnectedness(banks, financial=["a", "b", "c"]).loc[list("abcd")]
    assert found["intra_financial_assets"].tolist() == [39, 16, 0, 0]
    assert found["intra_financial_liabilities"].tolist() == [16, 25, 14, 10]
    assert found["debtors"].tolist() == [2, 1, 0, 0]
    assert found["interconnectedness"]["a"] == pytest.approx(1e4 * (39 / 55 + 16 / 55) / 2)
    with pytest.raises(ct.UnknownNameError, match="Unknown financial node 'A'"):
        scorecards.interconnectedness(banks, financial=["A"])


def test_claims_of_nothing_are_no_connection():
    net = ct.datasets.load("cefi_credit_2022")  # a claim of Tether that collateral covered
    assert net.exposures["amount"].eq(0).sum() == 1
    assert scorecards.interconnectedness(net).loc["tether", "debtors"] == 0


def test_unknown_balance_sheets_are_not_zero():
    net = ct.datasets.load("bis_cbs_2022q4")
    found = scorecards.interconnectedness(net)
    assert found["total_exposures"].isna().all() and found["percent_of_assets"].isna().all()
    assert found["interconnectedness"].sum() == pytest.approx(1e4)
    assert found.index[0] == "US"
    exposures = scorecards.large_exposures(net)
    assert (exposures["flag"] == "unknown capital").all() and exposures["excess"].isna().all()
    empty = scorecards.interconnectedness(net, financial=[])
    assert empty["interconnectedness"].isna().all()
