"""The loss by distance from the shock."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import expect
from ..media import figure
from ..results.propagation_result import PropagationResult
from ..text import plural
from ..units import scale
from . import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DEEPEST = 8  # steps with a bar of their own


@figure
def loss_by_hop(result: PropagationResult, *, ax: Axes | None = None) -> Axes:
    """Draw the losses borne by number of steps from the shock, and by role of the bearer.

    One bar for each step, split by role in the ledger: owners, holders whose balance sheet is
    unknown, and external creditors. Amounts that were missing before the shock have no step and are
    left out.

    Parameters
    ----------
    result : a result.
    ax : where to draw; by default a new figure.

    Example
    -------
    >>> import contagion as ct
    >>> net = ct.datasets.load("cefi_credit_2022")
    >>> shock = ct.Shock.default("three_arrows")
    >>> ax = ct.plot.loss_by_hop(ct.EisenbergNoe().propagate(net, shock))
    >>> [text.get_text() for text in ax.texts][:3]
    ['0.0', '838.0 (36%)', '1,467.6 (64%)']
    """
    expect(result=result)
    from matplotlib.patches import Patch

    ledger = result.ledger[result.ledger["hop"] >= 0]
    hop = np.minimum(ledger["hop"].to_numpy(int), DEEPEST)
    amount, role = ledger["amount"].to_numpy(float), ledger["role"].to_numpy(object)
    count = int(max(hop.max(initial=0), result.hops.clip(max=DEEPEST).max(initial=0))) + 1
    total = np.bincount(hop, amount, count)
    to = scale(total, result.network.unit)
    ax = style.axes(ax, max(4.6, 1.6 + 1.15 * count), 3.9)
    low = np.zeros(count)
    handles = []
    for key, colour in style.ROLES.items():
        part = np.bincount(hop[role == key], amount[role == key], count).astype(float)
        if part.any():
            ax.bar(np.arange(count), part / to.divisor, bottom=low / to.divisor, width=0.62,
                   color=colour, zorder=3)  # fmt: skip
            handles.append(Patch(color=colour, label=style.ROLE_TEXT[key]))
        low = low + part
    whole = float(total.sum())
    for k, value in enumerate(total):
        share = f" ({style.percent(value / whole)})" if value > 0 else ""
        ax.annotate(f"{to(value)}{share}", (k, value / to.divisor), (0, 3), ha="center",
                    textcoords="offset points", fontsize=8, color=style.INK)  # fmt: skip
    heads = ["hit", *(plural(k, "step") for k in range(1, count))]
    heads[-1] += " or more" if count > DEEPEST else ""
    ax.set_xticks(range(count), heads)
    ax.set_xlim(-0.6, count - 0.4)
    ax.set_ylim(0, 1.14 * float(total.max(initial=0.0)) / to.divisor or 1.0)
    ax.yaxis.set_major_formatter("{x:,g}")
    ax.grid(axis="y", color=style.CALM, linewidth=0.7, zorder=0)
    style.frame(ax, "steps from the nodes hit", to.named("borne"))
    if handles:
        style.legend(ax, handles, 1 if style.drawn_width(ax) < 4.5 else 3)
    far = float(total[2:].sum())
    note = "No loss." if whole <= 0 else f"{style.percent(far / whole)} two steps away or further."
    style.heading(ax, "How far from the shock the loss is borne", note)
    return ax
