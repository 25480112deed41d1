"""Figures: what they show equals what was computed, whatever the size of the network."""

from __future__ import annotations

import subprocess
import sys

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.patches import FancyArrowPatch, Polygon, Rectangle

import contagion as ct
from contagion.plot.boxes import boxes
from contagion.units import scale


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def net():
    return ct.datasets.load("cefi_credit_2022")


@pytest.fixture(scope="module")
def result(net):
    return ct.EisenbergNoe().propagate(net, ct.Shock.default("three_arrows"), baseline="cleared")


def random_network(n: int, m: int, seed: int = 1) -> ct.ExposureNetwork:
    rng = np.random.default_rng(seed)
    debtor, creditor = rng.integers(n, size=(2, m))
    keep = debtor != creditor
    claims = pd.DataFrame(
        {
            "creditor": [f"bank {i:04d}" for i in creditor[keep]],
            "debtor": [f"bank {i:04d}" for i in debtor[keep]],
            "amount": rng.lognormal(3, 1, int(keep.sum())) * 1e6,
        }
    )
    held = claims.groupby("creditor")["amount"].sum()
    nodes = pd.DataFrame({"node": [f"bank {i:04d}" for i in range(n)]})
    nodes["equity"] = 0.05 * nodes["node"].map(held).fillna(0.0) + 1e6
    return ct.ExposureNetwork(nodes, claims, duplicates="sum", unit="EUR")


def words(ax) -> list[str]:
    return [text.get_text() for text in ax.texts]


def overlaps(ax, names: set[str]) -> list[tuple[str, str]]:
    """Pairs of node labels that cover each other by more than a hair."""
    ax.figure.draw_without_rendering()
    found = []
    labels = [t for t in ax.texts if t.get_text().replace("\n", " ") in names]
    extents = [t.get_window_extent().shrunk(0.95, 0.8) for t in labels]
    for i in range(len(labels)):
        for j in range(i):
            if extents[i].overlaps(extents[j]):
                found.append((labels[i].get_text(), labels[j].get_text()))
    return found


def test_importing_the_package_does_not_import_matplotlib():
    code = (
        "import sys, contagion; assert 'matplotlib' not in sys.modules;"
        "contagion.plot.network; assert 'matplotlib' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_network_draws_on_the_axes_given_and_returns_them(net):
    ax = plt.subplots()[1]
    assert ct.plot.network(net, ax=ax) is ax


def test_network_names_every_node_and_draws_every_claim(net, result):
    ax = ct.plot.network(net, result)
    shown = {text.replace("\n", " ") for text in words(ax)}
    assert set(net.nodes["name"]) <= shown
    heads = [patch for patch in ax.patches if isinstance(patch, Polygon)]
    outside = int((result.outside_losses > 0).sum())
    claims = len(set(zip(net.debtor[net.amount > 0], net.creditor[net.amount > 0], strict=True)))
    assert outside == 4 and len(heads) == claims + outside
    assert overlaps(ax, set(net.nodes["name"])) == []


def test_network_legend_says_who_was_insolvent_before(net, result):
    entries = [t.get_text() for t in ct.plot.network(net, result).get_legend().get_texts()]
    assert {"insolvent before", "defaults by contagion", "external creditors"} <= set(entries)


@pytest.mark.parametrize("n, m", [(3, 6), (24, 60)])
def test_labels_do_not_overlap(n, m):
    net = random_network(n, m)
    ax = ct.plot.network(net)
    assert overlaps(ax, set(net.names)) == []


def test_a_result_of_another_network_is_refused(result):
    with pytest.raises(ValueError, match="other nodes"):
        ct.plot.network(random_network(3, 6), result)


def test_who_pays_bars_are_the_bearers_and_add_up(result):
    ax = ct.plot.who_pays(result)
    to = scale(result.bearers["amount"], "USD")
    bars = [bar.get_width() for bar in ax.patches]
    assert np.allclose(bars, result.bearers["amount"] / to.divisor)
    assert np.isclose(sum(bars) * to.divisor, result.socialization.borne)
    assert to.label == "USD m" and "USD m" in ax.get_xlabel()
    assert any("initial loss 2.306 bn USD" in text for text in words(ax))


def test_who_pays_sums_the_rest_in_one_bar():
    net = ct.datasets.load("bis_cbs_2022q4")
    result = ct.EisenbergNoe().propagate(net, ct.Shock.default("US", recovery=0.95))
    ax = ct.plot.who_pays(result)
    to = scale([*result.bearers["amount"], result.socialization.borne], net.unit)
    bars = [bar.get_width() for bar in ax.patches]
    assert len(bars) == 14 < len(result.bearers)
    assert np.isclose(sum(bars) * to.divisor, result.socialization.borne)


def test_who_pays_needs_a_model_that_settles(net):
    result = ct.DebtRank().propagate(net, ct.Shock.default("three_arrows"))
    with pytest.raises(ct.ModelError, match="DebtRank"):
        ct.plot.who_pays(result)


def test_cascade_boxes_balance(result):
    """What reaches a box is what its owners keep and what it passes on."""
    found, links, _ = boxes(result)
    for i, box in enumerate(found):
        into = sum(link.amount for link in links if link.end == i)
        out = sum(link.amount for link in links if link.start == i)
        if box.column:
            assert into == pytest.approx(box.height)
        if box.state in ("stands", "holder", "outside"):
            assert out == 0
    ends = sum(box.height for box in found if box.state in ("stands", "holder", "outside"))
    owners = result.loss[result.outcome.defaulted].sum()
    assert ends + owners == pytest.approx(result.socialization.borne)


def test_cascade_says_who_fails_when_and_who_does_not(result):
    ax = ct.plot.cascade(result)
    said = "\n".join(words(ax))
    assert "Genesis\nowners lose 200.0, defaults in round 1" in said
    assert "Celsius\ninsolvent before, loses 40.6 more" in said
    drawn = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    assert len(drawn) == len(boxes(result)[0])


def test_cascade_draws_a_cycle_and_an_empty_cascade():
    net = ct.datasets.load("stream_elixir_2025")
    result = ct.EisenbergNoe().propagate(net, ct.Shock.default("external_manager"))
    back = [p for p in ct.plot.cascade(result).patches if isinstance(p, FancyArrowPatch)]
    assert len(back) == 1
    nothing = ct.EisenbergNoe().propagate(random_network(5, 8))
    assert any("nothing is passed on" in text for text in words(ct.plot.cascade(nothing)))


def test_cascade_of_a_crowd_names_the_largest_and_sums_the_rest():
    net = random_network(300, 4000)
    result = ct.models.Furfine().propagate(net, ct.Shock.default(net.names[0]))
    found, _, _ = boxes(result)
    columns = [box.column for box in found]
    assert max(columns.count(c) for c in set(columns)) <= 18
    assert any("others" in box.name for box in found)
    ct.plot.cascade(result)


@pytest.mark.parametrize(
    "amounts, unit, label, text",
    [
        ([2.3056e9, 1.0], "USD", "USD m", "2,305.6"),
        ([0.5, 0.25], "", "", "0.5000"),
        ([246_362.45], "USD mn", "USD bn", "246.4"),
        ([12.0], "EUR mn", "EUR m", "12.00"),
        ([], "EUR", "EUR", ""),
    ],
)
def test_scale_keeps_numbers_short(amounts, unit, label, text):
    to = scale(amounts, unit)
    assert to.label == label
    if amounts:
        assert to(amounts[0]) == text


def test_scale_never_shows_something_as_nothing():
    to = scale([1e9], "USD")
    assert to(10.0) == "<0.1" and to(0.0) == "0.0" and to(float("nan")) == "–"
