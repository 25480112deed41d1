"""Datasets of venues: what was published comes out of the venue's own rule on the graph."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import contagion as ct
from contagion import datasets, rules

HL, OKEX, BITFINEX = "hyperliquid_adl_2025", "okex_2018", "bitfinex_2016"
MAKER, DYDX = "maker_2020", "dydx_yfi_2023"
EXACT = [1, 2, 4, 5, 7, 8, 10, 12, 13, 14, 17]  # waves in which upstream has needed / capacity
LOWER = {9: 0.5201, 11: 0.9669, 21: 0.7507, 25: 0.3631, 28: 0.7829}  # part of it elsewhere
UNIFORM = "uniform on all accounts and assets"
ALONE = rules.Waterfall([rules.Layer("bitcoin"), rules.Layer("other assets")])
LOSER = 10_925_707.159378  # the account below zero that is counted again and again


def first_run(name: str, net: ct.ExposureNetwork | None = None) -> ct.Result:
    """The default run of the card."""
    card = datasets.card(name).default_run
    shock = ct.Shock.default(card["default"], recovery=card["recovery"])
    return ct.EisenbergNoe().propagate(net or datasets.load(name), shock)


def losses(result: ct.Result, debtor: str) -> pd.Series:
    """What each creditor loses on its claim on a debtor."""
    flows = result.flows
    return flows[flows["debtor"] == debtor].set_index("creditor")["loss"]


def claims(name: str, debtor: str) -> pd.DataFrame:
    """The claims on a debtor as a claims table."""
    table = datasets.load(name).exposures
    table = table[table["debtor"] == debtor].rename(columns={"creditor": "claimant"})
    return table[[c for c in ("claimant", "amount", "layer") if c in table]]


def published(name: str, node: str, what: str, run: str | None = None) -> float:
    rows = datasets.outcomes(name).query("node == @node and what == @what")
    return (rows if run is None else rows[rows["run"] == run])["value"].item()


def waves(what: str, run: str | None = None) -> pd.Series:
    """A figure of each of the 16 waves, by its number."""
    rows = datasets.outcomes(HL)
    rows = rows[rows["node"].str.startswith("wave_") & rows["what"].eq(what)]
    rows = rows if run is None else rows[rows["run"] == run]
    return rows.set_index(rows["node"].str[5:].astype(int))["value"]


@pytest.mark.parametrize("name", [HL, OKEX, BITFINEX, MAKER, DYDX])
def test_final_holders_bear_what_the_trigger_does_not_pay(name):
    result = first_run(name)
    failed = datasets.card(name).default_run["default"]
    lost = result.flows.loc[result.flows["debtor"] == failed, "loss"].sum()
    assert result.table["loss"].sum() == pytest.approx(lost, rel=1e-9)
    assert result.socialization.missing_before == 0.0
    assert result.table.loc[failed, "loss"] == 0.0


@pytest.mark.parametrize("name", [HL, OKEX, BITFINEX, MAKER, DYDX])
def test_no_account_or_address_is_named(name):
    folder = datasets.path(name)
    text = "".join((folder / f"{table}.csv").read_text() for table in ("nodes", "outcomes"))
    assert "0x" not in text and "2051247" not in text


# -- OKEx -------------------------------------------------------------------------------------


def test_okex_shortfall_is_that_of_an_inverse_contract():
    notional = 100 * published(OKEX, "long_position", "contracts")
    liquidated = published(OKEX, "long_position", "bankruptcy price")
    settled = published(OKEX, "long_position", "settlement price")
    shortfall = notional * (1 / settled - 1 / liquidated)
    assert (notional, round(shortfall)) == (416_851_500, 3730)
    assert claims(OKEX, "long_position")["amount"].item() == pytest.approx(shortfall, abs=1e-6)
    reported = published(OKEX, "long_position", "shortfall reported")
    assert reported == 2500 + 1200 and shortfall == pytest.approx(reported, rel=0.01)


def test_okex_fund_pays_first_and_the_clawback_is_17_to_18_percent():
    result = first_run(OKEX)
    lost = losses(result, "okex")
    assert lost["insurance_fund"] == pytest.approx(10 + 2500)
    rate = lost["profitable_accounts"] / 6857.142857
    assert published(OKEX, "profitable_accounts", "share of profit taken, low report") < rate
    assert rate < published(OKEX, "profitable_accounts", "share of profit taken, high report")
    assert rate == pytest.approx((3729.971735 - 2510) * 0.175 / 1200)
    assert lost["profitable_accounts"] == pytest.approx(1200, rel=0.017)  # "around 1,200"


@pytest.mark.parametrize(("reported", "profits"), [(0.18, 6667), (0.17, 7059)])
def test_okex_rate_on_either_implied_profit(reported, profits):
    table = claims(OKEX, "okex").set_index("claimant")
    table.loc["profitable_accounts", "amount"] = profits
    rule = rules.Waterfall([rules.Layer("insurance fund"), rules.Layer("clawback")])
    shared = rule.allocate(2510 + 1200, table.reset_index())
    assert shared.layers["absorbed"].tolist() == pytest.approx([2510, 1200])
    assert shared.table["loss"].iloc[1] / profits == pytest.approx(reported, abs=1e-4)


def test_okex_without_the_injection_is_not_the_40_percent_reported():
    thin = claims(OKEX, "okex")
    thin.loc[thin["claimant"] == "insurance_fund", "amount"] = 10.0
    rule = rules.Waterfall([rules.Layer("insurance fund"), rules.Layer("clawback")])
    lost = rule.allocate(3729.971735, thin).table.set_index("claimant")["loss"]
    rate = lost["profitable_accounts"] / 6857.142857
    what = "share of profit taken"
    assert rate == pytest.approx(
        published(OKEX, "profitable_accounts", what, "fund of 10"), abs=1e-6
    )
    assert rate > published(OKEX, "profitable_accounts", what, "fund of 10, as reported") + 0.1


# -- Bitfinex ---------------------------------------------------------------------------------


def test_bitfinex_takes_the_published_haircut_from_everybody():
    lost = losses(first_run(BITFINEX), "bitfinex")
    owed = claims(BITFINEX, "bitfinex").set_index("claimant")["amount"]
    for customers in ("btc_holders", "other_asset_holders"):
        haircut = lost[customers] / owed[customers]
        assert haircut == pytest.approx(
            published(BITFINEX, customers, "haircut", UNIFORM), rel=1e-9
        )
    assert lost.sum() == pytest.approx(119_756)


def test_bitfinex_perimeter_of_bitcoin_holders_alone():
    net = datasets.load(BITFINEX).with_rule("bitfinex", ALONE)
    lost = losses(first_run(BITFINEX, net), "bitfinex")
    assert lost["other_asset_holders"] == pytest.approx(0.0, abs=1e-6)
    haircut = lost["btc_holders"] / 243_352
    assert haircut == pytest.approx(119_756 / 243_352)
    reported = published(BITFINEX, "btc_holders", "haircut", "bitcoin holders alone")
    assert round(haircut, 4) == reported == 0.4921


def test_bitfinex_claims_are_implied_by_the_two_official_figures():
    total = claims(BITFINEX, "bitfinex")["amount"].sum()
    assert total == pytest.approx(119_756 / 0.36067)
    assert total * 600 == pytest.approx(
        published(BITFINEX, "bitfinex", "claims implied at 600 dollars"), abs=1
    )


# -- Maker ------------------------------------------------------------------------------------


def test_maker_surplus_then_dilution_and_nothing_for_dai():
    result = first_run(MAKER)
    lost = losses(result, "maker")
    assert result.table.loc["maker", "loss"] == pytest.approx(
        published(MAKER, "maker", "surplus before")
    )
    assert lost["mkr_holders"] == pytest.approx(5_670_000 - 500_000)
    assert lost["dai_holders"] == pytest.approx(published(MAKER, "dai_holders", "loss"), abs=1e-6)
    raised = published(MAKER, "mkr_holders", "raised by debt auction")
    assert lost["mkr_holders"] / raised == pytest.approx(0.975, abs=1e-3)  # dates differ by weeks
    assert raised % 50_000 == 0  # whole lots


def test_maker_minted_is_the_loss_over_the_price_of_the_auctions():
    minted = published(MAKER, "mkr_holders", "MKR minted", "as it happened")
    price = published(MAKER, "mkr_holders", "raised by debt auction") / minted
    assert price == pytest.approx(252.6, abs=0.05)
    assert price == pytest.approx(
        published(MAKER, "mkr_holders", "price of the auctions"), abs=1e-6
    )
    lost = losses(first_run(MAKER), "maker")["mkr_holders"]
    own = published(MAKER, "mkr_holders", "MKR minted", "surplus then dilution")
    assert lost / price == pytest.approx(own, abs=1e-3)
    assert own / minted == pytest.approx(0.975, abs=1e-3)
    owed = claims(MAKER, "maker").set_index("claimant")["amount"]
    assert lost / owed["mkr_holders"] == pytest.approx(own / 1_000_000)  # the dilution


def test_maker_dai_holders_come_last():
    bad = claims(MAKER, "maker")
    rule = rules.Waterfall([rules.Layer("debt auction"), rules.Layer("dai")])
    mkr = bad.set_index("claimant")["amount"]["mkr_holders"]
    lost = rule.allocate(mkr + 1e6, bad).table.set_index("claimant")["loss"]
    assert lost["mkr_holders"] == pytest.approx(mkr) and lost["dai_holders"] == pytest.approx(1e6)


# -- dYdX -------------------------------------------------------------------------------------


def test_dydx_uses_40_percent_of_the_fund_and_deleverages_nobody():
    result = first_run(DYDX)
    lost = losses(result, "dydx_v3")
    fund = claims(DYDX, "dydx_v3").set_index("claimant")["amount"]["insurance_fund"]
    assert lost["insurance_fund"] == pytest.approx(published(DYDX, "insurance_fund", "paid"))
    assert fund - lost["insurance_fund"] == pytest.approx(published(DYDX, "insurance_fund", "left"))
    used = published(DYDX, "insurance_fund", "share used", "as it happened")
    assert lost["insurance_fund"] / fund == pytest.approx(used) and used == 0.4
    assert lost["yfi_shorts"] == pytest.approx(published(DYDX, "yfi_shorts", "loss"), abs=1e-6)
    assert not result.table.loc[["insurance_fund", "yfi_shorts"], "defaulted"].any()


# -- Hyperliquid ------------------------------------------------------------------------------


def test_waves_add_up_to_the_published_totals():
    needed, removed = waves("needed"), waves("removed")
    assert len(needed) == 16 and (needed.index == removed.index).all()
    assert round(needed.sum(), 2) == published(HL, "hyperliquid", "needed") == 15_079_669.61
    assert round(removed.sum(), 2) == 60_108_335.33
    assert round(removed.sum(), 2) == published(HL, "hyperliquid", "removed", "production")
    over = waves("overshoot")
    np.testing.assert_allclose(over, removed - needed, atol=1e-5)
    assert round(over.sum(), 2) == 45_028_665.72
    assert (over < 0).sum() == 6


def test_one_wave_makes_73_percent_of_the_overshoot():
    over = waves("overshoot")
    share = over[13] / over.sum()
    assert over.idxmax() == 13
    assert share == pytest.approx(published(HL, "wave_13", "share of the overshoot"), abs=1e-6)
    assert round(share, 4) == 0.7299


def test_the_published_deficit_counts_one_loser_nine_times():
    deficit, largest = waves("deficit of the losers"), waves("largest deficit of one loser")
    again = (largest - LOSER).abs() < 0.005  # to the cent
    assert again.sum() == 9
    assert round(deficit.sum(), 2) == published(HL, "hyperliquid", "deficit of the losers")
    once = deficit.sum() - (again.sum() - 1) * LOSER
    what = "deficit of the losers, repeated loser counted once"
    assert round(once, 2) == published(HL, "hyperliquid", what) == 12_657_729.41


def test_pro_rata_takes_needed_over_capacity_in_every_wave():
    result = first_run(HL)
    share = waves("share of capacity taken", "pro rata")
    table = result.flows.set_index(["creditor", "debtor"])
    for wave, expected in share.items():
        rows = table.xs(f"wave_{wave:02d}", level="debtor")
        np.testing.assert_allclose(rows["loss"] / rows["amount"], expected, rtol=1e-6)
    np.testing.assert_allclose(share, waves("needed") / waves("capacity of the winners"), rtol=1e-8)
    winners = result.table.loc[["largest_winner", "other_winners"], "loss"]
    assert winners.sum() == pytest.approx(15_079_669.61, abs=0.01)


def test_published_largest_cut_is_that_share_where_equity_binds_and_less_elsewhere():
    largest = waves("largest share of equity taken from one winner", "pro rata")
    part = largest / waves("share of capacity taken", "pro rata")
    np.testing.assert_allclose(part[EXACT], 1.0, rtol=1e-9)
    assert sorted([*EXACT, *LOWER]) == sorted(part.index)
    np.testing.assert_allclose(part[list(LOWER)], list(LOWER.values()), atol=5e-5)


def test_largest_winner_has_the_same_capacity_in_several_waves():
    table = datasets.load(HL).exposures.query("creditor == 'largest_winner'")
    amount = table.set_index(table["debtor"].str[5:].astype(int))["amount"]
    for same in ([4, 10, 13, 14], [5, 8], [1, 11]):
        assert amount[same].nunique() == 1
    assert not {7, 9, 17, 28} & set(amount.index)
    capacity = waves("capacity of the winners")
    assert (amount < capacity[amount.index]).all()
    owed = datasets.load(HL).exposures.query("debtor.str.startswith('wave_')", engine="python")
    total = owed.groupby("debtor")["amount"].sum()
    np.testing.assert_allclose(total, capacity.sort_index(), rtol=1e-9)


def test_queue_by_size_would_take_it_from_one_account_where_pro_rata_takes_a_share():
    table = claims(HL, "wave_13").assign(rank=[1, 0])
    needed = waves("needed")[13]
    queue = rules.Queue("rank").allocate(needed, table)
    even = rules.ProRata().allocate(needed, table)
    assert queue.table["loss"].tolist() == pytest.approx([needed, 0.0])
    assert queue.fairness["largest_haircut"] == pytest.approx(needed / 82_175_754.55)
    assert even.fairness["largest_haircut"] == pytest.approx(needed / 643_417_039.330, rel=1e-9)


@pytest.mark.parametrize(
    ("run", "over"),
    [
        ("production", 45_028_665.72),
        ("pro rata", 0.0),
        ("profit pro rata", 0.0),
        ("equity pro rata", 0.0),
        ("vector mirror descent", -1_793_022.03),
        ("contract pro rata", -3_020_120.65),
        ("integer programme", 92_186.99),
    ],
)
def test_other_policies_miss_the_needed_amount_by_what_the_table_says(run, over):
    removed = published(HL, "hyperliquid", "removed", run)
    needed = published(HL, "hyperliquid", "needed")
    assert published(HL, "hyperliquid", "overshoot", run) == over
    assert removed - needed == pytest.approx(over, abs=0.015)
