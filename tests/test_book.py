"""Balance sheets: completed by one identity, never guessed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import contagion as ct

OWED = pd.DataFrame({"creditor": ["a"], "debtor": ["b"], "amount": [10.0]})
SIDES = ["external_assets", "claims", "external_liabilities", "debts", "equity"]


def sheet(node, **columns):
    table = pd.DataFrame({"node": ["a", "b"], **columns})
    return ct.ExposureNetwork(table, OWED).balance_sheet.loc[node, SIDES].tolist()


@pytest.mark.parametrize(
    ("columns", "a", "b"),
    [
        (  # both sides given: equity follows
            {"external_assets": [5, 50], "external_liabilities": [1, 20]},
            [5, 10, 1, 0, 14],
            [50, 0, 20, 10, 20],
        ),
        (  # no column of liabilities or equity: none outside the graph
            {"external_assets": [5, 50]},
            [5, 10, 0, 0, 15],
            [50, 0, 0, 10, 40],
        ),
        (  # assets and equity: liabilities follow
            {"external_assets": [5, 50], "equity": [14, 20]},
            [5, 10, 1, 0, 14],
            [50, 0, 20, 10, 20],
        ),
        (  # liabilities and equity: assets follow
            {"external_liabilities": [1, 20], "equity": [14, 20]},
            [5, 10, 1, 0, 14],
            [50, 0, 20, 10, 20],
        ),
        (  # totals instead of external sides
            {"total_assets": [15, 50], "total_liabilities": [1, 30]},
            [5, 10, 1, 0, 14],
            [50, 0, 20, 10, 20],
        ),
        (  # equity alone: the smallest balance sheet that carries it
            {"equity": [4, 20]},
            [0, 10, 6, 0, 4],
            [30, 0, 0, 10, 20],
        ),
        (  # total assets and equity
            {"total_assets": [15, 50], "equity": [14, 20]},
            [5, 10, 1, 0, 14],
            [50, 0, 20, 10, 20],
        ),
        (  # everything stated, and it agrees
            {
                "external_assets": [5, 50],
                "external_liabilities": [1, 20],
                "equity": [14, 20],
                "total_assets": [15, 50],
                "total_liabilities": [1, 30],
            },
            [5, 10, 1, 0, 14],
            [50, 0, 20, 10, 20],
        ),
    ],
)
def test_what_is_not_given_follows(columns, a, b):
    assert sheet("a", **columns) == a
    assert sheet("b", **columns) == b


def test_row_by_row():
    """Each row is completed from what it has itself."""
    table = pd.DataFrame(
        {"node": ["a", "b"], "external_assets": [5, None], "external_liabilities": [None, 20],
         "equity": [14, 20]}
    )  # fmt: skip
    net = ct.ExposureNetwork(table, OWED)
    assert net.balance_sheet["external_liabilities"].tolist() == [1, 20]
    assert net.balance_sheet["external_assets"].tolist() == [5, 50]


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"external_assets": [5, 50], "equity": [16, 20]}, "negative external liabilities"),
        (
            {"external_liabilities": [1, 20], "equity": [1, 20]},
            "negative external assets to balance: 'a', 8",
        ),
        (
            {"total_assets": [9, 50], "total_liabilities": [0, 30]},
            "claims 10 exceed total assets 9",
        ),
        ({"total_assets": [15, 50], "total_liabilities": [0, 9]}, "debts 10 exceed total liabil"),
        (
            {"external_assets": [5, 50], "total_assets": [15, 60], "equity": [14, 20]},
            "stated total assets 60, the other columns and the exposures give 50",
        ),
    ],
)
def test_what_does_not_add_up_is_an_error(columns, says):
    with pytest.raises(ct.NetworkError) as caught:
        sheet("a", **columns)
    assert says in " ".join(str(caught.value).split())
    assert {f.code for f in caught.value.findings} == {"C008"}


def test_exposures_in_other_units_than_the_balance_sheets():
    table = {"node": ["a", "b"], "total_assets": [15e-6, 50.0], "total_liabilities": [0, 30.0]}
    with pytest.raises(ct.NetworkError, match=r"look 10⁶ times"):
        ct.ExposureNetwork(table, OWED)


def test_rounding_is_no_error():
    table = {"node": ["a", "b"], "total_assets": [10 * (1 - 1e-12), 50], "equity": [3, 20]}
    net = ct.ExposureNetwork(table, OWED)
    assert net.balance_sheet.loc["a", "external_assets"] == 0.0


def test_unknown_stays_unknown():
    table = {"node": ["a", "b"], "external_assets": [5, 50], "external_liabilities": [None, 3]}
    with pytest.raises(ct.NetworkError, match="equity is missing for 1 node"):
        ct.ExposureNetwork(table, OWED)
    net = ct.ExposureNetwork(table, OWED, missing_equity="external")
    assert net.book.known.tolist() == [False, True]
    assert net.book.can_fail.tolist() == [False, True]
    assert np.isnan(net.balance_sheet.loc["a", "equity"])


def test_a_node_that_cannot_fail_needs_no_capital():
    table = {"node": ["a", "b"], "equity": [None, 20], "can_fail": [False, True]}
    net = ct.ExposureNetwork(table, OWED)
    assert "C005" not in set(net.check()["code"])
    assert np.isnan(net.book.equity[0])


def test_a_hole_in_a_full_balance_sheet_is_a_warning():
    table = {"node": ["a", "b"], "external_assets": [5, 4]}
    net = ct.ExposureNetwork(table, OWED)
    assert net.balance_sheet.loc["b", "equity"] == -6
    assert "W009" in set(net.check()["code"])


def test_the_books_cannot_be_written_to():
    book = ct.ExposureNetwork({"node": ["a", "b"], "external_assets": [5, 50]}, OWED).book
    for name in ("external_assets", "claims", "external_liabilities", "debts", "can_fail"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(book, name)[0] = 1
