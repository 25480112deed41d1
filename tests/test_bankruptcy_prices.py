"""Positions: liquidation and bankruptcy prices and shortfalls, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from contagion import liquidation

INF, NAN = np.inf, np.nan


def test_liquidation_price_leaves_the_maintenance_margin():
    """Put the price back: margin plus result is the maintenance margin, long and short."""
    entry, size = np.array([100.0, 250.0]), np.array([10.0, -3.0])
    money, rate = np.array([120.0, 90.0]), np.array([0.05, 0.1])
    for contract in ("linear", "inverse"):
        given_margin = money if contract == "linear" else money / 1e4
        price = liquidation.liquidation_price(
            entry, size, given_margin, maintenance=rate, contract=contract
        )
        then = liquidation.position_value(size, price, contract=contract)
        result = then - liquidation.position_value(size, entry, contract=contract)
        assert_allclose(given_margin + result, rate * np.abs(then), rtol=1e-12)
        gone = liquidation.bankruptcy_price(entry, size, given_margin, contract=contract)
        assert gone[0] < price[0] < entry[0]
        assert gone[1] > price[1] > entry[1]


def test_prices_that_cannot_be_reached():
    assert liquidation.bankruptcy_price(100, 10, 1_500) == 0
    assert liquidation.bankruptcy_price(100, -1_000, 10, contract="inverse") == INF
    assert liquidation.bankruptcy_price(100, -1_000, 11, contract="inverse") == INF
    assert np.isnan(liquidation.bankruptcy_price(100, 0, 5))


def test_okex_2018_shortfall():
    """N (1/p_settle − 1/p_liq): 3,730 bitcoin against 3,700 reported."""
    taken, settled = 8_020, 7_483
    short = liquidation.close_shortfall(416_851_500, taken, settled, contract="inverse")
    assert short == pytest.approx(416_851_500 * (1 / 7_483 - 1 / 8_020), rel=1e-14)
    assert round(short) == 3_730
    assert abs(short / 3_700 - 1) < 0.01
    assert liquidation.close_shortfall(-416_851_500, taken, settled, contract="inverse") == 0
    assert liquidation.close_shortfall([10, -10], 90, [85, 95]).tolist() == [50, 50]


def test_haircut_to_bad_debt():
    assert liquidation.haircut_bad_debt(1, 0.185, ltv=0.95) == pytest.approx(0.135)
    assert liquidation.haircut_bad_debt(359e6, 1, ltv=0.95) == pytest.approx(341.05e6)
    assert liquidation.haircut_bad_debt(100, [0.0, 0.05, 0.04], ltv=0.95) == pytest.approx(
        [0, 0, 0]
    )


def test_unknown_positions_stay_unknown():
    assert np.isnan(liquidation.liquidation_price(100, [1, NAN], [NAN, 1])).all()
    assert np.isnan(liquidation.close_shortfall(NAN, 1, 2))
    assert np.isnan(liquidation.haircut_bad_debt(1, NAN, ltv=0.5))


BAD = {
    "entry": lambda: liquidation.liquidation_price([100, 0], 1, 1),
    "margin": lambda: liquidation.liquidation_price(100, 1, -1),
    "maintenance": lambda: liquidation.liquidation_price(100, 1, 1, maintenance=1),
    "contract": lambda: liquidation.close_shortfall(1, 1, 1, contract="quanto"),
    "close": lambda: liquidation.close_shortfall(1, 1, -1),
    "size": lambda: liquidation.position_value("ten", 1),
    "haircut": lambda: liquidation.haircut_bad_debt(1, 1.2, ltv=0.9),
}


@pytest.mark.parametrize("name", BAD)
def test_impossible_inputs_are_named(name):
    with pytest.raises(ValueError, match=f"^{name}"):
        BAD[name]()


# -- conventions as switches ------------------------------------------------------------------


@pytest.mark.parametrize("contract", ["linear", "inverse"])
def test_maintenance_on_the_entry_value_is_a_fixed_amount(contract):
    """Put the price back: what is left is the share of the value at the entry."""
    entry, size = np.array([100.0, 250.0]), np.array([10.0, -3.0])
    money = np.array([120.0, 90.0]) / (1.0 if contract == "linear" else 1e4)
    given = {"maintenance": 0.05, "contract": contract}
    price = liquidation.liquidation_price(entry, size, money, maintenance_on="entry", **given)
    opened = liquidation.position_value(size, entry, contract=contract)
    result = liquidation.position_value(size, price, contract=contract) - opened
    assert_allclose(money + result, 0.05 * np.abs(opened), rtol=1e-12)
    mark = liquidation.liquidation_price(entry, size, money, maintenance_on="mark", **given)
    assert (np.abs(price / mark - 1) > 1e-4).all()  # the convention matters
    for on in ("mark", "entry"):
        none = liquidation.liquidation_price(
            entry, size, money, maintenance_on=on, contract=contract
        )
        assert_allclose(none, liquidation.bankruptcy_price(entry, size, money, contract=contract))
    with pytest.raises(ValueError, match="maintenance_on"):
        liquidation.liquidation_price(100, 1, 10, maintenance_on="last")


def test_a_close_ends_at_the_target_ratio():
    """Equity over maintenance margin is the target then, fee paid; steps close a little more."""
    rng = np.random.default_rng(5)
    value = rng.uniform(100, 1_000, 200)
    rate, fee, target = (
        rng.uniform(0.02, 0.1, 200),
        rng.uniform(0, 0.01, 200),
        rng.uniform(1, 2, 200),
    )
    equity = rng.uniform(0.05, 0.999, 200) * rate * value
    part = liquidation.part_to_close(value, equity, rate, target=target, fee=fee)
    inner = part < 1
    left = (equity - fee * part * value)[inner] / ((1 - part) * rate * value)[inner]
    assert inner.sum() > 50
    assert_allclose(left, target[inner], rtol=1e-9)
    stepped = liquidation.part_to_close(value, equity, rate, target=target, fee=fee, step=0.2)
    assert (stepped >= part - 1e-12).all() and (stepped < part + 0.2 + 1e-12).all()
    assert_allclose(stepped / 0.2, np.round(stepped / 0.2), atol=1e-9)
    sound = liquidation.part_to_close(value, rate * value, rate, target=target)
    assert (sound == 0).all()
    assert (liquidation.part_to_close(value, -equity, rate) == 1).all()
