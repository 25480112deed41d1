"""Interactive pages in a real browser, from the disk and without a network."""

from __future__ import annotations

import matplotlib

matplotlib.use("Agg")

import pytest
from browser import FOUND, Browser

import contagion as ct

pytestmark = [
    pytest.mark.skipif(FOUND is None, reason="no Chromium or Chrome is installed here"),
    pytest.mark.filterwarnings("ignore:.*preexec_fn.*:DeprecationWarning"),
]
MODEL = ct.EisenbergNoe()
make = ct.synthetic.generate
GENESIS = (
    "[...document.querySelectorAll('.ct-wide .m')].find(g => "
    "g.getAttribute('aria-label').startsWith('Genesis'))"
)


@pytest.fixture(scope="module")
def tab():
    with Browser() as found:
        yield found


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    net = ct.datasets.load("cefi_credit_2022")
    chain = MODEL.propagate(net, ct.Shock.default("three_arrows"))
    large = make.tiered(5_000, 60, sheets=make.Sheets(capital=0.05), rng=1)
    hit = str(large.names[int(large.book.debts.argmax())])
    losses = ct.scenarios.common_factor(net, volatility=0.4, scenarios=200, rng=1)
    shown = {
        "chain": chain,
        "large": MODEL.propagate(large, ct.Shock.default(hit, recovery=0.3)),
        "token": ct.lookthrough.look_through(ct.datasets.load("stream_elixir_2025")),
        "curve": ct.stress_test(net, MODEL, losses),
    }
    return {k: ct.plot.interactive(x).write(folder / f"{k}.html") for k, x in shown.items()}


@pytest.fixture
def chain(tab, pages):
    tab.size(1280)
    tab.open(pages["chain"])
    return tab


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", ["chain", "large", "token", "curve"])
def test_a_page_opens_offline_and_fits(tab, pages, name, width):
    tab.size(width)
    tab.open(pages[name])
    assert tab.run("document.querySelectorAll('.ct[data-live]').length") >= 1
    assert tab.requests == [] and tab.complaints == []
    assert tab.run("document.documentElement.scrollWidth") <= width
    if name != "curve":  # one drawing is shown, the one for this width
        seen = "[...document.querySelectorAll('.ct-draw > svg[role]')].map(s => s.clientWidth > 0)"
        assert tab.run(seen) == [width > 640, width <= 640]


def test_a_table_is_sorted_and_filtered(chain):
    first = "document.querySelector('tbody tr:not([hidden]) th').textContent"
    head = "document.querySelectorAll('thead button')[{}].click()"
    chain.run(head.format(2))
    assert chain.run(first) == "Alameda Research"
    chain.run(head.format(2))
    assert chain.run(first) == "Tether"
    assert chain.run("document.querySelectorAll('thead th')[2].ariaSort") == "ascending"
    chain.run(head.format(0))
    assert chain.run(first) == "Alameda Research"
    chain.run("const f = document.querySelector('.ct-table input'); f.value = 'insolvent';"
              "f.dispatchEvent(new Event('input'))")  # fmt: skip
    assert chain.run(first) == "Celsius"
    assert chain.run("document.querySelector('[role=status]').textContent") == "1 of 9 rows"


def test_a_node_is_found_by_its_name(chain):
    chain.run("const f = document.querySelector('.ct-find'); f.value = 'genes';"
              "f.dispatchEvent(new Event('input'))")  # fmt: skip
    assert chain.run("document.querySelector('.ct-panel h4').textContent") == "Genesis"
    assert chain.run("document.querySelectorAll('.ct-wide .m.found').length") == 1


def test_a_node_in_a_box_is_found_there(tab, pages):
    tab.size(1280)
    tab.open(pages["large"])
    drawn = (
        "[...document.querySelectorAll('.ct-wide .t tspan:first-child')].map(t => t.textContent)"
    )
    names = "[...document.querySelectorAll('datalist option')].map(o => o.value)"
    inside = next(x for x in tab.run(names) if x not in tab.run(drawn))
    tab.run(f"const f = document.querySelector('.ct-find'); f.value = '{inside}';"
            "f.dispatchEvent(new Event('input'))")  # fmt: skip
    assert tab.run("document.querySelector('.ct-panel h4').textContent") == inside
    assert "In the box" in tab.run("document.querySelector('.ct-panel').textContent")


def test_rounds_step_with_colours_and_numbers(chain):
    bar = "document.querySelector('.ct-round')"
    value = (
        "[...document.querySelectorAll('.ct-wide .t')].find(t => t.textContent.startsWith("
        "'Genesis')).querySelector('.v').textContent"
    )
    assert "s-default" in chain.run(f"{GENESIS}.getAttribute('class')")
    chain.run("document.querySelector('.ct-back').click()")
    chain.run("document.querySelector('.ct-back').click()")
    assert chain.run(f"{bar}.ariaValueText ?? {bar}.getAttribute('aria-valuetext')") == (
        "round 0 of 2, the shock alone"
    )
    assert "s-calm" in chain.run(f"{GENESIS}.getAttribute('class')") and chain.run(value) == ""
    assert chain.run("document.querySelectorAll('.ct-wide .l.lost').length") == 0
    chain.run(f"{GENESIS}.focus()")
    chain.key("]")
    assert "s-default" in chain.run(f"{GENESIS}.getAttribute('class')")
    assert chain.run(value) == "−200.0"
    assert chain.run(f"{bar}.getAttribute('aria-valuetext')") == "round 1 of 2"


def test_the_map_is_served_by_the_keyboard(chain):
    chain.run("document.querySelector('.ct-wide .m').focus()")
    before = chain.run("document.activeElement.dataset.m")
    chain.key("ArrowRight")
    assert chain.run("document.activeElement.dataset.m") != before
    assert chain.run("document.activeElement.tabIndex") == 0
    chain.key("Enter")
    said = chain.run("document.querySelector('.ct-panel').textContent")
    assert "Balance sheet" in said and "equity" in said
    chain.key("Escape")
    assert "Click a node" in chain.run("document.querySelector('.ct-panel').textContent")


def test_kinds_and_sizes_are_filtered(chain):
    count = "document.querySelectorAll('.ct-wide .m.off').length"
    chain.run("document.querySelector('fieldset input[value=lender]').click()")
    assert chain.run(count) == 3  # Genesis, Celsius, BlockFi
    chain.run("document.querySelector('fieldset input[value=lender]').click()")
    chain.run("const s = document.querySelector('.ct-size'); s.value = 100;"
              "s.dispatchEvent(new Event('input'))")  # fmt: skip
    assert chain.run(count) == 8  # all but the largest


def test_dark_mode_changes_the_drawing_too(chain):
    colour = "getComputedStyle(document.querySelector('.ct-wide .s-hit .d')).fill"
    light = chain.run(colour)
    chain.size(1280, dark=True)
    assert light == "rgb(17, 17, 17)" and chain.run(colour) == "rgb(255, 255, 255)"
    chain.size(1280)


def test_values_of_a_chart_are_spoken(tab, pages):
    tab.size(1280)
    tab.open(pages["curve"])
    tab.run("document.querySelector('.ct-chart svg').focus()")
    tab.key("ArrowRight")
    assert "of scenarios" in tab.run("document.querySelector('[role=status]').textContent")


def test_the_page_prints_without_tools_in_the_last_round(chain):
    chain.run("document.querySelector('.ct-back').click()")
    chain.ask("Emulation.setEmulatedMedia", media="print")
    assert chain.run("getComputedStyle(document.querySelector('.ct-tools')).display") == "none"
    chain.run("dispatchEvent(new Event('beforeprint'))")
    assert chain.run("document.querySelector('.ct-steps output').textContent") == "2 of 2"
    assert len(chain.ask("Page.printToPDF")["data"]) > 10_000
    chain.ask("Emulation.setEmulatedMedia", media="")


def test_without_scripts_the_page_is_whole(tab, pages):
    tab.size(1280)
    tab.open(pages["chain"], script=False)
    text = tab.ask("DOM.getOuterHTML", nodeId=tab.ask("DOM.getDocument")["root"]["nodeId"])
    assert "−1,000.0" in text["outerHTML"] and "data-live" not in text["outerHTML"]
    tree = tab.ask("Accessibility.getFullAXTree")["nodes"]
    names = " ".join(str(node.get("name", {}).get("value", "")) for node in tree)
    assert "Three Arrows Capital hit by the shock" in names
    tab.open(pages["chain"])


# -- report -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A report with a map, tables, and both charts."""
    net = ct.datasets.load("cefi_credit_2022")
    shock = ct.Shock.default("three_arrows")
    case = ct.experiments.Case(net, MODEL, shock)
    losses = ct.scenarios.common_factor(net, volatility=0.4, scenarios=100, rng=1)
    return ct.write_report(
        tmp_path_factory.mktemp("report") / "report.html", net, MODEL.propagate(net, shock),
        stress=ct.stress_test(net, MODEL, losses),
        sweeps=ct.sweep(case, {"shock.recovery": [0.0, 0.5], "network.capital": [1.0, 2.0]}),
    )  # fmt: skip


@pytest.fixture
def report(tab, written):
    tab.size(1280)
    tab.open(written)
    return tab


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1280, 390])
def test_a_report_opens_offline_and_fits(tab, written, width, dark):
    tab.size(width, dark=dark)
    tab.open(written)
    assert tab.requests == [] and tab.complaints == []
    assert tab.run("document.documentElement.scrollWidth") <= width
    paper = tab.run("getComputedStyle(document.body).backgroundColor")
    assert paper == ("rgb(17, 22, 29)" if dark else "rgb(255, 255, 255)")
    seen = "[...document.querySelectorAll('#F1 .ct-draw > svg[role]')].map(s => s.clientWidth > 0)"
    assert tab.run(seen) == [width > 640, width <= 640]


def test_a_report_is_sorted_filtered_searched_and_stepped(report):
    table = "document.querySelector('#T10N-table')"
    first = f"{table}.querySelector('tbody tr:not([hidden]) th').textContent"
    report.run(f"{table}.querySelectorAll('thead button')[2].click()")  # equity before
    assert report.run(first) == "Alameda Research"
    report.run(f"const f = {table}.querySelector('input'); f.value = 'tether';"
               "f.dispatchEvent(new Event('input'))")  # fmt: skip
    assert report.run(first) == "Tether"
    assert report.run(f"{table}.querySelector('tfoot th').textContent") == "all"  # stays below
    report.run("const g = document.querySelector('#F1 .ct-find'); g.value = 'genes';"
               "g.dispatchEvent(new Event('input'))")  # fmt: skip
    assert report.run("document.querySelector('#F1 .ct-panel h4').textContent") == "Genesis"
    report.run("document.querySelector('#F1 .ct-back').click()")
    assert report.run("document.querySelector('#F1 .ct-steps output').textContent") == "1 of 2"
    report.run("document.querySelector('#F1 .ct-wide .m').focus()")
    report.key("Enter")
    assert "Balance sheet" in report.run("document.querySelector('#F1 .ct-panel').textContent")


@pytest.mark.parametrize(("name", "words"), [("F13", "of scenarios"), ("F12", "recovery")])
def test_values_of_the_charts_of_a_report_are_spoken(report, name, words):
    report.run(f"document.querySelector('#{name} svg').focus()")
    report.key("ArrowRight")
    assert words in report.run(f"document.querySelector('#{name} [role=status]').textContent")


def test_rows_that_go_on_from_the_one_above_keep_their_order(report):
    assert report.run("document.querySelector('#T10L-table thead button')") is None
    assert report.run("document.querySelectorAll('#T10-table thead button').length") == 7


def test_a_report_prints_whole_rows_without_tools(report):
    table = "document.querySelector('#T10N-table')"
    report.run(f"const f = {table}.querySelector('input'); f.value = 'tether';"
               "f.dispatchEvent(new Event('input'))")  # fmt: skip
    report.size(690, 1000)  # the text of a page of A4
    report.ask("Emulation.setEmulatedMedia", media="print")
    report.run("dispatchEvent(new Event('beforeprint'))")
    assert report.run(f"{table}.querySelectorAll('tbody tr[hidden]').length") == 0
    assert report.run("[...document.querySelectorAll('.ct-tools')].every(t => !t.clientHeight)")
    assert report.run("document.documentElement.scrollWidth") <= 690
    assert len(report.ask("Page.printToPDF")["data"]) > 100_000
    report.ask("Emulation.setEmulatedMedia", media="")


def test_without_scripts_a_report_is_whole(tab, written):
    tab.size(1280)
    tab.open(written, script=False)
    text = tab.ask("DOM.getOuterHTML", nodeId=tab.ask("DOM.getDocument")["root"]["nodeId"])
    assert "data-live" not in text["outerHTML"]
    tree = tab.ask("Accessibility.getFullAXTree")["nodes"]
    names = " ".join(str(node.get("name", {}).get("value", "")) for node in tree)
    for said in ("Three Arrows Capital hit by the shock", "Phase diagram", "of 100 scenarios"):
        assert said in names
    tab.open(written)
