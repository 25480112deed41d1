"""The cases of docs/validation.md about venues: their rules reproduce the published figures."""

from __future__ import annotations

import numpy as np
import pandas as pd
from test_venue_datasets_a import ALONE, EXACT
from validation_cases import Between, case

import contagion as ct
from contagion import datasets, rules


def published(name: str, node: str, what: str, run: str | None = None) -> float:
    """The one figure of a node in the outcomes of a dataset."""
    rows = datasets.outcomes(name).query("node == @node and what == @what")
    return float((rows if run is None else rows[rows["run"] == run])["value"].item())


def first_run(name: str, rules: dict | None = None, **choices) -> ct.results.PropagationResult:
    """The default run of the card, counted from its baseline, by other rules if given."""
    net, card = datasets.load(name, **choices), datasets.card(name).default_run
    shock = ct.Shock.default(card["default"], recovery=card["recovery"])
    baseline = card.get("baseline", "book")
    return ct.EisenbergNoe().propagate(net.with_rules(rules or {}), shock, baseline=baseline)


def claims_on(result: ct.results.PropagationResult, debtor: str) -> pd.DataFrame:
    """amount, paid and loss of the claims on a debtor, by creditor."""
    flows = result.flows[result.flows["debtor"] == debtor]
    return flows.groupby("creditor")[["amount", "paid", "loss"]].sum()


def cents(value: float) -> float:
    """An amount rounded to cents, as published: differences below a cent are rounding errors."""
    return round(float(value), 2) + 0.0


def hyperliquid_waves(what: str, run: str | None = None) -> pd.Series:
    """A published figure of each wave, by its number."""
    rows = datasets.outcomes("hyperliquid_adl_2025")
    rows = rows[rows["node"].str.startswith("wave_") & rows["what"].eq(what)]
    rows = rows if run is None else rows[rows["run"] == run]
    return rows.set_index(rows["node"].str[5:].astype(int))["value"]


def shares_of_capacity() -> pd.Series:
    """Ours: the share of the capacity of the winners that each wave takes under pro rata."""
    flows = first_run("hyperliquid_adl_2025").flows
    flows = flows[flows["debtor"].str.startswith("wave_")]
    sums = flows.groupby("debtor")[["loss", "amount"]].sum()
    return (sums["loss"] / sums["amount"]).rename(index=lambda name: int(name[5:]))


@case("Hyperliquid, 16 waves of deleveraging", data="hyperliquid_adl_2025")
def hyperliquid():
    name, ours = "hyperliquid_adl_2025", shares_of_capacity()
    result = first_run(name)
    for wave, want in hyperliquid_waves("share of capacity taken", "pro rata").items():
        yield f"share of the capacity of the winners taken, wave {wave}, pro rata", want, ours[wave]
    largest = hyperliquid_waves("largest share of equity taken from one winner", "pro rata")
    quantity = f"largest share taken from one winner, waves {', '.join(map(str, EXACT))}"
    yield quantity, largest[EXACT], ours[EXACT]
    winners = result.table.loc[["largest_winner", "other_winners"], "loss"].sum()
    needed = published(name, "hyperliquid", "needed")
    yield "taken from winners, pro rata, USD", needed, cents(winners)


@case("OKEx, the clawback of 2018", data="okex_2018")
def okex():
    name, shares = "okex_2018", "share of profit taken"
    low, high = (
        published(name, "profitable_accounts", f"{shares}, {word} report")
        for word in ("low", "high")
    )
    result = first_run(name)
    lost = claims_on(result, "okex")
    reported = published(name, "long_position", "shortfall reported")
    yield "shortfall of the position, BTC (reported: about)", reported, lost["loss"].sum(), 0.01
    fund = sum(
        published(name, "insurance_fund", what)
        for what in ("balance before", "injected by the exchange")
    )
    yield "paid by the fund, BTC", fund, lost.loc["insurance_fund", "loss"]
    taken = lost.loc["profitable_accounts"]
    yield (
        f"{shares} (profits implied by the reports)",
        Between(low, high),
        taken.loss / taken.amount,
    )


@case("Bitfinex, the haircut of 2016", data="bitfinex_2016")
def bitfinex():
    name, who = "bitfinex_2016", ["btc_holders", "other_asset_holders"]
    for run, given, room in (
        ("uniform on all accounts and assets", None, 1e-9),
        ("bitcoin holders alone", {"bitfinex": ALONE}, 5e-5),
    ):
        lost = claims_on(first_run(name, given), "bitfinex").loc[who]
        want = [published(name, node, "haircut", run) for node in who]
        yield f"haircut, bitcoin and other assets, {run}", want, lost["loss"] / lost["amount"], room


@case("Maker, March 2020", data="maker_2020")
def maker():
    name = "maker_2020"
    result = first_run(name)
    surplus = published(name, "maker", "surplus before")
    yield "loss of the protocol's surplus, DAI", surplus, cents(result.table.loc["maker", "loss"])
    for node in ("mkr_holders", "dai_holders"):
        ours = cents(result.table.loc[node, "loss"])
        yield f"loss of {node}, DAI", published(name, node, "loss"), ours


@case("dYdX, November 2023", data="dydx_yfi_2023")
def dydx():
    name = "dydx_yfi_2023"
    lost = claims_on(first_run(name), "dydx_v3")
    fund = lost.loc["insurance_fund"]
    for what, ours in (("paid", fund.loss), ("left", fund.amount - fund.loss)):
        yield f"insurance fund, {what}, USD", published(name, "insurance_fund", what), cents(ours)
    want = published(name, "insurance_fund", "share used", "as it happened")
    yield "share of the fund used", want, fund.loss / fund.amount
    short = lost.loc["yfi_shorts", "loss"]
    yield "loss of those who were short, USD", published(name, "yfi_shorts", "loss"), cents(short)


def losses(name: str, run: str, result: ct.results.PropagationResult, period: str | None = None):
    """Every loss of the outcomes of a run, beside ours."""
    rows = datasets.outcomes(name)
    rows = rows[rows["run"].eq(run) & rows["what"].eq("loss")]
    for row in (rows[rows["period"].eq(period)] if period else rows).itertuples():
        where = f"{run}, {period}" if period else run
        ours = cents(result.table.loc[row.node, "loss"])
        yield f"loss of {row.node}, {where}, {row.unit}", row.value, ours


@case("Kelp and Aave, April 2026: an analyst's scenarios", data="kelp_aave_2026")
def kelp():
    name, social, layer_2 = "kelp_aave_2026", "all holders, analyst", "layer 2 only, analyst"
    result = first_run(name)
    yield from losses(name, social, result)
    bad = result.table.loc[["borrowers_core", "borrowers_l2"], "shortfall"].sum()
    want = published(name, "kelp_rseth", "bad debt on Aave", social)
    yield f"bad debt on Aave, {social}, USD", want, cents(bad)
    apart = ct.Shock.default("rseth_l2", recovery=0.0)
    result = ct.EisenbergNoe().propagate(datasets.load(name), apart)
    yield from losses(name, layer_2, result)
    ours = result.table.loc["aave_l2", "shortfall"]
    want = published(name, "aave_l2", "bad debt", layer_2)
    yield f"bad debt on layer 2, {layer_2}, USD (published in whole millions)", want, ours, 2e-4


@case("Resolv and Fluid, March 2026", data="resolv_usr_2026")
def resolv():
    yield from losses("resolv_usr_2026", "covers as named", first_run("resolv_usr_2026"))


@case("Aave and the CRV short, November 2022", data="aave_crv_2022")
def crv():
    yield from losses("aave_crv_2022", "proposal", first_run("aave_crv_2022"))


@case("USDC and its bank, March 2023", data="usdc_svb_2023")
def usdc():
    name, what = "usdc_svb_2023", "value of a token if the bank pays nothing"
    rows = datasets.outcomes(name).query("what == @what").set_index("period")["value"]
    for period, want in rows.items():
        result = first_run(name, period=period)
        yield from losses(name, "worst case", result, period)
        token = claims_on(result, "circle_usdc")
        worth = token["paid"].sum() / token["amount"].sum()
        yield f"{what}, {period}, USD", want, worth, 5e-5


@case("The crypto-credit chain, 2022", data="cefi_credit_2022")
def cefi():
    name = "cefi_credit_2022"
    rows = datasets.outcomes(name)
    failed = rows[rows["what"].eq("failed")].set_index("node")
    for period, first, start, end in (
        ("2022-07", "three_arrows", "2022-06-01", "2022-07-31"),
        ("2022-11", "alameda", "2022-11-01", "2022-12-31"),
    ):
        shock = ct.Shock.default(first, recovery=0.0)
        table = ct.EisenbergNoe().propagate(datasets.load(name, period=period), shock).table
        known = failed[failed.index.isin(table.index) & (failed.index != first)]
        want = known["value"].eq(1) & known["as_of"].between(start, end)
        quantity = f"failed after {first}, {start} to {end} (1 = yes): {', '.join(known.index)}"
        yield quantity, want, table.loc[known.index, "defaulted"]
    low, high = rows[rows["what"].str.startswith("shortfall")]["value"]
    both = table.loc[["ftx_com", "ftx_us"], "shortfall"].sum()
    yield "shortfall of both FTX exchanges, USD", Between(low, high), both


@case("Stream and Elixir, November 2025", data="stream_elixir_2025")
def stream():
    name = "stream_elixir_2025"
    shock = ct.Shock.default("external_manager", recovery=0.0)
    alike = datasets.load(name)
    for net, debtor, what in (
        (alike, "stream", "recovery rate, pari passu, no set-off"),
        (alike, "elixir", "recovery rate, pari passu, no set-off"),
        (alike.set_off(("stream", "elixir")), "elixir", "recovery rate, loan of 68 set off"),
    ):
        claims = claims_on(ct.EisenbergNoe().propagate(net, shock), debtor)
        ours = claims["paid"].sum() / claims["amount"].sum()
        yield f"{debtor}: {what}", published(name, debtor, what), ours, 5e-4


def repeated_loser() -> tuple[int, float]:
    """In how many waves the largest single deficit of wave 1 appears, and the sum with it once."""
    deficit = hyperliquid_waves("deficit of the losers")
    largest = hyperliquid_waves("largest deficit of one loser")
    again = int(np.isclose(largest, largest.iloc[0], rtol=0, atol=0.005).sum())
    return again, float(deficit.sum() - (again - 1) * largest.iloc[0])


@case("Nasdaq Clearing, September 2018", data="nasdaq_clearing_2018")
def nasdaq():
    name = "nasdaq_clearing_2018"
    result = first_run(name)
    yield from losses(name, "as it happened", result)
    fund = claims_on(result, "nasdaq_clearing").loc[["statkraft", "other_members"]].sum()
    want = published(name, "default_fund", "used", "as it happened")
    yield "paid by the default fund, EUR mn", want, cents(fund.loss)
    share = published(name, "default_fund", "share used")
    yield "share of the fund used", share, fund.loss / fund.amount, 5e-5


@case("Drift, April 2026", data="drift_2026")
def drift():
    name = "drift_2026"
    yield from losses(name, "as it was decided", first_run(name))
    layers = [rules.Layer("insurance fund"), rules.Layer("users")]
    code = first_run(name, {"drift": rules.Waterfall(layers)})
    yield from losses(name, "rule of the code", code)


@case("10 October 2025 across venues", data="october_2025")
def october():
    name = "october_2025"
    result = first_run(name)
    yield from losses(name, "as it happened", result)
    fund = claims_on(result, "binance").loc["insurance_fund"]
    left = published(name, "insurance_fund", "left")
    yield "left in the fund of Binance, USD (three digits)", left, fund.amount - fund.loss, 2e-3
    share = published(name, "insurance_fund", "share used")
    yield "share of the fund used", share, fund.loss / fund.amount, 5e-5


@case("87 banks of the stress test of 2011, direct losses", data="eba_2011")
def eba():
    name, run = "eba_2011", "claims on banks pay 90 %"
    table = first_run(name).table.drop("interbank")
    yield (
        "banks that fail",
        published(name, "system", "banks that fail", run),
        table.defaulted.sum(),
    )
    want = published(name, "system", "loss of all banks", run)
    yield "loss of all banks, EUR mn", want, table["loss"].sum()
