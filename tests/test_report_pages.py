"""Numbers of exhibits, page one, the list of exhibits, and the report made again from its study."""

from __future__ import annotations

import csv
import html as markup
import io
import re
from urllib.parse import unquote

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pandas as pd
import pytest
from test_report import Page

import contagion as ct
from contagion.cli import run
from contagion.facts import Fact, Sentence
from contagion.report import page_one
from contagion.report.catalogue import EXHIBITS
from contagion.report.contents import SECTIONS, whole
from contagion.report.given import of_study
from contagion.study.usual_outputs import usual


@pytest.fixture(scope="module")
def done():
    study = usual(ct.Study("cefi_credit_2022"))
    return study.run()


@pytest.fixture(scope="module")
def about(done):
    return of_study(done)


@pytest.fixture(scope="module")
def made(about):
    return whole(about)


@pytest.fixture(scope="module")
def html(done, tmp_path_factory):
    file = tmp_path_factory.mktemp("report") / "report.html"
    return ct.write_report(file, done).read_text("utf-8")


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


# -- exhibits -----------------------------------------------------------------------------------


def test_exhibits_are_counted_through_in_their_order(html):
    for kind in ("Figure", "Table", "Box"):
        found = re.findall(rf'class="label">{kind} (\d+)\.', html)
        assert found == [str(k) for k in range(1, len(found) + 1)] and found


def test_the_list_of_exhibits_has_every_one_with_file_and_definition(page, made):
    rows = {row[1]: row for row in page.tables["R2"][1:]}
    shown = [each for part in made[1] for each in part.exhibits if each.label]
    assert set(rows) == {each.id for each in shown} - {"R2"}
    for each in shown[:-1]:
        label, _, file, definition, source = rows[each.id]
        assert label == each.label and definition and source
        assert file == (
            f"{each.id}.svg" if each.svg or each.block else f"{each.id}.csv" if each.table else ""
        )
        assert f"def-{each.id}" in page.ids


def test_results_that_the_list_names_are_written(done, page, tmp_path):
    done.save(tmp_path / "results")
    for row in page.tables["R2"][1:]:
        if row[4].startswith("results/"):
            assert (tmp_path / row[4]).exists(), row


def test_every_entry_of_the_catalogue_says_something():
    assert all(entry.definition and entry.call for entry in EXHIBITS.values())


def test_the_csv_beside_a_table_has_its_cells(page):
    links = {
        name: value
        for (_, _, value), (_, _, name) in zip(page.attributes, page.attributes[1:], strict=False)
        if str(value).startswith("data:text/csv")
    }
    assert {"T10.csv", "T8.csv", "T0.csv"} <= set(links)
    for name, link in links.items():
        rows = list(csv.reader(io.StringIO(unquote(link.partition(",")[2]))))
        shown = page.tables[name.removesuffix(".csv")]
        shown = shown if shown[0] == rows[0] else [[""] * len(rows[0]), *shown]
        assert [len(row) for row in rows] == [len(row) for row in shown]
        assert [row[0].lstrip("'") for row in rows] == [row[0] for row in shown]


def test_a_section_without_data_says_what_it_needs_and_names_no_function(tmp_path):
    net = ct.datasets.load("neva_ring3")
    text = Page(ct.write_report(tmp_path / "r.html", net).read_text("utf-8")).text
    for kind in SECTIONS:
        if kind.needs:
            assert kind.needs in text
            assert not re.search(r"[_=]|\w\(", kind.needs)


# -- page one -----------------------------------------------------------------------------------


def test_page_one_has_ten_lines_at_most_for_three_questions(made):
    questions = made[0].questions
    assert [question.title for question in questions] == [
        "How far does the loss go?", "Who is critical?", "What would change it?",
    ]  # fmt: skip
    lines = [line for question in questions for line, _ in question.lines]
    assert 3 <= len(lines) <= 10 and all(question.lines for question in questions)
    assert made[0].title == "Three Arrows Capital defaults: who bears 2.306 bn USD?"


def test_every_line_names_the_assumption_it_rests_on(made):
    listed = {one.letter for one in made[0].notes}
    for question in made[0].questions:
        for line, marks in question.lines:
            assert marks and set(marks.split(", ")) <= listed, str(line)
    assert "Equity of Three Arrows Capital assumed" in made[0].notes[0].text
    assert "The share rests on an assumed capital: equity of Three Arrows Capital" in str(
        made[0].questions[0].lines[1][0]
    )


def test_lines_begin_with_their_amount(made):
    lines = [line for question in made[0].questions for line, _ in question.lines]
    begun = [line.split[0] for line in lines]
    assert sum(bool(amount) for amount in begun) == len(lines)
    for line in lines:
        assert "".join(line.split) == str(line)


def test_the_table_of_cases_is_the_ledger_of_each_run(page, done):
    policy = done["policy"]
    rows = {row[0]: row for row in page.tables["T0"][1:]}
    assert set(rows) == {"as given", *policy.interventions}
    for case, result in policy.results.items():
        sums = result.ledger.groupby("role")["amount"].sum()
        cells = [float(cell.replace(",", "")) for cell in rows[case][1:5]]
        wanted = [sums.sum(), *(sums.get(role, 0.0) for role in page_one.ROLES)]
        assert cells == pytest.approx(np.array(wanted) / 1e6, abs=0.051)


def test_steps_from_the_shock_add_up_to_the_ledger(page, done):
    head, *rows = page.tables["T10H"]
    ledger = done["run"].ledger
    by = {row[0]: float(row[head.index("together")].replace(",", "") or 0) for row in rows[:-1]}
    for hop, amount in ledger.groupby("hop")["amount"].sum().items():
        assert by[str(hop)] == pytest.approx(amount / 1e6, abs=0.051)
    assert by["all"] == pytest.approx(ledger["amount"].sum() / 1e6, abs=0.051)


def test_amounts_far_apart_are_told_on_the_scale_below():
    large, small = (Fact("loss", x, "money", (), "S1", "USD") for x in (2.5e9, 4e6))
    assert str(Sentence("{a} and {b}", {"a": large, "b": small})) == "2,500 m USD and 4 m USD"


# -- by trigger, by victim ----------------------------------------------------------------------


def test_triggers_and_victims_are_those_of_the_record(page, done):
    found = done["defaults"]
    names = done.network.nodes.set_index("name")["node"]
    head, *rows = page.tables["T8"]
    for row in rows:
        mine = found.triggers.loc[names[row[0]]]
        assert float(row[head.index("owners inside lose")].replace(",", "")) == pytest.approx(
            mine["default_impact"] / 1e6, abs=0.051
        )
        assert row[head.index("rounds")] == f"{mine['rounds']:.0f}"
    head, *rows = page.tables["T9"]
    for row in rows:
        column = found.losses[names[row[0]]]
        assert float(row[head.index("loss by it")].replace(",", "")) == pytest.approx(
            column.max() / 1e6, abs=0.051
        )
        worst = row[head.index("worst trigger")]
        assert column.max() == (0 if worst == "–" else column[names[worst]])


def test_every_default_agrees_with_single_runs():
    net, model = ct.datasets.load("three_venues"), ct.EisenbergNoe()
    found = ct.measures.every_default(net, model, recovery=0.3)
    for node in net.names:
        result = model.propagate(net, ct.Shock.default(node, recovery=0.3))
        lost = pd.Series(result.loss, net.names).where(net.names != node, 0.0)
        assert found.losses.loc[node].tolist() == pytest.approx(lost.tolist(), abs=1e-9)
        assert found.triggers.loc[node, "rounds"] == result.default_round.max()


# -- once more ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["cefi_credit_2022", "three_venues"])
def test_the_study_in_the_report_makes_the_same_bytes(tmp_path, name):
    first, again = tmp_path / "first.html", tmp_path / "again.html"
    assert run(["report", name, "--out", str(first)]) == 0
    code = re.search(r"<pre>(.*?)</pre>", first.read_text("utf-8"), re.S)
    assert code is not None
    (tmp_path / "study.toml").write_text(markup.unescape(code[1]), "utf-8")
    assert run(["report", str(tmp_path / "study.toml"), "--out", str(again)]) == 0
    assert again.read_bytes() == first.read_bytes()
