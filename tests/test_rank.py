"""rank(): several measures of every node side by side."""

from __future__ import annotations

import numpy as np
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


def test_what_is_estimated_says_so_and_how_far_it_may_be_off(monkeypatch):
    """Every column of a large network has numbers; a costly one says that it is an estimate."""
    claims = np.random.default_rng(3).integers(0, 8, (60, 60)) // 7 * 2.0
    np.fill_diagonal(claims, 0.0)
    net = ct.ExposureNetwork.from_matrix(
        claims, list(range(60)), orientation="creditor->debtor", equity=np.ones(60)
    )
    small = ct.rank(net, measures="all")
    monkeypatch.setattr("contagion.measures.ranking.table.LARGE", 2)
    monkeypatch.setattr("contagion.measures.ranking.table.DRAWN", 30)
    large = ct.rank(net, measures="all")
    assert list(large) == list(small) and not small.notes
    slow = [m.name for m in measures.MEASURES.values() if m.drawn and m.scope == "node"]
    said = {note.partition(":")[0] for note in large.notes}
    assert {"betweenness", "harmonic", "sinkrank"} <= said <= set(slow)
    for name in slow:
        assert (large[name].isna() == small[name].isna()).all()
        if name not in said:  # nothing had to be drawn
            pd.testing.assert_series_equal(large[name], small[name])
    rest = [name for name in small if name not in slow]
    pd.testing.assert_frame_equal(large[rest], small[rest])
    by_name = ct.rank(net, measures=slow)
    pd.testing.assert_frame_equal(by_name[slow].sort_index(), small[slow].sort_index())
