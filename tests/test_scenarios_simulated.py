"""Scenarios from arrays of one's own: what goes in comes out, with errors and intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import contagion as ct

ShockError = ct.errors.ShockError
from_array = ct.scenarios.from_array
N = 3000


@pytest.fixture(scope="module")
def net() -> ct.ExposureNetwork:
    nodes = pd.DataFrame({"node": ["a", "b"], "external_assets": [50.0, 60.0],
                          "external_liabilities": [35.0, 40.0]})  # fmt: skip
    owed = pd.DataFrame({"creditor": ["b"], "debtor": ["a"], "amount": [10.0]})
    held = {"node": ["a", "b", "b"], "asset": ["X", "X", "Y"], "value": [40.0, 20.0, 20.0]}
    return ct.ExposureNetwork(nodes, owed, holdings=held)


def test_losses_prices_and_recoveries_come_out_as_they_went_in(net):
    losses = [[1.0, 2.0], [0.0, 0.0], [3.0, 0.0]]
    prices = pd.DataFrame({"X": [-0.5, 0.1, 0.0]}, index=["crash", "boom", "default"])
    recoveries = pd.DataFrame({"a": [np.nan, np.nan, 0.4]})
    drawn = from_array(net, losses, prices=prices, recoveries=recoveries)
    batch = drawn.draw(0, 3)
    assert batch.losses.tolist() == [[21, 12], [0, 0], [3, 0]]  # a gain is no loss
    assert batch.prices.tolist() == [[0.5, 1], [1.1, 1], [1, 1]]
    np.testing.assert_array_equal(batch.recoveries[:, 0], [np.nan, np.nan, 0.4])
    assert drawn.labels.tolist() == ["crash", "boom", "default"] and drawn.sampled
    for k in range(3):
        hit = drawn.shock(k).arrays(net)
        np.testing.assert_allclose(hit.losses, batch.losses[k], atol=1e-12)
        np.testing.assert_array_equal(hit.recoveries, batch.recoveries[k])


def test_a_stress_test_of_a_sample_has_the_errors_of_the_sample(net):
    rng = np.random.default_rng(4)
    own = np.minimum(rng.lognormal(1.0, 1.0, (N, 2)), net.book.external_assets)
    test = ct.stress_test(net, ct.EisenbergNoe(), from_array(net, own))
    mean = test.mean("initial_loss")
    total = own.sum(axis=1)
    assert mean.value == pytest.approx(total.mean())
    assert mean.standard_error == pytest.approx(total.std(ddof=1) / np.sqrt(N), rel=1e-3)
    tail = test.expected_shortfall(0.99, "initial_loss")
    assert tail.low < tail.value < tail.high
    listed = ct.stress_test(net, ct.EisenbergNoe(), from_array(net, own, sampled=False))
    assert listed.mean("initial_loss").value == mean.value
    assert np.isnan(listed.mean("initial_loss").standard_error)


def test_weights_of_any_scale_are_likelihood_ratios(net):
    rng = np.random.default_rng(5)
    x = rng.exponential(10.0, N).clip(max=50.0)  # drawn with mean 10, wanted with mean 5
    ratio = np.exp(-x / 5 + x / 10) * 2
    drawn = from_array(net, pd.DataFrame({"a": x}), weights=7 * ratio)
    test = ct.stress_test(net, ct.EisenbergNoe(), drawn)
    assert test.columns["weight"].mean() == pytest.approx(1.0)
    mean = test.mean("initial_loss")
    assert mean.value == pytest.approx(float(ratio @ x) / ratio.sum())
    assert abs(mean.value - 5.0) < 4 * mean.standard_error


def test_prices_reach_a_model_that_sells(net):
    model = ct.models.FireSale(0.3, impact=0.5)
    prices = pd.DataFrame({"X": [-0.2, 0.0], "Y": [0.0, -0.2]})
    test = ct.stress_test(net, model, from_array(net, prices=prices))
    for k, asset in enumerate("XY"):
        alone = model.propagate(net, ct.Shock.price({asset: -0.2}))
        assert test.columns["owners_loss"][0, k] == pytest.approx(alone.loss.sum())
        assert test.columns["loss"][0, k] == pytest.approx(alone.socialization.borne)


def test_blocks_and_inputs(net):
    own = np.random.default_rng(6).random((2500, 2))
    kept = own.copy()
    drawn = from_array(net, own)
    np.testing.assert_array_equal(drawn.draw(0, 2500).losses, kept)
    np.testing.assert_array_equal(drawn.draw(1000, 1100).losses, kept[1000:1100])
    own[:] = 0.0
    np.testing.assert_array_equal(drawn.draw(0, 2500).losses, kept)
    assert drawn.digest() == from_array(net, kept).digest() != from_array(net, 2 * kept).digest()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda net: from_array(net), r"Give losses, prices or recoveries"),
        (lambda net: from_array(net, np.ones((3, 3))), r"losses has shape \(3, 3\)"),
        (lambda net: from_array(net, -np.ones((3, 2))), r"losses of 'a' in row 0 is -1"),
        (lambda net: from_array(net, np.full((3, 2), np.nan)), r"losses of 'a' in row 0 is nan"),
        (lambda net: from_array(net, np.full((3, 2), 55.0)), r"'a' loses 55 in row 0 and has ext"),
        (lambda net: from_array(net, prices=[[-1.1, 0.0]]), r"prices of 'X' in row 0 is -1.1"),
        (lambda net: from_array(net, recoveries=[[1.1, 0.0]]), r"recoveries of 'a' in row 0"),
        (lambda net: from_array(net, np.ones((3, 2)), prices=[[0, 0]]), r"\[1, 3\] rows"),
        (lambda net: from_array(net, np.ones((3, 2)), weights=[1, 2]), r"weights: 3 numbers"),
        (lambda net: from_array(net, np.ones((3, 2)), weights=[0, 0, 0]), r"not all 0"),
        (lambda net: from_array(net, [["x", 1.0]]), r"losses: these are not numbers"),
    ],
)
def test_what_does_not_fit_is_refused(net, call, said):
    with pytest.raises(ShockError, match=said):
        call(net)


def test_an_unknown_column_is_named(net):
    with pytest.raises(ct.errors.UnknownNameError, match="'ab'"):
        from_array(net, pd.DataFrame({"ab": [1.0]}))


def test_own_arrays_have_no_form_in_words(net):
    with pytest.raises(ShockError, match="from_array"):
        ct.scenarios.to_toml(from_array(net, np.ones((3, 2))))
