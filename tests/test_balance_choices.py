"""Balance sheets as published: rounding is a warning, and one column gives way beyond it."""

from __future__ import annotations

import ast
import itertools
import re

import numpy as np
import pandas as pd
import pytest

import contagion as ct
from contagion.network.balance_sheet.agreement import FIELDS, last_digit

OWED = pd.DataFrame(
    {"creditor": ["A", "B", "C"], "debtor": ["B", "C", "A"], "amount": [5000, 1200, 800]}
)


def nodes(**columns) -> pd.DataFrame:
    table = {
        "node": ["A", "B", "C"],
        "total_assets": [95118.0, 551345.0, 30815.0],
        "total_liabilities": [89018.0, 527346.0, 28515.0],
        "equity": [6101.0, 24000.0, 2300.0],
    }
    return pd.DataFrame({**table, **columns}).dropna(axis=1, how="all")


def read(balance=None, exposures=OWED, **columns) -> ct.ExposureNetwork:
    options = {} if balance is None else {"balance": balance}
    return ct.ExposureNetwork(nodes(**columns), exposures, unit="EUR m", **options)


def codes(net) -> list[str]:
    return net.check().query("code in ('C008', 'W017')")["code"].tolist()


def proposed(caught) -> list:
    """Every value of balance= that the fixes propose."""
    fixes = {f.fix for f in caught.value.findings}
    lists = [re.search(r"balance=(.*): the column", fix)[1].split(" | ") for fix in fixes]
    return [ast.literal_eval(word) for words in lists for word in words]


def test_whole_figures_that_miss_by_one_are_a_warning_told_with_the_run():
    net = read()
    assert codes(net) == ["W017"]
    assert net.balance_sheet["equity"].tolist() == [6100.0, 23999.0, 2300.0]
    result = ct.EisenbergNoe().propagate(net, ct.Shock.default("B"))
    assert result.table.loc["A", "loss"] == 5000.0
    assert "warning: rounded figures (W017): 2 rows" in " ".join(repr(result).split())


def test_the_proposed_fix_of_the_warning_makes_it_go_away():
    for column in ("equity", "total_assets", "total_liabilities"):
        net = read(balance=column)
        assert codes(net) == ["C008"] and set(net.check()["severity"]) <= {"repaired", "warning"}
        assert any(text.startswith(column.replace("_", " ")) for text in net.assumptions)


def test_beyond_rounding_a_column_gives_way_and_every_proposal_mends_it():
    wrong = {"equity": [6101.0, 24500.0, 2300.0]}
    with pytest.raises(ct.NetworkError) as caught:
        read(**wrong)
    assert proposed(caught) == ["equity", "total_assets", "total_liabilities"]
    sheets = {word: read(balance=word, **wrong).balance_sheet.loc["B"] for word in proposed(caught)}
    assert sheets["equity"].tolist() == [550145, 1200, 522346, 5000, 23999]
    assert sheets["total_assets"].tolist() == [550646, 1200, 522346, 5000, 24500]
    assert sheets["total_liabilities"].tolist() == [550145, 1200, 521845, 5000, 24500]


def test_only_columns_that_exist_are_proposed_and_taken():
    given = {"total_liabilities": [np.nan] * 3, "external_liabilities": [88218.0, 523346, 27315]}
    with pytest.raises(ct.NetworkError) as caught:
        read(**given)  # B: 551345 − 523346 − 5000 = 22999, not 24000
    assert set(proposed(caught)) == {"equity", "total_assets", "external_liabilities"}
    for word in proposed(caught):
        assert not (read(balance=word, **given).check()["severity"] == "error").any()
    with pytest.raises(ct.ArgumentError, match="no column 'total_liabilities'"):
        read(balance="total_liabilities", **given)


def test_a_column_that_would_need_a_negative_side_is_not_proposed():
    wrong = {"total_liabilities": [89018.0, 5001.0, 28515.0], "equity": [6101.0, -560000.0, 2300.0]}
    with pytest.raises(ct.NetworkError) as caught:
        read(**wrong)
    assert "total_assets" not in proposed(caught)  # −560,000 + 5,001 is no sum of assets
    for word in proposed(caught):
        read(balance=word, **wrong)


def test_two_columns_where_one_is_not_enough():
    wrong = {"external_assets": [90118.0, 500000.0, 30015.0], "equity": [6101.0, 40000.0, 2300.0]}
    with pytest.raises(ct.NetworkError) as caught:
        read(**wrong)
    assert all(isinstance(words, list) for words in proposed(caught))
    assert ["external_assets", "equity"] in proposed(caught)
    for words in proposed(caught):
        net = read(balance=words, **wrong)
        assert not (net.check()["severity"] == "error").any()
    assert read(balance=["external_assets", "equity"], **wrong).balance_sheet.loc[
        "B", "equity"
    ] == pytest.approx(23999.0)


def test_a_column_and_totals_that_are_raised_go_together():
    wrong = {"total_liabilities": [89018.0, 527346.0, 100.0], "equity": [6101.0, 24000.0, 30715.0]}
    with pytest.raises(ct.NetworkError, match="add_rest_of_world"):
        read(**wrong)
    with pytest.raises(ct.NetworkError) as caught:
        read(balance="add_rest_of_world", **wrong)
    assert ["add_rest_of_world", "equity"] in proposed(caught)
    for words in proposed(caught):
        assert not (read(balance=words, **wrong).check()["severity"] == "error").any()


@pytest.mark.parametrize(
    ("unit", "by", "fine"),
    [
        (1.0, 3.0, True),  # three figures, one unit each
        (1.0, 4.0, False),
        (0.1, 0.3, True),
        (0.1, 0.4, False),
        (1e6, 3e6, True),  # published in millions, written in units
        (1e6, 4e6, False),
    ],
)
def test_the_bound_is_the_last_digit_times_the_terms(unit, by, fine):
    table = nodes()
    table[["total_assets", "total_liabilities"]] *= unit
    if unit == 0.1:  # one decimal shown everywhere
        table = table.round(1)
    table["equity"] = table["total_assets"] - table["total_liabilities"]
    table.loc[0, "equity"] += by
    table = table.round(1)
    owed = OWED.assign(amount=OWED["amount"] * unit)
    if fine:
        assert codes(ct.ExposureNetwork(table, owed)) == ["W017"]
    else:
        with pytest.raises(ct.NetworkError, match="C008"):
            ct.ExposureNetwork(table, owed)


def test_terms_count_the_claims_of_the_node():
    """External assets + 40 claims in whole units may miss the total by 42."""
    owed = pd.DataFrame({"creditor": "a", "debtor": [f"b{k}" for k in range(40)], "amount": 101})
    table = pd.DataFrame({"node": ["a", *owed["debtor"]], "external_assets": 1001.0})
    table["total_assets"] = [1001.0 + 4040 + 42, *[1001.0] * 40]
    assert codes(ct.ExposureNetwork(table, owed)) == ["W017"]
    table.loc[0, "total_assets"] += 1
    with pytest.raises(ct.NetworkError, match="C008"):
        ct.ExposureNetwork(table, owed)


def test_small_round_examples_are_not_excused_as_rounding():
    table = {"node": ["a", "b"], "total_assets": [10, 50], "equity": [3, 20]}
    table["total_liabilities"] = [5, 30]
    with pytest.raises(ct.NetworkError, match="C008"):
        ct.ExposureNetwork(table, {"creditor": ["a"], "debtor": ["b"], "amount": [2]})


def test_claims_above_a_rounded_total_count():
    net = read(
        total_assets=[95118.0, 551345.0, 799.0],
        total_liabilities=[89018.0, 527346.0, 1200.0],
        equity=[6100.0, 23999.0, -400.0],
    )
    assert codes(net) == ["W017"]
    assert net.balance_sheet.loc["C"].tolist() == [0, 800, 0, 1200, -400]


def test_any_two_of_three_give_the_third_and_it_is_said():
    whole = read(equity=[6100.0, 23999.0, 2300.0]).balance_sheet
    for lost in ("total_assets", "total_liabilities", "equity"):
        given = {"equity": [6100.0, 23999.0, 2300.0], lost: [np.nan] * 3}
        net = read(**given)
        pd.testing.assert_frame_equal(net.balance_sheet, whole)
        assert len(net.derived) == 2 and "derived: external assets = " in repr(net)
    assert (
        "external assets = equity + liabilities − claims (3 nodes)"
        in read(equity=[6100.0, 23999.0, 2300.0], total_assets=[np.nan] * 3).derived
    )


def test_rows_that_lack_a_figure_each_complete_by_themselves():
    columns = {
        "total_assets": [np.nan, 551345.0, 30815.0],
        "total_liabilities": [89018.0, np.nan, 28515.0],
        "equity": [6100.0, 23999.0, np.nan],
    }
    got = read(**columns).balance_sheet
    pd.testing.assert_frame_equal(got, read(equity=[6100.0, 23999.0, 2300.0]).balance_sheet)


def test_proposals_mend_random_contradictions():
    rng = np.random.default_rng(15)
    tried = 0
    for _ in range(60):
        have = [name for name in FIELDS if rng.random() < 0.8]
        table = pd.DataFrame({"node": list("ABC")})
        for name in have:
            table[name] = rng.integers(6000, 90000, 3).astype(float)
        try:
            ct.ExposureNetwork(table, OWED)
            continue
        except ct.NetworkError as error:
            fixes = [f.fix for f in error.findings if "add up" in f.message]
        for fix, other in itertools.product(fixes[:1], fixes[:1]):
            for text in re.findall(r"balance=(.*): the column", fix) if len(fixes) == 1 else ():
                for word in text.split(" | "):
                    net = ct.ExposureNetwork(table, OWED, balance=ast.literal_eval(word))
                    assert not (net.check()["severity"] == "error").any(), (fix, other)
                    tried += 1
    assert tried > 10


def test_the_last_digit_that_is_shown():
    assert last_digit(np.array([0.25, 3.5, np.nan, 0.0])) == 0.01
    assert last_digit(np.array([1 / 3])) < 1e-8
    assert last_digit(np.array([2000.0, 100.0])) == 1.0
