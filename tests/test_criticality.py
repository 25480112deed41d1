"""Maps of price drop by leverage or depth, and tipping points: against single runs."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from margin_books import book_of, one_long

import contagion as ct
from contagion.liquidation import (
    ConstantProduct,
    Exponential,
    Freeze,
    Linear,
    LiquidationCascade,
    MarginBook,
    NoImpact,
    SquareRoot,
)
from contagion.liquidation.cascade_measures import cascade_multiplier, total_loss
from contagion.liquidation.criticality import criticality_map, tipping_point
from contagion.liquidation.leverage_levels import Deeper, leveraged

IMPACT = Linear(depth=4_000.0)


@pytest.fixture(scope="module")
def book():
    return book_of()


def test_impact_never_makes_less_of_a_loss(book):
    drops = np.linspace(0.01, 0.9, 60)
    found = criticality_map(
        book, LiquidationCascade(impact=IMPACT), drops, depth=[0.3, 1, 5], asset="X"
    )
    assert (found.multiplier > 1 - 1e-9).all()


@pytest.mark.parametrize("times", [0.5, 1.0, 2.0, 7.0])
def test_leveraged_scales_the_equity_of_every_account(book, times):
    made, was = leveraged(book, times), book.accounts["equity"]
    now = made.accounts["equity"]
    fewer = pd.Series(np.where(was > 0, was / times, was))
    bare = now < fewer - 1e-9  # loans without a debt left
    assert np.allclose(now[~bare], fewer[~bare])
    assert (made.accounts["leverage"][bare] == 1.0).all() and bare.any() == (times < 1)
    sizes = made.legs["units"].to_numpy()
    loan = book.accounts["loan"].to_numpy()[book.legs["account"]] & (sizes <= 0)
    assert np.array_equal(sizes[~loan], book.legs["units"].to_numpy()[~loan])


def test_leveraged_by_hand_and_decimals():
    loan = {"protocol": "p", "borrower": "b", "collateral_asset": "X", "collateral": 200,
            "debt_asset": "USDC", "debt": 100_000, "threshold": 0.8, "collateral_decimals": 2,
            "debt_decimals": 3}  # fmt: skip
    book = MarginBook({"X": 100.0, "USDC": 1.0}, loans=[loan])  # 200 on 100 of debt
    made = leveraged(book, 2.0)  # equity 50: debt 150
    assert made.accounts[["equity", "leverage"]].values.tolist() == [[50.0, 4.0]]
    assert leveraged(made, 0.5).accounts["equity"].tolist() == pytest.approx([100.0])
    with pytest.raises(ValueError, match="times"):
        leveraged(book, 0.0)


@pytest.mark.parametrize(
    "impact, same",
    [
        (Linear(depth=50.0, floor=0.1), Linear(depth=150.0, floor=0.1)),
        (Exponential(depth=50.0), Exponential(depth=150.0)),
        (SquareRoot(0.2, daily_volume=50.0), SquareRoot(0.2, daily_volume=150.0)),
        (ConstantProduct(50.0, 100.0), ConstantProduct(150.0, 300.0)),
    ],
)
def test_deeper_is_the_same_form_with_more_depth(impact, same):
    deeper, volume = Deeper(impact, 3.0), np.array([-20.0, 0.0, 5.0, 30.0])
    assert np.allclose(deeper.factor(volume), same.factor(volume))
    assert np.allclose(deeper.integral(volume), same.integral(volume))
    assert deeper.inverse(0.9) == pytest.approx(same.inverse(0.9))
    assert Deeper(Linear(50.0, recovery=0.5), 3.0).recovered(10) == Linear(
        1.0, recovery=0.5
    ).recovered(10)


@pytest.mark.parametrize("by", ["leverage", "depth"])
def test_map_equals_single_runs(book, by):
    run, drops, levels = LiquidationCascade(impact=IMPACT), [0.0, 0.08, 0.3], [0.6, 1.0, 2.5]
    found = criticality_map(book, run, drops, asset="X", **{by: levels})
    for level, drop in itertools.product(levels, drops):
        one = leveraged(book, level) if by == "leverage" else book
        impact = IMPACT if by == "leverage" else Linear(depth=4_000.0 * level)
        result = LiquidationCascade(impact=impact).run(one, {"X": -drop})
        at = levels.index(level), drops.index(drop)
        assert found.multiplier[at] == pytest.approx(cascade_multiplier(result))
        assert found.deficit[at] == pytest.approx(result.deficits.sum())
        assert found.latent[at] == pytest.approx(result.latent.sum())
        assert found.rounds[at] == result.rounds
        assert found.loss[at] == pytest.approx(total_loss(one, result.outcome))


def test_map_as_tables_and_its_tipping_line(book):
    run = LiquidationCascade(impact=Linear(depth=2_000.0))
    found = criticality_map(book, run, np.linspace(0.02, 0.4, 20), depth=[0.5, 1.0, 1e6], asset="X")
    assert found.table.pivot(index="depth", columns="drop", values="deficit").equals(
        found.grid("deficit")
    )
    line = found.tipping(1.2)
    assert line.iloc[0] <= line.iloc[1] and np.isnan(line.iloc[2])
    before = found.grid().loc[1.0].loc[: line.loc[1.0]]
    assert (before.iloc[:-1] <= 1.2).all() and before.iloc[-1] > 1.2
    assert (np.diff(found.multiplier, axis=0) <= 1e-12).all()  # deeper: less


def test_map_needs_one_axis_and_rounds_enough(book):
    run = LiquidationCascade(impact=IMPACT, max_rounds=1)
    for axes in ({}, {"leverage": [1.0], "depth": [1.0]}):
        with pytest.raises(ct.MarginError, match="either leverage= or depth="):
            criticality_map(book, run, [0.1], **axes)
    with pytest.raises(ct.ConvergenceError, match="1 scenario of 1 did not settle in 1 rounds"):
        criticality_map(book, run, [0.2], depth=[1.0])
    with pytest.raises(ValueError, match="drops"):
        criticality_map(book, run, [1.2], depth=[1.0])


def test_tipping_point_is_where_a_fine_grid_first_exceeds(book):
    run = LiquidationCascade(impact=Linear(depth=4_000.0))
    found = tipping_point(book, run, 1.6, asset="X", smallest=0.02, largest=0.5, tolerance=1e-5)
    fine = criticality_map(book, run, np.linspace(0.02, 0.5, 1_921), depth=[1.0], asset="X")
    first = fine.drops[np.argmax(fine.multiplier[0] > 1.6)]
    assert found.high - found.low <= 1e-5 and found.drop == found.high
    assert first - 0.48 / 1_920 - 1e-5 <= found.drop <= first + 1e-5
    assert found.drop > 0.02 and found.below <= 1.6 < found.above
    sides = criticality_map(book, run, [found.low, found.high], depth=[1.0], asset="X")
    assert sides.multiplier[0].tolist() == pytest.approx([found.below, found.above])


def test_tipping_point_does_not_depend_on_the_parts(book):
    run = LiquidationCascade(impact=Linear(depth=4_000.0))
    two = tipping_point(
        book, run, 1.6, asset="X", smallest=0.02, largest=0.5, steps=64, tolerance=1e-6
    )
    other = tipping_point(
        book, run, 1.6, asset="X", smallest=0.02, largest=0.5, steps=100, tolerance=1e-6
    )
    assert two.drop == pytest.approx(other.drop, abs=2e-6)


def test_no_tipping_point_without_impact_and_at_once(book):
    assert np.isnan(tipping_point(book, LiquidationCascade(impact=NoImpact())).drop)
    weak = MarginBook({"X": 100.0}, positions=[{"venue": "v", "holder": "h", "instrument": "X",
                                               "size": 10, "margin": 10}])  # fmt: skip
    thin = LiquidationCascade(impact=Linear(depth=50.0))
    assert tipping_point(weak, thin).drop == 0.0
    assert tipping_point(weak, thin, 1.0, smallest=0.2).low == 0.2
    with pytest.raises(ct.MarginError, match="at least 1"):
        tipping_point(weak, thin, 0.9)


def test_a_freeze_tips_never_and_leaves_it_latent():
    run = LiquidationCascade(impact=Linear(depth=50.0), breakers=(Freeze((0,)),))
    found = criticality_map(one_long(), run, [0.3], depth=[1.0])
    assert found.multiplier.item() == 1.0 and found.deficit.item() == 0.0
    assert found.latent.item() == pytest.approx(200.0)
