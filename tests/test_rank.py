"""rank(): several measures of every node side by side."""

from __future__ import annotations

import pandas as pd
import pytest
from conftest import random_network

import contagion as ct
from contagion import measures


def test_one_row_a_node_most_important_first(chain):
    table = ct.rank(chain)
    assert sorted(table.index) == list("abcd")
    assert table["socialized_caused"].is_monotonic_decreasing
    assert table.columns.tolist() == [
        "equity",
        "claims",
        "debts",
        "socialized_caused",
        "default_impact",
        "contagion_index",
        "vulnerability_index",
        "induced_defaults",
        "hazard",
        "debtrank",
    ]
    sheet = chain.balance_sheet.loc[table.index]
    pd.testing.assert_frame_equal(
        table[["equity", "claims", "debts"]], sheet[["equity", "claims", "debts"]]
    )


def test_the_columns_are_the_measures(chain):
    table = ct.rank(chain, recovery=0.25)
    single = measures.each_default(chain, ct.EisenbergNoe(), recovery=0.25).loc[table.index]
    pd.testing.assert_frame_equal(
        table[[c for c in single if not c.endswith("_suffered")]],
        single[[c for c in single if not c.endswith("_suffered")]],
    )
    rank = measures.debtrank(chain, ct.DebtRank(), recovery=0.25).loc[table.index]
    pd.testing.assert_series_equal(table["debtrank"], rank)


def test_several_models_stand_side_by_side(chain):
    models = [ct.EisenbergNoe(), ct.models.Furfine(), ct.DebtRank(), ct.DebtRank("single-hit")]
    table = ct.rank(chain, models=models)
    for column in (
        "default_impact.EisenbergNoe",
        "default_impact.Furfine",
        "hazard.Furfine",
        "debtrank",
        "debtrank.single_hit",
    ):
        assert column in table
    assert "default_impact" not in table
    assert table.columns.is_unique
    assert table["default_impact.EisenbergNoe"].is_monotonic_decreasing


def test_the_same_model_twice_keeps_both_apart(chain):
    table = ct.rank(chain, models=[ct.models.Furfine(1.0), ct.models.Furfine(0.4)])
    assert table.columns.is_unique
    impact = [c for c in table if str(c).startswith("default_impact")]
    assert len(impact) == 2
    assert (table[impact[0]] >= table[impact[1]]).all()


def test_debtrank_alone_orders_by_debtrank(chain):
    table = ct.rank(chain, models=[ct.DebtRank()])
    assert table["debtrank"].is_monotonic_decreasing
    assert "default_impact" not in table


def test_no_models_orders_by_debts(chain):
    table = ct.rank(chain, models=[])
    assert table.columns.tolist() == ["equity", "claims", "debts"]
    assert table["debts"].is_monotonic_decreasing


@pytest.mark.parametrize("features", [{"insolvent"}, {"unknown"}, {"tiers", "queues"}])
def test_any_network_can_be_ranked(features):
    net = random_network(11, 9, 2.0, frozenset(features))
    table = ct.rank(net)
    assert sorted(table.index) == sorted(net.names)
    assert table["default_impact"].notna().all()
    assert (table["default_impact"] >= 0).all()


def test_ties_keep_the_order_of_the_nodes():
    net = ct.ExposureNetwork.from_matrix(
        [[0, 0], [0, 0]], ["x", "y"], orientation="debtor->creditor", equity=[1, 1]
    )
    assert ct.rank(net).index.tolist() == ["x", "y"]


def test_what_is_spared_says_why(chain, monkeypatch):
    """No column goes without a word: a slow measure of a large network is nan, with the reason."""
    small = ct.rank(chain, measures="all")
    monkeypatch.setattr("contagion.measures.ranking.table.LARGE", 2)
    large = ct.rank(chain, measures="all")
    slow = [m.name for m in measures.MEASURES.values() if m.slow and m.scope == "node"]
    assert slow and list(large) == list(small)
    for name in slow:
        assert large[name].isna().all() and set(large.reasons[name]) == set(chain.names)
        assert "rank(measures=[…])" in large.reasons[name][chain.names[0]]
    rest = [name for name in small if name not in slow]
    pd.testing.assert_frame_equal(large[rest], small[rest])
    by_name = ct.rank(chain, measures=slow)
    pd.testing.assert_frame_equal(by_name[slow].sort_index(), small[slow].sort_index())
