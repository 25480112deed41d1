"""Records: what a number means and why it is missing stays with the numbers."""

from __future__ import annotations

import ast
import copy
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import contagion as ct
from contagion import lookthrough, measures, randomgraphs
from contagion.measures import MEASURES, scorecards
from contagion.records import NO_ROW, Amounts, Scores, Table

PACKAGE = Path(ct.__file__).parent


def attrs_of(source: str) -> list[int]:
    """Lines that read or write `.attrs` of anything."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and node.attr == "attrs"
    ]


def network(debts, **given):
    return ct.ExposureNetwork.from_matrix(
        debts, list("abcd")[: len(debts)], orientation="debtor->creditor", **given
    )


# A chain with a node whose balance sheet is not known and one that stands alone; a single node.
CHAIN = network(
    [[0, 5, 0, 0], [0, 0, 4, 0], [0, 0, 0, 0], [0, 0, 0, 0]],
    equity=[2, 3, np.nan, 1],
    missing_equity="external",
)
ALONE = network([[0]], equity=[1])
NODES = [m.name for m in MEASURES.values() if m.of is not None]
DRAWS = pd.DataFrame({"a": [1.0, 5, 0, 4], "b": [2.0, 0, 5, 6], "c": 0.0})
BANKS = pd.DataFrame({name: [100.0, 1.0] for name in scorecards.weights("2013").index}, list("xy"))
DOLLARS = scorecards.denominators(2015, currency="USD")
MODEL, SHOCK = ct.EisenbergNoe(), ct.Shock.default("a")
policy = ct.experiments.policy
FUNDS = {"fund": policy.InsuranceFund("b", 1.0), "free": policy.InsuranceFund("b", 0.0)}
DRAWN = ct.scenarios.from_shocks(CHAIN, [SHOCK, ct.Shock()])
RECORDS = {
    "rank": lambda: ct.rank(CHAIN, measures="all"),
    "rank by two models": lambda: ct.rank(CHAIN, [MODEL, ct.models.Furfine()]),
    "single defaults": lambda: measures.each_default(CHAIN, MODEL, more=True),
    "contagion index": lambda: measures.contagion_index(ALONE, MODEL),
    "debtrank": lambda: measures.debtrank(ALONE, ct.DebtRank()),
    "mes": lambda: measures.marginal_expected_shortfall(DRAWS, 0.5, minimum=1, resamples=0),
    "ses": lambda: measures.systemic_expected_shortfall(DRAWS, [3] * 3, [2] * 3, minimum=9),
    "covar": lambda: measures.covar(DRAWS, 0.5, minimum=1, resamples=0),
    "tail dependence": lambda: measures.tail_dependence(DRAWS, 0.5, minimum=1),
    "curve": lambda: measures.concentration_curve(pd.Series([0.0, np.nan], list("ab"))),
    "eigenvector": lambda: measures.eigenvector(CHAIN),
    "katz": lambda: measures.katz(CHAIN),
    "pagerank": lambda: measures.pagerank(CHAIN, side="both"),
    "slopes": lambda: measures.gradient(CHAIN, MODEL, SHOCK).external_assets,
    "slopes of claims": lambda: measures.gradient(CHAIN, MODEL, SHOCK).exposures,
    "denominators": lambda: DOLLARS,
    "US scores": lambda: scorecards.us_gsib(BANKS, divisors=DOLLARS),
    "large exposures": lambda: scorecards.large_exposures(CHAIN),
    "interconnectedness": lambda: scorecards.interconnectedness(CHAIN),
    "holders": lambda: lookthrough.who_holds_the_bag(CHAIN, "a"),
    "window": lambda: randomgraphs.gai_kapadia_window([0.0, 3.0], n=20, samples=3, rng=1),
    "one shock": lambda: policy.compare(CHAIN, MODEL, SHOCK, FUNDS).table,
    "scenarios": lambda: policy.compare(CHAIN, MODEL, DRAWN, FUNDS, levels=(0.5,)).table,
    "differences": lambda: policy.compare(CHAIN, MODEL, DRAWN, FUNDS).differences(),
    "mixes": lambda: policy.cheapest(CHAIN, MODEL, SHOCK, FUNDS, budget=2.0).table,
    "joint defaults": lambda: ct.stress_test(CHAIN, MODEL, DRAWN, joint=True).joint_defaults,
    "after a default": lambda: (
        ct.stress_test(CHAIN, MODEL, DRAWN, joint=True).default_given_default
    ),
}
RECORDS |= {
    f"{name} of {which}": lambda name=name, net=net: MEASURES[name].of(net)
    for name in NODES
    for which, net in (("a chain", CHAIN), ("one node", ALONE))
}


def table_of(record) -> Table:
    """The record as a table of its own: reasons and definitions by column."""
    return record.merge(pd.DataFrame(index=record.index))


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: p.stem)
def test_nothing_hides_in_attrs(path):
    assert attrs_of(path.read_text("utf-8")) == []


def test_an_attribute_that_hides_something_would_be_noticed():
    assert attrs_of("x = 1\nframe.attrs['reasons'] = {}") == [2]


@pytest.mark.parametrize("name", RECORDS)
def test_every_nan_has_a_reason_and_every_column_a_definition(name):
    record = RECORDS[name]()
    assert isinstance(record, Table | Scores)
    table = table_of(record)
    for column in table.table:
        blank = table.table.index[table.table[column].isna()]
        assert set(table.reasons.get(column, {})) == set(blank), column
        assert all(table.reasons.get(column, {}).values())
        assert len(table.definitions[column].split()) > 2, column


@pytest.mark.parametrize("name", RECORDS)
def test_reasons_and_definitions_survive(name, tmp_path):
    record = RECORDS[name]()
    table = table_of(record)
    for other in (pickle.loads(pickle.dumps(record)), copy.deepcopy(record)):
        assert type(other) is type(record) and other.reasons == record.reasons
        assert table_of(other).definitions == table.definitions
        pd.testing.assert_frame_equal(table_of(other).table, table.table)

    beside = pd.Series(np.arange(len(record)), record.index, name="mine").iloc[::-1]
    merged = record.merge(beside)
    assert merged.reasons == table.reasons
    assert merged.definitions == table.definitions and "mine" in merged

    record.to_csv(tmp_path / "x.csv")
    said = pd.read_csv(tmp_path / "x_reasons.csv", keep_default_na=False)
    reasons = said[said["kind"] == "reason"]
    assert len(reasons) == int(table.table.isna().to_numpy().sum())
    assert set(reasons["text"]) == {t for why in table.reasons.values() for t in why.values()}
    meant = said[said["kind"] == "definition"].set_index("column")["text"].to_dict()
    assert meant == {str(column): text for column, text in table.definitions.items()}
    assert len(pd.read_csv(tmp_path / "x.csv")) == len(record)


def test_the_fields_of_a_record_are_written_and_kept(tmp_path):
    found = RECORDS["holders"]()
    found.to_csv(tmp_path / "x.csv")
    said = pd.read_csv(tmp_path / "x_reasons.csv").set_index("kind")["text"]
    assert said["sums"] == "direct 5, bag 5, loss 7, external_loss 0, initial_loss 7"
    assert pickle.loads(pickle.dumps(found)).sums == found.sums
    assert "sums: direct" in repr(found)


# -- a record acts as its pandas object, and is aligned by name -------------------------------

SCORES = Scores(pd.Series({"a": 2.0, "b": np.nan, "c": 5.0}, name="x"), "x", {"b": "no claims"})
MIXED = pd.Series({"c": 1.0, "b": 2.0, "a": 3.0}, name="y")


@pytest.mark.parametrize(
    "frame",
    [
        lambda: pd.DataFrame({"y": MIXED, "x": SCORES}),
        lambda: pd.DataFrame({"x": SCORES, "y": MIXED}),
        lambda: MIXED.to_frame().assign(x=SCORES),
        lambda: pd.concat([MIXED, SCORES], axis=1),
        lambda: MIXED.to_frame().join(SCORES.merge(pd.DataFrame(index=["a", "b", "c"]))),
        lambda: MIXED.to_frame().merge(SCORES, left_index=True, right_index=True),
        lambda: SCORES.merge(MIXED).table,
        lambda: pd.DataFrame({"x": pd.Series(SCORES), "y": MIXED}),
    ],
)
def test_pandas_aligns_a_record_by_name(frame):
    """By position a would get the 5 of c: a wrong number that nobody sees."""
    assert frame().loc["a", "x"] == 2.0 and frame().loc["c", "x"] == 5.0
    assert frame().loc["a", "y"] == 3.0


def test_expressions_are_plain_pandas_and_aligned():
    for found in (SCORES + MIXED, MIXED + SCORES, np.add(MIXED, SCORES)):
        assert type(found) is pd.Series and found["a"] == 5.0 and found["c"] == 6.0
    assert (SCORES / 2).tolist()[0] == 1.0 and (SCORES > 1).tolist() == [True, False, True]
    assert np.asarray(SCORES).tolist()[::2] == [2.0, 5.0] and SCORES.idxmax() == "c"
    assert type(SCORES.rank()) is pd.Series and len(SCORES) == 3 and "a" in SCORES
    shock = ct.Shock.loss(measures.strength(CHAIN) / 10)
    assert shock == ct.Shock.loss((measures.strength(CHAIN).values / 10).to_dict())


def test_a_table_is_its_frame_where_it_is_asked():
    record = RECORDS["rank"]()
    assert list(record) == list(record.columns) and record.shape == record.table.shape
    assert type(record["equity"]) is pd.Series and type(record.head(2)) is pd.DataFrame
    assert record.loc["a", "equity"] == 2.0 and record.sort_values("debts").index[-1] == "a"
    assert np.asarray(record).shape == record.shape == record.to_numpy().shape
    assert isinstance(record, pd.DataFrame) and type(record) is Table


def test_a_record_is_frozen():
    record = RECORDS["rank"]()
    with pytest.raises(AttributeError):
        record.notes = ("mine",)
    with pytest.raises(TypeError):
        record["mine"] = 1.0


def test_a_nan_without_a_reason_is_refused():
    frame = pd.DataFrame({"x": [1.0, np.nan]}, index=["a", "b"])
    for reasons in ({}, {"x": {"a": "why"}}, {"x": {"b": ""}}):
        with pytest.raises(ct.ArgumentError, match="x of 'b' is NaN without a stated reason"):
            Table(frame, reasons=reasons)
    with pytest.raises(ct.ArgumentError, match="without a stated reason"):
        Scores(frame["x"])


# -- merge -----------------------------------------------------------------------------------


def test_rows_that_a_table_lacks_are_nan_with_that_reason():
    other = Scores(pd.Series({"a": np.nan, "z": 1.0}, name="x"), "other", {"a": "too few"})
    found = SCORES.merge(other, how="outer", suffixes=("", "_two"))
    assert found.index.tolist() == ["a", "b", "c", "z"]
    assert found.reasons["x"] == {"b": "no claims", "z": NO_ROW}
    assert found.reasons["x_two"] == {"a": "too few", "b": NO_ROW, "c": NO_ROW}
    assert found.definitions == {"x": "x", "x_two": "other"}


def test_merging_on_a_column_moves_reasons_to_the_new_rows():
    left = Table(pd.DataFrame({"k": ["p", "q"], "v": [1, np.nan]}), reasons={"v": {1: "none"}})
    right = pd.DataFrame({"k": ["q", "p", "p"], "w": [1.0, np.nan, 3.0]})
    found = left.merge(right, on="k")
    assert found["k"].tolist() == ["p", "p", "q"] and found.reasons["v"] == {2: "none"}
    assert list(found.reasons["w"]) == [0]


# -- what is shown ---------------------------------------------------------------------------


def test_a_record_says_why_in_eighty_columns():
    text = repr(RECORDS["rank"]())
    assert max(map(len, text.splitlines())) <= 80
    assert "'glasserman_young' for 'c': balance sheet not known" in text
    assert "no claims" in repr(SCORES) and repr(SCORES).splitlines()[-2] == "x"
    assert "<table" in SCORES._repr_html_() and "no claims" in SCORES._repr_html_()


def test_a_ledger_in_a_notebook_is_on_one_scale_with_its_unit_and_of_limited_length():
    net = ct.datasets.load("cefi_credit_2022")
    ledger = ct.EisenbergNoe().propagate(net, ct.Shock.default("three_arrows")).ledger
    assert set(ledger.definitions) == set(ledger) and ledger.unit == net.unit
    html, (largest, *_) = ledger._repr_html_(), ledger["amount"]
    assert "<th>amount, USD m</th>" in html and f"{largest / 1e6:,.1f}" in html
    assert repr(ledger).endswith(f"unit: {net.unit}")
    again = pickle.loads(pickle.dumps(ledger))
    pd.testing.assert_frame_equal(again.table, ledger.table)
    long = Amounts(pd.concat([ledger.table] * 9, ignore_index=True), unit="USD")._repr_html_()
    assert long.count("<tr>") == 20 and f"The first 20 of {9 * len(ledger)} rows." in long
