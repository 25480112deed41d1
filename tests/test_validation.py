"""The input checks: every code on dirty data, every repair by its numbers."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from dirty import CASES, Case, claims, mess, messages, nodes, on_disk

import contagion as ct
from contagion.network.checks import Choices
from contagion.network.tables.numbers import numbers, truths

RAISED_ONLY = {"C001", "C009"}  # mended by saying more, not by a repair


def found(build, **options):
    """Findings of a builder, whether it raises or not."""
    try:
        return build(**options).findings
    except ct.NetworkError as error:
        return error.findings


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_finding_says_what_where_and_how_to_mend_it(case: Case):
    finding = next(f for f in found(case.build) if f.code == case.code)
    for part in case.says:
        assert part in finding.message
    assert case.fix in finding.fix
    assert finding.severity == ("warning" if case.code.startswith("W") else "error")
    assert finding.count >= 1
    assert len(finding.samples) <= 3


@pytest.mark.parametrize("case", [c for c in CASES if c.code.startswith("C")], ids=str)
def test_errors_stop(case: Case):
    with pytest.raises(ct.NetworkError) as caught:
        case.build()
    assert {f.severity for f in caught.value.findings} == {"error"}
    assert case.code in list(caught.value.table["code"])


@pytest.mark.parametrize("case", [c for c in CASES if c.mend], ids=str)
def test_the_choice_mends_it_and_is_told(case: Case):
    net = case.build(**case.mend)
    table = net.check()
    assert not (table["severity"] == "error").any()
    if case.code not in RAISED_ONLY and "decimal" not in case.mend:
        assert case.code in set(table.loc[table["severity"] == "repaired", "code"])


def test_every_code_is_provoked():
    codes = {case.code for case in CASES}
    assert codes >= {f"C{k:03d}" for k in range(1, 14)} | {f"W{k:03d}" for k in range(1, 18)}


def test_messages_fit_a_terminal():
    for text in messages():
        assert max(map(len, text.splitlines())) <= 80
        assert "Traceback" not in text and " nan" not in text


def test_everything_is_found_at_once():
    with pytest.raises(ct.NetworkError) as caught:
        mess()
    table = caught.value.table
    assert sorted(set(table["code"])) == ["C002", "C003", "C004", "C005", "C006", "C007"]
    assert (table["code"] == "C006").sum() == 3
    assert "The tables have 9 problems:" in str(caught.value)
    text = " ".join(str(caught.value).split())
    for place in ("line 10", "line 8", "line 9", "line 5", "line 6", "line 4", "lines 2, 3"):
        assert f"claims.csv {place}" in text  # the blank line 7 counts


def test_one_problem_is_singular():
    with pytest.raises(ct.NetworkError, match="The tables have 1 problem:"):
        ct.ExposureNetwork(nodes("A", "B"), claims(("A", "B", -1.0)))


def test_orientation_comes_with_everything_else():
    table = pd.DataFrame({"from": ["A", "A", "B"], "to": ["B", "B", "X"], "amount": [1.0, -2, 3]})
    with pytest.raises(ct.NetworkError) as caught:
        ct.ExposureNetwork(nodes("A", "B"), table)
    assert [f.code for f in caught.value.findings] == ["C001", "C006", "C004", "C002"]


def test_a_table_of_findings_without_findings_has_its_columns():
    net = ct.ExposureNetwork(nodes("A", "B"), claims(("A", "B", 1.0)))
    assert list(net.check().columns[:3]) == ["code", "severity", "title"]
    assert len(net.check()) == 0


# -- repairs, by their numbers --------------------------------------------------------------

TWICE = claims(
    ("A", "B", 10.0),
    ("B", "A", 1.0),
    ("A", "B", 30.0),
    ("A", "B", 20.0),
    collateral=[1.0, None, 2.0, None],
    note=["first", "", "largest", "last"],
)


@pytest.mark.parametrize(
    ("how", "amounts", "notes", "collateral"),
    [
        ("sum", [60.0, 1.0], ["first", ""], [3.0, np.nan]),
        ("last", [1.0, 20.0], ["", "last"], [np.nan, np.nan]),
        ("max", [1.0, 30.0], ["", "largest"], [np.nan, 2.0]),
        (
            "keep",
            [10.0, 1.0, 30.0, 20.0],
            ["first", "", "largest", "last"],
            [1.0, np.nan, 2, np.nan],
        ),
    ],
)
def test_duplicates(how, amounts, notes, collateral):
    net = ct.ExposureNetwork(nodes("A", "B"), TWICE, duplicates=how, collateral="ignore")
    assert net.exposures["amount"].tolist() == amounts
    assert net.exposures["note"].tolist() == notes
    np.testing.assert_array_equal(net.exposures["collateral"], collateral)
    assert net.liabilities.sum() == pytest.approx(sum(amounts))


def test_the_largest_of_equal_rows_is_one_row():
    table = claims(("A", "B", 5.0), ("A", "B", 5.0))
    net = ct.ExposureNetwork(nodes("A", "B"), table, duplicates="max")
    assert net.exposures["amount"].tolist() == [5.0]


@pytest.mark.parametrize(
    "column",
    [
        {"layer": ["loans", "repo"]},
        {"tier": [1, 2]},
        {"rank": [0, 1.5]},
        {"as_of": ["2022-06", "2022-07"]},
        {"instrument": ["loan", None]},
        {"currency": ["EUR", "USD"]},
    ],
)
def test_what_tells_two_claims_apart(column):
    table = claims(("A", "B", 5.0), ("A", "B", 5.0), **column)
    fx = {"fx": {"USD": 2.0}} if "currency" in table else {}
    net = ct.ExposureNetwork(nodes("A", "B"), table, unit="EUR", **fx)
    assert len(net.exposures) == 2
    assert "C002" not in set(net.check()["code"])


def test_only_an_amount_does_not_tell_claims_apart():
    with pytest.raises(ct.NetworkError, match="C002"):
        ct.ExposureNetwork(nodes("A", "B"), claims(("A", "B", 5.0), ("A", "B", 6.0)))


def test_self_loops_are_dropped_and_nothing_else():
    table = claims(("A", "A", 5.0), ("A", "B", 6.0))
    net = ct.ExposureNetwork(nodes("A", "B"), table, self_loops="drop")
    assert net.exposures.values.tolist() == [["A", "B", 6.0]]


def test_id_map_renames_and_external_nodes_never_fail():
    table = claims(("a ", "B", 5.0), ("B", "stranger", 6.0), ("stranger", "A", 2.0))
    net = ct.ExposureNetwork(nodes("A", "B"), table, id_map={"a ": "A"}, unknown_nodes="external")
    assert net.exposures["creditor"].tolist() == ["A", "B", "stranger"]
    assert net.names.tolist() == ["A", "B", "stranger"]
    assert net.book.can_fail.tolist() == [True, True, False]
    assert np.isnan(net.balance_sheet.loc["stranger", "equity"])
    result = ct.EisenbergNoe().propagate(net, ct.Shock.loss({"A": 1e12}))
    assert not result.table.loc["stranger", "defaulted"]


def test_id_map_works_without_a_node_table():
    net = ct.ExposureNetwork(
        None, claims(("a", "B", 5.0)), id_map={"a": "A"}, missing_equity="external"
    )
    assert net.names.tolist() == ["A", "B"]


def test_capital_is_assumed_only_where_it_is_unknown():
    table = pd.DataFrame({"node": ["A", "B", "C"], "equity": [None, 4.0, None]})
    owed = claims(("A", "B", 1.0), ("B", "C", 1.0))
    net = ct.ExposureNetwork(
        table, owed, assume_equity={"A": 7.0, "B": 9.0}, missing_equity="external"
    )
    assert net.balance_sheet["equity"].tolist()[:2] == [7.0, 4.0]
    assert np.isnan(net.balance_sheet.loc["C", "equity"])
    assert net.book.can_fail.tolist() == [True, True, False]
    assert any("equity of A assumed 7" in text for text in net.assumptions)
    assert any("never fails ('C')" in text for text in net.assumptions)
    assert "W014" in set(net.check()["code"])


def test_start_defaulted_has_no_capital():
    owed = claims(("A", "B", 10.0))
    net = ct.ExposureNetwork(
        {"node": ["A", "B"], "equity": [5.0, None]}, owed, start_defaulted=["B"]
    )
    assert net.balance_sheet.loc["B", "equity"] == 0
    known = ct.ExposureNetwork(
        {"node": ["A", "B"], "equity": [5.0, -2.0]}, owed, start_defaulted=["B"]
    )
    assert known.balance_sheet.loc["B", "equity"] == -2
    assert set(known.check().query("code == 'C005'")["severity"]) == {"repaired"}
    assert "W009" not in set(known.check()["code"])


def test_negative_amounts_turn_round_or_lose_their_sign():
    table = claims(("A", "B", -5.0), ("A", "B", 3.0))
    flipped = ct.ExposureNetwork(nodes("A", "B"), table, negative="flip")
    assert flipped.exposures.values.tolist() == [["B", "A", 5.0], ["A", "B", 3.0]]
    plain = ct.ExposureNetwork(nodes("A", "B"), table, negative="abs", duplicates="sum")
    assert plain.exposures.values.tolist() == [["A", "B", 8.0]]


def test_nan_is_zero_only_when_asked():
    table = claims(("A", "B", np.nan), ("B", "A", 3.0))
    assert ct.ExposureNetwork(nodes("A", "B"), table, na="zero").amount.tolist() == [0.0, 3.0]
    assert ct.ExposureNetwork(nodes("A", "B"), table, na="drop").amount.tolist() == [3.0]
    with pytest.raises(ct.NetworkError, match="Unknown is not 0"):
        ct.ExposureNetwork(nodes("A", "B"), table)


def test_infinity_is_no_missing_amount():
    table = claims(("A", "B", np.inf), ("B", "A", np.nan))
    with pytest.raises(ct.NetworkError, match="infinite"):
        ct.ExposureNetwork(nodes("A", "B"), table, na="zero")


def test_fx_converts_and_keeps_what_it_was():
    table = claims(("A", "B", 5.0), ("B", "A", 3.0), currency=["USD", None], collateral=[1.0, 0.0])
    net = ct.ExposureNetwork(
        nodes("A", "B"), table, unit="EUR mn", fx={"USD": 2.0}, collateral="ignore"
    )
    assert net.amount.tolist() == [10.0, 3.0]
    assert net.exposures["collateral"].tolist() == [2.0, 0.0]
    assert net.exposures["original_currency"].iloc[0] == "USD"
    with pytest.raises(ct.NetworkError, match="empty"):
        ct.ExposureNetwork(nodes("A", "B"), table, fx={"USD": 2.0}, collateral="ignore")


def test_one_currency_needs_no_rate():
    net = ct.ExposureNetwork(nodes("A", "B"), claims(("A", "B", 5.0), currency="EUR"))
    assert net.amount.tolist() == [5.0]


def test_balance_sheets_in_another_currency_convert_too():
    table = nodes("A", "B", external_assets=[100.0, 100.0], currency=["EUR", "USD"])
    owed = claims(("A", "B", 5.0))
    with pytest.raises(ct.NetworkError, match="C007"):
        ct.ExposureNetwork(table, owed, unit="EUR")
    net = ct.ExposureNetwork(table, owed, unit="EUR", fx={"USD": 0.5})
    assert net.balance_sheet["external_assets"].tolist() == [100.0, 50.0]


def test_decimals_divide_and_assets_need_rates():
    table = claims(("A", "B", 5e6), ("B", "A", 2e18), asset=["USDC", "WETH"])
    places = {"USDC": 6, "WETH": 18}
    with pytest.raises(ct.NetworkError, match="'USDC', 'WETH'"):
        ct.ExposureNetwork(nodes("A", "B"), table, decimals=places)
    net = ct.ExposureNetwork(nodes("A", "B"), table, decimals=places, fx={"USDC": 1, "WETH": 3000})
    assert net.amount.tolist() == [5.0, 6000.0]
    with pytest.raises(ct.NetworkError, match="no decimals are known for 'WETH'"):
        ct.ExposureNetwork(nodes("A", "B"), table, decimals={"USDC": 6})


def test_scale_multiplies_one_source():
    table = claims(("A", "B", 5.0), ("B", "A", 2.0), source=["x", "y"])
    net = ct.ExposureNetwork(nodes("A", "B"), table, scale={"x": 1e6})
    assert net.amount.tolist() == [5e6, 2.0]
    with pytest.raises(ct.UnknownNameError, match="Unknown source 'z'"):
        ct.ExposureNetwork(nodes("A", "B"), table, scale={"z": 1e6})


def test_balance_raises_totals_or_scales_exposures():
    table = pd.DataFrame(
        {"node": ["C", "D"], "total_assets": [95.0, 500], "total_liabilities": [80.0, 60.0]}
    )
    owed = claims(("C", "D", 120.0))
    more = ct.ExposureNetwork(table, owed, balance="add_rest_of_world")
    assert more.balance_sheet.loc["C"].tolist() == [0.0, 120.0, 80.0, 0.0, 40.0]
    assert more.balance_sheet.loc["D", "external_liabilities"] == 0.0
    less = ct.ExposureNetwork(table, owed, balance="scale_liabilities")
    assert less.amount.tolist() == [60.0]  # the tighter of 95 and 60
    assert less.balance_sheet.loc["D", "equity"] == pytest.approx(440.0)
    assert more.assumptions and less.assumptions


def test_margins_that_differ():
    table = nodes("A", "B", interbank_assets=[60.0, 40], interbank_liabilities=[30.0, 50])
    world = ct.ExposureNetwork(table, claims(), balance="add_rest_of_world")
    assert world.nodes["interbank_liabilities"].tolist() == [30.0, 50.0, 20.0]
    assert world.names.tolist() == ["A", "B", "rest of the world"]
    scaled = ct.ExposureNetwork(table, claims(), balance="scale_liabilities")
    assert scaled.nodes["interbank_liabilities"].tolist() == [37.5, 62.5]


AREA = claims(("DE", "IT", 3.0), ("FR", "IT", 2.0), ("Euro area", "IT", 5.0), ("DE", "FR", 1.0))


def test_aggregates_go_by_name_by_choice_or_stay():
    table = nodes("DE", "FR", "IT", "Euro area")
    for choice in ("drop", ["Euro area"]):
        net = ct.ExposureNetwork(table, AREA, aggregates=choice)
        assert net.names.tolist() == ["DE", "FR", "IT"]
        assert net.amount.sum() == 6.0
        assert net.exposures["debtor"].tolist() == ["IT", "IT", "FR"]
    assert len(ct.ExposureNetwork(table, AREA, aggregates="keep")) == 4
    with pytest.raises(ct.UnknownNameError, match="Did you mean 'Euro area'"):
        ct.ExposureNetwork(table, AREA, aggregates=["euro area"])


def test_a_sum_is_found_by_arithmetic_too():
    owed = claims(
        ("A", "C", 3.0), ("A", "D", 1.0), ("B", "C", 2.0), ("B", "E", 4.0),
        ("X", "C", 5.0), ("X", "D", 1.0), ("X", "E", 4.0),
    )  # fmt: skip
    with pytest.raises(ct.NetworkError, match="'X' looks like the sum"):
        ct.ExposureNetwork(nodes(*"ABCDEX"), owed)


@pytest.mark.parametrize(
    "name", ["World Bank", "Rest of the world", "Total SE", "Allianz", "Sumitomo"]
)
def test_names_that_only_contain_a_sum(name):
    net = ct.ExposureNetwork(nodes("A", name), claims(("A", name, 1.0)))
    assert len(net) == 2


def test_loops_are_solved_or_cut():
    table = nodes("x", "y", "z", external_assets=[6.0, 6.0, 500.0], kind="token")
    owed = claims(("x", "y", 94.0), ("y", "x", 94.0), ("z", "x", 3.0))
    solved = ct.ExposureNetwork(table, owed, loops="solve")
    assert len(solved.exposures) == 3
    cut = ct.ExposureNetwork(table, owed, loops="cut")
    assert cut.exposures["creditor"].tolist() == ["z"]
    assert cut.balance_sheet.loc["x", ["claims", "debts"]].tolist() == [0.0, 3.0]
    assert "left out" in cut.assumptions[0]


def test_collateral_settles_without_changing_equity():
    table = nodes("A", "B", external_assets=[50.0, 20.0])
    owed = claims(("A", "B", 10.0), collateral=15.0)
    ignored = ct.ExposureNetwork(table, owed, collateral="ignore")
    settled = ct.ExposureNetwork(table, owed, collateral="settle")
    np.testing.assert_allclose(settled.book.equity, ignored.book.equity)
    assert settled.amount.tolist() == [0.0]
    assert settled.exposures["collateral"].tolist() == [5.0]
    assert settled.balance_sheet["external_assets"].tolist() == [60.0, 10.0]
    with pytest.raises(ct.NetworkError, match="'B' pledged more than the external assets it has"):
        ct.ExposureNetwork(nodes("A", "B", external_assets=[50.0, 3.0]), owed, collateral="settle")


# -- words and numbers ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"duplicate": "sum"}, TypeError, "Did you mean 'duplicates'"),
        ({"orientatoin": "creditor->debtor"}, TypeError, "Did you mean 'orientation'"),
        ({"duplicates": "summ"}, ValueError, "Did you mean 'sum'"),
        ({"negative": "flipp"}, ValueError, "Did you mean 'flip'"),
        ({"orientation": "creditor-debtor"}, ValueError, "Did you mean 'creditor->debtor'"),
        ({"external_creditors": "paripassu"}, ValueError, "Did you mean 'pari_passu'"),
        ({"start_defaulted": "A"}, ValueError, "a list of nodes"),
        ({"aggregates": "A"}, ValueError, "a list of nodes"),
        ({"id_map": ["A"]}, ValueError, "a mapping is needed"),
        ({"fx": {"EUR": "1"}}, ValueError, "a number > 0"),
        ({"fx": {"EUR": 0}}, ValueError, "a number > 0"),
        ({"assume_equity": {"A": None}}, ValueError, "a number is needed"),
        ({"decimals": {"A": -1}}, ValueError, "a number ≥ 0"),
    ],
)
@pytest.mark.parametrize("way", ["tables", "read", "matrix", "networkx"])
def test_wrong_words_are_named_with_the_closest(way, options, error, says):
    nx = pytest.importorskip("networkx")
    ways = {
        "tables": lambda **o: ct.ExposureNetwork(nodes("A", "B"), claims(("A", "B", 1.0)), **o),
        "read": lambda **o: ct.read(on_disk("creditor,debtor,amount\nA,B,1\n"), **o),
        "matrix": lambda **o: ct.ExposureNetwork.from_matrix([[0]], ["A"], **o),
        "networkx": lambda **o: ct.ExposureNetwork.from_networkx(nx.DiGraph(), **o),
    }
    with pytest.raises(error, match=re.escape(says)):
        ways[way](**options)


def test_choices_are_documented():
    said = [line.strip() for line in (Choices.__doc__ or "").splitlines()]
    for name in Choices.__annotations__:
        assert any(line.startswith(f"{name} (C0") for line in said), name


@pytest.mark.parametrize(
    ("cells", "decimal", "values"),
    [
        (["1,5", "2.000", "-3"], None, [1.5, 2000.0, -3.0]),
        (["1.5", "2,000", "1,000,000"], None, [1.5, 2000.0, 1e6]),
        (["1.234,5", "1.234.567"], None, [1234.5, 1234567.0]),
        (["1,234.5", "0.125"], None, [1234.5, 0.125]),
        (["0,125", "7"], None, [0.125, 7.0]),
        (["1.234", "2.5"], None, [1.234, 2.5]),
        (["1.234", "5"], ",", [1234.0, 5.0]),
        (["1,234", "5"], ".", [1234.0, 5.0]),
        (["1 234,5", "1\u00a0000", "2'000"], None, [1234.5, 1000.0, 2000.0]),
        (["(5)", "−7", "+2", "1e3"], None, [-5.0, -7.0, 2.0, 1000.0]),
        (["-", "", "n/a", None, " "], None, [np.nan] * 5),
        ([3, 2.5, "4"], None, [3.0, 2.5, 4.0]),
        (["1e18", str(10**30)], None, [1e18, 1e30]),
        ([10**30, 5], None, [1e30, 5.0]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("dtype", [object, "str"])
def test_numbers_that_people_write(cells, decimal, values, dtype):
    if dtype == "str" and not all(isinstance(c, str | None) for c in cells):
        pytest.skip("not text")
    read = numbers(pd.Series(cells, dtype=dtype), decimal)
    np.testing.assert_allclose(read.values, values)
    assert read.unread is None


@pytest.mark.parametrize(
    "cell", ["13+27682", "=A1*2", "1_000", "0x1g", "5%", "EU 5", "1,23,4", "1.2.3", "١٢", "--5",
             "1e", "five", "1,2345.6.7"],
)  # fmt: skip
def test_what_is_not_a_number_is_never_guessed(cell):
    read = numbers(pd.Series([cell, "5"]))
    assert read.unread is not None and read.unread.tolist() == [True, False]
    assert np.isnan(read.values[0])


@pytest.mark.parametrize("cells", [["1,234", "5"], ["1,5", "2.5", "1,234"]])
def test_a_comma_that_can_be_read_in_two_ways_is_not_read(cells):
    read = numbers(pd.Series(cells))
    assert read.ambiguous
    assert np.isnan(read.values[cells.index("1,234")])


def test_truths():
    cells = pd.Series(["true", "FALSE", "0", "yes", None, "", 1, True])
    assert truths(cells, True)[0].tolist() == [True, False, False, True, True, True, True, True]
    unread = truths(pd.Series(["true", "maybe", 2]), True)[1]
    assert unread is not None and unread.tolist() == [False, True, True]
    assert truths(pd.Series([1.0, 0.0, np.nan]), False)[0].tolist() == [True, False, False]


def test_text_columns_of_nodes_are_numbers_too():
    table = {"node": ["A", "B"], "External Assets": ["1.234,5", "2.000"], "can_fail": ["true", "0"]}
    net = ct.ExposureNetwork(table, claims(("A", "B", 1.0)), decimal=",")
    assert net.balance_sheet["external_assets"].tolist() == [1234.5, 2000.0]
    assert net.book.can_fail.tolist() == [True, False]


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        ("tier", [1.5, 1]),
        ("rank", [np.inf, 0]),
        ("weight", [-1.0, 1]),
        ("collateral", [-1.0, 1]),
        ("collateral", ["=2", 1]),
    ],
)
def test_schema_of_exposures(column, cells):
    with pytest.raises(ct.NetworkError, match=f"C012 column {column}: 1 cell in row 0"):
        ct.ExposureNetwork(
            nodes("A", "B"), claims(("A", "B", 1.0), ("B", "A", 1.0), **{column: cells})
        )


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("external_assets", -1.0),
        ("external_liabilities", np.inf),
        ("external_tier", 0.5),
        ("equity", "a lot"),
        ("rule", "fifo"),
    ],
)
def test_schema_of_nodes(column, cell):
    table = {"node": ["A", "B"], "external_assets": [9.0, 9.0], column: [cell, None]}
    with pytest.raises(ct.NetworkError, match=f"C012 column {column}: 1 cell of 'A'"):
        ct.ExposureNetwork(table, claims(("A", "B", 1.0)))


def test_both_missing_columns_are_named():
    with pytest.raises(ct.NetworkError) as caught:
        ct.ExposureNetwork({"bnk": ["A"]}, {"creditor": ["A"], "debtor": ["A"], "x": [1]})
    assert [f.code for f in caught.value.findings] == ["C012", "C012"]
