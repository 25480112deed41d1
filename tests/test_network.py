"""ExposureNetwork: what goes in, what comes out, and that nothing changes behind its back."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pandas as pd
import pytest

import contagion as ct

NODES = pd.DataFrame({"node": ["a", "b", "c"], "external_assets": [9.0, 30.0, 30.0]})
OWED = pd.DataFrame(
    {"creditor": ["a", "b", "a"], "debtor": ["b", "c", "c"], "amount": [1.0, 2.0, 4.0]}
)


@pytest.fixture
def net():
    return ct.ExposureNetwork(NODES, OWED, unit="EUR mn", name="three")


# -- ids ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "dtype", ["object", "str", "category", "string[pyarrow]", "string[python]"]
)
def test_text_ids_of_every_kind(dtype):
    nodes = NODES.astype({"node": dtype})
    owed = OWED.astype({"creditor": dtype, "debtor": dtype})
    net = ct.ExposureNetwork(nodes, owed)
    assert net.names.tolist() == ["a", "b", "c"]
    assert net.exposures["debtor"].tolist() == ["b", "c", "c"]
    assert net.position("c") == 2


def test_kinds_of_text_mix():
    owed = OWED.astype({"creditor": "category", "debtor": "object"})
    assert ct.ExposureNetwork(NODES, owed).debtor.tolist() == [1, 2, 2]


def test_unused_categories_are_no_strangers():
    owed = OWED.assign(creditor=pd.Categorical(["a", "b", "a"], categories=["z", "b", "a"]))
    assert len(ct.ExposureNetwork(NODES, owed)) == 3


def test_numbers_as_ids():
    net = ct.ExposureNetwork(
        NODES.assign(node=[1, 2, 3]), OWED.assign(creditor=[1, 2, 1], debtor=[2.0, 3.0, 3.0])
    )
    assert net.exposures["debtor"].tolist() == [2, 3, 3]
    assert net.position(3) == 2


def test_numbers_and_text_mix_only_where_they_agree():
    net = ct.ExposureNetwork(
        None, OWED.assign(creditor=[1, "b", 1], debtor=["b", 7, 7]), missing_equity="external"
    )
    assert net.names.tolist() == [1, 7, "b"]
    with pytest.raises(ct.NetworkError, match="C004"):
        ct.ExposureNetwork(
            NODES.assign(node=["1", "2", "3"]), OWED.assign(creditor=[1, 2, 1], debtor=[2, 3, 3])
        )


def test_ids_that_cannot_be_ids():
    with pytest.raises(ct.NetworkError, match="not ids"):
        ct.ExposureNetwork(NODES, OWED.assign(creditor=[["a"], ["b"], ["c"]]))


def test_nodes_without_a_table_come_in_order_of_their_names():
    owed = OWED.iloc[::-1]
    net = ct.ExposureNetwork(None, owed, missing_equity="external")
    assert net.names.tolist() == ["a", "b", "c"]


def test_ids_may_be_the_index():
    net = ct.ExposureNetwork(NODES.set_index("node"), OWED)
    assert net.names.tolist() == ["a", "b", "c"]
    assert ct.ExposureNetwork(NODES.set_index("node").rename_axis(None), OWED).names.name == "node"


# -- tables ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["dict", "polars", "lazy", "pyarrow", "rows"])
def test_tables_of_every_kind(kind):
    pl, pa = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    make = {
        "dict": lambda t: t.to_dict("list"),
        "polars": pl.DataFrame,
        "lazy": lambda t: pl.DataFrame(t).lazy(),
        "pyarrow": pa.Table.from_pandas,
        "rows": lambda t: t.to_dict("records"),
    }[kind]
    net = ct.ExposureNetwork(make(NODES), make(OWED))
    pd.testing.assert_frame_equal(net.exposures, OWED)


def test_triples_with_an_orientation():
    rows = list(OWED.itertuples(index=False, name=None))
    net = ct.ExposureNetwork(NODES, rows, orientation="creditor->debtor")
    pd.testing.assert_frame_equal(net.exposures, OWED)
    with pytest.raises(ct.NetworkError, match="C001"):
        ct.ExposureNetwork(NODES, rows)


@pytest.mark.parametrize(
    "names", [("source", "target"), ("from", "to"), ("Src", "DST"), ("x", "y")]
)
def test_orientation_of_an_edge_list(names):
    table = OWED.rename(columns=dict(zip(("creditor", "debtor"), names, strict=True)))
    with pytest.raises(ct.NetworkError, match="C001"):
        ct.ExposureNetwork(NODES, table)
    same = ct.ExposureNetwork(NODES, table, orientation="creditor->debtor")
    turned = ct.ExposureNetwork(NODES, table, orientation="debtor->creditor")
    assert (same.liabilities != turned.liabilities.T).nnz == 0


def test_columns_with_other_names():
    table = OWED.rename(columns={"creditor": "Gläubiger", "amount": "Betrag"})
    net = ct.ExposureNetwork(
        NODES.rename(columns={"node": "Bank", "external_assets": "Aktiva"}),
        table,
        columns={"Gläubiger": "creditor", "Betrag": "amount", "Aktiva": "external_assets"},
    )
    pd.testing.assert_frame_equal(net.exposures, OWED)
    with pytest.raises(ct.NetworkError, match="Did you mean columns="):
        ct.ExposureNetwork(NODES, table, columns={"creditor": "Gläubiger"})


def test_clear_names_and_their_doubles():
    table = OWED.rename(columns={"creditor": "Lender", "debtor": "Borrower", "amount": "Exposure"})
    pd.testing.assert_frame_equal(ct.ExposureNetwork(NODES, table).exposures, OWED)
    with pytest.raises(ct.NetworkError, match="'Exposure', 'notional'"):
        ct.ExposureNetwork(NODES, table.assign(notional=1.0))
    weighted = ct.ExposureNetwork(NODES, table.assign(weight=1.0))
    assert weighted.exposures["weight"].tolist() == [1.0, 1.0, 1.0]


def test_a_column_that_stands_twice():
    with pytest.raises(ct.NetworkError, match="1 column twice: 'creditor'"):
        ct.ExposureNetwork(NODES, OWED.rename(columns={"debtor": "creditor"}))


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("claims.csv", "contagion.read"),
        (np.eye(3), "from_matrix"),
        (7, "not a int"),
    ],
)
def test_what_is_no_table(table, says):
    with pytest.raises(TypeError, match=says):
        ct.ExposureNetwork(NODES, table)


def test_nothing_owed():
    net = ct.ExposureNetwork(NODES, OWED.iloc[:0])
    assert net.liabilities.shape == (3, 3) and net.liabilities.nnz == 0
    assert net.balance_sheet["equity"].tolist() == [9.0, 30.0, 30.0]
    result = ct.EisenbergNoe().propagate(net, ct.Shock.loss({"a": 10.0 - 1.0}))
    assert result.table["loss"].sum() == 9.0


def test_one_node():
    net = ct.ExposureNetwork({"node": ["a"], "equity": [3.0]}, OWED.iloc[:0])
    assert len(net) == 1 and "ExposureNetwork" in repr(net)


def test_no_node_at_all():
    net = ct.ExposureNetwork(None, {"creditor": [], "debtor": [], "amount": []})
    assert len(net) == 0 and net.liabilities.shape == (0, 0)


def test_other_columns_stay(net):
    more = ct.ExposureNetwork(NODES, OWED.assign(note=["x", None, "z"], layer="loans"))
    assert list(more.exposures) == ["creditor", "debtor", "amount", "note", "layer"]
    assert list(net.exposures) == ["creditor", "debtor", "amount"]


# -- immutability ---------------------------------------------------------------------------


def test_inputs_are_left_alone():
    nodes, owed = NODES.copy(), OWED.assign(amount=[-1.0, np.nan, 4.0], tier=["1", None, "2"])
    before = nodes.copy(), owed.copy()
    ct.ExposureNetwork(nodes, owed, negative="flip", na="zero", unknown_nodes="external")
    pd.testing.assert_frame_equal(nodes, before[0])
    pd.testing.assert_frame_equal(owed, before[1])


def test_later_changes_of_the_input_do_not_reach_the_network():
    nodes, amount = NODES.copy(), np.array([1.0, 2.0, 4.0])
    owed = pd.DataFrame({"creditor": OWED["creditor"], "debtor": OWED["debtor"], "amount": amount})
    net = ct.ExposureNetwork(nodes, owed)
    owed.loc[0, "amount"] = 99.0
    amount[1] = 99.0
    nodes.loc[0, "external_assets"] = 99.0
    owed.loc[0, "creditor"] = "c"
    assert net.amount.tolist() == [1.0, 2.0, 4.0]
    assert net.exposures["creditor"].tolist() == ["a", "b", "a"]
    assert net.nodes["external_assets"].tolist() == [9.0, 30.0, 30.0]


def test_what_comes_out_is_a_copy(net):
    for table in ("nodes", "exposures", "balance_sheet"):
        before = getattr(net, table).copy(deep=True)
        out = getattr(net, table)
        out.iloc[0, -1] = 99.0
        out["more"] = 1
        pd.testing.assert_frame_equal(getattr(net, table), before)


def test_arrays_cannot_be_written_to(net):
    arrays = [net.creditor, net.debtor, net.amount, net.book.external_assets, net.book.debts]
    arrays += [net.liabilities.data, net.liabilities.indices, net.relative_liabilities.data]
    arrays += [net.leverage.data]
    for array in arrays:
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 5
    with pytest.raises(AttributeError, match="immutable"):
        net.unit = "USD"


def test_copies_and_pickles(net):
    for other in (pickle.loads(pickle.dumps(net)), copy.deepcopy(net)):
        pd.testing.assert_frame_equal(other.balance_sheet, net.balance_sheet)
        assert other.unit == net.unit and repr(other) == repr(net)


def test_row_order_does_not_matter(net):
    other = ct.ExposureNetwork(NODES.iloc[::-1], OWED.iloc[[2, 0, 1]], unit="EUR mn")
    pd.testing.assert_frame_equal(other.balance_sheet.loc[net.names], net.balance_sheet)


# -- transforms -----------------------------------------------------------------------------


def test_with_nodes_replaces_one_side_and_the_rest_follows(net):
    more = net.with_nodes(external_assets={"a": 20.0})
    assert more.balance_sheet.loc["a", "equity"] == 25.0
    assert net.balance_sheet.loc["a", "equity"] == 14.0
    capital = net.with_nodes(equity={"a": 6.0})
    assert capital.balance_sheet.loc["a", ["external_assets", "equity"]].tolist() == [1.0, 6.0]
    ruled = net.with_nodes(rule={"c": "pro_rata"}, can_fail=[True, True, False])
    assert ruled.nodes["rule"].tolist()[2] == "pro_rata"
    assert ruled.book.can_fail.tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("columns", "error", "says"),
    [
        ({"external_assets": {"aa": 1.0}}, KeyError, "Did you mean 'a'"),
        ({"external_asset": {"a": 1.0}}, TypeError, "Did you mean 'external_assets'"),
        ({"external_assets": [1.0]}, ct.NetworkError, "1 entry for 3 nodes"),
        ({"external_assets": {"a": -1.0}}, ct.NetworkError, "C012"),
        ({"rule": {"a": "fifo"}}, ct.NetworkError, "not one of priority"),
    ],
)
def test_with_nodes_refuses(net, columns, error, says):
    with pytest.raises(error, match=says):
        net.with_nodes(**columns)


def test_what_was_mended_is_not_asked_again_but_still_told():
    owed = pd.concat([OWED, OWED.iloc[:1]]).assign(currency=["USD", "EUR", None, "USD"])
    net = ct.ExposureNetwork(
        NODES, owed, unit="EUR", duplicates="keep", fx={"USD": 2.0}, assume_equity={}
    )
    other = net.with_nodes(external_assets={"b": 40.0})
    assert other.amount.tolist() == net.amount.tolist()
    mended = other.check().query("severity == 'repaired'")["code"].tolist()
    assert mended == ["C007", "C002"]
    again = other.with_nodes(external_assets={"b": 41.0})
    assert again.check().query("severity == 'repaired'")["code"].tolist() == mended


def test_set_off_nets_and_leaves_equity():
    owed = pd.DataFrame(
        {"creditor": ["a", "b", "b"], "debtor": ["b", "a", "a"], "amount": [10.0, 3.0, 1.0]}
    )
    net = ct.ExposureNetwork(NODES, owed, duplicates="keep")
    netted = net.set_off(("a", "b"))
    assert netted.exposures[["creditor", "debtor", "amount"]].values.tolist() == [["a", "b", 6.0]]
    np.testing.assert_allclose(netted.book.equity, net.book.equity)
    assert net.set_off().amount.tolist() == [6.0]
    assert net.set_off(("a", "c")).amount.tolist() == [10.0, 3.0, 1.0]
    with pytest.raises(KeyError, match="Unknown node 'zzz'"):
        net.set_off(("a", "zzz"))


def test_set_off_of_nothing():
    assert ct.ExposureNetwork(NODES, OWED.iloc[:0]).set_off().amount.tolist() == []


# -- holdings -------------------------------------------------------------------------------


def test_holdings_are_a_part_of_external_assets():
    held = pd.DataFrame({"node": ["a", "b", "a"], "asset": ["x", "x", "y"], "value": [4.0, 5, "1"]})
    net = ct.ExposureNetwork(NODES, OWED, holdings=held)
    assert net.holdings_of("x").tolist() == [4.0, 5.0, 0.0]
    out = net.holdings
    out.loc[0, "value"] = 99.0
    assert net.holdings_of("x").tolist() == [4.0, 5.0, 0.0]
    with pytest.raises(ct.UnknownNameError, match="Did you mean 'x'"):
        net.holdings_of("X")


@pytest.mark.parametrize(
    ("held", "says"),
    [
        ({"node": ["a"], "asset": ["x"]}, "no column 'value'"),
        ({"node": ["aa"], "asset": ["x"], "value": [1]}, "Did you mean 'a'"),
        ({"node": ["a"], "asset": ["x"], "value": [10]}, "'a' holds more than external assets"),
        ({"node": ["a"], "asset": ["x"], "value": [-1]}, "is not a number ≥ 0"),
        ({"node": ["a"], "asset": ["x"], "value": ["many"]}, "is not a number ≥ 0"),
    ],
)
def test_holdings_that_do_not_fit(held, says):
    with pytest.raises(ct.NetworkError, match=says):
        ct.ExposureNetwork(NODES, OWED, holdings=held)


# -- matrices -------------------------------------------------------------------------------


def test_matrices_are_of_debtor_and_creditor(net):
    np.testing.assert_array_equal(net.liabilities.toarray(), [[0, 0, 0], [1, 0, 0], [4, 2, 0]])
    np.testing.assert_allclose(net.relative_liabilities.toarray()[2], [4 / 6, 2 / 6, 0])
    np.testing.assert_allclose(net.leverage.toarray()[0], [0, 1 / 14, 4 / 14])


def test_leverage_needs_capital():
    net = ct.ExposureNetwork(None, OWED, missing_equity="external")
    with pytest.raises(ct.NetworkError, match="undefined for 2 nodes"):
        _ = net.leverage


def test_parallel_claims_add_up_and_stay_apart():
    owed = pd.concat([OWED, OWED.iloc[:1]])
    net = ct.ExposureNetwork(NODES, owed, duplicates="keep")
    assert net.liabilities[1, 0] == 2.0 and len(net.exposures) == 4


def test_assembly_does_not_loop_over_rows():
    """A hundred thousand claims take well below a second where a Python loop would not."""
    rng = np.random.default_rng(0)
    n, m = 10_000, 100_000
    pair = np.unique(rng.integers(0, n * n, m))
    pair = pair[pair // n != pair % n]
    owed = pd.DataFrame(
        {"creditor": pair // n, "debtor": pair % n, "amount": rng.lognormal(size=len(pair))}
    ).astype({"creditor": "str", "debtor": "str"})
    net = ct.ExposureNetwork(None, owed, missing_equity="external")
    assert net.liabilities.nnz == len(pair)
    assert net.exposures["creditor"].tolist() == owed["creditor"].tolist()


def test_a_table_of_empty_ids_alone_is_an_error_of_the_family():
    nodes = pd.DataFrame({"node": [None, None], "external_assets": [1.0, 2.0]})
    claims = pd.DataFrame({"creditor": [None], "debtor": [None], "amount": [3.0]})
    with pytest.raises(ct.NetworkError, match="C0"):
        ct.ExposureNetwork(nodes, claims)


def test_an_orientation_in_question_needs_no_finite_amounts():
    claims = pd.DataFrame({"source": ["a"], "target": ["b"], "amount": [float("inf")]})
    with pytest.raises(ct.NetworkError, match="C001"):
        ct.ExposureNetwork(None, claims)
