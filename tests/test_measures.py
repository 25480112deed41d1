"""Measures of importance, by hand on three nodes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import random_network

import contagion as ct
from contagion import measures


@pytest.fixture
def three() -> ct.ExposureNetwork:
    """a owes b 10, b owes c 6; capital 1, 3 and 4."""
    return ct.ExposureNetwork.from_matrix(
        [[0, 10, 0], [0, 0, 6], [0, 0, 0]],
        list("abc"),
        orientation="debtor->creditor",
        equity=[1, 3, 4],
    )


def test_single_defaults_by_hand(three):
    """Zero recovery. a fails: b loses 10 of 3, fails, c loses 6 of 4. b fails: c loses 4."""
    table = measures.single_defaults(three, ct.GaiKapadia())
    assert table["default_impact"].tolist() == [7, 4, 0]
    assert table["contagion_index"].tolist() == pytest.approx([100, 80, 0])
    assert table["vulnerability_index"].tolist() == pytest.approx([0, 50, 100])
    assert table["induced_defaults"].tolist() == [2, 1, 0]
    assert table["hazard"].tolist() == [0, 50, 100]
    assert table["loss_suffered"].tolist() == [0, 3, 8]


def test_recovery_softens(three):
    """At 0.8, a's default costs b 2 and nobody else anything."""
    table = measures.single_defaults(three, ct.EisenbergNoe(), recovery=0.8)
    assert table["default_impact"].tolist() == pytest.approx([2, 1.2, 0])
    assert table["induced_defaults"].tolist() == [0, 0, 0]


def test_clearing_model_by_hand(three):
    """Smallest balance sheets: a 11 assets; b 10 + 0 against 6 + 1 outside; c 6 against 2 outside.

    a fails, nothing recovered: b has 0, pays nothing: c loses 6 of its 4.
    """
    assert three.balance_sheet["external_liabilities"].tolist() == [0, 1, 2]
    table = measures.single_defaults(three, ct.EisenbergNoe())
    assert table["default_impact"].tolist() == [7, 4, 0]
    assert table["hazard"].tolist() == [0, 50, 100]


def test_each_measure_is_a_column(three):
    model = ct.Furfine(0.5)
    table = measures.single_defaults(three, model, recovery=0.2)
    for name in ("default_impact", "contagion_index", "vulnerability_index"):
        series = getattr(measures, name)(three, model, recovery=0.2)
        pd.testing.assert_series_equal(series, table[name])


def test_debtrank_by_hand(three):
    """v = equity / 8. a fails: b loses all 3, c all 4. With single hit the same here."""
    for variant in ("linear", "single-hit"):
        rank = measures.debtrank(three, ct.DebtRank(variant))
        assert rank.tolist() == pytest.approx([7 / 8, 4 / 8, 0])
        assert rank.name == "debtrank"


def test_loss_before_default_counts_in_debtrank():
    """a owes b 2, b (4) owes c 4: c (8) loses half of its claim. In EN nobody else fails."""
    net = ct.ExposureNetwork.from_matrix(
        [[0, 2, 0], [0, 0, 4], [0, 0, 0]],
        list("abc"),
        orientation="debtor->creditor",
        equity=[1, 4, 8],
    )
    assert measures.debtrank(net, ct.DebtRank())["a"] == pytest.approx((2 + 2) / 13)
    assert measures.default_impact(net, ct.EisenbergNoe())["a"] == 2


def test_losses_count_from_the_run_without_shock():
    """x is broke before: y's old loss is nobody's impact, and x is no induced default."""
    net = ct.ExposureNetwork.from_matrix(
        [[0, 10, 0], [0, 0, 0], [0, 5, 0]],
        list("xyz"),
        orientation="debtor->creditor",
        external_assets=[7, 0, 6],
    )
    table = measures.single_defaults(net, ct.EisenbergNoe())
    assert table["default_impact"].tolist() == pytest.approx([7, 0, 5])
    assert table["induced_defaults"].tolist() == [0, 0, 0]
    # capital after the old loss: y 7 + 5 = 12, x 0, z 1
    assert table["contagion_index"].tolist() == pytest.approx([700 / 13, 0, 500 / 12])
    assert np.isnan(table.loc["x", "vulnerability_index"])
    assert table.loc["y", "vulnerability_index"] == pytest.approx(100 * 12 / (2 * 12))


def test_unknown_capital_counts_in_money_and_not_in_the_indices():
    nodes = pd.DataFrame({"node": ["a", "b", "c"], "equity": [2.0, np.nan, 4.0]})
    owed = pd.DataFrame({"creditor": ["b", "c"], "debtor": ["a", "a"], "amount": [6.0, 3.0]})
    net = ct.ExposureNetwork(nodes, owed, missing_equity="external")
    table = measures.single_defaults(net, ct.EisenbergNoe())
    assert table.loc["a", "default_impact"] == pytest.approx(9)
    assert table.loc["a", "contagion_index"] == pytest.approx(75)
    assert np.isnan(table.loc["b", "vulnerability_index"])
    assert np.isnan(table.loc["b", "hazard"])  # it cannot fail


@pytest.mark.parametrize("model", [ct.EisenbergNoe(), ct.DebtRank(), ct.Furfine()])
def test_all_at_once_is_one_after_the_other(model):
    net = random_network(5, 8, 2.0, {"insolvent"})
    table = measures.single_defaults(net, model, recovery=0.1)
    base = np.maximum(model.solve(net, np.zeros(8)).equity, 0)
    for i, name in enumerate(net.names):
        pins = np.full(8, np.nan)
        pins[i] = 0.1
        after = np.maximum(model.solve(net, np.zeros(8), pins).equity, 0)
        fall = np.delete(base - after, i).sum()
        assert table.loc[name, "default_impact"] == pytest.approx(fall, abs=1e-7)


def test_chunks_do_not_matter(monkeypatch):
    net = random_network(6, 9, 2.0)
    whole = measures.single_defaults(net, ct.EisenbergNoe())
    monkeypatch.setattr(measures.impact, "CHUNK", 18)
    pd.testing.assert_frame_equal(whole, measures.single_defaults(net, ct.EisenbergNoe()))


def test_one_node_alone():
    net = ct.ExposureNetwork(
        pd.DataFrame({"node": ["a"], "external_assets": [1.0]}),
        pd.DataFrame({"creditor": [], "debtor": [], "amount": []}),
    )
    table = measures.single_defaults(net, ct.EisenbergNoe())
    assert table["default_impact"].tolist() == [0]
    assert table[["contagion_index", "vulnerability_index"]].isna().all(axis=None)


def test_progress_is_shown_on_request(three, capsys):
    measures.single_defaults(three, ct.EisenbergNoe(), progress=True)
    assert "EisenbergNoe" in capsys.readouterr().err
    measures.single_defaults(three, ct.EisenbergNoe())
    assert capsys.readouterr().err == ""


def test_every_column_has_a_definition(three):
    table = ct.rank(three)
    defined = set(measures.MEASURES)
    assert set(table.columns) - {"equity", "claims", "debts"} <= defined
    for name, measure in measures.MEASURES.items():
        assert measure.name == name
        assert all(measure.to_dict().values())
