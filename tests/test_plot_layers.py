"""The figure of layers: bars are the layers, the diamond is the whole, and it can be read."""

from __future__ import annotations

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from test_layers import DEFAULT, layered, three

import contagion as ct
from contagion.experiments.layers import LayerComparison, by_layer
from contagion.plot import style

COUNT = [1.0, 5, 3]


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def words(ax) -> list[str]:
    return [text.get_text() for text in ax.texts]


def bars(ax) -> dict[str, list[float]]:
    """Width of every bar, by the name in the legend."""
    return {box.get_label(): [bar.get_width() for bar in box] for box in ax.containers}


def diamonds(ax) -> list[float]:
    return [float(x) for line in ax.lines if line.get_marker() == "D" for x in line.get_xdata()]


def entries(ax) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


def made(parts: dict[str, list[float]], whole: list[float], what: str = "measure"):
    """A comparison with these numbers; nodes are a, b, c, ..."""
    names = [f"n{k}" for k in range(len(whole))]
    net = ct.ExposureNetwork(
        pd.DataFrame({"node": names, "equity": 1.0}),
        {"creditor": names[:1], "debtor": names[1:2], "amount": [1.0]},
    )
    arrays = {name: np.array(part, float) for name, part in parts.items()}
    none = np.zeros(len(whole))
    return LayerComparison(
        net, tuple(parts), what, none, arrays, np.array(whole, float), {}, lambda _: none
    )


def test_bars_are_layers_the_diamond_is_the_whole_and_the_last_bar_is_the_gap():
    ax = ct.plot.layer_gap(by_layer(three(COUNT), ct.models.GaiKapadia(), DEFAULT))
    assert [label.get_text() for label in ax.get_yticklabels()] == ["c", "b"]
    gap = {"gap between them": [3, -1]}
    assert bars(ax) == {"loans": [0, 3], "derivatives": [0, 3]} | gap
    assert [bar.get_x() for bar in ax.containers[-1]] == [0, 6]
    assert diamonds(ax) == [3, 5]
    assert words(ax)[:2] == ["3.000 (3.000 more)", "5.000 (1.000 less)"]
    assert [text.xy[0] for text in ax.texts[:2]] == [3, 6]  # behind what is drawn
    note = words(ax)[-1].replace("\n", " ")
    assert note == (
        "a defaults and pays nothing on its debts. All nodes: the layers one by one add up to "
        "6.000, together to 8.000, 33% more."
    )
    assert entries(ax) == ["loans", "derivatives", "all layers together", "gap between them"]
    assert ax.get_xlabel() == "loss by contagion"


def test_it_draws_on_the_axes_given_and_returns_them():
    ax = plt.subplots()[1]
    assert ct.plot.layer_gap(by_layer(three(COUNT), ct.models.GaiKapadia(), DEFAULT), ax=ax) is ax


def test_debtrank_is_in_percent_and_adds_up():
    done = by_layer(layered(5))
    ax = ct.plot.layer_gap(done)
    drawn = sum(sum(widths) for name, widths in bars(ax).items() if name in done.layers)
    assert drawn == pytest.approx(100 * done.table["sum"].sum())
    assert sum(diamonds(ax)) == pytest.approx(100 * done.whole.sum())
    assert ax.get_xlabel() == "DebtRank, %"
    assert words(ax)[-1].startswith("Each node defaults once.")


def test_the_largest_gaps_come_first_and_the_rest_is_one_row():
    done = by_layer(layered(11, n=12))
    order = done.table["gap"].abs().sort_values(ascending=False)
    order = order[order > 1e-9]
    ax = ct.plot.layer_gap(done, most=3)
    labels = [label.get_text() for label in ax.get_yticklabels()]
    active = int((done.table[["sum", "whole"]].abs().max(axis=1) > 1e-9).sum())
    assert labels == [*order.index[:3], f"{active - 3} others"]
    assert sum(diamonds(ax)) == pytest.approx(100 * done.whole.sum())
    # one more than asked for is drawn by its name
    every = ct.plot.layer_gap(done, most=active - 1).get_yticklabels()
    assert len(every) == active and {x.get_text() for x in every} <= set(done.network.names)


def test_money_has_its_unit():
    done = by_layer(layered(3), ct.models.Furfine(0.7))
    assert done.what == "default_impact"
    assert ct.plot.layer_gap(done).get_xlabel().endswith(", EUR m")


def test_many_layers_share_a_colour_and_idle_ones_have_none():
    parts = {f"l{k}": [float(k), 1.0 * (k > 0)] for k in range(9)}
    ax = ct.plot.layer_gap(made(parts, [30.0, 8.0]))
    names = ["l8", "l7", "l6", "l5", "l4", "3 other layers"]
    assert entries(ax) == [*names, "all layers together", "gap between them"]
    assert bars(ax)["3 other layers"] == [3.0 + 2 + 1, 3.0]
    grey = matplotlib.colors.to_hex(ax.containers[-2][0].get_facecolor())
    assert grey == style.OTHER
    same = parts | {"l9": [1.0, 1.0]}
    assert "4 other layers" in entries(ct.plot.layer_gap(made(same, [30.0, 8.0])))
    six = {name: parts[name] for name in ("l1", "l2", "l3", "l4", "l5", "l6", "l0")}
    assert len(entries(ct.plot.layer_gap(made(six, [30.0, 8.0])))) == 8


def test_negative_numbers_go_to_the_left():
    ax = ct.plot.layer_gap(made({"x": [-2.0, 1.0], "y": [3.0, 1.0]}, [1.5, -1.0]))
    assert ax.get_xlim()[0] == -2.0
    left = {box.get_label(): [bar.get_x() for bar in box] for box in ax.containers}
    assert left == {"y": [0.0, 0.0], "x": [1.0, 0.0], "gap between them": [2.0, 1.0]}
    assert bars(ax)["x"] == [1.0, -2.0] and bars(ax)["gap between them"] == [-3.0, 0.5]
    assert words(ax)[:2] == ["-1.000 (3.000 less)", "1.500 (0.500 more)"]


def test_nodes_without_a_number_are_left_out_and_said_so():
    ax = ct.plot.layer_gap(made({"x": [1.0, np.nan], "y": [1.0, 5.0]}, [3.0, 7.0]))
    assert diamonds(ax) == [3.0]
    note = words(ax)[-1].replace("\n", " ")
    assert "add up to 2.000, together to 3.000, 50% more" in note
    assert note.endswith("Left out, without a number: 1 of the nodes.")


def test_nothing_and_no_gap_are_said_in_words():
    nothing = ct.plot.layer_gap(made({"x": [0.0, 0.0]}, [0.0, 0.0]))
    assert (
        words(nothing)[-1] == "Each node defaults once. No layer does anything, alone or together."
    )
    same = ct.plot.layer_gap(made({"x": [1.0, 2.0]}, [1.0, 2.0]))
    assert words(same)[:2] == ["2.000", "1.000"]
    assert words(same)[-1].endswith("add up to 3.000, together to the same.")
    rises = ct.plot.layer_gap(made({"x": [-1.0, 0.0]}, [1.0, 0.0]))
    assert words(rises)[-1].endswith("together to 1.000, 2.000 more.")


def test_texts_stay_inside_the_figure():
    done = by_layer(layered(5))
    ax = ct.plot.layer_gap(done)
    figure = ax.figure
    figure.draw_without_rendering()
    box = figure.bbox
    for text in ax.texts[:-1]:
        extent = text.get_window_extent()
        assert extent.x0 >= box.x0 and extent.x1 <= box.x1


def test_at_least_one_node_has_a_name():
    with pytest.raises(ValueError, match="most=0"):
        ct.plot.layer_gap(by_layer(three(COUNT)), most=0)
