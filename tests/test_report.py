"""The report: its numbers are those of the result, and it needs nothing but itself."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import matplotlib

matplotlib.use("Agg")

import pandas as pd
import pytest
from conftest import others_slow

import contagion as ct
from contagion.report.cover import fingerprint
from contagion.report.phrases import attributes
from contagion.text import money


class Page(HTMLParser):
    """Tables by the id of their exhibit, all text, all attributes."""

    def __init__(self, text: str):
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.ids: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.words: list[str] = []
        self._exhibit, self._cell, self._skip = "", False, False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.attributes += [(tag, key, value) for key, value in attrs]
        values = dict(attrs)
        if "id" in values:
            self.ids.append(values["id"])
        if str(values.get("class")).split()[0] == "exhibit":
            self._exhibit = values["id"]
        if tag == "tr":
            self.tables.setdefault(self._exhibit, []).append([])
        if tag in ("td", "th"):
            self.tables[self._exhibit][-1].append("")
            self._cell = True
        self._skip = tag in ("style", "script")

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self._cell = False
        self._skip = False

    def handle_data(self, data):
        if self._skip:
            return
        self.words.append(data)
        if self._cell:
            self.tables[self._exhibit][-1][-1] += data.strip()

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def net():
    return ct.datasets.load("cefi_credit_2022")


@pytest.fixture(scope="module")
def result(net):
    return ct.EisenbergNoe().propagate(net, ct.Shock.default("three_arrows"), baseline="cleared")


@pytest.fixture(scope="module")
def html(net, result, tmp_path_factory):
    file = tmp_path_factory.mktemp("report") / "report.html"
    card = ct.datasets.card("cefi_credit_2022")
    path = ct.write_report(
        file, net, results=[result], ranking=ct.rank(net), card=card, study=ct.Study("neva_ring3")
    )
    assert path == file
    return file.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_nothing_is_loaded_from_outside(html, page):
    assert "<link" not in html and "@import" not in html and "default-src 'none'" in html
    assert html.count("<script") == 2  # the data of the map, and the script itself
    for tag, key, value in page.attributes:
        if key in ("src", "href", "xlink:href", "data", "action"):
            assert str(value).startswith(("#", "data:text/csv")), (tag, key, value)
    assert not re.search(r"url\((?!#)", html)


def test_every_id_is_used_once_and_every_link_leads_somewhere(html, page):
    assert len(page.ids) == len(set(page.ids))
    targets = {str(v) for _, key, v in page.attributes if key in ("href", "xlink:href")}
    targets = {target[1:] for target in targets if not target.startswith("data:")}
    targets |= set(re.findall(r"url\(#(.*?)\)", html))
    assert targets <= set(page.ids)


def test_stable_ids(page):
    found = (
        "cover findings page-one about F1 T4 T4D F2 T5 F4 T6 F5 T7 F10B T10 F10 S1 F7 T10P T10N "
        "T10H T11 F11R C1 T1 T3 T2 C2 A3 A4 A1 A2 A5 R1 R2"
    )
    for name in found.split():
        assert name in page.ids


def test_bearers_are_those_of_the_result(page, result):
    rows = page.tables["T10"][1:]
    frame, names = result.bearers, result.network.nodes.set_index("node")["name"]
    assert [row[0] for row in rows[:-1]] == list(names[frame["bearer"]])
    for row, amount in zip(rows[:-1], frame["amount"], strict=True):
        assert float(row[4].replace(",", "")) == pytest.approx(amount / 1e6, abs=0.051)
    assert rows[-1][0] == "all"
    assert float(rows[-1][4].replace(",", "")) == pytest.approx(
        result.socialization.borne / 1e6, abs=0.051
    )


def test_nodes_are_those_of_the_result(page, result):
    names = result.network.nodes.set_index("name")["node"]
    *rows, total = page.tables["T10N"][1:]
    assert len(rows) == len(result.table) and total[-1] == "2 further, 1 before"
    for row in rows:
        mine = result.table.loc[names[row[0]]]
        for column, at in (("loss", 3), ("direct_loss", 4), ("shortfall", 6)):
            assert float(row[at].replace(",", "")) == pytest.approx(mine[column] / 1e6, abs=0.051)
        if not mine["defaulted"]:
            assert row[8] == "–"
    states = {row[0]: row[8] for row in rows}
    assert states["Genesis"] == "in round 1" and states["Celsius"] == "before the shock"
    assert states["Three Arrows Capital"] == "by the shock"


def test_socialization_is_printed_with_its_definitions(page, result):
    rows = {row[0]: row for row in page.tables["S1"][1:]}
    s = result.socialization
    assert rows["socialized"][1] == money(s.socialized, "USD")
    assert rows["bystander share"][1] == f"{s.bystander_share:.0%}"
    assert all(row[2] for row in rows.values())
    assert set(attributes()) == set(s.to_dict())


def test_page_one_is_made_of_the_numbers(page, result):
    s, text = result.socialization, page.text
    assert "Three Arrows Capital defaults: who bears 2.306 bn USD?" in text
    assert f"{money(s.socialized, 'USD')} ({s.socialized_share:.0%}) is socialized" in text
    assert "2 further nodes default because of it: Voyager and Genesis." in text
    assert "1.19 bn USD was missing at Celsius before the shock, which adds 0.0406 bn USD" in text
    assert "1,637 m USD (71%) falls on external creditors: of Genesis (1,000 m USD)" in text


def test_ranking_is_that_of_the_table(page, net):
    ranking, names = ct.rank(net, [ct.EisenbergNoe()]), net.nodes.set_index("node")["name"]
    rows = page.tables["T11"][1:]
    assert [row[0] for row in rows] == list(names[ranking.index])
    impact = page.tables["T11"][0].index("socialized loss caused")
    for row, value in zip(rows, ranking["socialized_caused"], strict=True):
        assert float(row[impact].replace(",", "")) == pytest.approx(value / 1e6, abs=0.051)


def test_sources_assumptions_findings_and_version(page, net):
    text = page.text
    for assumption in net.assumptions:
        assert assumption.partition(" assumed ")[2] in text
    for code in net.check()["code"]:
        assert any(row[0] == code for row in page.tables["T2"])
    assert "Reconstructed" in text and f"contagion {ct.__version__}" in text
    assert fingerprint(net) in text and 'source = "neva_ring3"' in text
    assert "snapshot 2022-06" in text


def test_no_raw_floats_or_missing_values(page):
    assert not re.search(r"\d\.\d{6,}", re.sub(r"recovery=\d\.\d+", "", page.text))
    assert not re.search(r"\b(nan|NaN|None|inf)\b", page.text)


def test_text_is_escaped(tmp_path):
    evil = "<script>alert('x')</script> & \"co\""
    nodes = pd.DataFrame(
        {"node": ["a", "b"], "name": [evil, "B"], "kind": [evil, "bank"],
         "external_assets": [1.0, 9.0], "external_liabilities": [0.0, 1.0]}
    )  # fmt: skip
    claims = pd.DataFrame({"creditor": ["b"], "debtor": ["a"], "amount": [1.0]})
    net = ct.ExposureNetwork(nodes, claims, name=evil, unit=evil)
    result = ct.EisenbergNoe().propagate(net, ct.Shock.default("a"))
    file = ct.write_report(
        tmp_path / "r.html", net, result, ct.rank(net), study=ct.Study("neva_ring3", title=evil)
    )
    text = file.read_text("utf-8")
    assert text.count("<script") == 2 and evil not in text
    assert evil in Page(text).text


def test_missing_parts_are_said_in_one_line(tmp_path):
    net = ct.ExposureNetwork.from_matrix(
        [[0, 4], [0, 0]], ["a", "b"], orientation="debtor->creditor", external_assets=[5, 1]
    )
    text = Page(ct.write_report(tmp_path / "r.html", net).read_text("utf-8")).text
    for line in (
        "needs a shock",
        "needs a ranking",
        "needs a stress test",
        "without a dataset card",
    ):
        assert line in text


def test_a_model_that_does_not_settle_says_so(tmp_path, net):
    result = ct.DebtRank().propagate(net, ct.Shock.default("three_arrows"), baseline="cleared")
    page = Page(ct.write_report(tmp_path / "r.html", net, result).read_text("utf-8"))
    assert "T10" not in page.ids and "needs a model that settles" in page.text
    assert "F7" in page.ids


def test_several_results_have_their_own_exhibits(tmp_path):
    net = ct.datasets.load("neva_ring3")
    results = [
        ct.EisenbergNoe().propagate(net, ct.Shock.default(node, recovery=0.5)) for node in "AB"
    ]
    page = Page(ct.write_report(tmp_path / "r.html", net, results).read_text("utf-8"))
    assert {"T10-1", "T10-2", "F7-1", "F7-2", "T0"} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))


def test_a_result_of_another_network_is_refused(tmp_path, result):
    with pytest.raises(ValueError, match="other nodes"):
        ct.write_report(tmp_path / "r.html", ct.datasets.load("neva_ring3"), result)
    assert not (tmp_path / "r.html").exists()


def test_the_same_input_gives_the_same_file(tmp_path, net, result, html):
    again = ct.write_report(
        tmp_path / "r.html", net, [result], ct.rank(net), card="cefi_credit_2022",
        study=ct.Study("neva_ring3"),
    )  # fmt: skip
    assert again.read_text("utf-8") == html


def test_fingerprint_sees_amounts_and_not_the_order_of_rows(net):
    rows = net.exposures
    rows.loc[0, "amount"] += 1.0
    bare = ["creditor", "debtor", "amount"]
    nodes = net.nodes[["node"]]
    one, two, other = (
        ct.ExposureNetwork(nodes, claims, missing_equity="external")
        for claims in (net.exposures[bare], net.exposures[bare].iloc[::-1], rows[bare])
    )
    assert fingerprint(one) == fingerprint(two) != fingerprint(other)


@pytest.mark.parametrize(
    "name", others_slow(["stream_elixir_2025", "bis_cbs_2022q4", "rogers_veraart_3"])
)
def test_every_dataset_makes_a_report(tmp_path, name):
    net, card = ct.datasets.load(name), ct.datasets.card(name)
    shock = ct.Shock.default(card.default_run["default"], card.default_run["recovery"])
    for baseline in ("book", "cleared"):
        result = ct.EisenbergNoe().propagate(net, shock, baseline=baseline)
        file = ct.write_report(tmp_path / "r.html", net, result, ct.rank(net), card=card)
        assert Page(file.read_text("utf-8")).tables["T10"][-1][0] == "all"
