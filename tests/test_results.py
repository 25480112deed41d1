"""The labelled result: table, payments, flows, path, audit, and the words around them."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pandas as pd
import pytest
from conftest import from_liabilities

import contagion as ct


@pytest.fixture
def result(chain):
    return ct.EisenbergNoe().propagate(chain, ct.Shock.loss({"a": 8.0}))


def test_the_table_by_hand(result):
    """a has 4 of 10; b gets 4, has 5 of 8; c gets 5 and pays its 4."""
    table = result.table
    want = {
        "equity_before": [2, 3, 4, 5],
        "equity_after": [-6, -3, 1, 5],
        "loss": [2, 3, 3, 0],
        "direct_loss": [2, 0, 0, 0],
        "contagion_loss": [0, 3, 3, 0],
        "claims_lost": [0, 6, 3, 0],
        "shortfall": [6, 3, 0, 0],
        "defaulted": [True, True, False, False],
        "default_round": [0, 1, -1, -1],
    }
    for column, values in want.items():
        assert table[column].tolist() == pytest.approx(values), column
    assert table["recovery_rate"].tolist() == pytest.approx([0.4, 0.625, 1, np.nan], nan_ok=True)
    assert table.index.name == "node" and table.index.tolist() == list("abcd")


def test_payments_and_flows(result):
    assert result.payments.to_dict() == pytest.approx({"a": 4, "b": 5, "c": 4, "d": 0})
    flows = result.flows
    assert flows.columns.tolist() == ["creditor", "debtor", "amount", "paid", "loss", "added"]
    assert flows["paid"].tolist() == pytest.approx([4, 5, 4])
    assert flows["loss"].tolist() == pytest.approx([6, 3, 0])
    assert flows["added"].tolist() == pytest.approx([6, 3, 0])


def test_what_the_shock_added_counts_from_the_baseline(chain):
    broke = chain.with_nodes(external_assets={"a": 4.0})
    result = ct.EisenbergNoe().propagate(broke, ct.Shock.loss({"a": 1.0}), baseline="cleared")
    assert result.flows["loss"].tolist() == pytest.approx([7, 4, 0])
    assert result.flows["added"].tolist() == pytest.approx([1, 1, 0])


def test_parallel_claims_stay_apart():
    nodes = pd.DataFrame({"node": ["a", "b"], "external_assets": [4.0, 1.0]})
    owed = pd.DataFrame(
        {"creditor": ["b", "b"], "debtor": ["a", "a"], "amount": [6.0, 2.0], "tier": [2, 1]}
    )
    net = ct.ExposureNetwork(nodes, owed, duplicates="keep")
    flows = ct.EisenbergNoe().propagate(net).flows
    assert flows["paid"].tolist() == pytest.approx([2, 2])


def test_shortfall_counts_external_creditors_too():
    net = from_liabilities([[0, 10], [0, 0]], [3, 1], [5, 0])
    row = ct.EisenbergNoe().propagate(net).table.loc["a"]
    assert row["shortfall"] == pytest.approx(12)
    assert row["recovery_rate"] == 0


def test_the_path_of_a_clearing_model_is_its_waves(result):
    path = result.path
    assert path.columns.tolist() == ["round", "node", "equity", "defaulted"]
    equity = path.pivot(index="round", columns="node", values="equity")
    # round 0: the shock alone; 1: a pays 4; 2: b pays 5
    assert equity.loc[0].tolist() == pytest.approx([-6, 3, 4, 5])
    assert equity.loc[1].tolist() == pytest.approx([-6, -3, 4, 5])
    assert equity.loc[2].tolist() == pytest.approx([-6, -3, 1, 5])
    failed = path[path["defaulted"]].groupby("round")["node"].agg(list)
    assert failed.loc[0] == ["a"] and failed.loc[1] == ["a", "b"]


@pytest.mark.parametrize(
    "model",
    [
        ct.EisenbergNoe(),
        ct.models.RogersVeraart(which="greatest"),
        ct.models.RogersVeraart(which="least"),
        ct.DebtRank(),
        ct.DebtRank("single-hit"),
        ct.models.Furfine(),
        ct.models.GaiKapadia(),
    ],
    ids=repr,
)
def test_the_path_ends_in_the_result_and_agrees_with_the_rounds_of_default(model, chain):
    result = model.propagate(chain, ct.Shock.loss({"a": 8.0}))
    path = result.path
    last = path[path["round"] == path["round"].max()].set_index("node")
    table = result.table
    np.testing.assert_array_equal(last["defaulted"], table["defaulted"])
    positive = table["equity_after"].clip(lower=0)
    np.testing.assert_allclose(last["equity"].clip(lower=0), positive, atol=1e-9)
    first = path[path["defaulted"]].groupby("node")["round"].min()
    assert first.to_dict() == table["default_round"][table["defaulted"]].to_dict()
    assert (table["default_round"] == -1).eq(~table["defaulted"]).all()


@pytest.mark.parametrize("model", [ct.EisenbergNoe(), ct.DebtRank()], ids=repr)
def test_the_rounds_of_default_are_computed_when_they_are_read(model, chain, monkeypatch):
    runs, run = [], type(model).run

    def counted(self, *args, trace="none"):
        runs.append(trace)
        return run(self, *args, trace=trace)

    monkeypatch.setattr(type(model), "run", counted)
    result = model.propagate(chain, ct.Shock.loss({"a": 8.0}))
    _ = result.loss, result.shortfall, result.flows, result.entries
    assert runs == ["none", "none"]  # with the shock, and without it
    table, _ = result.table, (result.summary(), result.explain("c"))
    assert runs == ["none", "none", "rounds"]
    assert result.default_round.tolist() == table["default_round"].tolist()
    assert runs == ["none", "none", "rounds"]


def test_rounds_that_are_not_reached_are_an_error_of_their_own(chain, monkeypatch):
    run = ct.EisenbergNoe.run

    def stopped(self, *args, trace="none"):
        outcome = run(self, *args, trace=trace)
        return outcome if trace == "none" else replace(outcome, converged=np.array(False))

    monkeypatch.setattr(ct.EisenbergNoe, "run", stopped)
    result = ct.EisenbergNoe().propagate(chain, ct.Shock.loss({"a": 8.0}))
    assert result.loss.tolist() == pytest.approx([2, 3, 3, 0])
    with pytest.raises(ct.ConvergenceError, match="round by round") as caught:
        _ = result.table
    assert caught.value.partial is result


def test_valued_claims_are_flows_too(chain):
    result = ct.models.Furfine(0.5).propagate(chain, ct.Shock.default("a", recovery=0.2))
    assert result.flows["loss"].tolist() == pytest.approx([8, 4, 0])
    with pytest.raises(ct.ModelError, match="Furfine does not compute payments"):
        _ = result.payments
    with pytest.raises(ct.ModelError, match="valuations"):
        _ = result.bearers


def test_a_pinned_node_has_no_equity_left(chain):
    for model in (ct.EisenbergNoe(), ct.models.Furfine(), ct.DebtRank(), ct.DebtRank("single-hit")):
        row = model.propagate(chain, ct.Shock.default("b", recovery=0.5)).table.loc["b"]
        assert row["equity_after"] <= 0 and row["loss"] == 3 and row["defaulted"], model
        assert row["direct_loss"] == 3 and row["default_round"] == 0


def test_repr_says_what_a_person_wants_to_know(result):
    lines = result.summary()
    assert len(lines) == 4
    assert "EisenbergNoe()" in lines[0] and "4 nodes" in lines[0] and "'a': 8.0" in lines[0]
    assert "8 is destroyed." in lines[1] and "(75%) is socialized" in lines[1]
    assert "2 in default" in lines[2] and "1 by contagion" in lines[2] and "b 3" in lines[2]
    assert "the same model without the shock" in lines[3]
    assert max(map(len, repr(result).splitlines())) < 80
    valued = repr(ct.models.Furfine().propagate(result.network, ct.Shock.default("a")))
    assert "by contagion" in valued and "socialized" not in valued
    cleared = ct.EisenbergNoe().propagate(result.network, baseline="cleared")
    assert "same model without the shock" in repr(cleared)


def test_html_is_escaped():
    net = ct.ExposureNetwork.from_matrix(
        [[0, 1], [0, 0]], ["<b>x</b>", "y"], orientation="debtor->creditor", external_assets=[2, 1]
    )
    result = ct.EisenbergNoe().propagate(net, ct.Shock.loss({"<b>x</b>": 1.5}))
    text = result._repr_html_()
    assert "<table" in text and "<b>x</b>" not in text and "&lt;b&gt;x" in text


def test_assumptions_are_repeated():
    nodes = pd.DataFrame({"node": ["a", "b"], "external_assets": [5.0, np.nan]})
    owed = pd.DataFrame({"creditor": ["b"], "debtor": ["a"], "amount": [4.0]})
    net = ct.ExposureNetwork(nodes, owed, assume_equity={"b": 3.0})
    assert "assumed: equity of b" in repr(ct.EisenbergNoe().propagate(net))


def test_a_result_is_frozen(result):
    with pytest.raises(FrozenInstanceError):
        result.baseline = "cleared"
    with pytest.raises(FrozenInstanceError):
        result.outcome.equity = np.zeros(4)


def test_the_baseline_is_part_of_the_result():
    net = ct.ExposureNetwork.from_matrix(
        [[0, 10], [0, 0]], ["x", "y"], orientation="debtor->creditor", external_assets=[7, 0]
    )
    book = ct.EisenbergNoe().propagate(net, ct.Shock.loss({"x": 1.0}), baseline="book")
    cleared = ct.EisenbergNoe().propagate(net, ct.Shock.loss({"x": 1.0}))
    assert (book.baseline, cleared.baseline) == ("book", "cleared")
    assert book.equity_before.tolist() == [-3, 10] and cleared.equity_before.tolist() == [-3, 7]
    assert cleared.table["loss"].tolist() == pytest.approx([0, 1])
    valued = ct.models.Furfine().propagate(net, ct.Shock.loss({"x": 1.0}), baseline="cleared")
    assert valued.table["loss"].tolist() == pytest.approx([0, 0])


def test_the_numbers_survive_a_pickle(result):
    import pickle

    again = pickle.loads(pickle.dumps(result))
    pd.testing.assert_frame_equal(again.table, result.table)
    assert again.model == result.model and again.shock == result.shock


def test_a_network_without_nodes_says_so():
    net = ct.ExposureNetwork(None, pd.DataFrame({"creditor": [], "debtor": [], "amount": []}))
    for call in (lambda: ct.EisenbergNoe().propagate(net), lambda: ct.rank(net)):
        with pytest.raises(ct.NetworkError, match="no nodes"):
            call()
