"""Measures of liquidation cascades: against numbers by hand, single runs and plain definitions."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from margin_books import book_of, one_long

import contagion as ct
from contagion.liquidation import HardCoded, Linear, LiquidationCascade, MarginBook
from contagion.liquidation.cascade_measures import (
    cascade_multiplier,
    multiple,
    required_fund,
    scenario_deficits,
    time_to_stop,
    total_loss,
)
from contagion.liquidation.liquidation_profile import concentration, liquidatable

IMPACT = Linear(depth=4_000.0)


@pytest.fixture(scope="module")
def book():
    return book_of()


# --- loss and multiplier ---------------------------------------------------------------------


@pytest.mark.parametrize("backstop", [0.0, 0.5])
def test_total_loss_is_what_the_result_says(book, backstop):
    """The batch on arrays against the labelled single run."""
    run = LiquidationCascade(impact=IMPACT, backstop=backstop)
    falls = [0.0, 0.05, 0.15, 0.4]
    prices = book.price * (1 - np.outer(falls, [name == "X" for name in book.assets]))
    batch = total_loss(book, run.solve(book, prices))
    for fall, loss in zip(falls, batch, strict=True):
        result = run.run(book, {"X": -fall})
        before = result.table["equity_before"].clip(upper=0).sum()
        after = np.minimum(result._equity(result.outcome.price), 0.0).sum()
        plain = result.holder_losses.clip(lower=0).sum() + result.deficits.sum() - after + before
        plain += max(-result.ledger["liquidators"], 0.0)
        assert loss == pytest.approx(plain, rel=1e-12)


def test_without_impact_nothing_is_multiplied(book):
    for fall in (0.0, 0.1, 0.5):
        assert cascade_multiplier(LiquidationCascade().run(book, {"X": -fall})) == 1.0


def test_multiplier_grows_with_impact(book):
    found = [
        cascade_multiplier(LiquidationCascade(impact=Linear(depth=d)).run(book, {"X": -0.1}))
        for d in (1e9, 1e5, 1e4, 4e3, 2e3)
    ]
    assert found[0] == pytest.approx(1.0, abs=1e-4)
    assert all(one < two for one, two in itertools.pairwise(found))


def test_multiplier_compares_with_the_same_calls_and_oracle():
    """A holder who meets the call sells nothing: nothing is amplified."""
    run = LiquidationCascade(impact=Linear(depth=100.0))
    assert cascade_multiplier(run.run(one_long(), {"X": -0.08})) > 1
    assert cascade_multiplier(run.run(one_long(), {"X": -0.08}, free={"h": 1_000.0})) == 1.0
    hard = LiquidationCascade(impact=Linear(depth=100.0), oracle=HardCoded(price=(100.0,)))
    result = hard.run(one_long(), {"X": -0.5})
    assert cascade_multiplier(result) == 1.0
    assert total_loss(result.before, result.outcome) == pytest.approx(500.0)  # latent 400 is in it


def test_a_call_that_is_met_is_no_loss_by_itself():
    """The price falls by 8 on 10 units; the 26 paid in are still there."""
    result = LiquidationCascade().run(one_long(), {"X": -0.08}, free={"h": 1_000.0})
    assert result.outcome.topped.sum() == pytest.approx(26.0)
    assert total_loss(result.before, result.outcome) == pytest.approx(80.0)


def test_multiple_of_nothing():
    assert multiple(0.0, 0.0) == 1.0 and multiple(2.0, 0.0) == np.inf


# --- time to stop ----------------------------------------------------------------------------


def test_stop_adds_up_with_the_path(book):
    result = LiquidationCascade(impact=IMPACT).run(book, {"X": -0.15})
    stop = time_to_stop(result)
    path = result.history.drop_duplicates("round").set_index("round")["liquidated"]
    assert stop.liquidated == pytest.approx(path.sum())
    assert stop.last == path[path > 0].index.max() < stop.rounds == result.rounds
    assert path.loc[: stop.half].sum() >= path.sum() / 2 > path.loc[: stop.half - 1].sum()
    assert stop.units["sold"].to_numpy() == pytest.approx(result.outcome.sold)
    assert (stop.units["share"] <= 1 + 1e-12).all()


def test_a_calm_day_has_no_time_to_stop():
    stop = time_to_stop(LiquidationCascade().run(one_long(), {"X": 0.0}))
    assert (stop.last, stop.half, stop.liquidated) == (0, 0, 0.0)


# --- liquidatable ----------------------------------------------------------------------------


def test_liquidatable_is_what_a_run_without_impact_liquidates_first(book):
    moves = [-0.3, -0.1, -0.02, 0.0, 0.04, 0.2]
    table = liquidatable(book, moves, "X").set_index("move")
    for move in moves:
        after = book.at({"X": 100.0 * (1 + move)})
        accounts, legs = after.accounts, after.legs
        weak = accounts["health"] < 0
        mine = legs[weak.to_numpy()[legs["account"]]]
        loan = accounts["loan"].to_numpy()[mine["account"]]
        row = table.loc[move]
        assert row["accounts"] == weak.sum()
        assert row["sold"] == pytest.approx(mine["value"].clip(lower=0).sum())
        assert row["bought"] == pytest.approx(-mine["value"][~loan].clip(upper=0).sum())
        assert row["debt"] == pytest.approx(-mine["value"][loan].clip(upper=0).sum())
        assert row["deficit"] == pytest.approx(-accounts["equity"].clip(upper=0).sum())
        assert row["value"] == pytest.approx(row["sold"] + row["bought"])
        now = mine["units"] * book.price[[book.assets.index(x) for x in mine["asset"]]]
        assert row["sold_before"] == pytest.approx(now.clip(lower=0).sum())
        assert row["bought_before"] == pytest.approx(-now[~loan].clip(upper=0).sum())
        assert row["value_before"] == pytest.approx(row["sold_before"] + row["bought_before"])


def test_static_deficit_is_the_deficit_of_the_cascade_without_impact(book):
    """Positions only: loans are closed by a close factor, and the rest of a bad one stays open."""
    only = MarginBook(book.prices, book.positions)
    table = liquidatable(only, [-0.25], "X")
    result = LiquidationCascade(partial=False).run(only, {"X": -0.25})
    assert result.deficits.sum() == pytest.approx(table["deficit"].iloc[0])


def test_liquidatable_by_venue_and_holder_adds_up(book):
    moves = np.linspace(-0.5, 0.5, 21)
    whole = liquidatable(book, moves).set_index("move")
    columns = ["accounts", "value", "sold", "bought", "debt", "deficit", "value_before"]
    for by in ("venue", "holder"):
        parts = liquidatable(book, moves, by=by)
        sums = parts.groupby("move")[columns].sum().reindex(whole.index, fill_value=0.0)
        assert np.allclose(sums, whole[columns])


def test_liquidatable_does_not_depend_on_how_many_go_at_a_time(book, monkeypatch):
    moves = np.linspace(-0.9, 0.9, 37)
    whole = liquidatable(book, moves, ["X", "Y"])
    few = concentration(book, moves)
    monkeypatch.setattr("contagion.liquidation.liquidation_profile.CELLS", 100)
    pd.testing.assert_frame_equal(liquidatable(book, moves, ["X", "Y"]), whole)
    pd.testing.assert_frame_equal(concentration(book, moves), few)


def test_value_before_grows_with_the_fall(book):
    table = liquidatable(MarginBook(book.prices, loans=book.loans), -np.linspace(0, 1, 50), "X")
    assert (np.diff(table["value_before"]) >= 0).all()
    assert table["value"].iloc[-1] == 0  # at a price of 0


def test_a_loan_in_two_assets_breaks_when_one_moves_only():
    loan = {"protocol": "p", "borrower": "b", "collateral_asset": "X", "collateral": 1,
            "debt_asset": "USDC", "debt": 70, "threshold": 0.8}  # fmt: skip
    book = MarginBook({"X": 100.0, "USDC": 1.0}, loans=[loan])
    assert liquidatable(book, [-0.2], "X")["value"].tolist() == [80.0]
    assert liquidatable(book, [-0.2])["value"].tolist() == [0.0]
    assert liquidatable(book, [0.2], "USDC")["debt"].tolist() == [84.0]


def test_liquidatable_refuses_what_it_cannot_read(book):
    with pytest.raises(ct.UnknownNameError, match="Did you mean 'USDC'"):
        liquidatable(book, [-0.1], "USCD")
    with pytest.raises(ct.ArgumentError, match="'venue' or 'holder'"):
        liquidatable(book, [-0.1], by="side")
    for moves in ([-1.5], [np.nan], [], [[-0.1]]):
        with pytest.raises(ValueError, match="moves"):
            liquidatable(book, moves)


def test_concentration_by_definition(book):
    found = concentration(book, [-0.2, -0.4], k=[1, 2, 5]).set_index("move")
    for move, row in found.iterrows():
        held = liquidatable(book, [move], by="holder").set_index("holder")["value"]
        share = np.sort(held[held > 0] / held.sum())[::-1]
        assert row["holders"] == len(share) and row["value"] == pytest.approx(held.sum())
        assert row["hhi"] == pytest.approx((share**2).sum())
        assert row["effective"] == pytest.approx(1 / (share**2).sum())
        for k in (1, 2, 5):
            assert row[f"cr_{k}"] == pytest.approx(share[:k].sum())
        assert row["largest"] == held.idxmax()
    with pytest.raises(ct.MarginError, match="at least one"):
        concentration(book, [-0.2], k=0)


def test_concentration_of_nothing_is_unknown():
    row = concentration(one_long(), [0.0]).iloc[0]
    assert row["holders"] == 0 and np.isnan(row["hhi"]) and row["largest"] is None


# --- break-even fund -------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.07, 0.5, 0.9, 0.99, 1.0])
def test_fund_by_definition(share):
    rng = np.random.default_rng(3)
    deficits = np.where(rng.random(100) < 0.5, 0.0, rng.lognormal(3, 2, 100))
    row = required_fund(deficits, share).iloc[0]
    enough = [x for x in deficits if (deficits <= x).sum() >= 100 * share - 1e-9]
    assert row["fund"] == min(enough)
    assert row["covered"] == pytest.approx((deficits <= row["fund"]).mean())
    over = np.maximum(deficits - row["fund"], 0)
    assert row["missing"] == pytest.approx(over.mean())
    assert row["worst"] == deficits.max() and row["mean"] == pytest.approx(deficits.mean())
    if share < 1:
        assert row["tail"] == pytest.approx(over[over > 0].mean())
    else:
        assert np.isnan(row["tail"])


def test_a_share_that_is_reached_exactly_is_enough():
    assert required_fund([4.0, 1.0], 0.5)["fund"].item() == 1.0
    assert required_fund([1, 2, 3, 4], 0.75)["fund"].item() == 3.0


def test_weights_are_repetitions():
    one = required_fund([0, 5, 9, 20], 0.8, weights=[4, 3, 2, 1])
    two = required_fund([0] * 4 + [5] * 3 + [9] * 2 + [20], 0.8)
    assert np.allclose(one, two)
    shuffled = required_fund([20, 5, 9, 0], 0.8, weights=[1, 3, 2, 4])
    assert np.allclose(one, shuffled)


def test_fund_of_a_batch_of_a_cascade_covers_its_share(book):
    run = LiquidationCascade(impact=IMPACT)
    rng = np.random.default_rng(5)
    changes = np.exp(0.15 * rng.standard_normal(200))
    prices = np.where([name == "X" for name in book.assets], changes[:, None], 1.0) * book.price
    batch = run.solve(book, prices)
    table = scenario_deficits(book, batch)
    assert table.shape == (200, 3) and list(table) == list(book.venues)
    assert np.allclose(table.sum(axis=1), batch.deficit.sum(axis=1))
    found = required_fund(table, 0.95)
    assert ((table <= found["fund"]).mean() >= 0.95).all()
    assert ((table < found["fund"]).mean() < 0.95).all()
    pooled = required_fund(table.sum(axis=1), 0.95)["fund"].iloc[0]
    assert pooled > 0


def test_fund_of_results(book):
    run = LiquidationCascade(impact=IMPACT)
    results = [run.run(book, {"X": -fall}) for fall in (0.05, 0.2, 0.6)]
    found = required_fund(results, 0.6)
    middle = np.sort([result.deficits.to_numpy() for result in results], axis=0)[1]
    assert found["fund"].tolist() == pytest.approx(middle.tolist())
    assert required_fund(results[1])["fund"].tolist() == results[1].deficits.tolist()


@pytest.mark.parametrize(
    "deficits, share, weights, says",
    [
        ([], 0.9, None, "no scenarios"),
        ([-1.0], 0.9, None, "money >= 0"),
        ([np.nan], 0.9, None, "money >= 0"),
        ([1.0], 0.0, None, "level=0"),
        ([1.0], 1.1, None, "level=1.1"),
        ([1.0, 2.0], 0.9, [1.0], "2 numbers >= 0"),
        ([1.0, 2.0], 0.9, [0.0, 0.0], "All weights are 0"),
        (np.zeros((2, 2, 2)), 0.9, None, "scenarios, then venues"),
    ],
)
def test_fund_refuses_what_it_cannot_read(deficits, share, weights, says):
    with pytest.raises(ct.MarginError, match=says):
        required_fund(deficits, share, weights=weights)


def test_results_of_other_venues_and_mixtures_are_refused(book):
    one, two = (LiquidationCascade().run(b, {"X": -0.1}) for b in (book, one_long()))
    with pytest.raises(ct.MarginError, match="different venues"):
        required_fund([one, two])
    with pytest.raises(ct.MarginError, match="one or the other"):
        required_fund([one, 3.0])
