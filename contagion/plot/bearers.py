"""Who bears the loss in the end: one bar for each bearer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..errors import expect
from ..media import figure
from ..text import money
from ..units import scale
from . import style
from .pieces import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..results.propagation_result import PropagationResult

MOST = 14
NOTE = 80  # characters in a line of the note, if names are short


@figure
def who_pays(result: PropagationResult, *, ax: Axes | None = None) -> Axes:
    """Draw who bears the loss in the end, the largest first; the bars add up to `borne`.

    The colour shows the role: the owners of a node, a holder whose balance sheet is not known, or
    the external creditors of a node. With more than 14 bearers, the smallest ones are one bar.

    Raises
    ------
    ModelError : for models that do not settle claims: their losses are valuations and need not add
        up.

    Example
    -------
    >>> import contagion as ct
    >>> net = ct.datasets.load("stream_elixir_2025")
    >>> result = ct.EisenbergNoe().propagate(net, ct.Shock.default("external_manager"))
    >>> ax = ct.plot.who_pays(result)
    >>> len(ax.patches) == len(result.bearers)
    True
    """
    expect(result=result)
    frame, total = _rows(result), result.socialization
    note = _sum(result)
    width = NOTE - max(0, max(map(len, frame["label"]), default=0) - 24)
    ax = style.axes(ax, 8.0, 1.5 + 0.36 * max(len(frame), 2) + 0.17 * (len(note) // width))
    unit = result.network.unit
    to = scale([*frame["amount"], total.borne], unit)
    at = np.arange(len(frame))[::-1]
    values = [to.number(amount) for amount in frame["amount"]]
    colours = [style.ROLES.get(role, style.OTHER) for role in frame["role"]]
    ax.barh(at, values, color=colours, height=0.72)
    ax.set_yticks(at, list(frame["label"]), fontsize=8.5)
    ax.tick_params(length=0, labelsize=8.5, labelcolor=style.INK)
    whole = total.borne if total.borne > 0 else 1.0
    for y, value, amount in zip(at, values, frame["amount"], strict=True):
        text = f"{to(amount)}  ({style.percent(amount / whole)})"
        ax.annotate(
            text, (max(value, 0.0), y), (4, 0), "data", "offset points", va="center", fontsize=8.5,
            color=style.INK,
        )  # fmt: skip
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.set_xlim(0, 1.22 * max([*values, 1e-300]))
    ax.set_xlabel(to.named("borne"), fontsize=8.5, color=style.QUIET)
    ax.xaxis.set_major_formatter("{x:,g}")
    style.heading(ax, "Who bears the loss", note, width)
    _legend(ax, list(dict.fromkeys(frame["role"])))
    return ax


def _rows(result: PropagationResult) -> pd.DataFrame:
    """The bearers, each with a label; all but the largest share one row."""
    net, frame = result.network, result.bearers
    names = dict(zip(net.names, map(short, style.titles(net)), strict=True))
    frame = frame[["bearer", "role", "amount"]].assign(
        label=[
            f"{names[bearer]}: {role}" if role == "external creditors" else names[bearer]
            for bearer, role in zip(frame["bearer"], frame["role"], strict=True)
        ]
    )
    if len(frame) <= MOST:
        return frame
    rest = frame.iloc[MOST - 1 :]
    other = pd.DataFrame(
        {
            "bearer": [""],
            "role": ["others"],
            "amount": [rest["amount"].sum()],
            "label": [f"{len(rest):,} others"],
        }
    )
    return pd.concat([frame.iloc[: MOST - 1], other], ignore_index=True)


def _sum(result: PropagationResult) -> str:
    s, unit = result.socialization, result.network.unit
    parts = [f"initial loss {money(s.initial_loss, unit)}"]
    parts.append(f"deadweight {money(s.deadweight, unit)}")
    for name, amount in (("relief of others", s.relief), ("missing before", s.missing_before)):
        parts += [f"{name} {money(amount, unit)}"] if amount else []
    return f"{money(s.borne, unit)} borne = {' + '.join(parts)}"


def _legend(ax: Axes, roles: list[str]) -> None:
    from matplotlib.patches import Patch

    shown = [
        Patch(color=style.ROLES[role], label=style.ROLE_TEXT[role])
        for role in roles
        if role in style.ROLES
    ]
    if shown:
        style.legend(ax, shown, right=True)
