"""The report about rules: layers, calls and comparisons are those of the results."""

from __future__ import annotations

import itertools
import re

import matplotlib

matplotlib.use("Agg")

import pandas as pd
import pytest
from test_report import Page

import contagion as ct
from contagion.report.phrases import FAIRNESS, attributes, rule_words
from contagion.report.sections.waterfalls import venues
from contagion.rules import EqualLosses, Layer, Waterfall

SETS = {
    "pro rata": {"exchange": Waterfall([Layer("winners")])},
    "equal losses": {"exchange": Waterfall([Layer("winners", EqualLosses())])},
}


def run(name: str, **choices) -> ct.results.PropagationResult:
    """The first run of a dataset."""
    first = ct.datasets.card(name).default_run
    shock = ct.Shock.default(first["default"], first["recovery"])
    baseline = first.get("baseline", "book")
    return ct.EisenbergNoe().propagate(ct.datasets.load(name), shock, baseline=baseline, **choices)


def written(tmp_path, *results: ct.results.PropagationResult, **more) -> Page:
    file = ct.write_report(tmp_path / "r.html", results[0].network, results, **more)
    return Page(file.read_text("utf-8"))


def number(text: str) -> float:
    """A cell as a number; less than can be shown is 0."""
    if text.startswith("<"):
        return 0.0
    return float(text.replace(",", "").replace("−", "-").replace("%", ""))


def money_columns(page: Page, exhibit: str, *columns: str) -> list[list[float]]:
    head, *rows = page.tables[exhibit]
    return [[number(row[head.index(column)]) for row in rows] for column in columns]


@pytest.fixture(scope="module")
def result():
    return run("three_venues")


@pytest.fixture(scope="module")
def comparison(result):
    return ct.compare_rules(result.network, result.shock, SETS, baseline="cleared")


@pytest.fixture(scope="module")
def html(result, comparison, tmp_path_factory):
    file = tmp_path_factory.mktemp("report") / "report.html"
    ct.write_report(
        file, result.network, result, ct.rank(result.network), comparison=comparison,
        card="three_venues",
    )  # fmt: skip
    return file.read_text("utf-8")


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_stable_ids(page):
    found = ("F10B", "T10", "F10", "T10L", "T10C", "F14", "T14", "T15", "T16", "T17", "T3R", "T3G")
    assert set(found) <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))


def test_layers_are_those_of_the_result(page, result):
    frame = result.layers[result.layers["node"].isin(venues(result))]  # in the same order here
    assert [row[1] for row in page.tables["T10L"][1:]] == list(frame["layer"])
    absorbs, capacity = money_columns(page, "T10L", "absorbs", "capacity")
    assert absorbs == pytest.approx(list(frame["absorbed"]), abs=0.0051)
    assert capacity == pytest.approx(list(frame["capacity"]), abs=0.0051)
    venue = [row[0] for row in page.tables["T10L"][1:] if row[0]]
    assert venue[:3] == ["Exchange", "Lending protocol", "Clearing house"]


def test_what_reaches_a_layer_is_what_the_ones_above_left(page):
    head, *rows = page.tables["T10L"]
    reach, takes = head.index("reaches it"), head.index("absorbs")
    for above, row in itertools.pairwise(rows):
        left = number(above[reach]) - number(above[takes])
        if row[0]:  # another venue
            assert left == pytest.approx(0, abs=0.011)
        else:
            assert left == pytest.approx(number(row[reach]), abs=0.011)


def test_the_figure_is_the_venue_with_the_largest_loss(html, result):
    assert venues(result)[:3] == ["exchange", "protocol", "ccp"]
    drawing = html[html.index('id="F10"') : html.index('id="T10L"')]
    assert "Exchange: the loss goes down" in drawing and ">winners<" in drawing


def test_a_waterfall_goes_before_a_larger_loss_without_one():
    found = venues(run("kelp_aave_2026"))
    assert found[0] == "aave_core"
    assert found.index("aave_core") < found.index("kelp_rseth")


@pytest.mark.parametrize(
    "name, node, layers, used",
    [
        ("okex_2018", "OKEx futures", ["insurance fund", "clawback"], ["100%", "17.8%"]),
        ("bitfinex_2016", "Bitfinex", ["pro rata"], ["36.1%"]),
        ("dydx_yfi_2023", "dYdX v3", ["insurance fund", "deleveraging"], ["40%", "0%"]),
        ("maker_2020", "MakerDAO", ["equity", "debt auction", "dai"], ["100%", "2%", "0%"]),
        ("cefi_credit_2022", "Genesis", ["equity", "external creditors"], ["100%", "46.3%"]),
    ],
)
def test_venues_of_the_datasets(tmp_path, name, node, layers, used):
    rows = written(tmp_path, run(name)).tables["T10L"][1:]
    assert rows[0][0] == node
    rows = rows[: next((k for k, row in enumerate(rows) if k and row[0]), len(rows))]
    assert [row[1] for row in rows] == layers
    assert [row[-1] for row in rows] == used


def test_calls_are_those_of_the_result(page, result):
    columns = ["at most", "called", "paid", "unpaid"]
    for found, column in zip(
        money_columns(page, "T10C", *columns), ["amount", *columns[1:]], strict=True
    ):
        assert found[:-1] == pytest.approx(list(result.calls[column]), abs=0.00051)
        assert found[-1] == pytest.approx(result.calls[column].sum(), abs=0.00051)


def test_cover_of_one_creditor_says_whose_claims(tmp_path):
    net = ct.ExposureNetwork.from_matrix(
        [[0, 10, 0], [0, 0, 0], [0, 0, 0]], ["a", "b", "g"], orientation="debtor->creditor",
        external_assets=[6, 1, 5],
    )  # fmt: skip
    cover = [{"guarantor": "g", "debtor": "a", "creditor": "b", "amount": 3}]
    found = written(tmp_path, ct.EisenbergNoe().propagate(net.with_guarantees(cover)))
    row = found.tables["T10C"][1]
    assert row == ["g", "a", "claims of b", "", "pari passu", "3.000", "3.000", "3.000", "0.000"]
    assert found.tables["T3G"][1] == [*row[:5], "3.000"]


def test_rules_of_the_nodes_are_printed(page, result):
    rows = {row[0]: row[1:] for row in page.tables["T3R"][1:]}
    for node, name in (("exchange", "Exchange"), ("ccp", "Clearing house")):
        rule = result.network.rules[node]
        assert rows[name] == [repr(rule), rule_words(rule)]
    assert rows["Trading desk, Bank 1, Bank 2, Bank 3 and 2 others"][0] == "Priority()"


def test_changes_are_printed_when_there_are_any(tmp_path, page):
    assert "T3N" not in page.ids
    net = ct.ExposureNetwork.from_matrix(
        [[0, 75], [68, 0]], ["stream", "elixir"], orientation="creditor->debtor",
        external_assets=[63, 7.56], unit="USD mn",
    ).set_off()  # fmt: skip
    found = written(tmp_path, ct.EisenbergNoe().propagate(net))
    assert found.tables["T3N"][1][:6] == ["1", "set-off", "stream", "elixir", "75.00", "7.00"]
    assert not {"T3R", "T3G", "T10C"} & set(found.ids)


def test_without_layers_one_line_says_what_it_would_need(tmp_path):
    net = ct.datasets.load("neva_ring3")
    quiet = ct.EisenbergNoe().propagate(net)
    found = written(tmp_path, quiet)
    assert "T10L" not in found.ids and "there is no waterfall to show" in found.text
    assert "needs the same shock under other rules" in found.text


def test_differences_per_node_are_those_of_the_comparison(page, comparison):
    names = comparison.results["as given"].network.nodes.set_index("name")["node"]
    head, *rows = page.tables["T14"]
    for row in rows[:-2]:
        node = names[row[0]]
        assert number(row[3]) == pytest.approx(comparison.table.loc[node, "as given"], abs=0.0051)
        for name in SETS:
            wanted = comparison.differences.loc[node, name]
            assert number(row[head.index(name)]) == pytest.approx(wanted, abs=0.0051)
    moved = comparison.differences[list(SETS)].abs().max(axis=1) > 1e-6
    assert len(rows) - 2 == int(moved.sum())
    assert rows[-2][0] == f"{int((~moved).sum())} others" and rows[-1][0] == "all"
    assert number(rows[-1][3]) == pytest.approx(100)


def test_differences_per_kind_are_those_of_the_comparison(page, comparison):
    head, *rows = page.tables["T15"]
    assert head == ["kind", "as given", *SETS]
    for row in rows:
        mine = comparison.by_kind.loc[row[0].replace(" ", "_")]
        wanted = [mine["as given"], *(mine[name] - mine["as given"] for name in SETS)]
        assert [number(cell) for cell in row[1:]] == pytest.approx(wanted, abs=0.0051)


def test_fairness_has_every_column_with_its_definition(page, comparison):
    rows = {row[0]: row[1:] for row in page.tables["T16"][1:]}
    frame = comparison.fairness.dropna(axis=1, how="all")
    assert list(rows) == [column.replace("_", " ") for column in frame]
    assert set(comparison.fairness) <= set(FAIRNESS) | set(attributes())
    for column in ("share_of_claims_taken", "largest_haircut", "bystander_share"):
        cells = rows[column.replace("_", " ")]
        assert [number(cell) for cell in cells[:-1]] == pytest.approx(
            list(100 * frame[column]), abs=0.51
        )
    assert all(row[-1] for row in rows.values())


def test_sets_of_rules_are_printed(page):
    rows = page.tables["T17"][1:]
    assert ["pro rata", "Exchange", repr(SETS["pro rata"]["exchange"])] in rows
    assert rows[0][0] == "as given" and "Queue" in rows[0][2]


def test_key_findings_say_who_would_pay_more(page):
    assert (
        "3.857 m USD more falls on Bank 3 and 2.143 m USD less on Bank 1 under the rules "
        "“pro rata”." in page.text
    )


def test_the_code_makes_the_comparison_again(html, comparison):
    import html as markup

    code = markup.unescape(re.search(r"<pre>(.*?)</pre>", html, re.S).group(1))
    lines = code.splitlines()
    space = {"ct": ct, "network": comparison.results["as given"].network}
    exec(next(line for line in lines if line.startswith("from contagion.rules")), space)
    again = eval(next(line for line in lines if "compare_rules" in line), space)
    pd.testing.assert_frame_equal(again.table, comparison.table)


def test_a_comparison_on_another_network_is_refused(tmp_path, comparison):
    with pytest.raises(ValueError, match="comparison belongs to a network with other nodes"):
        ct.write_report(tmp_path / "r.html", ct.datasets.load("neva_ring3"), comparison=comparison)
    assert not (tmp_path / "r.html").exists()


def test_no_raw_floats_or_missing_values(page):
    assert not re.search(r"\d\.\d{6,}", re.sub(r"recovery=\d\.\d+", "", page.text))
    assert not re.search(r"\b(nan|NaN|None|inf)\b", page.text)


def test_names_of_layers_and_sets_are_escaped(tmp_path):
    evil = "<script>alert('x')</script>"
    nodes = {"node": ["a", "b", "c"], "external_assets": [4.0, 1.0, 1.0]}
    claims = {"creditor": ["b", "c"], "debtor": ["a", "a"], "amount": [3.0, 1.0], "layer": evil}
    net = ct.ExposureNetwork(pd.DataFrame(nodes), pd.DataFrame(claims))
    net = net.with_rule("a", Waterfall([Layer(evil)]))
    shock = ct.Shock.loss({"a": 2.0})
    done = ct.compare_rules(net, shock, {evil: {"a": "equal_losses"}})
    file = ct.write_report(
        tmp_path / "r.html", net, ct.EisenbergNoe().propagate(net, shock), comparison=done
    )
    text = file.read_text("utf-8")
    assert evil not in text and "<script>alert" not in text and evil in Page(text).text


def test_several_results_have_layers_of_their_own(tmp_path, result):
    other = ct.EisenbergNoe().propagate(result.network, ct.Shock.default("ccp"))
    found = written(tmp_path, result, other)
    assert {"F10-1", "F10-2", "T10L-1", "T10L-2", "T10C-1"} <= set(found.ids)
    assert len(found.ids) == len(set(found.ids))


def test_the_same_input_gives_the_same_file(tmp_path, result, comparison, html):
    file = ct.write_report(
        tmp_path / "r.html", result.network, result, ct.rank(result.network),
        comparison=comparison, card="three_venues",
    )  # fmt: skip
    assert file.read_text("utf-8") == html
