"""First come, first served: the value of exiting first, with closed forms and all orders."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import reference

from contagion import RuleError, rules
from contagion.rules import exit_values, exits

FIVE = {"claimant": list("abcde"), "amount": [5.0, 1.0, 8.0, 3.0, 3.0]}
MONEY = ["expected_loss", "standard_error", "band_low", "band_high"]


def by_claimant(found: pd.DataFrame) -> pd.DataFrame:
    return found.set_index("claimant").sort_index()


def every_draw(loss: float, amount: list[float], draws: int, seed: int) -> np.ndarray:
    """(draws, K) losses over the same random orders, one after the other."""
    rng, rows = np.random.default_rng(seed), []
    for _ in range(draws):
        lost, left = np.zeros(len(amount)), loss
        for k in np.argsort(rng.random(len(amount))):
            lost[k] = min(amount[k], left)
            left -= lost[k]
        rows.append(lost)
    return np.array(rows)


# -- exact ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [0.0, 0.5, 3.0, 7.0, 12.5, 19.9, 20.0, 25.0])
def test_first_last_and_expected_against_every_order(loss):
    """120 orders of five claims: extremes exactly, the mean within its own standard error."""
    orders = reference.all_orders(loss, FIVE["amount"])
    found = exit_values(loss, FIVE, rng=3, samples=20_000)
    np.testing.assert_allclose(found["loss_first"], orders.min(axis=0), rtol=0, atol=1e-12)
    np.testing.assert_allclose(found["loss_last"], orders.max(axis=0), rtol=0, atol=1e-12)
    error = np.abs(found["expected_loss"] - orders.mean(axis=0))
    assert (error <= 4 * found["standard_error"] + 1e-12).all()
    want = orders.std(axis=0) / np.sqrt(20_000)
    np.testing.assert_allclose(found["standard_error"], want, rtol=0.05, atol=1e-12)
    assert found["expected_loss"].sum() == pytest.approx(min(loss, 20.0), abs=1e-9)
    value = found["expected_loss"] - found["loss_first"]
    np.testing.assert_array_equal(found["value_of_exiting_first"], value)


def test_two_claims():
    """E loss_1 = ½ max(c_1 − A, 0) + ½ min(c_1, L), with A = c_1 + c_2 − L."""
    for loss in (0.0, 4.0, 12.0, 35.0, 40.0):
        found = exit_values(loss, {"claimant": ["a", "b"], "amount": [30.0, 10.0]}, rng=0)
        for c, row in zip((30.0, 10.0), found.itertuples(), strict=True):
            want = (max(c - (40 - loss), 0) + min(c, loss)) / 2
            assert row.expected_loss == pytest.approx(want, abs=4 * row.standard_error + 1e-12)


def test_equal_claims():
    """K claims of 10 and a loss of 37: everybody expects 37/K; of 20, three lose 10, one 7."""
    k, loss = 20, 37.0
    claims = {"claimant": [f"c{i}" for i in range(k)], "amount": [10.0] * k}
    found = exit_values(loss, claims, rng=5, samples=40_000, confidence=0.9)
    gap = (found["expected_loss"] - loss / k).abs()
    assert (gap <= 4 * found["standard_error"]).all()
    spread = np.sqrt((3 * 10**2 + 7**2) / k - (loss / k) ** 2) / np.sqrt(40_000)
    np.testing.assert_allclose(found["standard_error"], spread, rtol=0.03)
    assert found["band_low"].eq(0).all()
    assert found["band_high"].eq(10).all()  # 15 % of the orders take all of it
    assert found["loss_first"].eq(0).all()
    assert found["loss_last"].eq(10).all()
    narrow = exit_values(
        loss, claims, rng=5, samples=40_000, confidence=0.65
    )  # up to 82.5 %: the seven
    assert narrow["band_high"].eq(7).all()
    inside = exit_values(loss, claims, rng=5, samples=40_000, confidence=0.5)  # up to 75 %: nothing
    assert inside["band_high"].eq(0).all()


@pytest.mark.parametrize("draws", [2, 101, 1001])
@pytest.mark.parametrize("level", [0.5, 0.9, 0.99])
def test_mean_error_and_band_are_those_of_the_draws(draws, level):
    """Nothing of size draws × claims is kept, and yet every figure is exact."""
    rng = np.random.default_rng(draws)
    amount = sorted(rng.integers(0, 9, 12).astype(float))
    claims = {"claimant": [f"c{i:02d}" for i in range(12)], "amount": amount}
    found = exit_values(0.4 * sum(amount), claims, samples=draws, rng=7, confidence=level)
    rows = every_draw(0.4 * sum(amount), amount, draws, 7)
    np.testing.assert_allclose(found["expected_loss"], rows.mean(axis=0), rtol=0, atol=1e-12)
    error = rows.std(axis=0, ddof=1) / np.sqrt(draws)
    np.testing.assert_allclose(found["standard_error"], error, rtol=0, atol=1e-12)
    for column, q in (("band_low", (1 - level) / 2), ("band_high", (1 + level) / 2)):
        want = np.quantile(rows, q, axis=0, method="inverted_cdf")
        np.testing.assert_allclose(found[column], want, rtol=0, atol=1e-12)


# -- the given order ------------------------------------------------------------------------------


def test_a_given_order_is_the_rule():
    claims = pd.DataFrame({**FIVE, "exit": [2.0, np.nan, 1.0, 3.0, np.nan]})
    found = exit_values(9.0, claims, rng=0)
    table = rules.FirstCome().allocate(9.0, claims).table
    np.testing.assert_array_equal(found["loss_in_order"], table["loss"])
    want = table["loss"] - found["loss_first"]
    np.testing.assert_array_equal(found["value_against_order"], want)
    assert found["value_against_order"].ge(0).all()


def test_without_an_order_there_is_no_figure_for_it():
    found = exit_values(9.0, FIVE, rng=0)
    assert found[["loss_in_order", "value_against_order"]].isna().all(axis=None)
    assert found.drop(columns=["loss_in_order", "value_against_order"]).notna().all(axis=None)


def test_pro_rata_is_the_rule_that_knows_no_line():
    for loss in (0.0, 9.0, 20.0, 33.0):
        found = exit_values(loss, FIVE, rng=0)
        table = rules.ProRata().allocate(loss, FIVE).table
        np.testing.assert_allclose(found["loss_pro_rata"], table["loss"], rtol=0, atol=1e-12)


def test_small_and_large_claims_do_not_expect_pro_rata():
    """A hole of 10 under claims of 100 and of 1: a small claim expects to lose more of itself
    than a large one, which can lose 10 of its 100 at the most."""
    claims = {"claimant": ["big", *"abcdefghij"], "amount": [100.0] + [1.0] * 10}
    found = by_claimant(exit_values(10.0, claims, rng=1))
    assert found.loc["big", "expected_loss"] < found.loc["big", "loss_pro_rata"] - 1
    assert found.loc["a", "expected_loss"] > found.loc["a", "loss_pro_rata"] + 0.1


# -- order, seeds, chunks, units ------------------------------------------------------------------


def test_the_order_of_rows_does_not_matter():
    claims = pd.DataFrame({**FIVE, "exit": [5, 4, 3, 2, 1]})
    one = by_claimant(exit_values(9.0, claims, rng=11))
    two = by_claimant(exit_values(9.0, claims.iloc[[3, 1, 4, 0, 2]], rng=11))
    pd.testing.assert_frame_equal(one, two)
    given = exit_values(9.0, claims.iloc[[3, 1, 4, 0, 2]], rng=11)
    assert given["claimant"].tolist() == list("dbeac")


def test_a_seed_is_a_result_and_a_generator_goes_on():
    pd.testing.assert_frame_equal(exit_values(9.0, FIVE, rng=2), exit_values(9.0, FIVE, rng=2))
    rng = np.random.default_rng(2)
    first, second = (exit_values(9.0, FIVE, rng=rng)["expected_loss"] for _ in range(2))
    assert first.tolist() == exit_values(9.0, FIVE, rng=2)["expected_loss"].tolist()
    assert first.tolist() != second.tolist()


@pytest.mark.parametrize("chunk", [1, 7, 5000])
def test_the_size_of_the_chunks_does_not_matter(chunk, monkeypatch):
    whole = exit_values(9.0, FIVE, rng=4, samples=500)
    monkeypatch.setattr(exits, "CHUNK", chunk)
    pd.testing.assert_frame_equal(exit_values(9.0, FIVE, rng=4, samples=500), whole)


def test_the_unit_of_money_does_not_matter():
    mn = {**FIVE, "amount": [x * 2.0**20 for x in FIVE["amount"]]}
    one, two = exit_values(9.0, FIVE, rng=4), exit_values(9.0 * 2.0**20, mn, rng=4)
    np.testing.assert_allclose(two[MONEY] / 2.0**20, one[MONEY], rtol=1e-14)


def test_fifty_thousand_claims_in_bounded_memory():
    k = 50_000
    amount = np.random.default_rng(0).lognormal(0, 1, k)
    total = amount.sum()
    found = exit_values(
        0.3 * total, {"claimant": np.arange(k), "amount": amount}, samples=60, rng=1
    )
    assert found["expected_loss"].sum() == pytest.approx(0.3 * total, rel=1e-9)
    share = found["expected_loss"].sum() / total
    assert (found["expected_loss"] / amount).mean() == pytest.approx(share, abs=0.01)


# -- edges and errors -----------------------------------------------------------------------------


def test_nobody_nothing_and_everything():
    assert exit_values(5.0, {"claimant": [], "amount": []}).empty
    nothing = exit_values(0.0, FIVE, rng=0)
    assert nothing.drop(columns=["claimant", "amount"]).fillna(0.0).eq(0).all(axis=None)
    zeros = exit_values(5.0, {"claimant": ["a"], "amount": [0.0]})
    assert zeros[MONEY].eq(0).all(axis=None)
    gone = exit_values(50.0, FIVE, rng=0)
    for column in ("loss_first", "loss_last", "loss_pro_rata", "expected_loss", "band_low"):
        np.testing.assert_allclose(gone[column], FIVE["amount"], rtol=1e-15)
    assert gone["value_of_exiting_first"].abs().max() < 1e-12


def test_one_claimant_with_two_claims_has_two_places():
    found = exit_values(5.0, {"claimant": ["a", "a", "b"], "amount": [5.0, 5.0, 5.0]}, rng=0)
    assert len(found) == 3
    assert found["expected_loss"].sum() == pytest.approx(5.0)


@pytest.mark.parametrize("loss", [-1.0, float("nan"), float("inf")])
def test_a_loss_is_money(loss):
    with pytest.raises(RuleError, match="it has to be money >= 0"):
        exit_values(loss, FIVE)


def test_errors_of_the_claims_are_those_of_the_rules():
    with pytest.raises(RuleError, match="no column 'amount'"):
        exit_values(1.0, {"claimant": ["a"]})
    with pytest.raises(
        RuleError, match=r"'exit' is empty or not a number for 1 claim of 5 \('a'\)"
    ):
        exit_values(1.0, {**FIVE, "exit": ["soon", 1, 2, 3, 4]})


@pytest.mark.parametrize("level", [0.0, 1.0, -0.1, 90.0, float("nan")])
def test_a_level_is_a_part(level):
    with pytest.raises(ValueError, match="confidence="):
        exit_values(1.0, FIVE, confidence=level)


def test_one_draw_has_no_error():
    with pytest.raises(ValueError, match="samples=1"):
        exit_values(1.0, FIVE, samples=1)
