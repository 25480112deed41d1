"""Every amount that is shown has a unit: in texts, reports, figures and on the command line.

Two checks of everything that is written about a dataset. The same data in single units and in
parcels of 1,024 (a power of two, so that nothing is rounded) give the same words, so no amount
passes a formatter that does not know the unit. And where a number of a scale stands (the scale
marks its numbers here), the unit of that scale stands in the same exhibit.
"""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import pandas as pd
import pytest
from conftest import others_slow
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.text import Text

import contagion as ct
from contagion.cli import run
from contagion.experiments import policy
from contagion.network import schema
from contagion.report.contents import sections
from contagion.report.given import given
from contagion.report.page_one import sentences
from contagion.results.propagation_result import PropagationResult
from contagion.units import WORDS, Scale, parse

NAMES = ["three_venues", "cefi_credit_2022", "bis_cbs_2022q4", "okex_2018", "seniority_3"]
NAMES += [name for name in ct.datasets.names() if name not in NAMES]
MARK = "\u2060"  # a word joiner: no width, in no text of the package


def stored(name: str, place: Path, per: float, scale: str) -> Path:
    """A dataset as files, each amount `per` of what it counts; its unit carries the scale."""
    net = ct.datasets.load(name)
    own = parse(net.unit)
    folder = place / scale.strip() / "data"
    net.write(folder)
    card = (folder / "dataset.toml").read_text("utf-8")
    unit = f"{own.asset}{scale}"
    (folder / "dataset.toml").write_text(card.replace(f'"{net.unit}"', f'"{unit}"'), "utf-8")
    for file in folder.glob("*.csv"):
        table = pd.read_csv(file, dtype=str, keep_default_na=False)
        for column in schema.columns(file.stem).values():
            if column.unit == "money" and column.column in table:
                amounts = pd.to_numeric(table[column.column]) * (own.factor / per)
                table[column.column] = amounts.map(lambda x: "" if pd.isna(x) else repr(float(x)))
        table.to_csv(file, index=False)
    return folder


def shock_of(name: str, net: ct.ExposureNetwork) -> ct.Shock:
    told = ct.datasets.card(name).default_run
    if told:
        return ct.Shock.default(told["default"], recovery=told["recovery"])
    return ct.Shock.default(net.names[int(net.book.debts.argmax())], recovery=0.4)


def commands(shock: ct.Shock, net: ct.ExposureNetwork) -> list[list[str]]:
    (node, recovery), *_ = shock.defaults
    hit = ["--default", str(node), "--recovery", str(recovery)]
    victim = next(str(name) for name in net.names if name != node)
    found = [
        ["check", "data"],
        ["run", "data", *hit],
        ["explain", "data", victim, *hit],
        ["rank", "data"],
        ["stress", "data", "--scenarios", "single-defaults"],
        ["sweep", "data", "--default", str(node), "--over", "shock.recovery=0.3,0.6",
         "--measure", "loss"],
    ]  # fmt: skip
    if net.guarantees is None:
        found.append(["run", "data", *hit, "--model", "debtrank"])
    backed = [] if net.guarantees is None else list(net.guarantees["debtor"])
    for venue in [node for node in net.rules if node not in backed][:1]:
        found.append(["compare", "data", *hit, "--rule", f"{venue}=pro_rata"])
    return found


def said(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    code = run(words)
    out = capsys.readouterr()
    assert code == 0, (words, out.err)
    return out.out


def outcomes(name: str, net: ct.ExposureNetwork) -> list[PropagationResult]:
    models = [ct.EisenbergNoe()] + ([ct.DebtRank()] if net.guarantees is None else [])
    return [model.propagate(net, shock_of(name, net)) for model in models]


def texts(name: str, net: ct.ExposureNetwork) -> list[str]:
    """What Python shows: of the network, its findings, results, explanations and studies."""
    shock = shock_of(name, net)
    found = [repr(net), *(str(f) for f in net.findings)]
    for result in outcomes(name, net):
        found.append(repr(result))
        found += [repr(result.explain(node)) for node in result.table["loss"].nlargest(2).index]
    model = ct.EisenbergNoe()
    found.append(repr(ct.measures.ranking.explain_impact(net, model, shock.defaults[0][0])))
    found.append(repr(ct.stress_test(net, model, ct.scenarios.single_defaults(net))))
    case = ct.experiments.Case(net, model, shock)
    found.append(repr(ct.sweep(case, {"network.capital": [1.0, 2.0]})))
    known = net.names[net.book.known]
    if len(known):
        more = ct.experiments.policy.Capital(add={known[0]: float(net.book.debts.max())})
        found.append(repr(ct.experiments.policy.compare(net, model, shock, {"more": more})))
    return found


def exhibits(name: str, net: ct.ExposureNetwork, draw: bool) -> dict[str, str]:
    """The report by exhibit: its words, and with `draw` the words in its figures."""
    result, *_ = outcomes(name, net)
    about = given(net, [result], ct.rank(net), card=ct.datasets.card(name))
    found = {f"finding {k}": str(said) for k, said in enumerate(sentences(about))}
    for section in sections(about):
        for one in section.exhibits:
            words = [one.title, str(one.lead), *one.lines, one.missing]
            if one.table is not None:
                words += [*one.table.head, one.table.note, *one.table.total]
                words += [cell for row in one.table.rows for cell in row]
            if draw:
                words += re.findall(r">([^<>]+)</text>", one.svg)
            found[f"{one.id} {one.title}"] = "\n".join(words)
    return found


@pytest.fixture
def marked(monkeypatch):
    """Every number of a scale that has a unit ends with a mark and that unit."""
    written = Scale.__call__

    def call(self: Scale, amount: float) -> str:
        return written(self, amount) + (MARK if self.label else "")

    monkeypatch.setattr(Scale, "__call__", call)


def bare(text: str, unit: str) -> bool:
    """Whether a number of a scale stands in a text that does not have its unit."""
    asset = parse(unit).asset
    return MARK in text and not re.search(rf"(?<!\w){re.escape(asset)}(?!\w)", text)


@pytest.mark.parametrize("name", others_slow(NAMES, 3))
def test_the_same_words_in_single_units_and_in_parcels(name, tmp_path, monkeypatch, capsys):
    found = []
    monkeypatch.setitem(WORDS, "parcels", 1024.0)
    for per, scale in ((1.0, ""), (1024.0, " parcels")):
        folder = stored(name, tmp_path, per, scale)
        monkeypatch.chdir(folder.parent)
        net = ct.read(folder)
        said_ = {f"text {k}": text for k, text in enumerate(texts(name, net))}
        said_ |= exhibits(name, net, draw=False)
        said_ |= {
            " ".join(words): said(words, capsys) for words in commands(shock_of(name, net), net)
        }
        found.append(said_)
    for key, text in found[0].items():
        assert text == found[1][key], key


@pytest.mark.parametrize("name", others_slow(NAMES, 3))
def test_a_number_has_its_unit_in_the_same_block_of_a_command(
    name, tmp_path, monkeypatch, capsys, marked
):
    net = ct.datasets.load(name)
    folder = stored(
        name, tmp_path, parse(net.unit).factor, net.unit.removeprefix(parse(net.unit).asset)
    )
    monkeypatch.chdir(folder.parent)
    for words in commands(shock_of(name, net), net):
        for block in said(words, capsys).split("\n\n"):
            assert not bare(block, net.unit), (words, block)


@pytest.mark.parametrize("name", others_slow(NAMES, 2))
def test_a_number_has_its_unit_in_the_same_exhibit(name, marked):
    net = ct.datasets.load(name)
    for title, text in exhibits(name, net, draw=True).items():
        assert not bare(text, net.unit), (title, text)


Net, Result = ct.ExposureNetwork, PropagationResult


def swept(net: Net, result: Result) -> ct.experiments.Sweep:
    case = ct.experiments.Case(net, result.model, result.shock)
    return ct.sweep(case, {"shock.recovery": [0.0, 0.1], "network.capital": [1.0, 2.0]})


def victims(net: Net, result: Result) -> pd.DataFrame:
    amounts = pd.DataFrame(net.liabilities.toarray(), net.names, net.names)
    return amounts.T


FIGURES = {
    "network": lambda net, result: ct.plot.network(net),
    "cascade": lambda net, result: ct.plot.cascade(result),
    "who_pays": lambda net, result: ct.plot.who_pays(result),
    "kind_heat": lambda net, result: ct.plot.kind_heat(net),
    "kind_flow": lambda net, result: ct.plot.kind_flow(net),
    "victim_heat": lambda net, result: ct.plot.victim_heat(victims(net, result), unit=net.unit),
    "cumulative_shares": lambda net, result: ct.plot.cumulative_shares(net),
    "layer_gap": lambda net, result: ct.plot.layer_gap(
        ct.experiments.layers.by_layer(net, result.model, result.shock)
    ),
    "look_through_flow": lambda net, result: ct.plot.look_through_flow(
        ct.lookthrough.look_through(net)
    ),
    "exceedance": lambda net, result: ct.plot.exceedance(
        ct.stress_test(net, result.model, ct.scenarios.single_defaults(net))
    ),
    "phase_diagram": lambda net, result: ct.plot.phase_diagram(
        swept(net, result), "loss", "shock.recovery", "network.capital"
    ),
    "rank_ranges": lambda net, result: ct.plot.rank_ranges(
        ct.measures.ranking.agreement(ct.rank(net))
    ),
    "rule_comparison": lambda net, result: ct.plot.rule_comparison(
        ct.compare_rules(net, result.shock, {"pro rata": {net.names[0]: ct.rules.ProRata()}})
    ),
    "waterfall": lambda net, result: ct.plot.waterfall(result, result.layers["node"].iloc[0]),
    "cascade_tree": lambda net, result: ct.plot.cascade_tree(result),
    "loss_by_hop": lambda net, result: ct.plot.loss_by_hop(result),
    "bearer_distribution": lambda net, result: ct.plot.bearer_distribution(
        ct.stress_test(net, result.model, ct.scenarios.single_defaults(net))
    ),
    "distribution": lambda net, result: ct.plot.distribution(net, "amounts"),
    "trigger_bars": lambda net, result: ct.plot.trigger_bars(
        ct.measures.every_default(net, ct.models.Furfine())
    ),
    "efficient_frontier": lambda net, result: ct.plot.efficient_frontier(
        policy.compare(
            net, result.model, result.shock, {"half in collateral": policy.Collateral(0.5)}
        )
    ),
    "period_change": lambda net, result: ct.plot.period_change(
        ct.Panel({"before": net, "after": net.with_amounts(net.amount * 0.5)}).propagate(
            ct.models.Furfine(), result.shock
        )
    ),
}
OF_BOOKS = {
    "cascade_path": lambda book: ct.plot.cascade_path(
        ct.liquidation.LiquidationCascade(ct.liquidation.Linear(depth=400)).run(book, {"X": -0.2})
    ),
    "liquidation_profile": lambda book: ct.plot.liquidation_profile(book),
    "criticality": lambda book: ct.plot.criticality(
        ct.liquidation.criticality_map(
            book, ct.liquidation.LiquidationCascade(), [0.1, 0.3], leverage=[1.0, 1.1]
        ),
        "loss",
    ),
}


def test_every_figure_is_looked_at():
    without_money = {"contagion_window", "impact_quadrant"}
    assert {*FIGURES, *OF_BOOKS, *without_money} == set(ct.plot.FIGURES)


@pytest.fixture
def scales(monkeypatch):
    """The units of all scales that a figure makes."""
    found = []
    made = Scale.__init__

    def make(self: Scale, *args: object, **options: object) -> None:
        made(self, *args, **options)
        found.append(self.label)

    monkeypatch.setattr(Scale, "__init__", make)
    return found


def words_of(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(Text))


@pytest.mark.parametrize("name", others_slow(NAMES, 2))
@pytest.mark.parametrize("kind", FIGURES)
def test_a_figure_has_the_unit_of_its_scale(kind, name, scales):
    net = ct.datasets.load(name)
    result = ct.EisenbergNoe().propagate(net, shock_of(name, net))
    try:
        ax = FIGURES[kind](net, result)
    except (ct.errors.ContagionError, IndexError) as error:
        pytest.skip(f"nothing to draw: {error}")
    ax.figure.canvas.draw()
    words, asset = words_of(ax.figure), parse(net.unit).asset
    for label in filter(None, scales):
        assert label == "%" or re.search(rf"(?<!\w){re.escape(asset)}(?!\w)", words), words
    plt.close("all")


@pytest.mark.parametrize("kind", OF_BOOKS)
def test_a_figure_of_a_book_has_the_unit_of_its_scale(kind, scales):
    rows = [{"venue": "v", "holder": f"h{k}", "instrument": "X", "size": 10, "margin": 120 + 9 * k}
            for k in range(5)]  # fmt: skip
    book = ct.liquidation.MarginBook({"X": 100.0}, rows, unit="CHF m")
    ax = OF_BOOKS[kind](book)
    ax.figure.canvas.draw()
    assert all("CHF" in label for label in scales if label)
    assert "CHF m" in words_of(ax.figure) or "m CHF" in words_of(ax.figure)
    plt.close("all")


BOOKS = [
    ["cascade", "--move", "X=-0.2", "--impact", "linear:depth=400"],
    ["cascade", "--move", "X=-0.2", "--network", "net"],
    ["liquidatable"],
]


@pytest.mark.parametrize("words", BOOKS, ids=["cascade", "on a network", "liquidatable"])
def test_a_command_about_a_book_shows_its_unit(words, tmp_path, monkeypatch, capsys, marked):
    monkeypatch.chdir(tmp_path)
    rows = [{"venue": "v", "holder": f"h{k}", "instrument": "X", "size": 10, "margin": 120 + 9 * k}
            for k in range(5)]  # fmt: skip
    pd.DataFrame(rows).to_csv("book.csv", index=False)
    owed = pd.DataFrame({"creditor": ["b"], "debtor": ["h0"], "amount": [50e-3]})
    nodes = {"node": ["h0", "b", "v"], "external_assets": [0.2, 0.03, 1.0]}
    ct.ExposureNetwork(pd.DataFrame(nodes), owed, unit="CHF bn").write("net")
    book = ["--positions", "book.csv", "--prices", "X=100", "--unit", "CHF m"]
    for block in said([*words, *book], capsys).split("\n\n"):
        assert not bare(block, "CHF m"), block
