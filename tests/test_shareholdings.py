"""Tables of shareholdings: what is refused and why, and who keeps them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import contagion as ct
from contagion.network.formats.files import schema_text
from contagion.network.shareholdings import from_matrix
from contagion.report.cover import fingerprint

GOOD = {"owner": "a", "company": "b", "fraction": 0.5}


def build(**options) -> ct.ExposureNetwork:
    """a and b owe c 4 each; a has 9, b 8 and c 1."""
    return ct.ExposureNetwork.from_matrix(
        [[0, 0, 4], [0, 0, 4], [0, 0, 0]],
        ["a", "b", "c"],
        orientation="debtor->creditor",
        external_assets=[9, 8, 1],
        **options,
    )


@pytest.fixture
def net():
    return build(shareholdings=[GOOD])


# -- tables that are refused --------------------------------------------------------------------

BAD = [
    ({"owner": "q"}, "owner that is not a node"),
    ({"company": "q"}, "company that is not a node"),
    ({"owner": None}, "owner is empty in row"),
    ({"company": ""}, "company is empty in row"),
    ({"owner": "b"}, "a node owns itself"),
    ({"fraction": -0.1}, "not a number from 0 to 1"),
    ({"fraction": 50}, "not a number from 0 to 1"),
    ({"fraction": float("nan")}, "fraction is empty"),
    ({"fraction": "half"}, "not a number from 0 to 1"),
    ({"owner": "c", "fraction": 0.6}, r"'b' has owners of 1\.1 of it"),
]


@pytest.mark.parametrize(("change", "message"), BAD)
def test_tables_that_do_not_fit_are_refused(change, message):
    with pytest.raises(ct.NetworkError, match=message):
        build().with_shareholdings([GOOD, GOOD | change])
    with pytest.raises(ct.NetworkError, match=message):
        build(shareholdings=[GOOD, GOOD | change])


@pytest.mark.parametrize("column", ["owner", "company", "fraction"])
def test_columns_that_are_required(column):
    table = pd.DataFrame([GOOD]).drop(columns=column)
    with pytest.raises(ct.NetworkError, match=f"has no column '{column}'"):
        build().with_shareholdings(table)


def test_the_row_is_named_and_the_closest_name():
    with pytest.raises(ct.NetworkError, match=r"fraction.* row 2"):
        build().with_shareholdings([GOOD, GOOD | {"fraction": 2}])
    with pytest.raises(TypeError, match="shareholdings"):
        build(shareholding=[GOOD])


def test_a_group_that_owns_itself_entirely_is_refused():
    """Its equity would be any number; one share held outside is enough, at the end of a chain."""
    ring = [GOOD | {"fraction": 1}, {"owner": "b", "company": "a", "fraction": 1}]
    with pytest.raises(ct.NetworkError, match=r"'a', 'b' are owned entirely by each other"):
        build().with_shareholdings(ring)
    below = [*ring, {"owner": "b", "company": "c", "fraction": 1}]
    with pytest.raises(ct.NetworkError, match=r"'a', 'b', 'c' are owned entirely"):
        build().with_shareholdings(below)
    ring[0]["fraction"] = 0.75
    # E_a = 5 + E_b,  E_b = 4 ... a holds 3/4 of b and b all of a
    equity = build().with_shareholdings(ring).balance_sheet["equity"]
    np.testing.assert_allclose(equity["a"], 5 + 0.75 * equity["b"])
    np.testing.assert_allclose(equity["b"], 4 + equity["a"])


def test_shares_in_a_node_of_which_nothing_is_known_are_refused():
    nodes = {"node": ["a", "b"], "external_assets": [5, None], "external_liabilities": [1, None]}
    owed = {"creditor": ["b"], "debtor": ["a"], "amount": [1]}
    net = ct.ExposureNetwork(nodes, owed, missing_equity="external")
    with pytest.raises(ct.NetworkError, match=r"Shares are held in 'b'.*external_assets"):
        net.with_shareholdings([GOOD])
    held = net.with_shareholdings([{"owner": "b", "company": "a", "fraction": 0.25}])
    lost = ct.models.CrossHoldings().propagate(held, ct.Shock.loss({"a": 4}))
    assert lost.table["loss"].tolist() == [3, 1.75]
    assert lost.audit()["ok"].all()


# -- who keeps them, and who refuses -------------------------------------------------------------


def test_the_balance_sheet_counts_shares(net):
    assert net.balance_sheet.columns[2] == "shares"
    assert net.balance_sheet["shares"].tolist() == [2, 0, 0]
    assert net.balance_sheet["equity"].tolist() == [7, 4, 9]
    assert "shares" not in net.with_shareholdings(None).balance_sheet
    assert net.ownership.toarray().tolist() == [[0, 0.5, 0], [0, 0, 0], [0, 0, 0]]
    assert net.with_nodes(external_assets={"b": 10}).balance_sheet["equity"].tolist() == [8, 6, 9]


def test_rows_of_one_holding_add_up():
    two = build(shareholdings=[GOOD | {"fraction": 0.2}, GOOD | {"fraction": 0.3}])
    assert two.balance_sheet["equity"].tolist() == [7, 4, 9]
    assert len(two.shareholdings) == 2


def test_changes_keep_shareholdings(net):
    changed = [
        net.with_nodes(external_liabilities={"c": 1}),
        net.with_rule("a", "queue"),
        net.set_off(),
    ]
    for other in changed:
        pd.testing.assert_frame_equal(other.shareholdings, net.shareholdings)
        assert other.balance_sheet["shares"].tolist() == [2, 0, 0]
    assert net.with_shareholdings(None).shareholdings is None
    assert net.with_shareholdings([]).shareholdings is None
    table = net.shareholdings
    table.loc[0, "fraction"] = 0.9
    assert net.shareholdings["fraction"].tolist() == [0.5]


def test_networkx_keeps_shareholdings(net):
    again = ct.ExposureNetwork.from_networkx(net.to_networkx())
    pd.testing.assert_frame_equal(again.shareholdings, net.shareholdings, check_dtype=False)
    assert again.balance_sheet.equals(net.balance_sheet)


def test_a_folder_keeps_shareholdings_and_their_names(tmp_path):
    (tmp_path / "nodes.csv").write_text("node,external_assets\n007,9\n008,8\n")
    (tmp_path / "exposures.csv").write_text("creditor,debtor,amount\n007,008,4\n")
    (tmp_path / "shareholdings.csv").write_text("owner,company,fraction\n007,008,0.5\n")
    net = ct.read(tmp_path)
    assert net.shareholdings.values.tolist() == [["007", "008", 0.5]]
    assert net.balance_sheet["equity"].tolist() == [15, 4]


def test_the_fingerprint_and_the_schema_know_them(net):
    other = net.with_shareholdings([GOOD | {"fraction": 0.25}])
    assert fingerprint(net) != fingerprint(other)
    cited = net.with_shareholdings([GOOD | {"source": "annual report"}])
    assert fingerprint(net) == fingerprint(cited)
    assert "shareholdings\nowner (string, required)" in schema_text()


@pytest.mark.parametrize("name", [k for k, m in ct.models.MODELS.items() if not m.values_shares])
def test_models_that_ignore_shares_refuse(net, name):
    with pytest.raises(ct.ModelError, match=r"does not compute shareholdings.*CrossHoldings"):
        ct.models.MODELS[name]().propagate(net)
    with pytest.raises(ct.ModelError, match="does not compute shareholdings"):
        ct.models.MODELS[name]().solve(net, np.zeros(3))
    assert ct.models.MODELS[name]().propagate(net.with_shareholdings(None)) is not None


def test_guarantees_and_shareholdings_together_are_refused(net):
    promised = net.with_guarantees([{"guarantor": "c", "debtor": "a", "amount": 1}])
    with pytest.raises(ct.ModelError, match="guarantees together with shareholdings"):
        ct.models.CrossHoldings().propagate(promised)
    with pytest.raises(ct.ModelError, match="FailureCosts does not compute guarantees"):
        ct.models.FailureCosts().propagate(promised)
    assert ct.models.CrossHoldings().propagate(promised.with_shareholdings(None)).calls is not None


# -- matrices -----------------------------------------------------------------------------------


def test_a_matrix_of_fractions_becomes_a_table():
    from scipy.sparse import csr_array

    want = [["a", "b", 0.5], ["b", "a", 0.2]]
    cells = [[0, 0.5], [0.2, 0]]
    assert from_matrix(cells, ["a", "b"]).values.tolist() == want
    assert from_matrix(csr_array(cells), ["a", "b"]).values.tolist() == want
    assert from_matrix(pd.DataFrame(cells, list("ab"), list("ab"))).values.tolist() == want
    assert from_matrix(cells)["company"].tolist() == [1, 0]
    with pytest.raises(ct.NetworkError, match="different labels"):
        from_matrix(pd.DataFrame(cells, list("ab"), list("ba")))
    with pytest.raises(ct.NetworkError, match=r"shape \(2, 2\) for 3 names"):
        from_matrix(cells, ["a", "b", "c"])
