"""The efficient frontier: cost of interventions against the remaining loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import expect
from ..experiments.policy import ShockComparison
from ..media import figure
from ..text import listed
from ..units import scale
from . import style
from .pieces import short
from .spread import spread

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WORDS = {"socialized": "socialized loss", "defaults": "nodes in default"}


@figure
def efficient_frontier(comparison: ShockComparison, *, ax: Axes | None = None) -> Axes:
    """Draw the remaining loss under each intervention against its cost.

    The steps go through the efficient interventions: no other one leaves a smaller loss at the
    same or a lower cost. Interventions above the steps are dominated.

    Parameters
    ----------
    comparison : of :func:`contagion.experiments.policy.compare`, for one shock.
    ax : where to draw; by default a new figure.

    Example
    -------
    A fund of 3 leaves 1 of 4; a fund of 5 costs more and leaves nothing.

    >>> import contagion as ct
    >>> from contagion.experiments import policy
    >>> net = ct.ExposureNetwork.from_matrix([[0, 10], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", external_assets=[12, 20])
    >>> done = policy.compare(net, ct.EisenbergNoe(), ct.Shock.loss({"a": 6.0}),
    ...     {"fund": policy.InsuranceFund("a", 3.0), "large fund": policy.InsuranceFund("a", 5.0)})
    >>> ax = ct.plot.efficient_frontier(done)
    >>> ax.lines[0].get_ydata().tolist()[:3]
    [4.0, 1.0, 0.0]
    """
    expect("ShockComparison", comparison=comparison)
    table, of = comparison.table, comparison.of
    cost, left = table["cost"].to_numpy(float), table[of].to_numpy(float)
    names = [short(str(name), 28) for name in table.index]
    money = scale(cost, comparison.unit)
    to = scale(left, "" if of == "defaults" else comparison.unit)
    best = _best(cost, left)
    ax = style.axes(ax, 7.0, 4.4)
    right = 1.18 * float(cost.max(initial=0.0)) or 1.0
    steps = [*best, best[-1]]
    x = np.array([*cost[best], right]) / money.divisor
    ax.step(x, left[steps] / to.divisor, where="post", color=style.KINDS[0], linewidth=1.4,
            zorder=2)  # fmt: skip
    on = np.isin(np.arange(len(cost)), best)
    for mask, colour in ((on, style.KINDS[0]), (~on, style.THREAD)):
        ax.scatter(cost[mask] / money.divisor, left[mask] / to.divisor, s=36, color=colour,
                   linewidths=0, zorder=3)  # fmt: skip
    ax.set_xlim(-0.05 * right / money.divisor, right / money.divisor)
    high = float(left.max(initial=0.0)) / to.divisor or 1.0
    ax.set_ylim(-0.06 * high, 1.14 * high)
    ax.xaxis.set_major_formatter("{x:,g}")
    ax.yaxis.set_major_formatter("{x:,g}")
    style.frame(
        ax, money.named("cost"), to.named(f"remaining {WORDS.get(of, of.replace('_', ' '))}")
    )
    kept = listed([names[k] for k in best if k], 4)
    note = f"On the frontier: {kept}." if kept else "No intervention reduces the loss."
    style.heading(ax, "Cost of interventions, and the remaining loss", note)
    order = [*np.flatnonzero(on), *np.flatnonzero(~on)]
    spread(ax, cost[order] / money.divisor, left[order] / to.divisor, [names[k] for k in order], 20)
    return ax


def _best(cost: np.ndarray, left: np.ndarray) -> list[int]:
    """The efficient interventions, by increasing cost."""
    found: list[int] = []
    less = 1e-9 * float(np.abs(left).max(initial=0.0))
    for k in np.lexsort((left.round(-int(np.floor(np.log10(less or 1.0)))), cost)):
        if not found or left[k] < left[found[-1]] - less:
            found.append(int(k))
    return found
