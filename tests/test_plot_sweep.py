"""The phase diagram of a sweep, and the ranks by measure."""

from __future__ import annotations

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

import contagion as ct
from contagion.measures import ranking


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture
def grid() -> ct.experiments.Sweep:
    """x + 10 y, which fails at x = 2, y = 1."""

    def run(x: float, y: float) -> float:
        if (x, y) == (2, 1):
            raise ValueError("no answer")
        return x + 10 * y

    return ct.sweep(run, {"x": [1, 2, 3], "y": [0, 1]})


def test_cells_are_where_they_belong(grid):
    ax = ct.plot.phase_diagram(grid, "value", "x", "y")
    mesh = ax.collections[0]
    assert mesh.get_array().reshape(2, 3)[0].tolist() == [1, 2, 3]
    at = {(t.get_position()): t.get_text() for t in ax.texts if t.get_fontsize() == 7}
    assert at[0.5, 1.5] == "11" and at[2.5, 0.5] == "3" and (1.5, 1.5) not in at
    assert [t.get_text() for t in ax.get_xticklabels()] == ["1", "2", "3"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x", "y")


def test_a_failed_cell_is_hatched_and_counted(grid):
    ax = ct.plot.phase_diagram(grid, "value", "x", "y")
    hatched = [patch for patch in ax.patches if patch.get_hatch()]
    assert [patch.get_xy() for patch in hatched] == [(1, 1)]
    assert any("1 cells without a value" in text.get_text() for text in ax.texts)


def test_a_grid_of_one_value():
    found = ct.sweep(lambda x, y: 0.0, {"x": [1], "y": ["one"]})
    ax = ct.plot.phase_diagram(found, "value", "x", "y")
    assert [t.get_text() for t in ax.get_yticklabels()] == ["one"]


def test_rank_ranges_draws_every_rank(chain):
    found = ranking.agreement(ct.rank(chain))
    ax = ct.plot.rank_ranges(found)
    assert [t.get_text() for t in ax.get_yticklabels()] == [str(n) for n in found.ranges.index]
    points = [line for line in ax.lines if line.get_marker() == "o"]
    assert len(points) == len(found.ranks.columns)
    for line, name in zip(points, found.ranks, strict=True):
        assert np.array_equal(line.get_xdata(), found.ranks[name].loc[found.ranges.index])
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first on top


def test_many_measures_are_counted():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.random((30, 9)), columns=[f"m{k}" for k in range(9)])
    found = ranking.agreement(frame, list(frame))
    ax = ct.plot.rank_ranges(found, most=10)
    cloud = next(c for c in ax.collections if hasattr(c, "get_sizes"))
    sizes, rows = cloud.get_sizes(), np.asarray(cloud.get_offsets())[:, 1]
    for row in range(10):
        counted = (sizes[rows == row] - 10) * 9 / 120
        assert counted.sum() == pytest.approx(9)
    assert any("Larger points" in text.get_text() for text in ax.texts)
