"""Nasdaq Clearing 2018, Drift 2026, 10 October 2025, the banks of 2011 and the path of USDC."""

from __future__ import annotations

import numpy as np
import pytest

import contagion as ct
from contagion import datasets, rules, venues
from contagion.errors import DatasetError

NASDAQ, DRIFT, OCTOBER, EBA = "nasdaq_clearing_2018", "drift_2026", "october_2025", "eba_2011"


def first_run(name: str, **rule: rules.Rule) -> ct.Result:
    """The default run of the card, with other rules if given."""
    card, net = datasets.card(name).default_run, datasets.load(name)
    shock = ct.Shock.default(card["default"], recovery=card["recovery"])
    return ct.EisenbergNoe().propagate(net.with_rules(rule) if rule else net, shock)


def published(name: str, node: str, what: str, run: str | None = None) -> float:
    rows = datasets.outcomes(name).query("node == @node and what == @what")
    return float((rows if run is None else rows[rows["run"] == run])["value"].item())


@pytest.mark.parametrize(
    ("name", "run"),
    [(NASDAQ, "as it happened"), (DRIFT, "as it was decided"), (OCTOBER, "as it happened")],
)
def test_every_loss_in_the_outcomes_comes_out(name, run):
    result, rows = first_run(name), datasets.outcomes(name)
    rows = rows[rows["run"].eq(run) & rows["what"].eq("loss")]
    assert len(rows) >= 2
    got = result.table.loc[rows["node"], "loss"].tolist()
    assert got == pytest.approx(rows["value"].tolist(), rel=1e-9, abs=1e-2)
    failed = datasets.card(name).default_run["default"]
    lost = result.flows.loc[result.flows["debtor"] == failed, "loss"].sum()
    assert result.table["loss"].sum() == pytest.approx(lost, rel=1e-9)


def test_nasdaq_is_the_waterfall_of_the_catalogue():
    """The house of the catalogue, with the fund of the dataset: 7, then two thirds of the fund."""
    net = datasets.load(NASDAQ)
    fund = net.exposures.query("layer == 'default fund'").set_index("creditor")["amount"]
    house = venues.clearing_houses.manager("nasdaq_clearing", after=0, per_event=0, per_period=0)
    members = {"member": ["trader", *fund.index], "contribution": [0, *fund], "loss": [114, 0, 0]}
    run = house.run(members, "trader")
    paid = run.table.query("layer == 'default fund'").set_index("member")["amount"]
    result = first_run(NASDAQ)
    assert paid.to_dict() == pytest.approx(result.table.loc[fund.index, "loss"].to_dict())
    assert paid.sum() / fund.sum() == pytest.approx(
        published(NASDAQ, "default_fund", "share used"), abs=5e-5
    )
    assert house.before == published(NASDAQ, "junior_capital", "loss")


def test_drift_did_not_follow_the_rule_of_its_code():
    """Users bore all; with the fund first, as in bankruptcies, its stakers would have lost it."""
    decided = first_run(DRIFT).table["loss"]
    code = first_run(
        DRIFT, drift=rules.Waterfall([rules.Layer("insurance fund"), rules.Layer("users")])
    ).table["loss"]
    for node in ("users", "insurance_stakers"):
        assert code[node] == pytest.approx(published(DRIFT, node, "loss", "rule of the code"))
        assert decided[node] == pytest.approx(published(DRIFT, node, "loss", "as it was decided"))
    fund = datasets.load(DRIFT).exposures.query("debtor == 'drift' and creditor != 'users'")
    rule = venues.drift.spot(fund=float(fund["amount"].item()))
    claims = {"claimant": ["users"], "amount": [299.5e6], "layer": "deposits"}
    assert rule.allocate(295.7e6, claims).table["loss"][0] == pytest.approx(code["users"])
    pool = published(DRIFT, "recovery_pool", "remaining assets at the start")
    share = published(DRIFT, "recovery_pool", "share of a token at the start")
    assert pool / published(DRIFT, "users", "loss", "as it was decided") == pytest.approx(
        share, abs=5e-5
    )


def test_october_fund_of_binance():
    result = first_run(OCTOBER)
    fund = result.flows.query("creditor == 'insurance_fund'").iloc[0]
    assert fund["loss"] / fund["amount"] == pytest.approx(
        published(OCTOBER, "insurance_fund", "share used"), abs=5e-5
    )
    left = fund["amount"] - fund["loss"]
    assert left == pytest.approx(published(OCTOBER, "insurance_fund", "left"), rel=5e-3)
    claims = {"claimant": ["w"], "amount": [188e6], "layer": "adl", "score": [1]}
    done = venues.binance.rule(fund=fund["amount"]).allocate(fund["loss"], claims)
    assert done.layers["absorbed"].tolist() == pytest.approx([fund["loss"], 0.0])


def test_eba_banks_lose_what_they_hold_on_banks():
    """The first run against arithmetic on the tables, and the totals of the card."""
    net, table = datasets.load(EBA), first_run(EBA).table.drop("interbank")
    held = net.exposures.query("debtor == 'interbank'").set_index("creditor")["amount"]
    equity = net.balance_sheet.loc[held.index, "equity"]
    lost = np.minimum(0.1 * held, equity)
    np.testing.assert_allclose(table.loc[held.index, "loss"], lost, rtol=1e-9)
    run = "claims on banks pay 90 %"
    assert table["defaulted"].sum() == published(EBA, "system", "banks that fail", run)
    assert lost.sum() == pytest.approx(published(EBA, "system", "loss of all banks", run))
    assert len(held) == published(EBA, "system", "banks")
    for what, total in (("equity", equity.sum()), ("interbank assets", held.sum())):
        assert total == pytest.approx(published(EBA, "system", what))


def test_usdc_path_has_the_prices_of_the_outcomes():
    name, node = "usdc_svb_2023", "usdc_holders"
    close, low = (datasets.price_path(name, of)["USDC"] for of in ("close", "low"))
    assert low.min() == published(name, node, "lowest price on this pair")
    assert close.min() == published(name, node, "lowest close of an hour")
    assert close.iloc[-1] == published(name, node, "close of the last hour")
    for floor in (0.9175, 0.9241):
        assert (close < floor).sum() == published(name, node, f"hours with a close below {floor}")
    assert close.index.is_monotonic_increasing and close.index.is_unique
    with pytest.raises(DatasetError, match=name):
        datasets.price_path("maker_2020")
    with pytest.raises(DatasetError, match="close"):
        datasets.price_path(name, "volume")
