"""The figures about rules: what they show is what the rules gave, and it can be read."""

from __future__ import annotations

import itertools

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex

import contagion as ct
from contagion.plot import style
from contagion.plot.waterfall import PASSED
from contagion.rules import EqualLosses, Layer, ProRata, Waterfall

LONG = "a fund with a name that goes on for very much longer than a label of a figure may be"


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def net():
    return ct.datasets.load("three_venues")


@pytest.fixture(scope="module")
def result(net):
    return ct.EisenbergNoe().propagate(net, ct.Shock.default("desk"), baseline="cleared")


@pytest.fixture(scope="module")
def comparison(net):
    sets = {
        "pro rata": {"exchange": Waterfall([Layer("winners")])},
        "equal losses": {"exchange": Waterfall([Layer("winners", EqualLosses())])},
    }
    return ct.compare_rules(net, ct.Shock.default("desk"), sets, baseline="cleared")


def funds(*capacities: float, name: str = "fund") -> Waterfall:
    return Waterfall([Layer(f"{name} {k}", capacity=room) for k, room in enumerate(capacities, 1)])


def nobody() -> dict[str, list]:
    return {"claimant": [], "amount": []}


def bars(ax, colour: str) -> list[tuple[float, float]]:
    """Left ends and widths of the bars of a colour."""
    return [(p.get_x(), p.get_width()) for p in ax.patches if to_hex(p.get_facecolor()) == colour]


def words(ax) -> list[str]:
    return [text.get_text() for text in ax.texts]


def labels(ax) -> list[str]:
    return [label.get_text().replace("\n", " ") for label in ax.get_yticklabels()]


def crossing(ax) -> list[tuple[str, str]]:
    """Pairs of texts, tick labels and note included, that lie on each other."""
    ax.figure.draw_without_rendering()
    texts = [t for t in [*ax.texts, *ax.get_yticklabels()] if t.get_text()]
    boxes = [text.get_window_extent().shrunk(0.97, 0.8) for text in texts]
    return [
        (texts[i].get_text(), texts[j].get_text())
        for i, j in itertools.combinations(range(len(texts)), 2)
        if boxes[i].overlaps(boxes[j])
    ]


def cut_off(ax) -> list[str]:
    """Texts that stick out of the figure."""
    ax.figure.draw_without_rendering()
    whole = ax.figure.bbox
    texts = [*ax.texts, *ax.get_yticklabels(), ax.title, *ax.get_legend().get_texts()]
    extents = [(text.get_text(), text.get_window_extent()) for text in texts if text.get_text()]
    return [
        text
        for text, box in extents
        if box.x0 < whole.x0 - 1 or box.x1 > whole.x1 + 1 or box.y1 > whole.y1 + 1
    ]


# -- waterfall ------------------------------------------------------------------------------


def test_bars_of_an_allocation_go_down_from_one_layer_to_the_next():
    ax = ct.plot.waterfall(funds(10, 20, 30).allocate(45, nobody()))
    assert bars(ax, style.LOSS) == [(0, 10), (10, 20), (30, 15)]
    assert bars(ax, PASSED) == [(10, 35), (30, 15), (45, 0)]
    assert bars(ax, style.QUIET) == [(0, 45)]
    assert labels(ax) == ["loss", "fund 1", "fund 2", "fund 3", "uncovered"]
    assert bars(ax, style.TRIGGER) == [(45, 0)]


def test_what_nobody_bears_is_the_last_bar():
    done = funds(10, 20).allocate(45, nobody())
    ax = ct.plot.waterfall(done)
    assert bars(ax, style.TRIGGER) == [(30, done.uncovered)] == [(30, 15)]
    assert "15.00 (33%)" in words(ax)
    assert any("15 is allocated to no layer" in text for text in words(ax))


def test_numbers_beside_the_bars_are_those_of_the_layers():
    done = funds(10, 40).allocate(45, nobody())
    said = words(ct.plot.waterfall(done))
    for text in ("10.00 (22%)", "10.00 (100%)", "35.00", "35.00 (78%)", "40.00 (88%)"):
        assert text in said


def test_capacity_is_a_frame_that_is_open_where_it_goes_on():
    ax = ct.plot.waterfall(funds(10, 1000).allocate(45, nobody()))
    frames = [line.get_xydata() for line in ax.lines if len(line.get_xydata()) > 3]
    closed, opened = frames
    assert len(closed) == 5 and closed[:, 0].max() == 10
    assert len(opened) == 4 and 45 < opened[:, 0].max() < 100
    assert any("open" in text.get_text() for text in ax.get_legend().get_texts())
    assert "1,000.00 (4%)" in words(ax)


def test_a_result_shows_the_layers_of_its_node(result):
    ax = ct.plot.waterfall(result, "ccp")
    mine = result.layers[result.layers["node"] == "ccp"]
    assert labels(ax) == ["loss", *mine["layer"]]
    assert np.allclose([width for _, width in bars(ax, style.LOSS)], mine["absorbed"])
    assert "Clearing house" in ax.get_title(loc="left") and "USD m" in ax.get_xlabel()
    assert any("20 m USD hit it" in text and "Trading desk defaults" in text for text in words(ax))


def test_a_missing_or_unknown_node_gets_the_names_of_those_with_layers(result):
    with pytest.raises(ValueError, match=r"give node.*'exchange'.*'ccp'"):
        ct.plot.waterfall(result)
    for node, near in (("cpp", "ccp"), ("stakers_", "stakers")):
        with pytest.raises(ct.UnknownNameError, match=f"Unknown node '{node}'.*'{near}'"):
            ct.plot.waterfall(result, node)
    one = ct.EisenbergNoe().propagate(result.network, ct.Shock.loss({"bank_1": 1.0}))
    with pytest.raises(ValueError, match=r"'ccp' lost nothing\. Nodes .*: 'bank_1'"):
        ct.plot.waterfall(one, "ccp")
    with pytest.raises(ValueError, match="No node lost anything"):
        ct.plot.waterfall(ct.EisenbergNoe().propagate(result.network), "ccp")


def test_what_has_no_layers_is_refused(result):
    with pytest.raises(TypeError, match="is a DataFrame"):
        ct.plot.waterfall(result.layers)
    with pytest.raises(ValueError, match="of one venue already"):
        ct.plot.waterfall(funds(10).allocate(5, nobody()), "ccp")
    with pytest.raises(ct.ModelError, match="DebtRank"):
        ct.plot.waterfall(
            ct.DebtRank().propagate(
                ct.datasets.load("neva_ring3"), ct.Shock.default("A", recovery=0.5)
            ),
            "A",
        )


@pytest.mark.parametrize("loss", [0.0, 1e-7, 3e-3, 45.0, 3e9])
def test_any_size_of_loss_can_be_read(loss):
    ax = ct.plot.waterfall(funds(10, 20, 1e9).allocate(loss, nobody()))
    assert crossing(ax) == [] and cut_off(ax) == []
    shown = [text for text in words(ax) if "(" in text and text[0].isdigit()]
    assert all(len(text) < 22 for text in shown)
    if 0 < loss < 1:
        assert f"{loss:.3g} (100%)" in shown


@pytest.mark.parametrize("count", [1, 2, 8, 12])
def test_layers_with_long_names_do_not_lie_on_each_other(count):
    rule = funds(*np.linspace(1, 50, count), name=LONG)
    ax = ct.plot.waterfall(rule.allocate(200, nobody()))
    assert len(labels(ax)) == count + 2
    assert crossing(ax) == [] and cut_off(ax) == []


def test_half_a_page_is_enough(result):
    _, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    assert ct.plot.waterfall(result, "ccp", ax=left) is left
    ct.plot.waterfall(result, "exchange", ax=right)
    assert crossing(left) == [] and crossing(right) == []
    assert cut_off(left) == [] and cut_off(right) == []


# -- rules compared -------------------------------------------------------------------------


def drawn(ax) -> dict[str, list[float]]:
    """What every set of rules shows, from the top down."""
    return {line.get_label(): list(line.get_xdata()) for line in ax.lines}


def test_marks_are_the_amounts_of_the_table_with_the_largest_differences_on_top(comparison):
    ax = ct.plot.rule_comparison(comparison)
    frame, apart = comparison.table, comparison.differences
    sets = list(comparison.results)
    size = apart[sets[1:]].abs().max(axis=1)
    order = size[size > 1e-6].sort_values(ascending=False).index
    assert list(drawn(ax)) == sets
    names = comparison.results["as given"].network.nodes.set_index("node")["name"]
    assert labels(ax)[: len(order)] == list(names[order])
    for name in sets:
        assert drawn(ax)[name][: len(order)] == pytest.approx(list(frame.loc[order, name]))
        assert sum(drawn(ax)[name]) == pytest.approx(frame[name].sum())


def test_texts_say_how_much_more_or_less(comparison):
    said = words(ct.plot.rule_comparison(comparison))
    assert "20.30 (3.86 more)" in said and "29.75 (2.14 less)" in said


def test_title_says_shock_and_network(comparison):
    title = ct.plot.rule_comparison(comparison).get_title(loc="left")
    assert "Three venues, four banks" in title
    assert "Trading desk defaults and pays nothing on its debts" in title


def test_who_bears_the_same_is_one_group(comparison):
    ax = ct.plot.rule_comparison(comparison)
    assert labels(ax)[-1] == "5 others"
    for name, column in comparison.table[list(comparison.results)].items():
        assert drawn(ax)[name][-1] == pytest.approx(column.sum() - sum(drawn(ax)[name][:-1]))


def test_most_limits_the_names(comparison):
    ax = ct.plot.rule_comparison(comparison, most=1)
    assert len(labels(ax)) == 2 and labels(ax)[-1] == "7 others"
    with pytest.raises(ValueError, match="most=0"):
        ct.plot.rule_comparison(comparison, most=0)


def test_other_nodes_do_not_set_the_scale():
    """d loses 300 whatever the rules of a are: its line goes on, and says what it is."""
    net = ct.ExposureNetwork.from_matrix(
        [[0, 6, 2, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]], list("abcd"),
        orientation="debtor->creditor", external_assets=[8, 1, 1, 500],
    )  # fmt: skip
    shock = ct.Shock.loss({"a": 4, "d": 300})
    done = ct.compare_rules(net, shock, {"equal": {"a": "equal_losses"}})
    ax = ct.plot.rule_comparison(done)
    assert labels(ax) == ["b", "c", "d"]  # one other node is no group
    ax = ct.plot.rule_comparison(done, most=2)
    assert labels(ax) == ["b", "c", "1 other"] and ax.get_xlim()[1] < 10
    assert words(ax).count("→ 300.0") == 2


def test_nobody_more_or_less_and_nothing_at_all(net):
    same = {"same": {"exchange": net.rules["exchange"]}}
    done = ct.compare_rules(net, ct.Shock.default("desk"), same, baseline="cleared")
    ax = ct.plot.rule_comparison(done)
    assert len(labels(ax)) == 8 and any("No node bears more" in text for text in words(ax))
    ax = ct.plot.rule_comparison(ct.compare_rules(net, ct.Shock(), same, baseline="cleared"))
    assert any("No node bears a loss" in text for text in words(ax))


def large(sets: int) -> ct.experiments.RuleComparison:
    """40 nodes with long names; every set but the first is another rule of the first nodes."""
    rng = np.random.default_rng(3)
    names = [f"bank {i:02d} {LONG}" for i in range(40)]
    amounts = rng.lognormal(15, 1, (40, 40)) * (rng.random((40, 40)) < 0.2)
    np.fill_diagonal(amounts, 0)
    net = ct.ExposureNetwork.from_matrix(
        amounts, names, orientation="debtor->creditor", external_assets=amounts.sum(1) + 1e6,
        name=LONG, unit="USD",
    )  # fmt: skip
    shock = ct.Shock.loss({name: 0.8 * amounts[i].sum() for i, name in enumerate(names[:3])})
    words_ = ["equal_losses", "talmud", "equal_awards", EqualLosses(), ProRata()]
    rules = {f"{LONG[: 8 * k]} {k}": {names[k % 3]: words_[k - 1]} for k in range(1, sets)}
    return ct.compare_rules(net, shock, rules)


@pytest.mark.parametrize("sets", [2, 3, 6])
def test_many_nodes_and_sets_can_be_read(sets):
    done = large(sets)
    ax = ct.plot.rule_comparison(done)
    assert len(labels(ax)) <= 13 and "others" in labels(ax)[-1]
    assert crossing(ax) == [] and cut_off(ax) == []
    looks = {(line.get_color(), line.get_marker()) for line in ax.lines}
    assert len(looks) == sets == len({mark for _, mark in looks})


def test_draws_on_the_axes_given(comparison):
    _, axes = plt.subplots(2, 1, figsize=(6, 8), layout="constrained")
    assert ct.plot.rule_comparison(comparison, ax=axes[0]) is axes[0]
    assert crossing(axes[0]) == [] and cut_off(axes[0]) == []
