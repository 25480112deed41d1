"""Names that act: on a terminal, in HTML, in figures and in spreadsheets they only show."""

from __future__ import annotations

import ast
import csv
import io
import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import contagion as ct
from contagion import cli, media, plot
from contagion.experiments import layers
from contagion.liquidation.criticality import criticality_map
from contagion.lookthrough import look_through
from contagion.measures.ranking import agreement
from contagion.records import Scores

PACKAGE = Path(ct.__file__).parent
HOSTILE = {
    "escape": "\x1b[31mred",
    "formula": '=HYPERLINK("x")',
    "dollars": "$x_1$ and $\\frac$",
    "script": "<script>alert(1)</script>",
    "spaces": " lead and trail ",
    "newline": "two\nlines",
    "override": "\u202egnp.exe",
    "long": "n" * 300,
    "plus": "+cmd|' /C calc'!A0",
    "minus": "-2+3",
    "at": "@SUM(A1)",
    "tab": "\ttab",
}
NAMES = list(HOSTILE.values())
ACTS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")  # all but a new line


@pytest.fixture(scope="module")
def net():
    """A ring in which all owe, with layers, kinds and holdings of hostile names."""
    n, after = len(NAMES), NAMES[1:] + NAMES[:1]
    nodes = pd.DataFrame({"node": NAMES, "external_assets": 20.0, "kind": after})
    nodes["external_liabilities"] = 5.0
    owed = pd.DataFrame({
        "creditor": NAMES * 2, "debtor": after + NAMES[2:] + NAMES[:2],
        "amount": np.arange(1.0, 2 * n + 1), "layer": ([HOSTILE["escape"]] * n
        + [HOSTILE["dollars"]] * n),
    })  # fmt: skip
    held = pd.DataFrame({"node": NAMES, "asset": [HOSTILE["dollars"], HOSTILE["escape"]] * (n // 2),
                         "value": 5.0})  # fmt: skip
    return ct.ExposureNetwork(
        nodes, owed, unit="USD", name="\x1b]0;title\x07 <b>$a$ and $b$</b>", holdings=held
    )


@pytest.fixture(scope="module")
def result(net):
    shock = ct.Shock.default(NAMES[0]) + ct.Shock.price({HOSTILE["escape"]: -0.5})
    return ct.EisenbergNoe().propagate(net, shock)


def calm(text: str) -> None:
    """No character acts on a terminal."""
    assert not ACTS.search(text), ACTS.search(text)


# -- the functions ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_medium_shows_every_name(name):
    calm(media.visible(name))
    assert "\n" not in media.visible(name)
    page = media.page(name)
    assert not ACTS.search(page) and "<" not in page
    assert not str(media.cell(name)).startswith(media.FORMULA)


def test_names_without_power_stay_as_they_are():
    for name in ("Crédit Agricole S.A.", "日本銀行", "बैंक", "O'Neil & Sons", "a_b-c", "٣"):
        assert media.visible(name) == name == media.cell(name)


def test_numbers_are_no_formulas():
    for text in ("-1", "+5%", "-1,000.5", "-1e-5", "-3 %"):
        assert media.cell(text) == text
    frame = pd.DataFrame({"=a": ["=1", "b"], "x": [-1.0, 2.0]}, index=["@i", "j"])
    shown = media.guarded(frame)
    assert shown.columns.tolist() == ["'=a", "x"] and shown.index.tolist() == ["'@i", "j"]
    assert shown["'=a"].tolist() == ["'=1", "b"] and shown["x"].tolist() == [-1.0, 2.0]
    assert frame["=a"].tolist() == ["=1", "b"]


# -- terminal -----------------------------------------------------------------------------------


def test_reprs_do_not_act(net, result):
    rank = ct.rank(net)
    compared = ct.compare_rules(net, result.shock, {"equal": {NAMES[0]: "equal_losses"}})
    shown = [
        net, net.provenance, result, rank, compared, net.set_off(), result.shock,
        ct.stress_test(net, ct.EisenbergNoe(), ct.scenarios.common_factor(net, scenarios=9, rng=1)),
        *(result.explain(name) for name in NAMES),
        *net.findings, *result.socialization.__dict__.values(),
    ]  # fmt: skip
    for thing in shown:
        calm(repr(thing))
        calm(str(thing))
    assert "\\u001b]0;title" in repr(net) and "\\u001b[31mred" in repr(result.explain(NAMES[0]))


def test_notebooks_show_text_only(net, result):
    for thing in (result, net.provenance, ct.rank(net)):
        page = thing._repr_html_()
        calm(page)
        assert "<script" not in page


def commands(folder: Path):
    first, second = NAMES[0], NAMES[1]
    return {
        "check": ["check", folder],
        "run": ["run", folder, "--default", first],
        "explain": ["explain", folder, second, "--default", first],
        "rank": ["rank", folder],
        "stress": ["stress", folder, "--scenarios", "defaults", "--set", "probabilities=0.1"],
        "compare": ["compare", folder, "--default", first, "--rule", f"{first}=equal_losses"],
        "unknown": ["run", folder, "--default", "\x1b[31mrde"],
    }


@pytest.fixture(scope="module")
def folder(net, tmp_path_factory):
    place = tmp_path_factory.mktemp("net") / "data"
    net.write(place)
    return place


@pytest.mark.parametrize("name", commands(Path()))
def test_commands_print_nothing_that_acts(folder, name, capsys):
    code = cli.run([str(word) for word in commands(folder)[name]])
    out, err = capsys.readouterr()
    assert (code == 2) == (name == "unknown"), err
    calm(out + err)
    assert "\\u001b" in out + err or "\\x1b" in out + err or name == "explain"


def test_json_gives_the_names_back(folder, capsys):
    assert cli.run(["run", str(folder), "--default", NAMES[0], "--json"]) == 0
    out = capsys.readouterr().out
    calm(out)
    assert set(NAMES) <= _strings(json.loads(out))


def _strings(value) -> set[str]:
    if isinstance(value, dict):
        return set().union(set(value), *map(_strings, value.values()))
    if isinstance(value, list):
        return set().union(set(), *map(_strings, value))
    return {value} if isinstance(value, str) else set()


def test_every_repr_is_safe():
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name == "__repr__":
                assert [d.id for d in node.decorator_list] == ["shown"], path


def test_the_command_line_prints_in_one_place():
    for path in (PACKAGE / "cli").glob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call)
                 and isinstance(n.func, ast.Name) and n.func.id == "print"]  # fmt: skip
        errors = [n for n in calls if any(k.arg == "file" for k in n.keywords)]
        assert len(calls) == (1 if path.name == "terminal.py" else 2 * (path.name == "__init__.py"))
        assert len(errors) == 2 * (path.name == "__init__.py")


# -- figures ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def figures(net, result):
    """{function of contagion.plot: a call that draws hostile names}."""
    model, shock = ct.EisenbergNoe(), ct.Shock.default(NAMES[0])
    test = ct.stress_test(net, model, ct.scenarios.common_factor(net, scenarios=50, rng=1))
    rows = [{"venue": HOSTILE["escape"], "holder": name, "instrument": HOSTILE["dollars"],
             "size": 10, "margin": 100} for name in NAMES]  # fmt: skip
    book = ct.liquidation.MarginBook({HOSTILE["dollars"]: 100.0}, positions=rows)
    run = ct.liquidation.LiquidationCascade(impact=ct.liquidation.Linear(depth=1000))
    compared = ct.compare_rules(net, shock, {HOSTILE["dollars"]: {NAMES[0]: "equal_losses"}})
    axes = {"shock.recovery": [0.0, 0.5], "network.capital": [0.5, 1.0]}
    done = ct.sweep(ct.experiments.Case(net, model, shock), axes)
    table = pd.DataFrame({x: model.propagate(net, ct.Shock.default(x)).loss for x in NAMES})
    ranks = pd.DataFrame({"x": range(12), "$y_1$ $": range(12, 0, -1)}, index=NAMES)
    window = ct.randomgraphs.gai_kapadia_window([2, 4], n=20, samples=2, rng=1)
    rule = ct.rules.Waterfall(
        [ct.rules.Layer(HOSTILE["dollars"], capacity=30), ct.rules.Layer(HOSTILE["escape"])]
    )
    claims = {"claimant": NAMES[:2], "amount": [60.0, 40.0], "layer": HOSTILE["escape"]}
    help_ = {HOSTILE["dollars"]: ct.experiments.policy.InsuranceFund(NAMES[0], 5.0)}
    helped = ct.experiments.policy.compare(net, model, shock, help_)
    panel = ct.Panel({"2022": net, "2023": net}).propagate(model, shock)
    indices = pd.DataFrame(
        {"contagion_index": range(12), "vulnerability_index": range(12)}, index=NAMES, dtype=float
    )
    return {
        "bearer_distribution": lambda: plot.bearer_distribution(test),
        "cascade": lambda: plot.cascade(result),
        "cascade_tree": lambda: plot.cascade_tree(result),
        "distribution": lambda: plot.distribution(net),
        "trigger_bars": lambda: plot.trigger_bars(ct.measures.every_default(net, model)),
        "efficient_frontier": lambda: plot.efficient_frontier(helped),
        "impact_quadrant": lambda: plot.impact_quadrant(indices),
        "loss_by_hop": lambda: plot.loss_by_hop(result),
        "period_change": lambda: plot.period_change(panel),
        "cascade_path": lambda: plot.cascade_path(run.run(book, {HOSTILE["dollars"]: -0.12})),
        "contagion_window": lambda: plot.contagion_window(window),
        "criticality": lambda: plot.criticality(
            criticality_map(book, run, [0.02, 0.12], leverage=[0.5, 1.0])
        ),
        "cumulative_shares": lambda: plot.cumulative_shares(net),
        "exceedance": lambda: plot.exceedance(test),
        "kind_heat": lambda: plot.kind_heat(net),
        "kind_flow": lambda: plot.kind_flow(net),
        "layer_gap": lambda: plot.layer_gap(layers.by_layer(net, model, shock)),
        "liquidation_profile": lambda: plot.liquidation_profile(book, HOSTILE["dollars"]),
        "look_through_flow": lambda: plot.look_through_flow(look_through(net)),
        "network": lambda: plot.network(net),
        "phase_diagram": lambda: plot.phase_diagram(done, "loss", *axes),
        "rank_ranges": lambda: plot.rank_ranges(agreement(ranks, list(ranks))),
        "rule_comparison": lambda: plot.rule_comparison(compared),
        "victim_heat": lambda: plot.victim_heat(table),
        "waterfall": lambda: plot.waterfall(rule.allocate(50, claims)),
        "who_pays": lambda: plot.who_pays(result),
    }


def drawn(call) -> tuple[str, str]:
    """The file of a figure, and its texts in order."""
    from matplotlib import pyplot as plt
    from matplotlib import rc_context

    out = io.StringIO()
    ax = call()
    with rc_context({"svg.fonttype": "none"}):
        ax.get_figure(root=True).savefig(out, format="svg")
    plt.close("all")
    tree = ET.fromstring(out.getvalue())  # well-formed: no control character, all escaped
    texts = (node.text or "" for node in tree.iter() if node.tag.endswith(("}text", "}tspan")))
    return out.getvalue(), "\n".join(texts)


@pytest.mark.filterwarnings("ignore:Glyph")  # of scripts that the font does not have
@pytest.mark.parametrize("name", plot.FIGURES)
def test_figures_show_names_literally(figures, name):
    file, text = drawn(figures[name])
    calm(file)
    assert "<script" not in file and "\\mathdefault" not in text
    if name in {"layer_gap", "rank_ranges", "victim_heat", "liquidation_profile"}:
        assert "$x_1$" in text
    if name in {"who_pays", "cascade", "rank_ranges", "victim_heat"}:
        assert "<script>" in text and "\\u001b[31mred" in text


def test_every_figure_is_drawn_with_hostile_names(figures):
    assert sorted(figures) == sorted(plot.FIGURES)


# -- report -------------------------------------------------------------------------------------


class Page(HTMLParser):
    """The tags and the texts of a page."""

    def __init__(self, text: str):
        super().__init__(convert_charrefs=True)
        self.tags, self.texts = set(), []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        assert not any(key.startswith("on") for key, _ in attrs)

    def handle_data(self, data):
        self.texts.append(data)


@pytest.fixture(scope="module")
def report(net, result, tmp_path_factory):
    place = tmp_path_factory.mktemp("report")
    given = {"results": result, "ranking": ct.rank(net),
             "comparison": ct.compare_rules(net, ct.Shock.default(NAMES[0]),
                                            {"equal": {NAMES[0]: "equal_losses"}})}  # fmt: skip
    page = ct.write_report(place / "r.html", net, **given, tables=place / "tables")
    return page, ct.write_report(place / "r.md", net, **given), place / "tables"


def test_the_page_holds_no_markup_of_names(report):
    text = report[0].read_text("utf-8")
    calm(text)
    page = Page(text)
    assert text.count("<script") == 2 and "b" not in page.tags  # data of the map, our script
    said = " ".join(page.texts)
    assert "<script>alert(1)</script>" in said and "\\u001b[31mred" in said and "$x_1$" in said


def test_the_text_holds_no_markup_of_names(report):
    text = report[1].read_text("utf-8")
    calm(text)
    assert "<script" not in text.replace("\\<", "") and "$x" not in text.replace("\\$", "")


def cells_of(folder: Path) -> list[str]:
    """Every cell of the CSV files of a folder."""
    texts = (file.read_text("utf-8") for file in folder.glob("*.csv"))
    rows = (row for text in texts for row in csv.reader(io.StringIO(text, newline="")))
    return [cell for row in rows for cell in row]


def test_tables_of_a_report_hold_no_formula(report):
    cells = cells_of(report[2])
    assert any(cell.startswith("'=HYPERLINK") for cell in cells)
    assert [c for c in cells if media.cell(c) != c] == []


# -- tables and folders -------------------------------------------------------------------------


def test_tables_of_results_hold_no_formula(folder, tmp_path, capsys):
    out = tmp_path / "out"
    assert cli.run(["run", str(folder), "--default", NAMES[0], "--out", str(out)]) == 0
    capsys.readouterr()
    table = pd.read_csv(out / "table.csv", dtype=str)
    assert '\'=HYPERLINK("x")' in set(table["node"])
    assert [c for c in cells_of(out) if media.cell(c) != c] == []


def test_records_are_written_without_formulas(tmp_path):
    scores = Scores(pd.Series({"=a": 1.0, "b": np.nan}, name="x"), "=x", {"b": "-not known"})
    scores.to_csv(tmp_path / "x.csv")
    assert "'=a,1.0" in (tmp_path / "x.csv").read_text()
    assert ",'-not known" in (tmp_path / "x_reasons.csv").read_text()


def test_data_folders_keep_names(net, folder):
    """What is read back is not changed, also where it begins or ends with a space."""
    back = ct.read(folder)
    assert back.names.tolist() == NAMES
    assert back.exposures["layer"].tolist() == net.exposures["layer"].tolist()
    assert back.holdings["asset"].tolist() == net.holdings["asset"].tolist()
    assert back.name == net.name and back.kinds.tolist() == net.kinds.tolist()


def test_text_is_quoted_only_where_needed(tmp_path):
    net = ct.ExposureNetwork.from_matrix([[0, 1], [0, 0]], ["a", "b"],
                                         orientation="debtor->creditor", equity=[1, 1])  # fmt: skip
    net.write(tmp_path / "n")
    assert '"' not in (tmp_path / "n" / "exposures.csv").read_text()


# -- endings ------------------------------------------------------------------------------------


def test_an_ending_that_is_not_written_is_refused(net, folder, tmp_path, capsys):
    for name in ("r.odt", "r.docx", "r"):
        with pytest.raises(ct.ArgumentError, match=r"\.html, \.htm, .* or \.tex"):
            ct.write_report(tmp_path / name, net)
    with pytest.raises(ct.ArgumentError, match=r"\.csv or \.csv\.gz"):
        ct.rank(net).to_csv(tmp_path / "r.xlsx")
    for name in ("net.csv", "net.parquet", "net.xlsx", "net.graphml"):
        with pytest.raises(ct.ArgumentError, match="folder of tables"):
            net.write(tmp_path / name)
    with pytest.raises(ct.ArgumentError, match="folder of tables"):
        ct.write_report(tmp_path / "r.html", net, tables=tmp_path / "t.csv")
    net.write(tmp_path / "guesses_0.5")
    assert [file.name for file in tmp_path.iterdir()] == ["guesses_0.5"]
    source, first = str(folder), NAMES[0]
    for words in (
        ["report", source, "--default", first, "--out", "r.odt"],
        ["compare", source, "--default", first, "--rule", f"{first}=equal_losses",
         "--figure", "f.pdf"],
        ["run", source, "--default", first, "--out", "t.csv"],
        ["sweep", source, "--default", first, "--over", "shock.recovery=0,1", "--out", "t.xlsx"],
    ):  # fmt: skip
        assert cli.run([*words[:-1], str(tmp_path / words[-1])]) == 2, words
        said = capsys.readouterr().err
        assert "has to end in" in said or "folder of tables" in said
    assert [file.name for file in tmp_path.iterdir()] == ["guesses_0.5"]
