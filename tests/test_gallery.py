"""Every figure of the registry at 5, 100 and 500 nodes: no text on another, none off the canvas."""

from __future__ import annotations

from functools import cache

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.text import Text
from matplotlib.transforms import Bbox

import contagion as ct
from contagion.experiments import layers, policy

MODEL = ct.EisenbergNoe()
make = ct.synthetic.generate
SIZES = (5, 100, 500)
SHARED = 0.1  # of the smaller text


def generated(n: int, rng: int = 1) -> ct.ExposureNetwork:
    sheets = make.Sheets(capital=0.05)
    net = make.tiered(n, max(n // 15, 2), across=0.5 if n < 50 else 0.3, sheets=sheets, rng=rng)
    claims = net.exposures[["creditor", "debtor", "amount"]].assign(amount=net.amount * 1e6)
    claims["layer"] = np.resize(["loans", "derivatives", "securities"], len(claims))
    book = net.balance_sheet.reset_index()
    names = [f"Savings bank number {k} of the north" for k in range(n)]
    nodes = pd.DataFrame(
        {"node": book["node"], "name": names, "kind": net.kinds,
         "external_assets": 1e6 * net.book.external_assets,
         "external_liabilities": 1e6 * net.book.external_liabilities}
    )  # fmt: skip
    return ct.ExposureNetwork(nodes, claims, unit="USD")


@cache
def network(n: int) -> ct.ExposureNetwork:
    return generated(n)


@cache
def result(n: int):
    net = network(n)
    return MODEL.propagate(net, ct.Shock.default(hit(n), recovery=0.3))


def hit(n: int) -> str:
    return str(network(n).names[int(np.argmax(network(n).book.debts))])


@cache
def ranking(n: int):
    return ct.rank(network(n), [ct.models.Furfine(), ct.DebtRank()])


@cache
def stressed(n: int):
    drawn = ct.scenarios.common_factor(network(n), volatility=0.04, scenarios=60, rng=1)
    return ct.stress_test(network(n), MODEL, drawn, keep=("contagion",))


@cache
def book(n: int):
    rng = np.random.default_rng(1)
    rows = [
        {"venue": f"venue number {k % 9}", "holder": f"h{k}", "instrument": "X",
         "size": float(size), "margin": float(100 * size * margin)}
        for k, (size, margin) in enumerate(
            zip(rng.uniform(1, 20, n), rng.uniform(0.03, 0.3, n), strict=True)
        )
    ]  # fmt: skip
    return ct.liquidation.MarginBook({"X": 100.0}, positions=rows, unit="USD")


def cascade():
    impact = ct.liquidation.Linear(depth=4_000)
    leaves = ct.liquidation.Withdrawal(liquidated=0.8)
    return ct.liquidation.LiquidationCascade(impact=impact, withdrawal=leaves)


def swept(n: int):
    case = ct.experiments.Case(network(n), MODEL, result(n).shock)
    return ct.sweep(case, {"shock.recovery": [0.0, 0.3, 0.6], "network.capital": [0.5, 1.0]})


def compared(n: int):
    return ct.compare_rules(network(n), result(n).shock, {"equal losses": {hit(n): "equal_losses"}})


def helped(n: int):
    net = network(n)
    money = float(net.book.debts.sum()) * 0.02
    return policy.compare(
        net, MODEL, result(n).shock,
        {"insurance fund": policy.InsuranceFund(hit(n), money), "netting": policy.Netting(),
         "larger fund": policy.InsuranceFund(hit(n), 2 * money),
         "collateral for a half": policy.Collateral(0.5)},
    )  # fmt: skip


def victims(n: int) -> pd.DataFrame:
    amounts = network(n).liabilities.toarray()
    names = network(n).nodes["name"]
    return pd.DataFrame(amounts.T, names, names)


def panel(n: int):
    return ct.Panel({"2022": network(n), "2023": generated(n, 2)}).propagate(
        ct.models.Furfine(), ct.Shock.default(hit(n))
    )


FIGURES = {
    "network": lambda n: ct.plot.network(network(n), result(n)),
    "cascade": lambda n: ct.plot.cascade(result(n)),
    "cascade_tree": lambda n: ct.plot.cascade_tree(result(n)),
    "loss_by_hop": lambda n: ct.plot.loss_by_hop(result(n)),
    "who_pays": lambda n: ct.plot.who_pays(result(n)),
    "waterfall": lambda n: ct.plot.waterfall(result(n), result(n).layers["node"].iloc[0]),
    "rule_comparison": lambda n: ct.plot.rule_comparison(compared(n)),
    "look_through_flow": lambda n: ct.plot.look_through_flow(
        ct.lookthrough.look_through(network(n))
    ),
    "kind_heat": lambda n: ct.plot.kind_heat(network(n)),
    "kind_flow": lambda n: ct.plot.kind_flow(network(n)),
    "victim_heat": lambda n: ct.plot.victim_heat(victims(n), unit="USD"),
    "exceedance": lambda n: ct.plot.exceedance(stressed(n)),
    "bearer_distribution": lambda n: ct.plot.bearer_distribution(stressed(n)),
    "phase_diagram": lambda n: ct.plot.phase_diagram(
        swept(n), "loss", "shock.recovery", "network.capital"
    ),
    "contagion_window": lambda n: ct.plot.contagion_window(
        ct.randomgraphs.gai_kapadia_window([1, 2, 3], n=n, samples=4, rng=1)
    ),
    "rank_ranges": lambda n: ct.plot.rank_ranges(ct.measures.ranking.agreement(ranking(n))),
    "impact_quadrant": lambda n: ct.plot.impact_quadrant(ranking(n)),
    "efficient_frontier": lambda n: ct.plot.efficient_frontier(helped(n)),
    "period_change": lambda n: ct.plot.period_change(panel(n)),
    "distribution": lambda n: ct.plot.distribution(network(n), "amounts"),
    "trigger_bars": lambda n: ct.plot.trigger_bars(
        ct.measures.every_default(network(n), ct.models.Furfine())
    ),
    "cumulative_shares": lambda n: ct.plot.cumulative_shares(network(n)),
    "layer_gap": lambda n: ct.plot.layer_gap(
        layers.by_layer(network(n), ct.models.Furfine(), ct.Shock.default(hit(n)))
    ),
    "criticality": lambda n: ct.plot.criticality(
        ct.liquidation.criticality_map(book(n), cascade(), [0.05, 0.1, 0.2], leverage=[0.8, 1.0])
    ),
    "liquidation_profile": lambda n: ct.plot.liquidation_profile(book(n), "X", by="venue"),
    "cascade_path": lambda n: ct.plot.cascade_path(cascade().run(book(n), {"X": -0.08})),
}


def texts(figure) -> list[Text]:
    """All texts that are drawn, ticks outside of the axes left out."""
    hidden: set[Text] = set()
    for ax in figure.axes:
        for axis, limits in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim())):
            low, high = sorted(limits)
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                inside = low - 1e-9 <= tick.get_loc() <= high + 1e-9
                if not inside or not ax.axison:
                    hidden |= {tick.label1, tick.label2}
            if not ax.axison:
                hidden |= {axis.label, axis.offsetText}
    found = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]
    return [t for t in found if t not in hidden]


def upright(text: Text) -> Bbox:
    """The box of a text, seen along its own lines."""
    turn = np.deg2rad(text.get_rotation())
    if not turn:
        return text.get_window_extent()
    anchor = text.get_transform().transform(text.get_unitless_position())
    angle = text.get_rotation()
    text.set_rotation(0)
    flat = text.get_window_extent()
    text.set_rotation(angle)
    back = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    shift = back @ anchor - anchor
    return Bbox.from_bounds(flat.x0 + shift[0], flat.y0 + shift[1], flat.width, flat.height)


def faults(figure) -> list[str]:
    """Texts that lie on others or leave the canvas, in words."""
    figure.draw_without_rendering()
    found, canvas = [], figure.bbox
    shown = texts(figure)
    for k, text in enumerate(shown):
        box = text.get_window_extent()
        if (box.x0 < -1 or box.y0 < -1 or box.x1 > canvas.width + 1
                or box.y1 > canvas.height + 1):  # fmt: skip
            found.append(f"off the canvas: {text.get_text()!r}")
        for other in shown[:k]:
            slanted = text.get_rotation() == other.get_rotation()
            one, two = (upright(t) if slanted else t.get_window_extent() for t in (text, other))
            both = Bbox.intersection(one, two)
            area = 0.0 if both is None else both.width * both.height
            least = min(one.width * one.height, two.width * two.height)
            if area > SHARED * least:
                found.append(f"{text.get_text()!r} on {other.get_text()!r}")
    return found


def test_the_gallery_has_every_figure():
    assert set(FIGURES) == set(ct.plot.FIGURES)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("name", FIGURES)
def test_no_text_lies_on_another_or_leaves_the_canvas(name, n):
    ax = FIGURES[name](n)
    assert faults(ax.get_figure(root=True)) == []


@pytest.mark.parametrize("name", ["network", "cascade_tree", "loss_by_hop", "impact_quadrant"])
def test_a_figure_is_drawn_on_axes_of_a_column_of_a_journal(name):
    """3.5 inches, the width of a column."""
    fig, ax = plt.subplots(figsize=(3.5, 4.2), layout="constrained")
    draw = {"network": ct.plot.network, "cascade_tree": ct.plot.cascade_tree,
            "loss_by_hop": ct.plot.loss_by_hop}.get(name)  # fmt: skip
    if draw is None:
        assert ct.plot.impact_quadrant(ranking(100), ax=ax) is ax
    elif name == "network":
        assert draw(network(100), result(100), ax=ax) is ax
    else:
        assert draw(result(5), ax=ax) is ax
    assert [text for text in faults(fig) if " on " in text] == []


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_vectors(name, tmp_path):
    ax = FIGURES[name](5)
    ax.get_figure(root=True).savefig(tmp_path / "f.svg")
    assert "<image" not in (tmp_path / "f.svg").read_text()


def test_a_fault_would_be_noticed():
    fig, ax = plt.subplots()
    ax.text(0.5, 0.5, "one text")
    ax.text(0.51, 0.5, "another text")
    ax.text(3, 0.5, "away")
    found = faults(fig)
    assert any(" on " in text for text in found) and any("off" in text for text in found)
