"""The distribution of the socialized loss of many scenarios over its bearers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import expect
from ..experiments.stress import StressTest
from ..media import figure, visible
from ..text import plural
from ..units import scale
from . import style
from .pieces import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PARTS = (5, 25, 50, 75, 95)  # quantiles over the scenarios, in percent
MOST = 10


@figure
def bearer_distribution(test: StressTest, *, ax: Axes | None = None) -> Axes:
    """Draw the distribution of the socialized loss of scenarios, by group of bearers.

    One row for each group: external creditors, and owners by contagion, separately by kind of node
    if the stress test kept "contagion". The thin line goes from the 5 % to the 95 % quantile, the
    thick one from 25 % to 75 %; the mark is the median and the diamond the mean.

    Parameters
    ----------
    test : of `ct.stress_test`, for a model that settles claims.
    ax : where to draw; by default a new figure.

    Raises
    ------
    StressError : for a model that does not settle claims.

    Example
    -------
    >>> import contagion as ct
    >>> net = ct.datasets.load("cefi_credit_2022")
    >>> test = ct.stress_test(net, ct.EisenbergNoe(), ct.scenarios.single_defaults(net))
    >>> ax = ct.plot.bearer_distribution(test)
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['external creditors', 'owners, by contagion']
    """
    expect("StressTest", test=test)
    groups = _groups(test)
    order = sorted(groups, key=lambda name: -float(groups[name].mean()))
    shown = order if len(order) <= MOST else order[: MOST - 1]
    rows = [(name, groups[name]) for name in shown]
    if len(order) > len(shown):
        rest = [groups[name] for name in order[len(shown) :]]
        rows.append((f"{len(rest)} other kinds", np.sum(rest, axis=0)))
    values = np.array([np.quantile(value, np.array(PARTS) / 100) for _, value in rows])
    means = np.array([float(value.mean()) for _, value in rows])
    to = scale([*values.ravel(), *means], test.unit)
    values, means = values / to.divisor, means / to.divisor
    y = -np.arange(len(rows), dtype=float)
    ax = style.axes(ax, 7.2, 1.7 + 0.34 * len(rows))
    ax.hlines(y, values[:, 0], values[:, 4], color=style.KINDS[0], linewidth=1.4, zorder=2)
    ax.hlines(y, values[:, 1], values[:, 3], color=style.KINDS[0], linewidth=7, zorder=2)
    (median,) = ax.plot(values[:, 2], y, "|", color=style.INK, markersize=13, markeredgewidth=2.2,
                        label="median", zorder=4)  # fmt: skip
    (mean,) = ax.plot(means, y, "D", color=style.INK, markerfacecolor="white", markersize=5,
                      label="mean", zorder=5)  # fmt: skip
    style.row_frame(ax, list(y), [short(name, 30) for name, _ in rows],
                    to.named("borne of the socialized loss"))  # fmt: skip
    ax.set_ylim(-len(rows) + 0.4, 0.6)
    ax.set_xlim(left=min(0.0, float(values.min(initial=0.0))))
    style.legend(ax, [median, mean])
    said = f"{plural(len(test), 'scenario')}. Thin: 5% to 95%; thick: the middle half."
    style.heading(ax, "Who bears the socialized loss, over scenarios", said)
    return ax


def _groups(test: StressTest) -> dict[str, np.ndarray]:
    """{group: (scenarios,) money}."""
    table = test.scenarios
    outside = table["external_loss"].to_numpy(float)
    owners = np.maximum(table["socialized"].to_numpy(float) - outside, 0.0)
    found = {"external creditors": outside}
    if test.keeps is None or "contagion" not in test.spec["options"]["keep"]:
        return found | {"owners, by contagion": owners}
    kept = test.kept("contagion").reshape(-1, len(test.names))
    kinds = np.array([visible(kind) for kind in test.kinds], object)
    for kind in dict.fromkeys(kinds):
        found[f"owners of {str(kind).replace('_', ' ')}"] = kept[:, kinds == kind].sum(axis=1)
    return found
