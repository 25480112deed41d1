"""The command line on networks with rules: compare, and --rule on run, explain, rank, report."""

from __future__ import annotations

import subprocess
import sys

import matplotlib

matplotlib.use("Agg")

import pandas as pd
import pytest
from terminal import fits, flat, read_json

import contagion as ct
from contagion import rules
from contagion.cli.rule_arguments import assigned, sets
from contagion.study.rule_words import rule_from

OKEX = "okex_2018"
TURNED = "{ rule = 'waterfall', layers = [{ name = 'clawback' }, { name = 'insurance fund' }] }"


pytestmark = pytest.mark.usefixtures("narrow")


# -- compare --------------------------------------------------------------------------------


def test_compare_equals_python(cli, tmp_path):
    words = ["compare", OKEX, "--rule", "okex=pro_rata", "--rule", f"turned:okex={TURNED}"]
    code, out, err = cli(*words, "--out", tmp_path / "out", "--json")
    data = read_json(out)
    net = ct.datasets.load(OKEX)
    layers = [{"name": "clawback"}, {"name": "insurance fund"}]
    done = ct.compare_rules(
        net,
        ct.Shock.default("long_position"),
        {
            "okex=pro_rata": {"okex": "pro_rata"},
            "turned": {"okex": {"rule": "waterfall", "layers": layers}},
        },
        baseline="cleared",
    )
    assert code == 0 and err == "" and data["unit"] == "BTC"
    assert list(data["sets"]) == ["okex=pro_rata", "turned"]
    for name in done.results:
        found = {row["node"]: row[name] for row in data["table"]}
        assert found == pytest.approx(done.table[name].to_dict())
    share = {row["rules"]: row["largest_haircut"] for row in data["fairness"]}
    assert share == pytest.approx(done.fairness["largest_haircut"].to_dict())
    # what the clawback bears when it comes first is the whole 3,729.97 on profits of 6,857.14
    assert share["turned"] == pytest.approx(3729.971735 / 6857.142857)
    moved = pd.read_csv(tmp_path / "out" / "differences.csv").set_index("node")
    assert moved.loc["insurance_fund", "turned"] == pytest.approx(-2510)
    assert moved.loc["profitable_accounts", "turned"] == pytest.approx(2510)
    names = {file.name for file in (tmp_path / "out").iterdir()}
    assert names == {"fairness.csv", "table.csv", "differences.csv", "by_kind.csv", "by_hop.csv",
                     "summary.json"}  # fmt: skip


def test_compare_prints_who_gains_and_who_pays(cli):
    code, out, _ = cli("compare", OKEX, "--rule", f"turned:okex={TURNED}")
    assert code == 0 and fits(out)
    assert "turned: okex shares by clawback, then insurance fund" in out
    assert "insurance_fund 2,510.0 -2,510.0 profitable_accounts 1,220.0 +2,510.0" in flat(out)
    assert "as given 3,730.0 100 % 100 % 100 %" in flat(out)


def test_a_node_that_is_made_to_fail_has_no_use_for_a_rule(cli):
    note = "long_position defaults with a fixed recovery rate"
    _, out, _ = cli("compare", OKEX, "--rule", "same:long_position=talmud")
    assert "No node bears more or less" in out and note in flat(out) and fits(out)
    _, out, _ = cli("run", OKEX, "--rule", "long_position=talmud")
    assert note in flat(out) and fits(out)
    _, out, _ = cli("run", OKEX, "--rule", "okex=talmud")
    assert "fixed recovery rate" not in out


def test_compare_numbers_the_sets_that_do_not_fit(cli):
    words = [f"exchange={word}" for word in ("talmud", "equal_losses", "equal_awards", "pro_rata")]
    words += ["bank_1=talmud", "bank_2=talmud", "bank_3=talmud", "bank_4=talmud"]
    code, out, _ = cli("compare", "three_venues", *(x for w in words for x in ("--rule", w)))
    assert code == 0 and fits(out)
    assert "(1) exchange=talmud" in out and "(8) bank_4=talmud" in out
    heads = [line.split() for line in out.splitlines() if line.startswith("node ")]
    shown = [word for head in heads for word in head if word.startswith("(")]
    assert shown == [f"({k})" for k in range(1, 9)]


@pytest.mark.parametrize("name", ["rules.png", "rules.svg"])
def test_compare_draws_the_figure(cli, tmp_path, name):
    file = tmp_path / name
    code, out, _ = cli("compare", OKEX, "--rule", "okex=talmud", "--figure", file)
    assert code == 0 and "Figure:" in out
    start = {"rules.png": b"\x89PNG", "rules.svg": b"<?xml"}[name]
    assert file.read_bytes().startswith(start)


def test_compare_loads_no_figures_unless_asked():
    code = (
        "import sys; from contagion.cli import run;"
        f"assert run(['compare', '{OKEX}', '--rule', 'okex=talmud']) == 0;"
        "assert 'matplotlib' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_nodes_may_hold_the_signs_of_the_option():
    net = ct.ExposureNetwork.from_matrix(
        [[0, 6, 2], [0, 0, 0], [0, 0, 0]],
        ["aave:v3", "x=1", "b"],
        orientation="debtor->creditor",
        external_assets=[8, 1, 1],
    )
    assert assigned("aave:v3=talmud", net, named=True) == ("", "aave:v3", "talmud")
    assert assigned("new:aave:v3=venue:maker", net, named=True) == ("new", "aave:v3", "venue:maker")
    assert assigned("x=1={ rule = 'queue' }", net) == ("", "x=1", "{ rule = 'queue' }")
    found = sets(net, ["one:b=talmud", "one:x=1=queue", "b=talmud"])
    assert found == {
        "one": {"b": rules.Talmud(), "x=1": rules.Queue()},
        "b=talmud": {"b": rules.Talmud()},
    }


# -- run, explain, rank, report ---------------------------------------------------------------


def test_run_prints_layers_and_calls(cli, tmp_path):
    code, out, _ = cli("run", OKEX)
    assert code == 0 and fits(out)
    assert "okex insurance fund 2,510.0 2,510.0 100 % clawback 6,857.1 1,220.0 17.8 %" in flat(out)
    assert "guarantor" not in out and "long_position tier" not in flat(out)
    code, out, _ = cli("run", "three_venues", "--out", tmp_path)
    assert code == 0 and fits(out.replace(str(tmp_path), ""))
    assert "bank_4 ccp, assessments 1.000 0.722 0.500 0.222" in flat(out)
    calls = pd.read_csv(tmp_path / "calls.csv")
    assert calls["called"].sum() == pytest.approx(calls["paid"].sum() + calls["unpaid"].sum())
    layers = pd.read_csv(tmp_path / "layers.csv")
    # one equity of 3, funds of 10 and 7 called: what hit the clearing house
    ccp = layers[layers["node"] == "ccp"].set_index("layer")["absorbed"]
    assert ccp[["equity", "default fund"]].tolist() == pytest.approx([3, 10])


def test_run_without_layers_prints_none(cli, tmp_path):
    code, out, _ = cli("run", "stream_elixir_2025", "--out", tmp_path)
    assert code == 0 and "capacity" not in out and "guarantor" not in out
    assert (tmp_path / "layers.csv").exists() and not (tmp_path / "calls.csv").exists()


def test_run_with_another_rule_equals_python(cli):
    _, out, _ = cli("run", OKEX, "--rule", "okex=talmud", "--json")
    data = read_json(out)
    net = ct.datasets.load(OKEX).with_rule("okex", "talmud")
    result = ct.EisenbergNoe().propagate(net, ct.Shock.default("long_position"))
    losses = {row["node"]: row["loss"] for row in data["table"]}
    assert losses == pytest.approx(result.table["loss"].to_dict())
    assert losses["insurance_fund"] == pytest.approx(1255)  # half of the smaller claim
    assert data["rules"] == {"okex": {"rule": "talmud"}} and data["calls"] == []
    absorbed = sum(row["absorbed"] for row in data["layers"] if row["node"] == "okex")
    assert absorbed == pytest.approx(3729.971735)


def test_the_last_rule_of_a_node_holds(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "turned.toml").write_text(rules.dumps(rule_from(TURNED)))
    words = ["run", OKEX, "--rule", "okex=talmud", "--rule", "okex=turned.toml", "--json"]
    losses = {row["node"]: row["loss"] for row in read_json(cli(*words)[1])["table"]}
    assert losses["insurance_fund"] == 0
    assert losses["profitable_accounts"] == pytest.approx(3729.971735)


def test_the_other_commands_take_rules(cli, tmp_path):
    words = ["--rule", "okex=talmud"]
    data = read_json(cli("explain", OKEX, "insurance_fund", *words, "--json")[1])
    assert data["loss"] == pytest.approx(1255)
    (tmp_path / "exposures.csv").write_text("creditor,debtor,amount\nc,a,10\nb,c,6\nd,c,2\n")
    (tmp_path / "nodes.csv").write_text(
        "node,external_assets,external_liabilities\na,11,0\nb,9,1\nc,0,0\nd,1,2.2\n"
    )
    impact = []
    for more in ([], ["--rule", "c=equal_losses"]):
        frame = cli("rank", tmp_path, "--recovery", "0.5", *more, "--json")[1]
        of = {row["node"]: row for row in read_json(frame)["ranking"]}
        impact.append(of["a"]["default_impact"])
    # c loses its 2 and passes on 3: pro rata 2.25 and 0.75; equally 1.5 each, but d has only 0.8
    assert impact == pytest.approx([5, 4.3])
    file = tmp_path / "report.html"
    code, _, _ = cli("report", OKEX, *words, "--no-ranking", "--out", file)
    assert code == 0 and "1,255" in file.read_text("utf-8")
