"""Published bounds: Glasserman & Young (2015) on the banks of the EU-wide stress test of 2011."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import from_liabilities, random_network

import contagion as ct
from contagion import datasets

INDEX = (
    datasets.outcomes("eba_2011")
    .query("what == 'index of Glasserman and Young'")
    .set_index("node")["value"]
    .to_dict()
)


def banks() -> ct.ExposureNetwork:
    """Every bank owes the others what it holds on them: through one node that never fails."""
    return datasets.load("eba_2011")


def test_index_of_the_eba_banks():
    table = ct.measures.glasserman_young(banks())
    for bank, index in INDEX.items():
        assert table.loc[bank, "index"] == pytest.approx(index, rel=1e-9)
    assert table.loc["interbank", "reason"] == "balance sheet not known"
    assert np.isnan(table.loc["interbank", "index"])
    assert (table["reason"] == "").sum() == 87


SENIOR = (
    ct.ExposureNetwork.from_matrix(
        [[0, 30, 0], [0, 0, 0], [40, 0, 0]], list("abd"), orientation="debtor->creditor",
        external_assets=[50, 30, 100], external_liabilities=[50, 40, 20],
    )
)  # fmt: skip


def test_senior_creditors_outside_leave_the_shortfall_to_the_graph():
    """w β (λ − 1) is 15 and no bound: a loss of 50 at a takes the 20 of b. The index is 30."""
    table = ct.measures.glasserman_young(SENIOR)
    assert table.loc["a", ["outside_leverage", "connectivity"]].tolist() == [5.0, 3 / 8]
    assert table.loc["a", "index"] == pytest.approx(30.0)
    result = ct.EisenbergNoe().propagate(SENIOR, ct.Shock.loss({"a": 50.0}))
    assert result.table.loc["b", "defaulted"] and result.table.loc["b", "equity_before"] == 20.0
    alike = ct.ExposureNetwork(SENIOR.nodes, SENIOR.exposures, external_creditors="pari_passu")
    assert ct.measures.glasserman_young(alike).loc["a", "index"] == pytest.approx(15.0)


def test_no_index_where_losses_pass_on_by_other_ways():
    owned = SENIOR.with_shareholdings([{"owner": "b", "company": "a", "fraction": 0.5}])
    table = ct.measures.glasserman_young(owned)
    assert table["index"].isna().all() and "shareholdings" in table["reason"].iloc[0]


FEATURES = [{"pari_passu"}, set(), {"external_tiers", "tiers"}, {"queues"}, {"tiers", "pari_passu"}]


@pytest.mark.parametrize("features", FEATURES, ids=lambda f: " ".join(sorted(f)) or "senior")
def test_no_contagion_beyond_the_index(features):
    """Any shock to the outside assets of one node: what defaults after it is worth at most that."""
    seen = 0
    for seed in range(150):
        net = random_network(seed, 8, 2.5, frozenset(features))
        table = ct.measures.glasserman_young(net)
        at = seed % len(net)
        losses = np.zeros(len(net))
        losses[at] = net.book.external_assets[at]
        failed = ct.EisenbergNoe().solve(net, losses).defaulted.copy()
        failed[at] = False
        worth = float(net.book.equity[failed].sum())
        index = table["index"].iloc[at]
        if not np.isnan(index):
            assert worth <= max(index, 0.0) + 1e-9, seed
            seen += worth > 0
    assert seen > 10, "contagion should happen, or the bound says little"


def test_undefined_cases_say_why():
    net = from_liabilities([[0, 4, 0], [0, 0, 0], [0, 0, 0]], [1, 1, 0], [0, 0, 0])
    table = ct.measures.glasserman_young(net)
    assert table["reason"].tolist() == [
        "equity is not positive", "nothing is owed", "equity is not positive"
    ]  # fmt: skip
    assert table["index"].isna().all()
