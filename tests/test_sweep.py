"""Grids: every cell is the run with those fields, failed ones are nan with the reason."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import contagion as ct
from contagion.experiments.sweeping import Case
from contagion.synthetic import generate


@pytest.fixture
def pair() -> ct.ExposureNetwork:
    """b holds 10 of a; capital 1 and 4."""
    return ct.ExposureNetwork.from_matrix(
        [[0, 10], [0, 0]], ["a", "b"], orientation="debtor->creditor", equity=[1, 4]
    )


def test_each_cell_is_its_own_run(ring):
    case = Case(ring, ct.models.RogersVeraart(which="greatest"), ct.Shock.loss({"a": 4.0}))
    grid = {"model.alpha": [0.5, 1.0], "shock.scale": [0.25, 0.5, 1.0]}
    found = ct.sweep(case, grid)
    assert len(found.table) == 6 * len(found.measures)
    for row in found.mean("loss").itertuples(index=False):
        model, shock = (
            ct.models.RogersVeraart(row[0], which="greatest"),
            ct.Shock.loss({"a": 4.0 * row[1]}),
        )
        assert row.mean == pytest.approx(model.propagate(ring, shock).loss.sum())
    wide = found.grid("socialized_share", "model.alpha", "shock.scale")
    assert wide.shape == (3, 2) and list(wide.columns) == [0.5, 1.0]
    want = ct.models.RogersVeraart(0.5, which="greatest").propagate(ring, ct.Shock.loss({"a": 2.0}))
    assert wide.loc[0.5, 0.5] == want.socialization.socialized_share


def cell(case: Case, **fields):
    return case(**{name.replace("__", "."): value for name, value in fields.items()})


def test_fields_of_the_shock(pair):
    pair = pair.with_nodes(external_assets={"b": 6.0})
    lost = ct.Shock.loss({"b": 2.0})
    case = Case(pair, ct.EisenbergNoe(), ct.Shock.default("a") + lost)
    assert cell(case, shock__recovery=0.9).shock == ct.Shock.default("a", 0.9) + lost
    assert cell(case, shock__scale=0.5).shock.losses == (("b", 1.0),)
    assert cell(case, shock__default="b").shock.defaults == (("b", 0.0),)
    both = cell(case, shock__fraction=0.1).shock
    assert both.fractions == ((None, 0.1),) and both.defaults == (("a", 0.0),)
    assert cell(case, shock=ct.Shock()).loss.sum() == 0


def test_fields_of_the_network(pair):
    case = Case(pair, ct.EisenbergNoe(), ct.Shock.default("a"))
    more = cell(case, network__capital=3.0).network
    assert more.book.equity.tolist() == [3.0, 12.0] and more.amount.tolist() == [10.0]
    half = cell(case, network__exposures=0.5).network
    assert half.amount.tolist() == [5.0] and half.book.equity.tolist() == [1.0, 4.0]


def test_capital_below_zero_is_not_scaled():
    net = ct.ExposureNetwork.from_matrix(
        [[0, 10], [0, 0]], ["a", "b"], orientation="debtor->creditor", external_assets=[4, 1]
    )
    case = Case(net, ct.EisenbergNoe())
    assert cell(case, network__capital=2.0).network.book.equity.tolist() == [-6.0, 22.0]


def test_fields_of_rules():
    net = ct.datasets.load("three_venues")
    case = Case(net, ct.EisenbergNoe(), ct.Shock.default("desk"))
    flat = ct.rules.Waterfall([ct.rules.Layer("winners")])
    found = ct.sweep(case, {"rule.exchange": [net.rules["exchange"], flat]})
    want = ct.EisenbergNoe().propagate(net.with_rule("exchange", flat), case.shock)
    assert found.mean("loss")["mean"].iloc[1] == pytest.approx(want.loss.sum())
    capped = net.with_rule("protocol", ct.rules.Capped(ct.rules.EqualLosses(), share=0.6))
    one = cell(Case(capped, ct.EisenbergNoe()), rule__protocol__share=0.9)
    assert one.network.rules["protocol"] == ct.rules.Capped(ct.rules.EqualLosses(), share=0.9)
    with pytest.raises(KeyError, match="Unknown field of Capped 'shar'"):
        cell(Case(capped, ct.EisenbergNoe()), rule__protocol__shar=0.9)


def test_generated_networks_have_the_same_draws_in_every_cell():
    case = Case(
        None,
        ct.models.GaiKapadia(),
        ct.Shock.default("n00"),
        generate=generate.gai_kapadia,
        given={"n": 50},
    )
    grid = {"generate.degree": [2.0], "generate.capital": [0.02, 0.02, 0.04]}
    found = ct.sweep(case, grid, samples=4, rng=5)
    first = found.table[found.table["measure"] == "defaults"]["value"].to_numpy().reshape(3, 4)
    assert np.array_equal(first[0], first[1]) and len(set(first[0])) > 1
    assert (first[2] <= first[0]).all()
    again = ct.sweep(case, grid, samples=4, rng=5)
    pd.testing.assert_frame_equal(found.table, again.table)
    assert not ct.sweep(case, grid, samples=4, rng=6).table.equals(found.table)


def test_mean_and_error_over_draws():
    values = iter([1.0, 3.0, 5.0, 7.0])
    found = ct.sweep(lambda x, rng: next(values), {"x": [1, 2]}, samples=2, rng=1)
    table = found.mean("value")
    assert table["mean"].tolist() == [2.0, 6.0]
    assert table["standard_error"].tolist() == pytest.approx([1.0, 1.0])
    assert table["count"].tolist() == [2, 2]


def test_processes_do_not_matter(pair):
    case = Case(pair, ct.EisenbergNoe(), ct.Shock.default("a"))
    grid = {"shock.recovery": [0.0, 0.5, 1.0]}
    pd.testing.assert_frame_equal(ct.sweep(case, grid).table, ct.sweep(case, grid, n_jobs=2).table)


def test_failed_cells_are_nan_with_the_reason(pair):
    """A loss of more than a has cannot be."""
    case = Case(pair, ct.EisenbergNoe(), ct.Shock.loss({"a": 10.0}))
    found = ct.sweep(case, {"shock.scale": [0.5, 2.0]})
    bad = found.table[found.table["shock.scale"] == 2.0]
    assert bad["value"].isna().all()
    assert bad["reason"].str.contains("ShockError: 'a' has external assets of 11").all()
    assert len(found.failed) == 1
    assert "1 run failed; at shock.scale = 2.0: ShockError" in repr(found)
    assert found.table["value"].isna().eq(found.table["reason"] != "").all()


def test_all_cells_failed():
    found = ct.sweep(lambda x: 1 / x, {"x": [0]})
    assert found.table["reason"].tolist() == ["ZeroDivisionError: division by zero"]
    assert "value: no value in any cell" in repr(found)


def test_a_run_may_give_less_and_undefined_numbers():
    found = ct.sweep(lambda x: {"y": x} if x else {"z": np.nan}, {"x": [0, 1]})
    reasons = found.table.set_index(["x", "measure"])["reason"].to_dict()
    assert reasons[0, "y"] == "the run does not give this measure"
    assert reasons[0, "z"] == "undefined for this run" and reasons[1, "y"] == ""


def test_errors_of_the_programmer_are_raised(pair):
    with pytest.raises(TypeError):
        ct.sweep(lambda x: x + "a", {"x": [1]})


def test_own_measures(pair):
    case = Case(pair, ct.EisenbergNoe(), ct.Shock.default("a"))
    found = ct.sweep(
        case, {"shock.recovery": [0.0, 0.8]}, measures={"b": lambda r: r.table.loc["b", "loss"]}
    )
    assert found.mean("b")["mean"].tolist() == pytest.approx([4.0, 2.0])


@pytest.mark.parametrize(
    ("grid", "error", "words"),
    [
        ({"model.tolerence": [1]}, KeyError, "Did you mean 'model.tolerance'"),
        ({"shock.recovry": [1]}, KeyError, "Did you mean 'shock.recovery'"),
        ({"rule.x": [1]}, KeyError, "No node 'x'|Unknown node|'x'"),
        ({"generate.n": [1]}, KeyError, "generate.n"),
        ({"model.alpha": []}, ValueError, "'model.alpha' is empty"),
        ({}, ValueError, "the grid is empty"),
    ],
)
def test_a_grid_that_cannot_be_run(pair, grid, error, words):
    with pytest.raises(error, match=words):
        ct.sweep(Case(pair, ct.models.RogersVeraart()), grid)


def test_draws_need_random_numbers(pair):
    with pytest.raises(ValueError, match="takes no rng"):
        ct.sweep(Case(pair, ct.EisenbergNoe()), {"shock.scale": [1.0]}, samples=3)
    with pytest.raises(ValueError, match="samples = 0"):
        ct.sweep(Case(pair, ct.EisenbergNoe()), {"shock.scale": [1.0]}, samples=0)


def test_the_grid_has_two_axes(ring):
    case = Case(ring, ct.models.RogersVeraart(), ct.Shock.loss({"a": 4.0}))
    found = ct.sweep(case, {"model.alpha": [0.5, 1], "model.beta": [0.5, 1], "shock.scale": [0, 1]})
    with pytest.raises(ValueError, match="vary too"):
        found.grid("loss", "model.alpha", "model.beta")
    with pytest.raises(KeyError, match="no axis"):
        found.grid("loss", "model.alpha", "model.gamma")
    with pytest.raises(KeyError, match="Unknown measure 'los'"):
        found.mean("los")


def test_a_case_without_network():
    with pytest.raises(ValueError, match="generate="):
        Case(None, ct.EisenbergNoe())()
