"""Files, matrices and graphs, in and out."""

from __future__ import annotations

import gzip

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import contagion as ct

OPEN = {"missing_equity": "external"}
BOTH = ["creditor->debtor", "debtor->creditor"]
TRIPLES = [["a", "b", 1.5], ["b", "c", 2.0]]


@pytest.fixture
def put(tmp_path):
    def write(name, text, encoding="utf-8"):
        file = tmp_path / name
        file.write_bytes(text.encode(encoding))
        return file

    return write


def triples(net):
    return net.exposures[["creditor", "debtor", "amount"]].values.tolist()


# -- text files -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.csv", "creditor,debtor,amount\na,b,1.5\nb,c,2\n"),
        ("x.csv", "\ufeffcreditor;debtor;amount\na;b;1,5\nb;c;2\n"),
        ("x.tsv", "creditor\tdebtor\tamount\na\tb\t1.5\nb\tc\t2\n"),
        ("x.TXT", "Creditor|Debtor|Amount\r\na|b|1.5\r\nb|c|2\r\n"),
        ("x.csv", "\nLender,Borrower,Notional\n\na,b,1.5\nb,c,2\n"[1:]),
        ("x.csv", "creditor, debtor, amount,\na, b, 1.5,\nb, c, 2,\n"),
        ("x.csv", 'creditor,debtor,amount\n"a","b","1.5"\nb,c," 2 "\n'),
    ],
)
def test_text_of_every_kind(put, name, text):
    assert triples(ct.read(put(name, text), **OPEN)) == TRIPLES


def test_lines_are_those_of_the_file(put):
    text = 'creditor,debtor,amount,note\na,b,1,"two\nlines"\n\n\nb,c,-1,\n'
    with pytest.raises(ct.NetworkError, match=r"x\.csv line 6"):
        ct.read(put("x.csv", text), **OPEN)


def test_compressed(tmp_path):
    with gzip.open(tmp_path / "x.csv.gz", "wt") as file:
        file.write("creditor,debtor,amount\na,b,1.5\nb,c,2\n")
    assert triples(ct.read(tmp_path / "x.csv.gz", **OPEN)) == TRIPLES


def test_ids_stay_text(put):
    """007 is not 7, and NA is Namibia."""
    net = ct.read(put("x.csv", "creditor,debtor,amount\n007,NA,5\nNA,1e5,3\n"), **OPEN)
    assert triples(net) == [["007", "NA", 5.0], ["NA", "1e5", 3.0]]


def test_ids_stay_text_under_other_names(put):
    file = put("x.csv", "Gläubiger;Schuldner;Betrag\n007;null;5,5\nnull;08;1.003,25\n")
    net = ct.read(
        file,
        columns={"Gläubiger": "creditor", "Schuldner": "debtor", "Betrag": "amount"},
        **OPEN,
    )
    assert triples(net) == [["007", "null", 5.5], ["null", "08", 1003.25]]
    file = put("y.csv", "x,y,amount\n01,02,5\n")
    assert triples(ct.read(file, orientation="debtor->creditor", **OPEN)) == [["02", "01", 5.0]]


def test_nodes_from_a_file_match_as_text(put):
    owed = put("x.csv", "creditor,debtor,amount\n007,08,5\n")
    nodes = put("n.csv", "id,Equity\n007,3\n08,4\n")
    net = ct.read(owed, nodes=nodes)
    assert net.balance_sheet["equity"].tolist() == [3.0, 4.0]


def test_options_in_reading_are_those_of_the_network(put):
    file = put("x.csv", "source,target,amount\na,b,-1\n")
    net = ct.read(
        file, orientation="creditor->debtor", negative="flip", unit="EUR", name="x", **OPEN
    )
    assert triples(net) == [["b", "a", 1.0]] and net.unit == "EUR" and net.name == "x"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "x.csv is empty"),
        ("creditor,debtor,amount\na,b,1\na,b,1,234\n", "line 3, saw 4"),
        ("a\n1\n", "cannot tell who owes whom"),
    ],
)
def test_what_is_no_table(put, text, says):
    with pytest.raises(ct.NetworkError, match=says):
        ct.read(put("x.csv", text))


def test_encodings(put):
    file = put("x.csv", "creditor,debtor,amount\nÖVAG,b,1\n", "cp1252")
    net = ct.read(file, **OPEN)
    assert net.names.tolist() == ["b", "ÖVAG"]
    assert "cp1252" in net.check()["message"][0]
    assert ct.read(file, encoding="cp1252", **OPEN).names.tolist() == ["b", "ÖVAG"]
    for name in ("utf-8-sig", "utf-16"):
        again = put("y.csv", "creditor,debtor,amount\nÖVAG,b,1\n", name)
        assert ct.read(again, **OPEN).names.tolist() == ["b", "ÖVAG"]
    broken = put("z.csv", "")
    broken.write_bytes(b"creditor,debtor,amount\nA\x81,b,1\n")
    with pytest.raises(ct.NetworkError, match="not UTF-8"):
        ct.read(broken)


def test_files_that_are_not_there(put, tmp_path):
    put("claims.csv", "creditor,debtor,amount\n")
    with pytest.raises(FileNotFoundError, match=r"Did you mean 'claims\.csv'"):
        ct.read(tmp_path / "claim.csv")
    with pytest.raises(FileNotFoundError, match="nodes"):
        ct.read(tmp_path / "claims.csv", nodes=tmp_path / "nodes.csv")
    with pytest.raises(ct.NetworkError, match="formats read are"):
        ct.read(put("claims.docx", ""))


def test_no_rows(put):
    empty = put("x.csv", "creditor,debtor,amount\n")
    with pytest.raises(ct.NetworkError, match=r"x\.csv has no rows below its header"):
        ct.read(empty)
    assert len(ct.read(empty, nodes=put("n.csv", "node,external_assets\na,5\n"))) == 1


# -- Parquet, Excel, folders ----------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["str", "category"])
def test_parquet(tmp_path, dtype):
    table = pd.DataFrame(TRIPLES, columns=["creditor", "debtor", "amount"])
    table.astype({"creditor": dtype, "debtor": dtype}).to_parquet(tmp_path / "x.parquet")
    pd.DataFrame({"node": list("abc"), "equity": [1.0, 2, 3]}).to_parquet(tmp_path / "n.parquet")
    net = ct.read(tmp_path / "x.parquet", nodes=tmp_path / "n.parquet")
    assert triples(net) == TRIPLES
    with pytest.raises(ct.NetworkError, match=r"x\.parquet row 1"):
        table["amount"] = [1.0, -1.0]
        table.to_parquet(tmp_path / "x.parquet")
        ct.read(tmp_path / "x.parquet", **OPEN)


@pytest.fixture
def workbook(tmp_path):
    pytest.importorskip("python_calamine")
    pytest.importorskip("xlsxwriter")
    with pd.ExcelWriter(tmp_path / "x.xlsx", engine="xlsxwriter") as book:
        pd.DataFrame({"creditor": ["007", 7], "debtor": [8, "NA"], "amount": [3, "1,5"]}).to_excel(
            book, sheet_name="loans", index=False
        )
        pd.DataFrame([["A", "-", 3], ["B", 2, "-"]], columns=["bank", "A", "B"]).to_excel(
            book, sheet_name="matrix", index=False
        )
        pd.DataFrame([[1, 0, 3], [2, 4, 0]], columns=["", 1, 2]).to_excel(
            book, sheet_name="numbers", index=False
        )
    return tmp_path / "x.xlsx"


def test_excel(workbook):
    assert triples(ct.read(workbook, **OPEN)) == [["007", "8", 3.0], ["7", "NA", 1.5]]
    net = ct.read(workbook, sheet="matrix", orientation="creditor->debtor", **OPEN)
    assert triples(net) == [["A", "B", 3.0], ["B", "A", 2.0]]
    net = ct.read(workbook, sheet=2, orientation="debtor->creditor", **OPEN)
    assert triples(net) == [["2", "1", 3.0], ["1", "2", 4.0]]
    with pytest.raises(ct.NetworkError, match="Did you mean 'matrix'"):
        ct.read(workbook, sheet="matrx")
    with pytest.raises(ct.NetworkError, match="has 3 sheets"):
        ct.read(workbook, sheet=7)


def test_excel_with_both_tables(tmp_path):
    pytest.importorskip("python_calamine")
    with pd.ExcelWriter(tmp_path / "x.xlsx", engine="xlsxwriter") as book:
        pd.DataFrame({"node": ["a", 3], "equity": [1, 2]}).to_excel(
            book, sheet_name="Nodes", index=False
        )
        pd.DataFrame({"creditor": ["a"], "debtor": [3], "amount": [-1]}).to_excel(
            book, sheet_name="Exposures", index=False
        )
    assert triples(ct.read(tmp_path / "x.xlsx", negative="flip")) == [["3", "a", 1.0]]
    with pytest.raises(ct.NetworkError, match=r"x\.xlsx row 2"):
        ct.read(tmp_path / "x.xlsx")


@pytest.fixture
def folder(tmp_path):
    def write(name, text):
        (tmp_path / name).write_text(text, encoding="utf-8")

    write("exposures.csv", "creditor,debtor,amount,layer\na,b,1,l1\na,b,2,l2\n")
    write("nodes.csv", "node,external_assets,layer\na,50,\nb,5,l1\nb,6,l2\nc,3,l2\n")
    write("holdings.csv", "node,asset,value\na,x,7\n")
    write(
        "dataset.toml",
        'title = "Two"\nunit = "USD"\n[network]\nlayer = "l2"\n[assume_equity]\nc = 3\n',
    )
    return tmp_path


def test_folders_bring_their_options(folder):
    net = ct.read(folder)
    assert (net.unit, net.name) == ("USD", "Two")
    assert triples(net) == [["a", "b", 2.0]]
    assert net.names.tolist() == ["a", "b", "c"]
    assert net.balance_sheet["external_assets"].tolist() == [50.0, 6.0, 3.0]
    assert net.holdings_of("x").tolist() == [7.0, 0.0, 0.0]
    assert ct.read(folder, unit="EUR").unit == "EUR"


def test_layers(folder):
    (folder / "holdings.csv").unlink()
    net = ct.read(folder, layer="l1")
    assert net.names.tolist() == ["a", "b"]  # c belongs to the other layer
    assert net.balance_sheet["external_assets"].tolist() == [50.0, 5.0]
    with pytest.raises(ct.NetworkError, match="There is no layer 'l3'"):
        ct.read(folder, layer="l3")
    with pytest.raises(ct.NetworkError, match="equity is assumed for 'cc'"):
        ct.read(folder, assume_equity={"cc": 1})
    (folder / "dataset.toml").unlink()
    with pytest.raises(ct.NetworkError, match='layer="…"'):
        ct.read(folder, duplicates="sum")


def test_folders_without_exposures(tmp_path):
    with pytest.raises(ct.NetworkError, match="it is empty"):
        ct.read(tmp_path)
    (tmp_path / "claims.csv").write_text("")
    with pytest.raises(ct.NetworkError, match="it has 'claims"):
        ct.read(tmp_path)


# -- matrices -------------------------------------------------------------------------------

X = np.array([[0, 4.0, 0], [1, 0, 2], [0, 0, 0]])


@pytest.mark.parametrize("orientation", BOTH)
@pytest.mark.parametrize(
    "make",
    [
        np.array,
        np.ndarray.tolist,
        sparse.csr_array,
        sparse.csc_matrix,
        sparse.coo_array,
        lambda x: pd.DataFrame(x, list("abc"), list("abc")),
        lambda x: pd.DataFrame(x, list("abc"), list("abc"))[list("cab")],
        lambda x: pd.DataFrame(x, columns=list("abc")).assign(bank=list("abc"))[["bank", *"abc"]],
    ],
    ids=["array", "list", "csr", "csc", "coo", "frame", "permuted", "first column"],
)
def test_matrices_of_every_kind(make, orientation):
    matrix = make(X)
    names = None if isinstance(matrix, pd.DataFrame) else list("abc")
    net = ct.ExposureNetwork.from_matrix(
        matrix, names, orientation=orientation, external_assets=[9, 9, 9]
    )
    expected = X if orientation == "debtor->creditor" else X.T
    np.testing.assert_array_equal(net.liabilities.toarray(), expected)


def test_matrix_in_text_with_dashes_commas_and_totals(put):
    text = "bank;A;B;Total\nA;-;1.234,5;1.234,5\nB;7,25;–;7,25\nTotal;7,25;1.234,5;1.241,75\n"
    net = ct.read(put("m.csv", text), orientation="creditor->debtor", totals="drop", **OPEN)
    assert triples(net) == [["A", "B", 1234.5], ["B", "A", 7.25]]
    with pytest.raises(ct.NetworkError) as caught:
        ct.read(put("m.csv", text))
    assert [f.code for f in caught.value.findings] == ["C001", "C009"]


def test_totals_are_found_by_arithmetic_and_kept_on_request():
    full = np.block([[X, X.sum(1, keepdims=True)], [X.sum(0, keepdims=True), X.sum()]])
    frame = pd.DataFrame(full, list("abcd"), list("abcd"))
    with pytest.raises(ct.NetworkError, match="row 4 \\('d'\\) equals the column sums"):
        ct.ExposureNetwork.from_matrix(frame, orientation="creditor->debtor")
    dropped = ct.ExposureNetwork.from_matrix(
        frame, orientation="creditor->debtor", totals="drop", **OPEN
    )
    assert dropped.names.tolist() == list("abc")
    kept = ct.ExposureNetwork.from_matrix(
        frame, orientation="creditor->debtor", totals="keep", self_loops="drop",
        aggregates="keep", **OPEN,
    )  # fmt: skip
    assert len(kept) == 4


def test_a_row_that_happens_to_be_a_sum_is_a_node():
    frame = pd.DataFrame([[0, 1, 0], [0, 0, 0], [0, 1, 0]], list("abc"), list("abc"))
    assert len(ct.ExposureNetwork.from_matrix(frame, orientation="debtor->creditor", **OPEN)) == 3


def test_totals_on_one_side():
    frame = pd.DataFrame([*X.tolist(), X.sum(0).tolist()], [*"abc", "x"], list("abc"))
    with pytest.raises(ct.NetworkError, match="row 4 \\('x'\\) equals"):
        ct.ExposureNetwork.from_matrix(frame, orientation="debtor->creditor")


@pytest.mark.parametrize(
    ("matrix", "names", "says"),
    [
        (np.ones((2, 3)), list("ab"), "2 × 3, not square"),
        (np.zeros((2, 2)), None, "has no labels"),
        (np.zeros((2, 2)), list("abc"), "3 names for 2 rows"),
        (np.zeros((2, 2)), list("aa"), "1 label occurs more than once: 'a'"),
        ([[0, "x"], [1, 0]], list("ab"), "not numbers"),
        ([[0, 1], [1]], list("ab"), "different length"),
        (pd.DataFrame(X, list("abc"), list("abd")), None, "'c' only among the rows"),
        (
            pd.DataFrame([[0, "=A1"], [1, 0]], list("ab"), list("ab")),
            None,
            "'=A1' \\(row→column a→b",
        ),
    ],
)
def test_matrices_that_do_not_fit(matrix, names, says):
    with pytest.raises(ct.NetworkError, match=says):
        ct.ExposureNetwork.from_matrix(matrix, names, orientation="creditor->debtor")


def test_empty_cells_are_unknown_but_on_the_diagonal():
    frame = pd.DataFrame([[np.nan, 4], [np.nan, np.nan]], list("ab"), list("ab"))
    with pytest.raises(ct.NetworkError, match=r"1 amount is empty or NaN \(cell b→a\)"):
        ct.ExposureNetwork.from_matrix(frame, orientation="creditor->debtor", **OPEN)
    net = ct.ExposureNetwork.from_matrix(frame, orientation="creditor->debtor", na="zero", **OPEN)
    assert triples(net) == [["a", "b", 4.0]]


def test_values_beside_a_matrix():
    net = ct.ExposureNetwork.from_matrix(
        X, list("abc"), orientation="debtor->creditor", external_assets={"c": 3, "a": 1, "b": 2},
        external_liabilities=pd.Series([0, 0.5, 0], ["c", "a", "b"]), kind="bank",
    )  # fmt: skip
    assert net.balance_sheet["external_assets"].tolist() == [1, 2, 3]
    assert net.nodes["kind"].tolist() == ["bank"] * 3
    for wrong, says in (({"x": 1}, "names 'x'"), ([1, 2], "2 entries for 3 nodes")):
        with pytest.raises(ct.NetworkError, match=says):
            ct.ExposureNetwork.from_matrix(
                X, list("abc"), orientation="debtor->creditor", external_assets=wrong
            )


def test_labels_keep_their_type():
    frame = pd.DataFrame([[0, 1], [2, 0]], [1, 2], [1, 2])
    net = ct.ExposureNetwork.from_matrix(frame, orientation="debtor->creditor", **OPEN)
    assert net.names.tolist() == [1, 2]


# -- graphs ---------------------------------------------------------------------------------


@pytest.fixture
def rich():
    nodes = pd.DataFrame(
        {
            "node": list("abcd"),
            "name": ["A", None, "C", "D"],
            "external_assets": [50.0, 40.0, None, 0.1 + 0.2],
            "external_liabilities": [1 / 3, 0.0, None, 0.0],
            "can_fail": [True, True, False, True],
            "rule": ["priority", "queue", "pro_rata", None],
        }
    )
    owed = pd.DataFrame(
        {
            "creditor": ["a", "a", "b", "c", "a"],
            "debtor": ["b", "b", "c", "b", "d"],
            "amount": [1.0, 2.0, 3.0, 1e-3, 7.0],
            "tier": [1, 2, 1, 1, 1],
            "collateral": [0.5, 0, 0, 0, 0],
            "note": ["x", None, "z", None, "x"],
        }
    )
    return ct.ExposureNetwork(
        nodes, owed, unit="EUR mn", name="rich", external_creditors="pari_passu",
        collateral="settle", holdings={"node": ["a"], "asset": ["gold"], "value": [5.0]},
    )  # fmt: skip


def assert_same(one, other):
    """Two networks agree in everything that a result depends on, up to the order of the claims."""
    pd.testing.assert_frame_equal(one.balance_sheet, other.balance_sheet)
    by = ["creditor", "debtor", "amount"]
    left, right = (
        net.exposures.sort_values(by).reset_index(drop=True)[sorted(net.exposures)]
        for net in (one, other)
    )
    shared = [name for name in left if name in right]
    assert set(left) - set(shared) <= {"note"}
    pd.testing.assert_frame_equal(left[shared], right[shared], check_dtype=False)
    assert one.book.can_fail.tolist() == other.book.can_fail.tolist()
    assert one.assumptions == other.assumptions
    assert (one.unit, one.name, one.external_creditors) == (
        other.unit, other.name, other.external_creditors,
    )  # fmt: skip
    np.testing.assert_array_equal(one.segments.width, other.segments.width)


@pytest.mark.parametrize("orientation", BOTH)
def test_networkx_and_back(rich, orientation):
    graph = rich.to_networkx(orientation)
    assert graph.number_of_edges() == 5 and graph.number_of_nodes() == 4
    back = ct.ExposureNetwork.from_networkx(graph)
    assert_same(rich, back)
    assert back.holdings_of("gold").tolist() == [5.0, 0, 0, 0]
    first = "a" if orientation == "creditor->debtor" else "d"
    assert graph.has_edge(first, "d" if first == "a" else "a")


@pytest.mark.parametrize("orientation", BOTH)
def test_graphml_and_back(rich, tmp_path, orientation):
    nx.write_graphml(rich.to_networkx(orientation), tmp_path / "x.graphml")
    assert_same(rich, ct.read(tmp_path / "x.graphml"))


@pytest.mark.parametrize("orientation", BOTH)
def test_gexf_and_back(rich, tmp_path, orientation):
    """GEXF keeps nodes and edges, but neither orientation nor unit."""
    nx.write_gexf(rich.to_networkx(orientation), tmp_path / "x.gexf")
    with pytest.raises(ct.NetworkError, match="C001"):
        ct.read(tmp_path / "x.gexf")
    back = ct.read(
        tmp_path / "x.gexf", orientation=orientation, unit="EUR mn",
        external_creditors="pari_passu", collateral="ignore",
    )  # fmt: skip
    pd.testing.assert_frame_equal(rich.balance_sheet, back.balance_sheet)


@pytest.mark.parametrize("name", ct.datasets.names())
def test_datasets_go_through_networkx_unchanged(name):
    net = ct.datasets.load(name)
    back = ct.ExposureNetwork.from_networkx(net.to_networkx())
    pd.testing.assert_frame_equal(net.balance_sheet, back.balance_sheet)
    assert net.assumptions == back.assumptions


def test_accepted_findings_travel_along():
    owed = pd.DataFrame({"creditor": ["a", "a"], "debtor": ["b", "b"], "amount": [1.0, 2.0]})
    net = ct.ExposureNetwork(None, owed, duplicates="keep", assume_equity={"a": 5, "b": 5})
    back = ct.ExposureNetwork.from_networkx(net.to_networkx())
    assert back.amount.tolist() == [1.0, 2.0]
    assert back.assumptions == net.assumptions != ()


@pytest.mark.parametrize("kind", [nx.DiGraph, nx.MultiDiGraph])
@pytest.mark.parametrize("attribute", ["amount", "weight", "owed"])
def test_digraphs(kind, attribute):
    graph = kind()
    graph.add_node("a", external_assets=3.0)
    graph.add_node("b", external_assets=9.0)
    graph.add_edge("a", "b", **{attribute: 2.0})
    amount = attribute if attribute == "owed" else None
    net = ct.ExposureNetwork.from_networkx(graph, orientation="debtor->creditor", amount=amount)
    assert triples(net) == [["b", "a", 2.0]]
    with pytest.raises(ct.NetworkError, match="C001"):
        ct.ExposureNetwork.from_networkx(graph, amount=amount)


def test_graphs_that_do_not_fit():
    with pytest.raises(ct.NetworkError, match="undirected"):
        ct.ExposureNetwork.from_networkx(nx.path_graph(3), orientation="creditor->debtor")
    graph = nx.DiGraph([("a", "b", {"amnt": 1})])
    with pytest.raises(ct.NetworkError, match="The edges have no attribute"):
        ct.ExposureNetwork.from_networkx(graph, orientation="creditor->debtor")
    with pytest.raises(ct.NetworkError, match="Did you mean amount='amnt'"):
        ct.ExposureNetwork.from_networkx(graph, orientation="creditor->debtor", amount="amount")
    with pytest.raises(ValueError, match="orientation"):
        ct.ExposureNetwork(None, {"creditor": [], "debtor": [], "amount": []}).to_networkx("x")


def test_empty_graph():
    net = ct.ExposureNetwork.from_networkx(nx.DiGraph(), orientation="creditor->debtor")
    assert len(net) == 0
