"""Heat maps: claims between kinds of nodes, and losses of victims by trigger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from ..errors import ArgumentError, expect
from ..media import figure, visible
from ..network.exposure_network import ExposureNetwork
from ..text import plural
from ..units import Scale, scale
from ..vocabulary import MOST_DRAWN
from . import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

KINDS = 12  # largest number of rows and columns; the smallest kinds are summed
ROOM = 0.46  # width of a number, in inches
LONGEST = 24  # largest length of a name, in characters
LETTER = 0.078  # width of a letter of a name, in inches


def kind_amounts(network: ExposureNetwork, most: int = KINDS) -> pd.DataFrame:
    """Claims between kinds: creditors in rows, debtors in columns, largest kind first.

    Example
    -------
    >>> import contagion as ct
    >>> nodes = {"node": ["a", "b", "c"], "kind": ["bank", "bank", "fund"]}
    >>> claims = {"creditor": ["a", "c"], "debtor": ["b", "a"], "amount": [3.0, 2.0]}
    >>> net = ct.ExposureNetwork(nodes, claims, missing_equity="external")
    >>> kind_amounts(net).loc["fund", "bank"]
    np.float64(2.0)
    """
    codes, labels = pd.factorize(style.kinds(network))
    size = (len(labels), len(labels))
    at = np.ravel_multi_index((codes[network.creditor], codes[network.debtor]), size)
    table = pd.DataFrame(
        np.bincount(at, network.amount, size[0] ** 2).reshape(size), labels, labels
    )
    weight = table.sum(axis=0) + table.sum(axis=1)
    order = list(weight.sort_values(ascending=False, kind="stable").index)
    if len(order) > most:
        rest = f"{len(order) - most + 1} other kinds"
        group = dict.fromkeys(order[most - 1 :], rest)
        table = table.rename(index=group, columns=group)
        table = table.groupby(level=0).sum().T.groupby(level=0).sum().T
        order = [*order[: most - 1], rest]
    return table.loc[order, order]


@figure
def kind_heat(network: ExposureNetwork, *, ax: Axes | None = None) -> Axes:
    """Draw the claims between kinds of nodes: a heat map of amounts.

    Creditors in rows, debtors in columns, with the sums at the end of each. Colours follow the
    square root of the amount, so that smaller claims stay visible; an empty cell means no claim.

    Parameters
    ----------
    network : the exposures; the kind of a node is its column `kind`.
    ax : where to draw; by default a new figure.

    Example
    -------
    >>> import contagion as ct
    >>> nodes = {"node": ["a", "b", "c"], "kind": ["bank", "bank", "fund"]}
    >>> claims = {"creditor": ["a", "c"], "debtor": ["b", "a"], "amount": [3.0, 2.0]}
    >>> net = ct.ExposureNetwork(nodes, claims, missing_equity="external")
    >>> ax = ct.plot.kind_heat(net)
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['bank', 'fund', 'all']
    """
    expect(network=network)
    from matplotlib.colors import LinearSegmentedColormap, PowerNorm

    table = kind_amounts(network)
    values = table.to_numpy(float)
    count = len(table)
    all_ = float(values.sum())
    to = scale([all_], network.unit)
    ax = style.axes(ax, 2.6 + 0.8 * (count + 1), 1.9 + 0.4 * (count + 1))
    blues = LinearSegmentedColormap.from_list(
        "claims", ["#f1f4f7", "#9db8cf", "#35618f", "#16324f"]
    )
    norm = PowerNorm(0.5, 0.0, float(values.max(initial=0.0)) or 1.0)
    shown = np.where(values > 0, values, np.nan)
    edges = np.arange(count + 1)
    ax.pcolormesh(edges, edges, shown, cmap=blues, norm=norm, edgecolor="white", linewidth=1.2)
    sums = [*((count, row, v) for row, v in enumerate(values.sum(axis=1))),
            *((column, count, v) for column, v in enumerate(values.sum(axis=0))),
            (count, count, all_)]  # fmt: skip
    cells = [(column, row, values[row, column]) for row, column in np.argwhere(values > 0)]
    ax.set_xlim(0, count + 1.15)
    ax.set_ylim(count + 1.05, 0)
    room = _ticks(ax, [*map(str, table.columns), "all"], [*map(str, table.index), "all"])
    for column, row, value in [*cells, *sums] if room > ROOM else []:
        inside = column < count and row < count
        dark = inside and float(norm(value)) > 0.55
        ax.text(
            column + 0.5 + (0.08 if column == count else 0), row + 0.5, _money(value, to),
            ha="center", va="center", fontsize=8 if room > 0.6 else 7.5,
            fontweight="normal" if inside else "bold", color="white" if dark else style.INK,
        )  # fmt: skip
    style.named(ax, "debtor", "creditor")
    note = f"Amounts in {to.label or 'money'}; darker is more. Empty: no claim."
    style.heading(ax, "Who claims on whom, by kind", note)
    return ax


@figure
def victim_heat(
    table: pd.DataFrame,
    *,
    unit: str = "",
    measure: Literal["money", "share"] = "money",
    most: int = MOST_DRAWN,
    ax: Axes | None = None,
) -> Axes:
    """Draw the loss of every victim (rows) when each trigger (columns) defaults.

    The triggers with the largest costs and the victims with the largest losses come first. The
    trigger's own loss is not counted as a loss of a victim: its cell is grey. Cells that are nan
    are hatched. Victims and triggers without any loss are left out, and counted in the note.

    Parameters
    ----------
    table : victims in rows, triggers in columns; amounts, or shares of the victim's capital.
    unit : unit of the amounts.
    measure : the kind of numbers, "money" or "share"; a share is written in percent.
    most : largest number of rows, and of columns.
    ax : where to draw; by default a new figure. The colour bar takes some of its space.

    Raises
    ------
    ArgumentError : for another measure, a table without cells, and for a negative number.

    Example
    -------
    >>> import pandas as pd, contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 10, 0], [0, 0, 10], [0, 0, 0]], ["a", "b", "c"],
    ...     orientation="debtor->creditor", equity=[1, 3, 20])
    >>> model = ct.EisenbergNoe()
    >>> table = pd.DataFrame({x: model.propagate(net, ct.Shock.default(x)).loss
    ...     for x in net.names}, index=net.names)
    >>> ax = ct.plot.victim_heat(table)
    >>> [label.get_text() for label in ax.get_yticklabels()]       # c loses 7 and 10, b loses 3
    ['c', 'b']
    """
    if measure not in ("money", "share"):
        raise ArgumentError(f"measure={measure!r}: money or share.")
    if not table.size:
        raise ArgumentError("The table of victims and triggers has no cells.")
    worst = float(np.nanmin(table.to_numpy(float), initial=0.0))
    if worst < 0:
        raise ArgumentError(f"The table has a loss of {worst:g}; losses are 0 or more.")
    frame, own, left = _ordered(table, most)
    values = frame.to_numpy(float)
    counted = np.where(own, np.nan, values)
    top = float(np.nanmax(counted, initial=0.0))
    to = scale([top], unit)
    ax = style.axes(ax, 3.4 + 0.62 * len(frame.columns), 2.0 + 0.32 * len(frame))
    label = "loss, share of capital" if measure == "share" else f"loss, {to.label}".rstrip(", ")
    norm = _mesh(ax, counted, 1.0 if measure == "share" else to.divisor, measure, label)
    for row, column in np.argwhere(own | np.isnan(values)):
        look = {"facecolor": style.LINE, "hatch": None} if own[row, column] else {}
        style.hatched(ax, column, row, **look)
    ax.set_ylim(len(frame), 0)
    if _ticks(ax, [str(x) for x in frame.columns], [str(x) for x in frame.index]) > ROOM:
        for row, column in np.argwhere(counted > 0):
            value = counted[row, column]
            text = style.percent(value) if measure == "share" else _money(value, to)
            dark = float(norm(value / (1.0 if measure == "share" else to.divisor))) > 0.55
            ax.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=7.8,
                    color="white" if dark else style.INK)  # fmt: skip
    style.named(ax, "trigger: node in default", "victim: node with the loss")
    style.heading(ax, "Losses of victims, by trigger", _note(own, values, left))
    return ax


def _ordered(table: pd.DataFrame, most: int) -> tuple[pd.DataFrame, np.ndarray, str]:
    """The largest rows and columns, the cells of a node with itself, and the left-out ones."""
    own = np.asarray(table.index)[:, None] == np.asarray(table.columns)[None, :]
    values = np.where(own, 0.0, table.to_numpy(float))
    kept, left = [], []
    for axis, word in ((1, "victim"), (0, "trigger")):
        size = np.nansum(values, axis=axis)
        counts = (size > 0) | np.isnan(values).any(axis=axis)
        order = np.lexsort((-size, ~counts))
        kept.append(order[: max(1, min(most, int(counts.sum())))])
        none, more = len(size) - int(counts.sum()), int(counts.sum()) - len(kept[-1])
        left += [f"{plural(none, word)} without losses"] if none and counts.any() else []
        left += [f"{plural(more, word)} with smaller losses"] if more > 0 else []
    down, across = kept
    return table.iloc[down, across], own[np.ix_(down, across)], ", ".join(left)


def _mesh(ax: Axes, counted: np.ndarray, divisor: float, measure: str, label: str) -> Any:
    """The coloured cells and their scale; returns the norm of the colours."""
    from matplotlib.colors import PowerNorm
    from matplotlib.ticker import MaxNLocator

    shown = counted / divisor
    norm = PowerNorm(0.5, 0.0, float(np.nanmax(shown, initial=0.0)) or 1.0)
    mesh = ax.pcolormesh(shown, cmap=style.losses(), norm=norm, edgecolor="face", lw=0.2)
    bar = style.colour_bar(ax, mesh, label)
    bar.ax.yaxis.set_major_formatter(
        (lambda part, _: f"{part:.0%}") if measure == "share" else "{x:,g}"
    )
    bar.locator = MaxNLocator(5)
    return norm


def _ticks(ax: Axes, across: list[str], down: list[str]) -> float:
    """Names on both axes, slanted if necessary; return the width of a column in inches."""
    ax.set_xticks(np.arange(len(across)) + 0.5, [_cut(name) for name in across])
    ax.set_yticks(np.arange(len(down)) + 0.5, [_cut(name) for name in down])
    ax.tick_params(labelsize=8, labelcolor=style.INK, length=0)
    ax.spines[:].set_visible(False)
    room = style.drawn_width(ax) / len(across)
    if max(len(_cut(name)) for name in across) * LETTER > room:
        for text in ax.get_xticklabels():
            text.set(rotation=40, ha="right", rotation_mode="anchor")
    return room


def _cut(name: str) -> str:
    """A name of limited length, shortened in the middle, since names differ at their ends.

    >>> _cut("Systemically important bank number 12")
    'Systemically…k number 12'
    """
    name = visible(name)
    return name if len(name) <= LONGEST else f"{name[:12].rstrip()}…{name[12 - LONGEST + 1 :]}"


def _money(value: float, to: Scale) -> str:
    """An amount in a cell: three digits are enough beside a colour.

    >>> to = scale([12_345.0], "USD")
    >>> _money(12_345.0, to), _money(4.56, to), _money(0.0, to)
    ('12,345', '4.6', '0')
    """
    number = to.number(value)
    if number == 0:
        return "0"
    if number < 0.05:
        return "<0.1"
    return f"{number:,.0f}" if number >= 100 else f"{number:.1f}"


def _note(own: np.ndarray, values: np.ndarray, left: str) -> str:
    said = "Grey: the trigger itself." if own.any() else ""
    if (np.isnan(values) & ~own).any():
        said += " Hatched: not defined."
    if not (np.where(own, 0.0, np.nan_to_num(values)) > 0).any():
        said += " No node loses anything."
    said += f" Not shown: {left}." if left else ""
    return said.strip()
