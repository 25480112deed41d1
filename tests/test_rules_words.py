"""Rules as TOML, rules and claims that are refused, and claims of nobody and of nothing."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from test_rules import RULES, claims_of

import contagion as ct
from contagion import ContagionError, RuleError, rules
from contagion.rules import (
    Capped,
    EqualAwards,
    EqualLosses,
    FirstCome,
    Layer,
    Priority,
    ProRata,
    Queue,
    Rule,
    Talmud,
    Waterfall,
)

# -- as TOML ------------------------------------------------------------------------------------

WRITTEN: list[Rule] = [
    *dict.fromkeys(RULES[name](claims_of(1)) for name in RULES),
    ProRata("profit", negative="zero"),
    Queue("score", first="lowest", ties="error"),
    FirstCome("left_at"),
    Priority("class", within=EqualLosses(), tiers={2: Queue(), 0.5: Talmud(), 1234567: ProRata()}),
    Capped(Capped(Priority(), share=0.9), by="cap"),
    Waterfall(
        [
            Layer("till", capacity=30.0, owner="venue"),
            Layer("insurance fund", EqualAwards(), capacity=1e15),
            Layer('odd "name" = [x]', Priority(tiers={2: Capped(Talmud(), share=0.0)})),
        ]
    ),
]


@pytest.mark.parametrize("rule", WRITTEN, ids=repr)
def test_a_rule_survives_toml(rule, tmp_path):
    text = rules.dumps(rule)
    assert rules.loads(text) == rule
    assert hash(rules.loads(text)) == hash(rule)
    assert rules.from_dict(rules.to_dict(rule)) == rule
    path = tmp_path / "rule.toml"
    path.write_text(text, "utf-8")
    assert rules.read_rule(path) == rule


def test_every_rule_has_been_through_toml():
    kinds = {type(rule) for rule in WRITTEN}
    assert kinds == set(rules.RULES.values())
    assert all(rules.from_dict(word) == rules.RULES[word]() for word in rules.WORDS)


# -- errors -------------------------------------------------------------------------------------

TWO = {"claimant": ["alice", "bob"], "amount": [30.0, 10.0]}
FUND = Waterfall([Layer("fund"), Layer("winners")])
ERRORS: dict[str, tuple[Rule, float, dict, list[str]]] = {
    "no amount": (ProRata(), 1, {"claimant": ["alice"]}, ["no column 'amount'", "'claimant'"]),
    "no claimant": (ProRata(), 1, {"amount": [1.0]}, ["no column 'claimant'", "One row a claim"]),
    "empty amount": (
        ProRata(),
        1,
        {**TWO, "amount": [30.0, None]},
        ["empty, infinite or negative", "1 claim", "'bob'", "money >= 0"],
    ),
    "negative amount": (
        Talmud(),
        1,
        {**TWO, "amount": [-30.0, 10.0]},
        ["negative for 1 claim of -30", "'alice'"],
    ),
    "missing column": (
        ProRata("profit"),
        1,
        TWO,
        ["ProRata(weight='profit') needs a column 'profit'", "add it, one number a claim"],
    ),
    "misspelt column": (
        Queue("score"),
        1,
        {**TWO, "scores": [1, 2]},
        ["needs a column 'score'", "Did you mean 'scores'?"],
    ),
    "nobody says who exits": (FirstCome(), 1, TWO, ["FirstCome()", "'exit'", "add it"]),
    "empty weight": (
        ProRata("weight"),
        1,
        {**TWO, "weight": [np.nan, 1.0]},
        ["'weight' is empty or not a number for 1 claim of 30 ('alice')", "Fill it in."],
    ),
    "no weight in a masked column": (
        ProRata("weight"),
        1,
        {**TWO, "weight": pd.array([1, None], "Int64")},
        ["1 claim of 10 ('bob')"],
    ),
    "words for a tier": (
        Priority(),
        1,
        {**TWO, "tier": ["junior", 1]},
        ["'tier' is empty or not a number for 1 claim of 30 ('alice')"],
    ),
    "words for an exit": (
        FirstCome(),
        1,
        {**TWO, "exit": ["early", None]},
        ["'exit' is empty or not a number for 1 claim of 30 ('alice')"],
    ),
    "negative weight": (
        ProRata("weight"),
        1,
        {**TWO, "weight": [1.0, -2.0]},
        ["'weight' is below 0 for 1 claim of 10 ('bob')", 'negative="zero"'],
    ),
    "infinite weight": (
        ProRata("weight"),
        1,
        {**TWO, "weight": [np.inf, 2.0]},
        ["infinite for 1 claim of 30 ('alice')", "Correct it."],
    ),
    "negative cap": (
        Capped(by="cap"),
        1,
        {**TWO, "cap": [-1.0, 2.0]},
        ["'cap' is below 0", "'alice'"],
    ),
    "unknown layer": (
        FUND,
        1,
        {**TWO, "layer": ["winer", "fund"]},
        ["the layers fund, winners but not 'winer'", "1 claim of 30 ('alice')", "'winners'?"],
    ),
    "a layer of nobody": (
        FUND,
        1,
        {**TWO, "layer": "winners"},
        ["Layer 'fund' has no claims and no capacity", "0 says that it is empty"],
    ),
    "own money without end": (
        Waterfall([Layer("fund", capacity=np.inf)]),
        1,
        TWO,
        ["Layer 'fund'", "capacity inf", "a finite capacity"],
    ),
    "ties": (
        Queue("score", ties="error"),
        1,
        {**TWO, "score": [1, 1]},
        ["equal ranks of 2 claims of 40 ('alice', 'bob')", 'ties="pro_rata" lets them share'],
    ),
    "a negative loss": (ProRata(), -1.0, TWO, ["The loss is -1.0; it has to be money >= 0."]),
    "no loss": (ProRata(), float("nan"), TWO, ["The loss is nan; it has to be money >= 0."]),
    "an infinite loss": (ProRata(), float("inf"), TWO, ["The loss is inf"]),
    "deep inside": (  # 4 is what the cap leaves of 8
        Waterfall([Layer("fund", Priority(tiers={2: Capped(ProRata("weight"), share=0.5)}))]),
        1,
        {
            "claimant": ["alice", "bob", "carol", "dave"],
            "amount": [1.0, 2.0, 4.0, 8.0],
            "layer": [None, "fund", "fund", "fund"],
            "tier": [1, 1, 2, 2],
            "weight": [np.nan, np.nan, 1.0, np.nan],
        },
        ["ProRata(weight='weight')", "1 claim of 8 ('dave')"],
    ),
}
NOT_OUR_WORDS = re.compile(r"lender|borrower|participant|counterpart|haircut|bearer", re.I)


@pytest.mark.parametrize("name", ERRORS)
def test_errors_name_the_claims_the_amounts_and_the_fix(name):
    rule, loss, claims, said = ERRORS[name]
    with pytest.raises(RuleError) as caught:
        rule.allocate(loss, claims)
    for part in said:
        assert part in str(caught.value), str(caught.value)
    assert not NOT_OUR_WORDS.search(str(caught.value))


IMPOSSIBLE = {
    "ProRata": (lambda: ProRata(negative="drop"), "negative='drop'"),
    "Queue first": (lambda: Queue(first="last"), "first='last'"),
    "Queue ties": (lambda: Queue(ties="row"), "ties='row'"),
    "Capped twice": (lambda: Capped(share=0.5, by="cap"), "either share= "),
    "Capped by nothing": (lambda: Capped(), "either share= "),
    "Capped above": (lambda: Capped(share=1.5), "share=1.5"),
    "Capped by no number": (lambda: Capped(share=float("nan")), "share=nan"),
    "Capped of a word": (lambda: Capped("talmud", share=0.5), "'talmud' is not a rule"),
    "Capped waterfall": (lambda: Capped(FUND, share=0.5), "Capped cannot hold a waterfall"),
    "Priority of a word": (lambda: Priority(tiers={2: "queue"}), "'queue' is not a rule"),
    "Priority of a waterfall": (lambda: Priority(within=FUND), "cannot hold a waterfall"),
    "Layer of a word": (lambda: Layer("fund", "queue"), "Layer 'fund': 'queue' is not a rule"),
    "Layer of a waterfall": (lambda: Layer("fund", FUND), "Layer 'fund' cannot hold a waterfall"),
    "Layer below zero": (lambda: Layer("fund", capacity=-1.0), "Layer 'fund' has capacity -1.0"),
    "Layer of no number": (lambda: Layer("fund", capacity=float("nan")), "capacity nan"),
    "two of a name": (lambda: Waterfall([Layer("x"), Layer("x")]), "two layers called 'x'"),
    "no layers": (lambda: Waterfall([]), "no layers"),
    "lot": (lambda: ProRata().allocate(1, TWO, lot=0), "lot=0"),
    "rounding": (lambda: ProRata().allocate(1, TWO, lot=1, rounding="up"), "rounding='up'"),
    "word": (lambda: rules.from_dict("talmut"), "Did you mean 'talmud'?"),
    "parameter": (lambda: rules.from_dict({"rule": "queue", "bye": "x"}), "Did you mean 'by'?"),
    "no rule": (lambda: rules.from_dict({"by": "x"}), "needs a key 'rule'"),
    "not TOML": (lambda: rules.loads("rule = "), "not TOML"),
    "layer without a name": (
        lambda: rules.from_dict({"rule": "waterfall", "layers": [{"capacity": 1.0}]}),
        "A layer is a table with a name",
    ),
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_impossible_rules_are_refused(name):
    build, said = IMPOSSIBLE[name]
    with pytest.raises(ContagionError, match=re.escape(said)):
        build()


def test_on_a_graph_the_claims_are_named_by_their_creditors():
    table = pd.DataFrame({"creditor": ["alice", "bob"], "debtor": "venue", "amount": [30.0, 10.0]})
    nodes = pd.DataFrame({"node": ["venue", "alice", "bob"], "external_assets": [40.0, 1, 1]})
    net = ct.ExposureNetwork(nodes, table.assign(weight=[1.0, np.nan]))
    with pytest.raises(RuleError, match=r"1 claim of 10 \('bob'\)"):
        net.with_rule("venue", ProRata("weight"))
    with pytest.raises(RuleError, match="needs a column 'profit'"):
        net.with_rule("venue", ProRata("profit"))


# -- nothing to share ---------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [RULES[name](claims_of(1)) for name in RULES], ids=list(RULES))
def test_nobody_and_nothing_bear_nothing(rule):
    if isinstance(rule, Waterfall):
        rule = Waterfall([Layer(x.name, x.rule, 0.0) for x in rule.layers_])
    empty = claims_of(1).iloc[:0]
    done = rule.allocate(5.0, empty)
    assert done.uncovered == 5.0
    assert done.table["loss"].sum() == 0
    nothing = claims_of(1).assign(amount=0.0, cap=0.0, weight=0.0)
    done = rule.allocate(5.0, nothing)
    assert done.uncovered == 5.0
    assert done.table["loss"].eq(0).all()
    assert np.isnan(done.fairness["largest_haircut"])


def test_claims_without_weight_leave_the_loss_uncovered():
    done = ProRata("weight").allocate(5, {**TWO, "weight": [0.0, 0.0]})
    assert done.uncovered == 5.0


def test_who_has_no_date_of_exit_stays():
    dates = pd.to_datetime(["2022-06-12", None])
    done = FirstCome().allocate(15, {**TWO, "exit": dates})
    assert done.table["loss"].tolist() == [5.0, 10.0]


def test_any_kind_of_table_will_do():
    frame = pl.DataFrame({**TWO, "weight": [3, 1]})
    want = ProRata("weight").allocate(8, {**TWO, "weight": [3, 1]}).table
    pd.testing.assert_frame_equal(ProRata("weight").allocate(8, frame).table, want)
    indexed = pd.DataFrame(TWO, index=[7, 7])
    assert ProRata().allocate(8, indexed).table["loss"].tolist() == [6.0, 2.0]
