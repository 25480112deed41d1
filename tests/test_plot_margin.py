"""The figures about liquidations and look-through: what they show is what was computed."""

from __future__ import annotations

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.collections import LineCollection, QuadMesh
from matplotlib.patches import FancyArrowPatch, PathPatch, Rectangle

import contagion as ct
from contagion.liquidation import Linear, LiquidationCascade, MarginBook, Stale
from contagion.liquidation.criticality import CriticalityMap, criticality_map
from contagion.liquidation.liquidation_profile import liquidatable
from contagion.plot.flowboxes import DEEPEST, flows


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def book_of(n: int = 200, assets: int = 1, venues: int = 3, seed: int = 1) -> MarginBook:
    rng = np.random.default_rng(seed)
    size = np.where(rng.random(n) < 0.7, 1, -1) * rng.lognormal(2, 1, n)
    rows = pd.DataFrame(
        {
            "venue": [f"venue {k}" for k in rng.integers(venues, size=n)],
            "holder": [f"h{k}" for k in range(n)],
            "instrument": [f"A{k}" for k in rng.integers(assets, size=n)],
            "size": size,
            "margin": np.abs(size) * 100 / rng.uniform(3, 15, n),
        }
    )
    return MarginBook({f"A{k}": 100.0 for k in range(assets)}, rows, unit="USD")


def lending() -> MarginBook:
    rows = [{"protocol": "p", "borrower": f"b{k}", "collateral_asset": "ETH", "collateral": 1.0,
             "debt_asset": "USDC", "debt": debt, "threshold": 0.8}
            for k, debt in enumerate((40, 60, 70))]  # fmt: skip
    return MarginBook({"ETH": 100.0, "USDC": 1.0}, loans=rows, unit="USD")


def words(ax) -> list[str]:
    return [text.get_text() for text in ax.texts]


def line(ax, label: str) -> np.ndarray:
    return next(np.asarray(x.get_ydata(), float) for x in ax.lines if x.get_label() == label)


def top_of(ax, label: str, x: float) -> float:
    """The upper border of an area at x."""
    area = next(c for c in ax.collections if c.get_label() == label)
    corners = area.get_paths()[0].vertices
    return float(corners[np.isclose(corners[:, 0], x), 1].max())


# --- the path --------------------------------------------------------------------------------


def test_path_shows_prices_and_open_interest_of_the_result():
    book = book_of()
    run = LiquidationCascade(impact=Linear(depth=3_000.0), oracle=Stale(2))
    result = run.run(book, {"A0": -0.08})
    ax = ct.plot.cascade_path(result)
    path = result.history
    assert np.allclose(line(ax, "market price"), path["market"])  # percent of 100
    assert np.allclose(line(ax, "oracle"), path["oracle"])
    for k in (1, 3, 5):  # the step down to the open interest of round k is at k
        share = 100 * path["open"].iloc[k - 1] / path["open"].iloc[0]
        assert top_of(ax, "open interest", k) == pytest.approx(share)
    assert path["open"].iloc[4] < path["open"].iloc[0]
    said = " ".join(words(ax)).replace("\n", " ")
    assert f"in {int((path['liquidated'] > 0).sum())} rounds" in said
    assert "The shock moves it by -8.0 %" in said and "of deficits" in said


def test_path_of_several_assets_shows_the_one_that_moved_most():
    book = book_of(assets=3)
    result = LiquidationCascade(impact=Linear(depth=1_000.0)).run(book, {"A1": -0.1})
    ax = ct.plot.cascade_path(result)
    assert ax.get_title(loc="left").startswith("A1: price and open interest")
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels[:2] == ["market price", "oracle"]
    assert labels[3] == "open interest"
    other = ct.plot.cascade_path(result, "A0")
    assert np.allclose(line(other, "market price"), result.history.query("asset == 'A0'")["market"])
    with pytest.raises(KeyError, match="asset of the book"):
        ct.plot.cascade_path(result, "B")


def test_path_of_loans_shows_the_units_of_the_asset():
    """Before: 3 of collateral; a liquidation takes collateral, and only that counts as money."""
    book = lending()
    result = LiquidationCascade().run(book, {"ETH": -0.3})
    ax = ct.plot.cascade_path(result, "ETH")
    mine = result.history[result.history["asset"] == "ETH"]
    last = int(mine["round"].max())
    assert mine["open"].iloc[0] == 3
    assert top_of(ax, "open interest", last) == pytest.approx(100 * mine["open"].iloc[-1] / 3)
    taken = (3 - mine["open"].iloc[-1]) * 70.0
    assert mine["liquidated"].sum() == pytest.approx(taken)


def test_path_of_a_calm_day_says_so_and_uses_the_axes_given():
    ax = plt.subplots()[1]
    calm = LiquidationCascade().run(book_of(), {"A0": 0.0})
    assert ct.plot.cascade_path(calm, ax=ax) is ax
    assert any("Nothing is liquidated." in text for text in words(ax))


def test_a_long_recovery_does_not_squeeze_the_cascade():
    run = LiquidationCascade(impact=Linear(depth=3_000.0, recovery=0.05))
    result = run.run(book_of(), {"A0": -0.1})
    busy = int(result.history.query("liquidated > 0")["round"].max())
    end = ct.plot.cascade_path(result).get_xlim()[1]
    assert busy < end <= max(5 * busy, 25) < result.rounds


# --- the profile -----------------------------------------------------------------------------


def test_profile_is_the_table():
    book, moves = book_of(), [-0.3, -0.1, 0.0, 0.1, 0.2]
    ax = ct.plot.liquidation_profile(book, moves=moves)
    table = liquidatable(book, moves)
    assert np.allclose(ax.lines[0].get_ydata(), table["value_before"])
    for k, move in enumerate(moves):
        sold = top_of(ax, "long positions and collateral", move)
        assert sold == pytest.approx(table["sold_before"][k])
    notes = [" ".join(text.split()) for text in words(ax)]
    assert any("-10%: " in text and "+20%: " in text for text in notes)


def test_profile_by_venue_stacks_to_the_same_height():
    book = book_of(venues=9)
    moves = np.linspace(-0.4, 0.4, 17)
    whole = ct.plot.liquidation_profile(book, moves=moves).lines[0].get_ydata()
    ax = ct.plot.liquidation_profile(book, moves=moves, by="venue")
    assert np.allclose(ax.lines[0].get_ydata(), whole)
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert len(labels) == 7 and labels[-1] == "3 other venues"
    assert top_of(ax, "3 other venues", -0.4) == pytest.approx(whole[0])


def test_profile_finds_its_range_and_names_prices():
    ax = ct.plot.liquidation_profile(lending(), "ETH")
    ticks = [label.get_text() for label in ax.get_xticklabels()]
    assert "100\nnow" in ticks and "80\n-20 %" in ticks
    low, high = ax.get_xlim()
    assert low < -0.5 and high < 0.1  # the first loan breaks at −50 %; nothing does above
    heights = ax.lines[0].get_ydata()
    assert heights.max() == pytest.approx(300.0) and (np.diff(heights) <= 1e-9).all()


def test_profile_of_nothing_and_what_it_refuses():
    ax = ct.plot.liquidation_profile(lending())  # collateral and debt move alike
    assert words(ax)[-1] == "Nothing is liquidatable at any of these prices."
    assert ax.get_legend() is None and not len(ax.get_yticks())
    with pytest.raises(ValueError, match="'side' or 'venue'"):
        ct.plot.liquidation_profile(lending(), by="holder")
    with pytest.raises(ct.UnknownNameError, match="asset of the book"):
        ct.plot.liquidation_profile(lending(), "BTC")


# --- the map ---------------------------------------------------------------------------------


def made(multiplier: list[list[float]]) -> CriticalityMap:
    grid = np.array(multiplier)
    levels, drops = np.arange(1.0, len(grid) + 1), 0.1 * np.arange(1, grid.shape[1] + 1)
    zero = np.zeros(grid.shape)
    return CriticalityMap("leverage", levels, drops, grid, zero, zero, zero, zero, "USD")


def test_map_colours_are_the_figures():
    book = book_of()
    run = LiquidationCascade(impact=Linear(depth=3_000.0))
    found = criticality_map(book, run, np.linspace(0.02, 0.3, 12), depth=[2.0, 0.5, 1.0])
    ax = ct.plot.criticality(found)
    (mesh,) = [c for c in ax.collections if isinstance(c, QuadMesh)]
    up = np.argsort(found.levels)
    assert np.allclose(np.asarray(mesh.get_array()).ravel(), found.multiplier[up].ravel())
    assert [label.get_text() for label in ax.get_yticklabels()] == ["× 0.5", "× 1", "× 2"]
    other = ct.plot.criticality(found, "deficit")
    (mesh,) = [c for c in other.collections if isinstance(c, QuadMesh)]
    assert np.allclose(np.asarray(mesh.get_array()).ravel(), found.deficit[up].ravel())


def test_tipping_line_goes_round_the_cells_above_the_threshold():
    found = made([[1.0, 1.45, 1.6], [1.0, 1.7, 1.9]])
    ax = ct.plot.criticality(found, threshold=1.5)
    (border,) = [c for c in ax.collections if isinstance(c, LineCollection)]
    sides = {tuple(map(tuple, np.round(side, 6).tolist())) for side in border.get_segments()}
    assert sides == {
        ((25.0, -0.5), (25.0, 0.5)),  # level 1: between 20 and 30 %
        ((15.0, 0.5), (15.0, 1.5)),  # level 2: between 10 and 20 %
        ((15.0, 0.5), (25.0, 0.5)),  # at 20 %: between the levels
    }
    assert any("At leverage × 1 from a drop of 30 % on." in text for text in words(ax))


def test_map_without_a_tipping_point_and_with_infinite_multipliers():
    ax = ct.plot.criticality(made([[1.0, 1.0]]))
    assert any("No cell is above 1.5" in text for text in words(ax))
    ax = ct.plot.criticality(made([[np.inf, 2.0]]))
    assert words(ax)[:2] == ["∞", "2"]
    with pytest.raises(ValueError, match="multiplier, deficit"):
        ct.plot.criticality(made([[1.0]]), "rounds")


def test_large_map_has_no_numbers_in_its_cells():
    ax = ct.plot.criticality(made(np.ones((20, 40)).tolist()))
    assert len(words(ax)) == 1  # the note


# --- the flow --------------------------------------------------------------------------------


def stack() -> ct.ExposureNetwork:
    nodes = pd.DataFrame(
        {"node": ["coin", "vault", "lender", "user"], "external_assets": [100.0, 50.0, 0.0, 0.0],
         "external_liabilities": [0.0, 0.0, 30.0, 0.0]}
    )  # fmt: skip
    owed = pd.DataFrame(
        [("vault", "coin", 60.0), ("user", "coin", 40.0), ("lender", "vault", 80.0),
         ("user", "lender", 50.0)], columns=["creditor", "debtor", "amount"],
    )  # fmt: skip
    held = pd.DataFrame(
        [("coin", "ETH", 70.0), ("coin", "BTC", 30.0), ("vault", "ETH", 50.0)],
        columns=["node", "asset", "value"],
    )
    return ct.ExposureNetwork(nodes, owed, holdings=held, unit="USD mn")


@pytest.mark.parametrize("name", ["stack", "stream_elixir_2025", "cefi_credit_2022"])
@pytest.mark.parametrize("mode", ["solve", "cut"])
def test_flow_boxes_balance(name, mode):
    """What comes into a box is its height, and what goes out is that less what owners have."""
    net = stack() if name == "stack" else ct.datasets.load(name)
    found = ct.lookthrough.look_through(net, loops=mode)
    flow = flows(found, most=100)
    small = 0.02 * found.direct.sum()  # bands that are too thin to draw
    kept = dict(zip(ct.plot.style.titles(net), found.shares.owners * found.exposure.sum(axis=1),
                    strict=True))  # fmt: skip
    for i, box in enumerate(flow.boxes):
        into = sum(link.amount for link in flow.links if link.end == i)
        out = sum(link.amount for link in flow.links if link.start == i)
        assert out <= box.height * (1 + 1e-9)
        if box.column:
            assert into == pytest.approx(box.height, abs=small)
        if box.column and box.name in kept:
            assert out == pytest.approx(box.height - kept[box.name], abs=small)
    assets = [box.height for box in flow.boxes if box.column == 0]
    assert sum(assets) == pytest.approx(found.direct.sum())


def test_flow_of_a_stack_says_who_has_what():
    ax = ct.plot.look_through_flow(ct.lookthrough.look_through(stack()))
    said = [text.replace("\n", " ") for text in words(ax)]
    assert said[:2] == ["ETH 120.0", "BTC 30.0"]
    assert "vault 110.0, its own 30.0" in said  # 50 and 60 of the coin, owes 80
    assert "user 90.0, all its own" in said
    assert "external creditors of lender 30.0" in said
    boxes = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    assert len(boxes) == 7


def test_flow_bands_carry_the_mix_of_assets():
    flow = flows(ct.lookthrough.look_through(stack()), most=9)
    names = [box.name for box in flow.boxes]
    parts = {(names[x.start], names[x.end]): x.amounts for x in flow.links}
    assert parts["coin", "vault"] == pytest.approx([42.0, 18.0])
    assert parts["ETH", "vault"] == pytest.approx([50.0, 0.0])
    assert parts["vault", "lender"] == pytest.approx([92 * 80 / 110, 18 * 80 / 110])


def test_flow_draws_a_loop_as_an_arrow_back():
    found = ct.lookthrough.look_through(ct.datasets.load("stream_elixir_2025"))
    ax = ct.plot.look_through_flow(found)
    assert sum(isinstance(patch, FancyArrowPatch) for patch in ax.patches) == 1
    gain = found.loops["gain"].max()
    assert any(f"gain {gain:.2g}" in text for text in words(ax))
    cut = ct.lookthrough.look_through(ct.datasets.load("stream_elixir_2025"), loops="cut")
    ax = ct.plot.look_through_flow(cut)
    assert not any(isinstance(patch, FancyArrowPatch) for patch in ax.patches)


def test_flow_of_a_crowd_names_the_largest_and_stays_bounded():
    rng = np.random.default_rng(1)
    debtor, creditor = rng.integers(400, size=(2, 1_500))
    keep = debtor < creditor
    owed = pd.DataFrame({"creditor": creditor[keep], "debtor": debtor[keep], "amount": 1.0})
    nodes = pd.DataFrame({"node": range(400), "external_assets": rng.lognormal(1, 1, 400)})
    net = ct.ExposureNetwork(nodes, owed, duplicates="sum")
    flow = flows(ct.lookthrough.look_through(net), most=4)
    columns = [box.column for box in flow.boxes]
    assert max(columns) <= DEEPEST + 1 and flow.deep
    named = [c for c, box in zip(columns, flow.boxes, strict=True) if "creditors" not in box.name]
    assert max(named.count(c) for c in set(named)) <= 4
    assert 0 < flow.hidden < 0.5
    ax = ct.plot.look_through_flow(ct.lookthrough.look_through(net), most=4)
    assert any("or more" in text for text in words(ax)) and any("Not drawn" in t for t in words(ax))


def test_flow_of_nothing_and_what_it_refuses():
    empty = ct.ExposureNetwork.from_matrix(
        [[0, 5], [0, 0]], ["a", "b"], orientation="debtor->creditor", external_assets=[0, 0]
    )
    found = ct.lookthrough.look_through(empty)
    ax = plt.subplots()[1]
    assert ct.plot.look_through_flow(found, ax=ax) is ax
    assert any("No base assets" in text for text in words(ax))
    with pytest.raises(ValueError, match="most=0"):
        ct.plot.look_through_flow(found, most=0)


def test_flow_bands_are_as_wide_as_their_money():
    ax = ct.plot.look_through_flow(ct.lookthrough.look_through(stack()))
    bands = [patch for patch in ax.patches if isinstance(patch, PathPatch)]
    heights = [p.get_path().vertices[0, 1] - p.get_path().vertices[-2, 1] for p in bands]
    boxes = [p for p in ax.patches if isinstance(p, Rectangle)]
    per = boxes[0].get_height() / 120.0  # ETH
    flow = flows(ct.lookthrough.look_through(stack()), most=9)
    amounts = np.concatenate([x.amounts[x.amounts > 0] for x in flow.links])
    assert np.allclose(np.sort(heights), np.sort(amounts * per))
