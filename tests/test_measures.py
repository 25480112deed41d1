"""Measures of importance, by hand on three nodes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import Hasty, random_network

import contagion as ct
from contagion import measures
from contagion.errors import ConvergenceError, ShockError


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
    table = measures.each_default(three, ct.models.GaiKapadia())
    assert table["default_impact"].tolist() == [7, 4, 0]
    assert table["contagion_index"].tolist() == pytest.approx([100, 80, 0])
    assert table["vulnerability_index"].tolist() == pytest.approx([0, 50, 100])
    assert table["induced_defaults"].tolist() == [2, 1, 0]
    assert table["hazard"].tolist() == [0, 50, 100]
    assert table["loss_suffered"].tolist() == [0, 3, 8]


def test_recovery_softens(three):
    """At 0.8, a's default costs b 2 and nobody else anything."""
    table = measures.each_default(three, ct.EisenbergNoe(), recovery=0.8)
    assert table["default_impact"].tolist() == pytest.approx([2, 1.2, 0])
    assert table["induced_defaults"].tolist() == [0, 0, 0]


def test_clearing_model_by_hand(three):
    """Smallest balance sheets: a 11 assets; b 10 + 0 against 6 + 1 outside; c 6 against 2 outside.

    a fails, nothing recovered: b has 0, pays nothing: c loses 6 of its 4.
    """
    assert three.balance_sheet["external_liabilities"].tolist() == [0, 1, 2]
    table = measures.each_default(three, ct.EisenbergNoe())
    assert table["default_impact"].tolist() == [7, 4, 0]
    assert table["hazard"].tolist() == [0, 50, 100]


def test_each_measure_is_a_column(three):
    model = ct.models.Furfine(0.5)
    table = measures.each_default(three, model, recovery=0.2)
    for name in ("default_impact", "contagion_index", "vulnerability_index"):
        series = getattr(measures, name)(three, model, recovery=0.2)
        pd.testing.assert_series_equal(series.values, table[name])


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
    table = measures.each_default(net, ct.EisenbergNoe())
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
    table = measures.each_default(net, ct.EisenbergNoe())
    assert table.loc["a", "default_impact"] == pytest.approx(9)
    assert table.loc["a", "contagion_index"] == pytest.approx(75)
    assert np.isnan(table.loc["b", "vulnerability_index"])
    assert np.isnan(table.loc["b", "hazard"])  # it cannot fail


@pytest.mark.parametrize("model", [ct.EisenbergNoe(), ct.DebtRank(), ct.models.Furfine()])
def test_all_at_once_is_one_after_the_other(model):
    net = random_network(5, 8, 2.0, {"insolvent"})
    table = measures.each_default(net, model, recovery=0.1)
    base = np.maximum(model.solve(net, np.zeros(8)).equity, 0)
    for i, name in enumerate(net.names):
        pins = np.full(8, np.nan)
        pins[i] = 0.1
        after = np.maximum(model.solve(net, np.zeros(8), pins).equity, 0)
        fall = np.delete(base - after, i).sum()
        assert table.loc[name, "default_impact"] == pytest.approx(fall, abs=1e-7)


def test_chunks_do_not_matter(monkeypatch):
    net = random_network(6, 9, 2.0)
    whole = measures.each_default(net, ct.EisenbergNoe())
    monkeypatch.setattr(measures.impact, "CHUNK", 18)
    pd.testing.assert_frame_equal(whole, measures.each_default(net, ct.EisenbergNoe()))


def test_one_node_alone():
    net = ct.ExposureNetwork(
        pd.DataFrame({"node": ["a"], "external_assets": [1.0]}),
        pd.DataFrame({"creditor": [], "debtor": [], "amount": []}),
    )
    table = measures.each_default(net, ct.EisenbergNoe())
    assert table["default_impact"].tolist() == [0]
    assert table[["contagion_index", "vulnerability_index"]].isna().all(axis=None)


def test_progress_is_shown_on_request(three, capsys):
    measures.each_default(three, ct.EisenbergNoe(), progress=True)
    assert "EisenbergNoe" in capsys.readouterr().err
    measures.each_default(three, ct.EisenbergNoe())
    assert capsys.readouterr().err == ""


def test_every_column_has_a_definition(three):
    table = ct.rank(three)
    defined = set(measures.MEASURES)
    assert set(table.columns) - {"equity", "claims", "debts"} <= defined
    for name, measure in measures.MEASURES.items():
        assert measure.name == name
        assert all(measure.to_dict().values())


# -- more impact measures from the same runs ------------------------------------------------


def test_more_by_hand(three):
    """a fails: b loses 10 (has 3), c 6 (has 4); 1 and 2 are owed outside by b and c.

    b fails: c loses 6. c fails: only its external creditors lose, 2.
    """
    table = measures.each_default(three, ct.EisenbergNoe(), more=True)
    assert table["direct_impact"].tolist() == [3, 4, 0]
    assert table["cascade_impact"].tolist() == [4, 0, 0]
    assert table["amplification"].tolist()[:2] == pytest.approx([4 / 3, 0])
    assert table["contagion_index_uncapped"].tolist() == pytest.approx([1600 / 7, 600 / 5, 0])
    assert table["vulnerability_index_uncapped"].tolist() == pytest.approx([0, 1000 / 6, 1200 / 8])
    assert table["socialized_caused"].tolist() == pytest.approx([3 + 4 + 1 + 2, 4 + 1 + 2, 2])
    assert table["socialized_suffered"].tolist() == pytest.approx([0, 3 + 1, 2 * (4 + 2)])
    assert table.reasons == {"amplification": {"c": "no node loses on it directly"}}
    usual = measures.each_default(three, ct.EisenbergNoe())
    pd.testing.assert_frame_equal(table[usual.columns], usual.table)


def test_debtrank_has_no_socialized_loss(three):
    table = measures.each_default(three, ct.DebtRank(), more=True)
    assert table["contagion_index_uncapped"].tolist() == pytest.approx([1600 / 7, 600 / 5, 0])
    assert table[["socialized_caused", "socialized_suffered"]].isna().all(axis=None)
    assert table.reasons["socialized_caused"]["a"] == "DebtRank does not settle claims"


def test_direct_loss_is_counted_from_the_state_before():
    """x is broke and pays 7 of 10 before; at its default with recovery 0.2 y loses 5 more of 9."""
    net = ct.ExposureNetwork.from_matrix(
        [[0, 10], [0, 0]], list("xy"), orientation="debtor->creditor", external_assets=[7, 2]
    )
    table = measures.each_default(net, ct.EisenbergNoe(), recovery=0.2, more=True)
    assert table["direct_impact"].tolist() == pytest.approx([5, 0])
    assert table["amplification"].iloc[0] == pytest.approx(0)


def test_direct_loss_of_parallel_claims_is_capped_once():
    """b (capital 4) has two claims of 3 on a; c, whose capital nobody knows, one of 5."""
    nodes = pd.DataFrame({"node": ["a", "b", "c"], "equity": [2.0, 4.0, np.nan]})
    owed = pd.DataFrame(
        {"creditor": ["b", "b", "c"], "debtor": ["a", "a", "a"], "amount": [3.0, 3.0, 5.0]}
    )
    net = ct.ExposureNetwork(nodes, owed, missing_equity="external", duplicates="keep")
    table = measures.each_default(net, ct.EisenbergNoe(), more=True)
    assert table.loc["a", "direct_impact"] == 9
    assert table.loc["a", "contagion_index_uncapped"] == pytest.approx(100 * 6 / 4)
    assert table.reasons["vulnerability_index_uncapped"] == {"c": "capital is not known"}


def test_guarantees_leave_the_direct_loss_open():
    net = ct.ExposureNetwork.from_matrix(
        [[0, 4, 0], [0, 0, 0], [0, 0, 0]], list("abc"), orientation="debtor->creditor",
        external_assets=[6, 1, 9],
        guarantees=pd.DataFrame(
            {"guarantor": ["c"], "debtor": ["a"], "creditor": ["b"], "amount": [3.0]}
        ),
    )  # fmt: skip
    table = measures.each_default(net, ct.EisenbergNoe(), more=True)
    assert table["default_impact"].iloc[0] == pytest.approx(4)
    for name in ("direct_impact", "cascade_impact", "amplification"):
        assert table[name].isna().all()
        assert set(table.reasons[name].values()) == {"guarantees pass the first loss on"}


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("features", [(), ("unfailing", "pari_passu"), ("tiers", "unknown")])
def test_socialized_loss_is_that_of_the_result(seed, features):
    """Caused: what `Socialization` says of the same default. All of it is suffered by somebody."""
    net = random_network(seed, 8, 2.0, frozenset(features))
    model, outside = ct.EisenbergNoe(), 0.0
    table = measures.each_default(net, model, more=True)
    for name in net.names:
        result = model.propagate(net, ct.Shock.default(name), baseline="cleared")
        caused = result.socialization.socialized
        assert table.loc[name, "socialized_caused"] == pytest.approx(caused, abs=1e-6)
        at = net.position(name)
        outside += result.entries.contagion[at] + result.entries.outside[at]
    total = table["socialized_suffered"].sum() + outside
    assert table["socialized_caused"].sum() == pytest.approx(total)


def test_owners_who_are_nodes_do_not_bear_twice():
    """a owes b 6; b (10) belongs half to c: 6 are lost, 3 by c and 3 by others.

    When b itself fails, c loses its 5 as an owner of b, at once: that is no contagion.
    """
    net = ct.ExposureNetwork.from_matrix(
        [[0, 6, 0], [0, 0, 0], [0, 0, 0]], list("abc"), orientation="debtor->creditor",
        external_assets=[7, 4, 1],
        shareholdings=pd.DataFrame({"owner": ["c"], "company": ["b"], "fraction": [0.5]}),
    )  # fmt: skip
    table = measures.each_default(net, ct.models.CrossHoldings(), more=True)
    assert table.loc["a", "default_impact"] == pytest.approx(9)
    assert table.loc["a", "socialized_caused"] == pytest.approx(6)
    assert table["socialized_suffered"].tolist() == pytest.approx([0, 3, 3])


def test_rounds_of_contagion_by_hand(three):
    for model in (ct.EisenbergNoe(), ct.models.Furfine(), ct.models.GaiKapadia()):
        rounds = measures.rounds_of_contagion(three, model)
        assert rounds.tolist() == [2, 1, 0]
        assert rounds.name == "rounds_of_contagion"
    assert measures.rounds_of_contagion(three, ct.EisenbergNoe(), recovery=0.8).max() == 0


def test_nodes_broke_before_are_no_round():
    net = ct.ExposureNetwork.from_matrix(
        [[0, 10, 0], [0, 0, 0], [0, 5, 0]], list("xyz"), orientation="debtor->creditor",
        external_assets=[7, 0, 6],
    )  # fmt: skip
    assert measures.rounds_of_contagion(net, ct.EisenbergNoe()).tolist() == [0, 0, 0]


# -- shortcuts give what the runs give ------------------------------------------------------


def test_linear_debtrank_is_not_run_once_a_node(three, monkeypatch):
    sizes, solve = [], ct.DebtRank.solve

    def watched(self, network, losses, recoveries=None):
        sizes.append(np.asarray(losses).size)
        return solve(self, network, losses, recoveries)

    monkeypatch.setattr(ct.DebtRank, "solve", watched)
    measures.debtrank(three, ct.DebtRank())
    assert sizes == [3]


@pytest.mark.parametrize("seed", range(25))
def test_debtrank_at_once_is_debtrank_run_by_run(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    every = ("insolvent", "unknown", "unfailing", "parallel")
    net = random_network(seed, 10, 2.0, frozenset(f for f in every if rng.random() < 0.4))
    model, recovery = ct.DebtRank(tolerance=1e-13), float(rng.choice([0.0, 0.4]))
    options = {"recovery": recovery, "more": True, "weights": rng.random(len(net))}
    fast = measures.each_default(net, model, **options)
    monkeypatch.setattr(ct.DebtRank, "each_default", lambda *_: None)
    slow = measures.each_default(net, model, **options)
    pd.testing.assert_frame_equal(fast, slow, rtol=1e-8, atol=1e-8)
    assert fast.reasons == slow.reasons


QUIET = ("insolvent", "pari_passu", "tiers", "pro_rata", "queues", "unknown", "unfailing", "venues")


@pytest.mark.parametrize("seed", range(40))
def test_triggers_that_fail_nobody_need_no_run(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    features = {f for f in QUIET if rng.random() < 0.35}
    net = random_network(
        seed, 9, 1.5, features - ({"pari_passu"} if "venues" in features else set())
    )
    model = ct.EisenbergNoe()
    monkeypatch.setattr(ct.EisenbergNoe, "spreads_by_default_only", False)
    slow = measures.each_default(net, model, recovery=0.6, more=True)
    monkeypatch.setattr(ct.EisenbergNoe, "spreads_by_default_only", True)
    fast = measures.each_default(net, model, recovery=0.6, more=True)
    pd.testing.assert_frame_equal(fast, slow, rtol=1e-7, atol=1e-7)
    quiet, _ = measures.impact._quiet(net, model.solve(net, np.zeros(9)), 0.6)
    assert not fast["induced_defaults"].to_numpy()[quiet].any()


def test_quiet_triggers_by_hand(three):
    """Recovery 0.8: a costs b 2 of 3, b costs c 1.2 of 4; at 0.6 a fails b."""
    base = ct.EisenbergNoe().solve(three, np.zeros(3))
    quiet, gross = measures.impact._quiet(three, base, 0.8)
    assert quiet.tolist() == [0, 1, 2]
    assert gross.toarray().tolist() == [
        pytest.approx([0, 2, 0]),
        pytest.approx([0, 0, 1.2]),
        [0, 0, 0],
    ]
    assert measures.impact._quiet(three, base, 0.6)[0].tolist() == [1, 2]


def test_creditors_who_cannot_fail_make_nobody_loud():
    """b loses more than it has, but cannot fail; what c has nobody knows; d fails by b."""
    nodes = pd.DataFrame(
        {
            "node": list("abcd"),
            "equity": [5.0, 1.0, np.nan, 2.0],
            "can_fail": [True, False, False, True],
        }
    )
    owed = pd.DataFrame(
        {"creditor": ["b", "c", "d"], "debtor": ["a", "a", "b"], "amount": [3.0, 4.0, 6.0]}
    )
    net = ct.ExposureNetwork(nodes, owed, missing_equity="external")
    base = ct.EisenbergNoe().solve(net, np.zeros(4))
    assert measures.impact._quiet(net, base, 0.0)[0].tolist() == [0, 2, 3]


# -- undefined, and wrong -------------------------------------------------------------------


def test_where_a_measure_is_not_defined_there_is_a_reason():
    """a alone has capital; b cannot fail and has none."""
    nodes = pd.DataFrame(
        {
            "node": ["a", "b", "c"],
            "external_assets": [5.0, 3.0, 1.0],
            "external_liabilities": [0.0, 3.0, 1.0],
            "can_fail": [True, False, True],
        }
    )
    owed = pd.DataFrame({"creditor": ["b"], "debtor": ["a"], "amount": [1.0]})
    net = ct.ExposureNetwork(nodes.assign(external_liabilities=[0.0, 4.0, 1.0]), owed)
    table = measures.each_default(net, ct.EisenbergNoe())
    assert table.reasons == {
        "contagion_index": {"a": "no other node has capital"},
        "vulnerability_index": {"b": "no capital to lose", "c": "no capital to lose"},
        "hazard": {"b": "it cannot fail"},
    }
    index = measures.contagion_index(net, ct.EisenbergNoe())
    assert index.reasons == {"a": "no other node has capital"}
    assert measures.debtrank(net, ct.DebtRank()).tolist() == [0, 0, 0]


def test_debtrank_without_any_equity_is_not_defined():
    net = ct.ExposureNetwork.from_matrix(
        [[0, 1], [0, 0]], list("ab"), orientation="debtor->creditor",
        external_assets=[1, 0], external_liabilities=[0, 1],
    )  # fmt: skip
    rank = measures.debtrank(net, ct.DebtRank())
    assert rank.isna().all()
    assert rank.reasons == dict.fromkeys("ab", "no node has equity")


@pytest.mark.parametrize("recovery", [-0.1, 1.1, np.nan])
@pytest.mark.parametrize("model", [ct.DebtRank(), ct.EisenbergNoe()])
def test_a_recovery_that_is_none(three, model, recovery):
    with pytest.raises(ShockError, match="recovery is"):
        measures.each_default(three, model, recovery=recovery)


def test_runs_that_do_not_converge_are_said():
    net = random_network(5, 8, 2.0)
    with pytest.raises(ConvergenceError, match="Hasty did not reach its tolerance for"):
        measures.each_default(net, Hasty())
