"""Exchanges of the catalogue: plain versions, the star graph, worked numbers, TOML."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import others_slow

import contagion as ct
from contagion import rules, venues
from contagion.errors import RuleError


def fund_first(loss: float, fund: float) -> float:
    """What is left after a fund."""
    return loss - min(loss, fund)


def queue(loss: float, amount: list[float], place: list[float]) -> list[float]:
    """One after the other, lowest place first."""
    lost = [0.0] * len(amount)
    for k in sorted(range(len(amount)), key=lambda k: place[k]):
        lost[k] = min(amount[k], loss)
        loss -= lost[k]
    return lost


def shared(loss: float, amount: list[float], weight: list[float]) -> list[float]:
    """Loss in proportion to weights, by bisection for the common rate; none above its amount."""
    low, high = 0.0, max((a / w for a, w in zip(amount, weight, strict=True) if w > 0), default=0.0)
    for _ in range(200):
        rate = (low + high) / 2
        took = sum(min(a, rate * w) for a, w in zip(amount, weight, strict=True))
        low, high = (rate, high) if took < loss else (low, rate)
    return [min(a, high * w) for a, w in zip(amount, weight, strict=True)]


def adl(fund: float):
    return lambda loss, t: queue(
        fund_first(loss, fund), t["amount"].tolist(), (-t["score"]).tolist()
    )


def pro_rata(before: float, column: str):
    return lambda loss, t: shared(
        fund_first(loss, before), t["amount"].tolist(), t[column].clip(lower=0).tolist()
    )


# name: parameters, own money in front of the claims, layer of the claims, the rule in plain Python
CASES = {
    "bitmex": ({"fund": 30.0}, 30.0, "adl", adl(30.0)),
    "binance": ({"fund": 7.0, "by": "score"}, 7.0, "adl", adl(7.0)),
    "bybit": (
        {"fund": 90.0, "pool": "shared", "peak": 100.0, "drawn": 5.0},
        25.0,
        "adl",
        adl(25.0),
    ),
    "okx": ({"fund": 90.0, "peak": 100.0, "price": "bankruptcy"}, 20.0, "adl", adl(20.0)),
    "hyperliquid": ({"vault": 12.0}, 12.0, "adl", adl(12.0)),
    "dydx_v4": (
        {"fund": 60.0, "fills": [30.0, 50.0, 25.0]},
        55.0,
        "deleveraging",
        lambda loss, t: queue(fund_first(loss, 55.0), t["amount"].tolist(), t["order"].tolist()),
    ),
    "drift_perp": (
        {"fund": 500.0, "market_limit": 30.0, "fee_pool": 10.0},
        40.0,
        "open interest",
        pro_rata(40.0, "open_interest"),
    ),
    "drift_spot": ({"fund": 20.0}, 20.0, "deposits", pro_rata(20.0, "amount")),
    "gmx_v2": (
        {"pool": 100.0, "max_pnl_factor": 0.45},
        45.0,
        "profits",
        pro_rata(45.0, "amount"),
    ),
    "okex_2018": ({"fund": 10.0}, 10.0, "clawback", pro_rata(10.0, "profit")),
    "deribit": ({"fund": 10.0}, 10.0, "socialized loss", pro_rata(10.0, "profit")),
    "crypto_com": ({"fund": 10.0}, 10.0, "socialized loss", pro_rata(10.0, "profit")),
    "lighter": ({"strategy": 12.0}, 12.0, "adl", adl(12.0)),
    "jupiter": ({}, 0.0, "", pro_rata(0.0, "amount")),
    "paradex": ({"fund": 10.0}, 10.0, "withdrawals", pro_rata(10.0, "amount")),
    "bitfinex_2016": (
        {"perimeter": "inside"},
        0.0,
        "",
        lambda loss, t: shared(loss, t["inside"].tolist(), t["inside"].tolist()),
    ),
}
MODULES = (
    *(venues.binance, venues.bitfinex, venues.bitmex, venues.bybit, venues.crypto_com),
    *(venues.deribit, venues.drift, venues.dydx, venues.gmx, venues.hyperliquid, venues.jupiter),
    *(venues.lighter, venues.okx, venues.paradex),
)
EXCHANGES = [each.name for module in MODULES for each in module.CATALOGUE]
BY_PROFIT = ("okex_2018", "deribit", "crypto_com")


def table(name: str, seed: int) -> pd.DataFrame:
    """Random claims on one venue; a profit can be below zero, and then there is nothing to take."""
    rng = np.random.default_rng(seed)
    k = int(rng.integers(1, 9))
    profit = rng.normal(5, 10, k)
    amount = np.maximum(profit, 0.0) if name in BY_PROFIT else rng.lognormal(2, 1, k)
    return pd.DataFrame(
        {
            "claimant": [f"c{seed}_{i}" for i in range(k)],
            "amount": amount,
            "layer": CASES[name][2] or None,
            "score": rng.permutation(k) / 10,
            "order": venues.dydx.visiting_order(k, rng),
            "profit": profit,
            "open_interest": rng.lognormal(0, 1, k),
            "inside": amount * rng.choice([0.0, 0.5, 1.0], k),
        }
    )


def capacity(name: str, claims: pd.DataFrame) -> float:
    """What own money and claims can bear together under the rule."""
    column = "inside" if name == "bitfinex_2016" else "amount"
    return CASES[name][1] + float(claims[column].sum())


def test_every_exchange_has_a_case():
    assert set(CASES) == set(EXCHANGES)


# -- the rule in plain Python, allocate and clearing agree --------------------------------------


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("seeds", others_slow([range(8), range(8, 30)]), ids=str)
def test_allocate_is_the_rule_in_plain_python(name, seeds):
    parameters, _, _, plain = CASES[name]
    rule = venues.venue(name, **parameters)
    for seed in seeds:
        claims = table(name, seed)
        most = capacity(name, claims)
        for part in (0.0, 0.1, 0.5, 0.9, 1.0):
            done = rule.allocate(part * most, claims)
            got = done.table["loss"].to_numpy()[: len(claims)]
            np.testing.assert_allclose(
                got, plain(part * most, claims), rtol=0, atol=1e-11 * most + 1e-300
            )
            assert done.table["loss"].sum() + done.uncovered == pytest.approx(part * most)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("count", others_slow([8, 40]))
def test_allocate_is_clearing_on_a_star(name, count):
    """Many venues with one rule in one network; own money of a venue is its equity."""
    parameters, own, _, _ = CASES[name]
    rule = venues.venue(name, **parameters)
    tables = [table(name, seed) for seed in range(count)]
    parts = np.array([0.0, 0.2, 0.5, 0.8, 1.0])
    claims = pd.concat([t.assign(debtor=f"venue{i}") for i, t in enumerate(tables)])
    claims = claims.rename(columns={"claimant": "creditor"}).reset_index(drop=True)
    nodes = pd.DataFrame(
        {
            "node": [*(f"venue{i}" for i in range(count)), *claims["creditor"]],
            "external_assets": [
                *(own + float(t["amount"].sum()) for t in tables),
                *np.ones(len(claims)),
            ],
        }
    )
    claims = claims[claims["amount"] > 0]
    net = ct.ExposureNetwork(nodes, claims).with_rules({f"venue{i}": rule for i in range(count)})
    most = np.array([capacity(name, t) for t in tables])
    for part in parts:
        shock = ct.Shock.loss({f"venue{i}": part * most[i] for i in range(count) if part * most[i]})
        flows = ct.EisenbergNoe().propagate(net, shock).flows.set_index("creditor")["loss"]
        for total, mine in zip(most, tables, strict=True):
            done = rule.allocate(part * total, mine).table.iloc[: len(mine)]
            got = flows.reindex(mine["claimant"]).fillna(0.0)
            np.testing.assert_allclose(got, done["loss"], rtol=0, atol=1e-10 * max(total, 1.0))


# -- worked numbers of the mechanisms -----------------------------------------------------------


def lost(rule: rules.Rule, loss: float, **columns) -> list[float]:
    """Losses of the claims, own money of the venue last."""
    n = len(columns["amount"])
    claims = {"claimant": [f"c{i}" for i in range(n)], **columns}
    return rule.allocate(loss, claims).table["loss"].round(9).tolist()


def test_bitmex_queue_of_the_scores():
    """The short of the example scores 0.45 and stands before a winner of 0.2."""
    rule = venues.bitmex.rule(fund=500)
    assert lost(rule, 1800, layer="adl", amount=[1000, 800], score=[0.45, 0.2]) == [1000, 300, 500]


def test_bybit_pool_pays_up_to_the_drawdown():
    """Bybit's example: 350k on a shared pool of 1m, of which the pool pays 30 %."""
    claims = {"layer": "adl", "amount": [50e3], "score": [1]}
    assert lost(venues.bybit.rule(1e6, "shared"), 350e3, **claims) == [50e3, 300e3]
    assert lost(venues.bybit.rule(1e6, "isolated"), 350e3, **claims) == [
        0,
        350e3,
    ]  # 1m pays all of it
    assert lost(venues.bybit.rule(1e6, "shared", peak=2e6), 350e3, **claims) == [0, 350e3]
    assert lost(venues.bybit.rule(1e6, "shared", drawn=1e5), 250e3, **claims) == [50e3, 200e3]
    assert lost(venues.bybit.rule(1e5, "shared", peak=1e6), 150e3, **claims) == [50e3, 100e3]


def test_okx_fund_pays_until_it_has_fallen_by_the_trigger():
    claims = {"layer": "adl", "amount": [50.0], "score": [1]}
    at = {"price": "bankruptcy"}
    assert lost(venues.okx.rule(100, **at), 40, **claims) == [10, 30]
    assert lost(venues.okx.rule(70, peak=100, **at), 40, **claims) == [40, 0]
    assert lost(venues.okx.rule(60, peak=100, **at), 40, **claims) == [40, 0]
    assert lost(venues.okx.rule(100, trigger=1, **at), 40, **claims) == [0, 40]
    # at the mark price the queue loses nothing while the fund has anything
    assert lost(venues.okx.rule(100), 40, **claims) == [0, 40]
    assert lost(venues.okx.rule(30), 40, **claims) == [10, 30]
    with pytest.raises(RuleError, match="bankruptcy"):
        venues.okx.rule(100, trigger=0.5)


def test_hyperliquid_builder_markets_have_no_vault():
    claims = {"layer": "adl", "amount": [80.0, 60.0], "score": [4.8, 2.5]}
    assert lost(venues.hyperliquid.rule(vault=100), 120, **claims) == [20, 0, 100]
    assert lost(venues.hyperliquid.rule(hip3=True), 120, **claims) == [80, 40]
    assert venues.hyperliquid.rule(hip3=True).names == ["adl"]


def test_hyperliquid_user_without_positions_shares_nothing():
    """A balance is in no layer: beyond the queue the loss is uncovered, not his."""
    claims = {"layer": ["adl", None], "amount": [10.0, 1000.0], "score": [1, 9]}
    rule = venues.hyperliquid.rule(hip3=True)
    done = rule.allocate(25, {"claimant": ["trader", "saver"], **claims})
    assert done.table["loss"].tolist() == [10, 0]
    assert done.uncovered == 15


def test_dydx_fund_is_all_or_nothing_on_each_fill():
    assert venues.dydx.fill_payments(60, [30, 50, 25]).tolist() == [30, 0, 25]
    assert venues.dydx.fill_payments(60, [60]).tolist() == [60]  # balance + delta >= 0
    assert venues.dydx.fill_payments(60, [60.01]).tolist() == [0]
    assert venues.dydx.fill_payments(0, []).tolist() == []
    claims = {"layer": "deleveraging", "amount": [40.0, 40.0, 40.0], "order": [2, 0, 1]}
    assert lost(venues.dydx.v4(60, [70]), 70, **claims) == [0, 40, 30, 0]
    assert lost(venues.dydx.v4(60, [35, 35]), 70, **claims) == [0, 35, 0, 35]
    assert lost(venues.dydx.v4(60), 70, **claims) == [0, 10, 0, 60]  # many small fills


def test_dydx_order_goes_round_from_a_random_start():
    starts = set()
    for seed in range(50):
        place = venues.dydx.visiting_order(5, seed)
        starts.add(int(np.argmin(place)))
        assert (np.roll(place, -np.argmin(place)) == np.arange(5)).all()
    assert starts == set(range(5))
    assert (venues.dydx.visiting_order(9, 3) == venues.dydx.visiting_order(9, 3)).all()
    assert len(venues.dydx.visiting_order(0)) == 0


def test_gmx_scales_profits():
    """6m of profits, a pool of 10m, cap 0.45: factor 0.6, scale 0.75."""
    rule = venues.gmx.v2(10e6, 0.45)
    claims = {"claimant": ["a", "b"], "layer": "profits", "amount": [5e6, 1e6]}
    paid = rule.allocate(6e6, claims).table["paid"][:2]
    np.testing.assert_allclose(paid, [0.75 * 5e6, 0.75 * 1e6], rtol=1e-14)
    below = {**claims, "amount": [3e6, 1e6]}  # factor 0.4: paid in full
    assert rule.allocate(4e6, below).table["loss"].tolist() == [0, 0, 4e6]


def test_okex_clawback():
    """Profits 50, 30, −10, 20 and a loss of 12: a rate of 12 %."""
    claims = {"layer": "clawback", "amount": [50, 30, 0, 20], "profit": [50, 30, -10, 20]}
    assert lost(venues.okx.okex_2018(fund=0), 12, **claims) == [6, 3.6, 0, 2.4, 0]
    assert lost(venues.okx.okex_2018(fund=7), 12, **claims) == [2.5, 1.5, 0, 1, 7]


def test_okex_2018_as_it_was():
    """3,730 BTC of shortfall, 2,510 in the fund: 17 to 18 % of the profits that the rates imply."""
    shortfall = 416_851_500 * (1 / 7483 - 1 / 8020)
    assert round(shortfall) == 3730
    claims = {"layer": "clawback", "amount": [1200 / 0.175], "profit": [1200 / 0.175]}
    taken = lost(venues.okx.okex_2018(fund=2510), shortfall, **claims)[0]
    assert 0.17 < taken / (1200 / 0.175) < 0.18


def test_crypto_com_charges_at_least_one_per_cent():
    """Both examples of the help article, and where the least charge stops to matter."""
    profits = [50e3, 45e3, 30e3, 30e3, 15e3, 1e3]
    paid = venues.crypto_com.charge([0.0, 1_000.0, 1_710.0, 10_000.0, 200e3], [profits] * 5)
    assert paid.charged.tolist() == pytest.approx([0, 1_710, 1_710, 10_000, 171_000])
    assert paid.to_fund.tolist() == pytest.approx([0, 710, 0, 0, 0], abs=1e-9)
    assert paid.uncovered.tolist() == pytest.approx([0, 0, 0, 0, 29_000], abs=1e-9)
    claims = {"layer": "socialized loss", "amount": profits, "profit": profits}
    shares = lost(venues.crypto_com.rule(fund=0), 10_000, **claims)[:-1]
    assert [round(x, 2) for x in shares] == [2923.98, 2631.58, 1754.39, 1754.39, 877.19, 58.48]
    none = venues.crypto_com.charge(1_000, profits, least=0)
    assert none.charged == pytest.approx(1_000) and none.to_fund == pytest.approx(0)


def test_lighter_closes_at_a_price_that_keeps_the_health():
    """Closing a leg at its zero price leaves account value / requirement as it is."""
    size, mark, rate = np.array([10.0, -3.0]), np.array([100.0, 50.0]), np.array([0.03, 0.05])
    value = 25.0
    requirement = (np.abs(size) * mark * rate).sum()
    price = venues.lighter.zero_price(size, mark, rate, value - (size * mark).sum()).price
    assert value + (size * (price - mark)).sum() == pytest.approx(0)
    left = value + size[0] * (price[0] - mark[0])
    rest = requirement - size[0] * mark[0] * rate[0]
    assert left / rest == pytest.approx(value / requirement)


def test_jupiter_pays_up_to_what_is_locked_and_liquidates_by_the_largest_loss():
    assert venues.jupiter.capped_profit(1_500, 10, 120) == 1_200
    for side, sign in (("long", -1), ("short", 1)):
        at = venues.jupiter.liquidation_price(side, 100, 1_000, 100, fees=2)
        assert at == pytest.approx(100 + sign * 9.6)
    over = venues.jupiter.liquidation_price("long", 100, 1_000, 1, fees=2)
    assert over == pytest.approx(100.3)  # fees above the collateral: above the entry price


def test_paradex_keeps_a_part_of_every_withdrawal():
    """The factor is what the solvent accounts lack: 5,000 owned, 4,000 there."""
    found = venues.paradex.loss_factor(2_000, 1_000, 4_000)
    assert (found.missing, found.factor) == (1_000, 0.2)
    rule = venues.paradex.rule(fund=1_000, factor=found.factor)
    claims = {"layer": ["withdrawals", None], "amount": [500.0, 4_500.0]}
    done = rule.allocate(2_000, {"claimant": ["leaves", "stays"], **claims})
    assert done.table["loss"].tolist() == [100, 0, 1_000] and done.uncovered == 900


def test_bitfinex_perimeters():
    """0.36067 on everybody, 49.2 % on the holders of bitcoin alone."""
    bitcoin, stolen = 243_352.0, 119_756.0
    claims = {"amount": [bitcoin, stolen / 0.36067 - bitcoin], "bitcoin_only": [bitcoin, 0.0]}
    everybody = np.array(lost(venues.bitfinex.rule_2016(), stolen, **claims)) / claims["amount"]
    np.testing.assert_allclose(everybody, 0.36067, rtol=1e-12)
    alone = np.array(lost(venues.bitfinex.rule_2016("bitcoin_only"), stolen, **claims))
    assert (alone / claims["amount"]).round(4).tolist() == [0.4921, 0.0]


def test_drift_perp_charges_each_unit_of_both_sides():
    """100 lost, limit 30, fee pool 10: 60 on 3,000 units, 0.02 each."""
    rule = venues.drift.perp(fund=500, market_limit=30, fee_pool=10)
    claims = {"layer": "open interest", "amount": [1e3, 1e3, 1e3]}
    charged = lost(rule, 100, **claims, open_interest=[1500, 1000, 500])
    assert charged == [30, 20, 10, 30, 10]
    assert charged[0] / 1500 == charged[1] / 1000 == charged[2] / 500 == 0.02
    fund_is_short = venues.drift.perp(fund=20, market_limit=30, fee_pool=10)
    assert lost(fund_is_short, 100, **claims, open_interest=[1, 1, 1])[3:] == [20, 10]


def test_drift_spot_index():
    """Borrow 50, fund 20, deposits 1,000 at index 1.10: 1.067 for every depositor."""
    claims = {"claimant": ["a", "b"], "layer": "deposits", "amount": [250.0, 750.0]}
    paid = venues.drift.spot(fund=20).allocate(50, claims).table["paid"][:2]
    np.testing.assert_allclose(1.10 * paid / [250, 750], 1.067, rtol=1e-14)


def test_three_bases_of_pro_rata():
    """The same 30 lost, shared by profit, by claim, by open interest."""
    claims = {
        "claimant": ["a", "b"],
        "amount": [100.0, 50.0],
        "profit": [10.0, 50.0],
        "open_interest": [3.0, 3.0],
    }
    by_profit = venues.okx.okex_2018(fund=0).allocate(30, {**claims, "layer": "clawback"})
    by_claim = venues.bitfinex.rule_2016().allocate(30, claims)
    drift = venues.drift.perp(fund=0, fee_pool=0)
    by_open_interest = drift.allocate(30, {**claims, "layer": "open interest"})
    assert by_profit.table["loss"][:2].tolist() == [5, 25]
    assert by_claim.table["loss"].tolist() == [20, 10]
    assert by_open_interest.table["loss"][:2].tolist() == [15, 15]


def test_a_fund_that_belongs_to_others_is_a_claim():
    """Without `fund` the layer is what is claimed there, and its owners lose first."""
    claims = {"layer": ["insurance fund", "adl"], "amount": [30.0, 50.0], "score": [0, 1]}
    assert lost(venues.bitmex.rule(), 40, **claims) == [30, 10]
    with pytest.raises(RuleError, match="no claims and no capacity"):
        venues.bitmex.rule().allocate(
            40, {"claimant": ["a"], "amount": [1], "layer": "adl", "score": 1}
        )


def test_closed_forms_and_rules_are_the_same_numbers():
    """The rate that a venue computes, and the rule claim by claim."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        amount, fund = rng.lognormal(3, 1, 5), float(rng.uniform(0, 5))
        loss = fund + float(rng.uniform(0, 1) * amount.sum())
        rate = venues.okx.clawback_rate(loss - fund, amount)
        clawed = lost(
            venues.okx.okex_2018(fund), loss, layer="clawback", amount=amount, profit=amount
        )
        np.testing.assert_allclose(clawed[:5], rate * amount, atol=1e-8)
        haircut = venues.bitfinex.uniform_haircut(amount.sum() - (loss - fund), amount.sum())
        cut = lost(venues.bitfinex.rule_2016(), loss - fund, amount=amount)
        np.testing.assert_allclose(cut, haircut * amount, atol=1e-8)
        burned = venues.drift.burned([loss], [1], amount.sum(), supply_index=1.1, fund=fund)
        kept = amount - lost(venues.drift.spot(fund), loss, layer="deposits", amount=amount)[:5]
        np.testing.assert_allclose(1.1 * kept / amount, burned.supply_index, atol=1e-8)
        pool, cap = float(rng.uniform(50, 500)), 0.45
        scale = venues.gmx.capped_profit(amount.sum(), pool, cap=cap).scale
        unpaid = lost(venues.gmx.v2(pool, cap), amount.sum(), layer="profits", amount=amount)[:5]
        np.testing.assert_allclose(amount - unpaid, scale * amount, atol=1e-8)
        first = venues.dydx.fund_payment(loss, 2 * fund)
        assert venues.dydx.fill_payments(2 * fund, [loss]).tolist() == [first]


# -- registry and TOML -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_toml(name):
    parameters = CASES[name][0]
    text = f'venue = "{name}"\n' + "\n".join(
        f"{key} = {value!r}".replace("'", '"') for key, value in parameters.items()
    )
    rule = rules.loads(text)
    assert rule == venues.venue(name, **parameters) == venues.CATALOGUE[name](**parameters)
    assert rules.loads(rules.dumps(rule)) == rule
    assert hash(rule) == hash(rules.from_dict({"venue": name, **parameters}))


@pytest.mark.parametrize("name", EXCHANGES)
def test_card_of_each_venue(name):
    card = venues.entry(name)
    assert card.name == name
    assert card.title and card.source and card.as_of
    assert card.read.endswith(".") and card.simplified.endswith(".")
    for part in ("Claims:", "Source:", "Example"):
        assert part in card.help
    assert ("Unverified" in card.help) == (card.status != "verified")
    assert set(CASES[name][0]) <= {*card.required, *card.parameters}
