"""Kelp and Aave, Resolv, the CRV short, USDC and its bank: the published figures come out."""

from __future__ import annotations

import pytest

import contagion as ct
from contagion import datasets, rules

KELP, RESOLV, CRV, USDC = "kelp_aave_2026", "resolv_usr_2026", "aave_crv_2022", "usdc_svb_2023"
ALL = ct.Shock.default("kelp_rseth", recovery=0.815)
L2 = ct.Shock.default("rseth_l2", recovery=0.0)
SOCIAL = "all holders, analyst"


def run(name: str, shock: ct.Shock, period: str | None = None, **rule: rules.Rule):
    net = datasets.load(name, period=period) if period else datasets.load(name)
    return ct.EisenbergNoe().propagate(net.with_rules(rule) if rule else net, shock)


def losses(result, *nodes: str) -> list[float]:
    return result.table.loc[list(nodes), "loss"].tolist()


def published(name: str, node: str, what: str, scenario: str) -> float:
    rows = datasets.outcomes(name)
    found = rows[rows["node"].eq(node) & rows["what"].eq(what) & rows["run"].eq(scenario)]
    return float(found["value"].item())


def exactly(*values: float):
    return pytest.approx(list(values), rel=1e-9, abs=1e-2)  # cents of millions


@pytest.mark.parametrize(
    ("name", "shock", "period", "scenario"),
    [
        (KELP, ALL, None, SOCIAL),
        (KELP, L2, None, "layer 2 only, analyst"),
        (RESOLV, ct.Shock.default("usr_borrowers"), None, "covers as named"),
        (CRV, ct.Shock.default("short_seller"), None, "proposal"),
        (USDC, ct.Shock.default("svb"), "2023-01", "worst case"),
        (USDC, ct.Shock.default("svb"), "2023-03-10", "worst case"),
    ],
)
def test_every_loss_in_the_outcomes_comes_out(name, shock, period, scenario):
    result, rows = run(name, shock, period), datasets.outcomes(name)
    rows = rows[rows["run"].eq(scenario) & rows["what"].eq("loss")]
    rows = rows[rows["period"].eq(period)] if period else rows
    assert len(rows) > 0
    assert losses(result, *rows["node"]) == exactly(*rows["value"])


@pytest.mark.parametrize(
    ("name", "shock"),
    [
        (KELP, ALL),
        (KELP, L2),
        (RESOLV, ct.Shock.default("usr_borrowers")),
        (CRV, ct.Shock.default("short_seller")),
        (USDC, ct.Shock.default("svb")),
    ],
)
def test_what_is_borne_is_what_was_lost(name, shock):
    social = run(name, shock).socialization
    assert social.missing_before == social.deadweight == 0.0
    assert social.borne == pytest.approx(social.initial_loss, rel=1e-9)
    assert run(name, ct.Shock()).table["loss"].eq(0.0).all()


# -- Kelp and Aave ----------------------------------------------------------------------------


@pytest.mark.parametrize("haircut", [0.0, 0.04, 0.05, 0.1512, 0.185, 0.5, 1.0])
def test_bad_debt_is_collateral_times_what_the_haircut_takes_beyond_equity(haircut):
    table = run(KELP, ct.Shock.default("kelp_rseth", recovery=1 - haircut)).table
    for borrowers, collateral in (("borrowers_core", 1241e6), ("borrowers_l2", 359e6)):
        bad_debt = collateral * max(0.0, 0.95 - (1 - haircut))
        assert table.loc[borrowers, "shortfall"] == pytest.approx(bad_debt, abs=1e-2)


def test_all_holders_216_less_stake_less_treasury_leaves_76():
    result = run(KELP, ALL)
    bad_debt = result.table.loc[["borrowers_core", "borrowers_l2"], "shortfall"].sum()
    assert bad_debt == pytest.approx(published(KELP, "kelp_rseth", "bad debt on Aave", SOCIAL))
    stake, treasury, core, l2 = losses(
        result, "umbrella_weth", "aave_dao", "suppliers_core", "suppliers_l2"
    )
    assert [stake, treasury, core + l2] == exactly(55e6, 85e6, 76e6)
    assert stake + treasury + core + l2 == pytest.approx(216e6)


def test_layer_2_only_is_borne_by_layer_2_only():
    result = run(KELP, L2)
    assert losses(result, "suppliers_l2") == exactly(359e6 * 0.95)
    mainnet = ["kelp_rseth", "borrowers_core", "umbrella_weth", "aave_dao", "suppliers_core"]
    assert losses(result, *mainnet) == exactly(0, 0, 0, 0, 0)
    stated = published(KELP, "aave_l2", "bad debt", "layer 2 only, analyst")
    assert result.table.loc["aave_l2", "shortfall"] == pytest.approx(stated, rel=2e-4)


@pytest.mark.parametrize(("loss", "stake", "treasury", "core"), [(40, 40, 0, 0), (60, 55, 5, 0)])
def test_the_stake_loses_before_the_treasury_and_the_treasury_before_suppliers(
    loss, stake, treasury, core
):
    rate = 1 - loss * 1e6 / 1178.95e6
    result = run(KELP, ct.Shock.default("borrowers_core", recovery=rate))
    who = losses(result, "umbrella_weth", "aave_dao", "suppliers_core")
    assert who == exactly(stake * 1e6, treasury * 1e6, core * 1e6)


def test_the_perimeter_is_a_rule_of_the_token():
    lost = ct.Shock.loss({"kelp_rseth": 0.185 * 1600e6})
    alike = run(KELP, lost)
    l2_first = rules.Waterfall([rules.Layer("l2"), rules.Layer("mainnet")])
    apart = run(KELP, lost, kelp_rseth=l2_first)
    suppliers = ("suppliers_core", "suppliers_l2")
    assert losses(alike, *suppliers) == exactly(27.535e6, 48.465e6)
    assert losses(apart, *suppliers) == exactly(0, 0.95 * 359e6 - (359e6 - 296e6))
    assert losses(apart, "umbrella_weth", "aave_dao") == exactly(0, 0)


def test_the_risk_report_has_other_figures_and_the_card_says_which():
    report = [
        published(KELP, "kelp_rseth", "bad debt on Aave", "all holders, risk report"),
        published(KELP, "aave_l2", "bad debt", "layer 2 only, risk report"),
    ]
    assert report == [123.7e6, 230.1e6]
    table = run(KELP, ct.Shock.default("kelp_rseth", recovery=1 - 0.1512)).table
    ours = table.loc[["borrowers_core", "borrowers_l2"], "shortfall"].sum()
    assert ours == pytest.approx(161.9e6, abs=0.05e6)
    caveats = " ".join(datasets.card(KELP).caveats)
    assert "161.9m" in caveats and "770.5k" in caveats and "629.7k" in caveats
    released = published(KELP, "kelp_rseth", "rsETH released without a burn", "what happened")
    assert [released / 0.1512, released / 0.185] == pytest.approx([770.5e3, 629.7e3], rel=1e-4)


def test_the_residual_of_the_rescue_is_the_shortfall_less_four_recoveries():
    shortfall, recovered, residual = (
        published(KELP, "kelp_rseth", what, "what happened")
        for what in (
            "shortfall of backing",
            "recovered or frozen, sum of four",
            "residual shortfall",
        )
    )
    assert recovered == 43_168 + 30_766 + 12_323 + 1_845
    assert shortfall - recovered == residual == 75_081


# -- Resolv and Fluid -------------------------------------------------------------------------


def test_covers_pay_in_turn_and_1_6m_stay_unexplained():
    result = run(RESOLV, ct.Shock.default("usr_borrowers"))
    named = losses(result, "rlp_holders", "fluid_treasury", "fluid_team")
    assert named == exactly(9.7e6, 8.2e6, 1.5e6)
    assert sum(named) == pytest.approx(published(RESOLV, "fluid", "sum of covers", "what happened"))
    assert losses(result, "fluid_suppliers", "usr_holders") == exactly(1.6e6, 0)
    assert "1.6m are unexplained" in " ".join(datasets.card(RESOLV).caveats)


@pytest.mark.parametrize(
    ("lost", "resolv", "treasury", "team", "suppliers"),
    [(5, 5, 0, 0, 0), (15, 9.7, 5.3, 0, 0), (19, 9.7, 8.2, 1.1, 0), (19.3, 9.7, 8.2, 1.4, 0)],
)
def test_with_less_bad_debt_later_covers_are_not_called(lost, resolv, treasury, team, suppliers):
    result = run(RESOLV, ct.Shock.default("usr_borrowers", recovery=1 - lost / 21))
    who = losses(result, "rlp_holders", "fluid_treasury", "fluid_team", "fluid_suppliers")
    assert who == exactly(resolv * 1e6, treasury * 1e6, team * 1e6, suppliers * 1e6)


@pytest.mark.parametrize(("lost", "junior", "senior"), [(25, 25, 0), (39, 39, 0), (80, 39, 41)])
def test_the_junior_tranche_of_resolv_loses_first(lost, junior, senior):
    result = run(RESOLV, ct.Shock.loss({"resolv": lost * 1e6}))
    assert losses(result, "rlp_holders", "usr_holders") == exactly(junior * 1e6, senior * 1e6)


def test_a_resolv_without_its_pool_cannot_cover():
    shock = ct.Shock.default("usr_borrowers") + ct.Shock.loss({"resolv": 136e6})
    result = run(RESOLV, shock)
    assert losses(result, "fluid_suppliers") == exactly(21e6 - 5e6 - 8.2e6 - 1.5e6)
    assert losses(result, "rlp_holders", "usr_holders") == exactly(39e6, 102e6)


# -- Aave and the CRV short -------------------------------------------------------------------


def test_refund_then_treasury_and_suppliers_lose_nothing():
    result = run(CRV, ct.Shock.default("short_seller"))
    who = losses(result, "gauntlet", "aave_treasury", "crv_suppliers")
    assert who == exactly(280_000, 1_482_478.27, 0)
    assert not result.table.loc[["gauntlet", "aave_treasury", "crv_suppliers"], "defaulted"].any()


def test_the_refund_alone_covers_a_small_loss():
    result = run(CRV, ct.Shock.default("short_seller", recovery=1 - 200_000 / 1_762_478.27))
    assert losses(result, "gauntlet", "aave_treasury") == exactly(200_000, 0)


def test_the_debt_is_units_times_price():
    rows = datasets.outcomes(CRV).query("what == 'bad debt'")
    for scenario, price in (("proposal", 0.6635), ("execution", 0.96)):
        stated = rows[rows["run"].eq(scenario)].set_index("unit")["value"]
        assert stated["CRV"] * price == pytest.approx(stated["USD"], abs=0.01)


# -- USDC and its bank ------------------------------------------------------------------------


@pytest.mark.parametrize(("period", "floor"), [("2023-01", 0.9241), ("2023-03-10", 0.9175)])
def test_a_token_is_worth_its_floor_if_the_bank_pays_nothing(period, floor):
    flows = run(USDC, ct.Shock.default("svb", recovery=0.0), period).flows
    token = flows[flows["debtor"] == "circle_usdc"]
    assert (token["paid"] / token["amount"]).tolist() == pytest.approx([floor] * 2, abs=5e-5)
    assert token["loss"].sum() == pytest.approx(3.3e9)
    rows = datasets.outcomes(USDC)
    stated = rows[rows["what"].str.startswith("value of a token") & rows["period"].eq(period)]
    assert stated["value"].item() == floor


@pytest.mark.parametrize("period", ["2023-01", "2023-03-10"])
def test_depositors_were_paid_and_then_nobody_loses(period):
    happened = datasets.outcomes(USDC).query("node == 'svb'")["value"].item()
    result = run(USDC, ct.Shock.default("svb", recovery=happened), period)
    assert happened == 1.0
    assert result.table["loss"].eq(0.0).all() and result.flows["loss"].eq(0.0).all()


def test_the_market_traded_below_the_direct_loss():
    rows = datasets.outcomes(USDC)
    lows = rows.loc[rows["what"].str.startswith("lowest"), "value"]
    floors = rows.loc[rows["what"].str.startswith("value of a token"), "value"]
    assert lows.min() == 0.87
    assert lows.max() < floors.min()
