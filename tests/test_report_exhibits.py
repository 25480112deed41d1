"""Exhibits that need more than one run: periods, scorecards, clearing houses, DebtRank alone."""

from __future__ import annotations

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pandas as pd
import pytest
from test_report import Page

import contagion as ct
from contagion.measures import scorecards
from contagion.plot.interactive.data import unpacked
from contagion.report.given import given
from contagion.report.page_one import sentences

MODEL = ct.EisenbergNoe()
make = ct.synthetic.generate


def bank(capital: float) -> ct.ExposureNetwork:
    return make.tiered(24, 4, sheets=make.Sheets(capital=capital), rng=1)


@pytest.fixture(scope="module")
def run():
    shock = ct.Shock.default(str(bank(0.05).names[int(bank(0.05).book.debts.argmax())]))
    panel = ct.Panel({"2021": bank(0.06), "2022": bank(0.05), "2023": bank(0.04)})
    return panel.propagate(MODEL, shock)


def test_periods_have_their_losses_and_page_one_the_change(tmp_path, run):
    last = run["2023"]
    about = given(last.network, last, periods=run)
    file = ct.write_report(tmp_path / "r.html", last.network, last, periods=run)
    head, *rows = Page(file.read_text("utf-8")).tables["T15P"]
    shown = [float(row[head.index("socialized loss")]) for row in rows]
    assert shown == pytest.approx(run.totals["socialized"], abs=0.006)
    steps = [float(row[2].replace("−", "-")) for row in rows[1:]]
    assert steps == pytest.approx(np.diff(run.totals["socialized"]), abs=0.006)
    line = next(line for line in sentences(about) if "after" in line.places)
    assert [fact.value for fact in line.facts] == [
        run.totals["socialized"]["2023"], "2023", run.totals["socialized"]["2022"], "2022",
    ]  # fmt: skip
    with pytest.raises(ct.ArgumentError, match="other nodes"):
        ct.write_report(tmp_path / "x.html", ct.datasets.load("neva_ring3"), periods=run)


def test_a_scorecard_prints_categories_score_and_surcharge(tmp_path):
    whole = scorecards.denominators(2023).to_frame("x")["x"]
    banks = pd.DataFrame({"large": 0.05 * whole, "small": 0.01 * whole}).T
    scores = scorecards.bcbs_gsib(banks, year=2023)
    file = ct.write_report(tmp_path / "r.html", bank(0.05), gsib=scores)
    rows = Page(file.read_text("utf-8")).tables["T11G"][1:]
    assert rows == [["large", *["500"] * 6, "4", "2.5%"], ["small", *["100"] * 6, "–", "0.0%"]]


def test_a_clearing_house_shows_its_layers_and_two_largest_debtors(tmp_path):
    """Own capital of 7 and a default fund of 160.5 stand against one debt of 114."""
    net = ct.datasets.load("nasdaq_clearing_2018")
    tables = Page(ct.write_report(tmp_path / "r.html", net).read_text("utf-8")).tables
    assert [row[1:3] for row in tables["T7W"][1:]] == [
        ["own capital before the fund", "7.0"], ["default fund", "160.5"],
    ]  # fmt: skip
    assert tables["T7C"][1][2:] == ["167.5", "114.0", "1.47"]
    assert "T7W" not in Page(
        ct.write_report(tmp_path / "o.html", bank(0.05)).read_text("utf-8")
    ).tables  # fmt: skip


def test_the_costliest_defaults_are_said_of_debtrank_alone():
    net = ct.datasets.load("cefi_credit_2022")
    ranking = ct.rank(net, [ct.DebtRank()])
    line = next(line for line in sentences(given(net, ranking=ranking)) if "part0" in line.places)
    assert str(line).endswith("(DebtRank).") and "Three Arrows Capital defaulted" in str(line)
    assert line.places["part0"].value == ranking["debtrank"].max()


def test_figures_of_a_run_and_of_every_default(tmp_path):
    net = ct.datasets.load("cefi_credit_2022")
    done = MODEL.propagate(net, ct.Shock.default("three_arrows"))
    every = ct.measures.every_default(net, MODEL)
    page = Page(ct.write_report(tmp_path / "r.html", net, done, defaults=every).read_text("utf-8"))
    for name in ("F1-map", *(f"{x}-figure" for x in ("F3", "F3A", "F6", "F8", "F11", "F7T"))):
        assert name in page.ids
    ct.write_report(tmp_path / "r.md", net, done, defaults=every)
    for name in ("F1", "F3", "F6", "F8", "F11", "F7T"):
        text = (tmp_path / "r_figures" / f"{name}.svg").read_text("utf-8")
        assert "var(" not in text and "<script" not in text  # as drawn, for any reader of pictures


def test_the_worst_trigger_has_a_tree_where_no_run_begins_with_it(tmp_path):
    net = ct.datasets.load("cefi_credit_2022")
    every = ct.measures.every_default(net, MODEL)
    worst = every.triggers["default_impact"].idxmax()
    run = every.worst
    assert run.shock == ct.Shock.default(worst, recovery=0.0)
    assert every.losses.loc[worst].sum() == pytest.approx(run.loss[~run.triggers].sum())
    other = next(str(name) for name in net.names if name != worst)
    for node, shown in ((other, True), (worst, False)):
        done = MODEL.propagate(net, ct.Shock.default(node))
        page = Page(
            ct.write_report(tmp_path / "r.html", net, done, defaults=every).read_text("utf-8")
        )
        assert ("F7W-figure" in page.ids) is shown


def test_the_data_of_a_map_are_the_nodes_of_the_result(tmp_path):
    net = ct.datasets.load("cefi_credit_2022")
    done = MODEL.propagate(net, ct.Shock.default("three_arrows"))
    text = ct.write_report(tmp_path / "r.html", net, done).read_text("utf-8")
    (data,) = unpacked(text)
    assert all(str(name) in data for name in net.nodes["name"])
