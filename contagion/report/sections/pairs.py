"""The sections By trigger and By victim: every node defaults once, with the losses of others."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from ... import plot
from ...facts import Fact, Sentence
from ...measures import EveryDefault
from ...plot.pieces import names
from ...plot.quadrant import X, Y
from ...plot.style import percent
from ...units import scale
from ..figures import figure
from ..given import Given
from ..parts import Exhibit, table
from ..phrases import left_out

MOST = 20
TREE = 24  # rows of the tree
PAIRS = 12  # victims, and triggers, of the heat map


def of_triggers(about: Given) -> list[Exhibit]:
    """F6, T8, F7W: losses caused by the default of each node, and the cascade of the worst."""
    found = about.defaults
    if found is None:
        return []
    drawn = []
    if (found.triggers["default_impact"] > 0).any():
        text = "Losses of the owners of others when each node defaults, at once and by the cascade."
        draw = partial(plot.trigger_bars, found, most=MOST)
        drawn.append(figure("F6", "Triggers by the losses of others", draw, text))
    return [*drawn, _triggers(found), *_worst(about, found)]


def of_victims(about: Given) -> list[Exhibit]:
    """T9, F8, F9: losses of each node by the defaults of others, and the triggers."""
    found = about.defaults
    if found is None:
        return []
    drawn = []
    name = names(found.network)
    both = found.triggers[[X]].join(found.victims[[Y]]).rename(index=name)
    if both.notna().all(axis=1).any():
        text = "Losses that each node causes (horizontal) and suffers by others (vertical)."
        draw = partial(plot.impact_quadrant, both)
        drawn.append(figure("F8", "Who endangers others, and who is in danger", draw, text))
    square = found.losses.rename(index=name, columns=name).T  # victims in rows
    if float(square.to_numpy().max(initial=0.0)) > 0:
        text = "Losses of the owners of each victim when each trigger defaults, largest first."
        draw = partial(plot.victim_heat, square, unit=found.network.unit, most=PAIRS)
        drawn.append(figure("F9", "Who loses by whose default", draw, text))
    return [_victims(found), *drawn]


def _worst(about: Given, found: EveryDefault) -> list[Exhibit]:
    """F7W: the cascade of the worst trigger as a tree, unless a run starts with it."""
    run = found.worst
    if run is None or any((one.triggers == run.triggers).all() for one in about.results):
        return []
    who = names(found.network)[found.network.names[int(run.triggers.argmax())]]
    lead = Sentence(
        "The owners of others lose most with the default of {who}.",
        {"who": Fact("trigger", who, "name", (who,), "T8")},
    )
    text = "Each node is placed below the debtor on which it loses most."
    draw = partial(plot.cascade_tree, run, most=TREE)
    return [figure("F7W", "The cascade of the worst trigger as a tree", draw, text, lead)]


def _triggers(found: EveryDefault) -> Exhibit:
    frame, name = found.triggers, names(found.network)
    order = frame.sort_values("default_impact", ascending=False, kind="stable")
    shown = order.head(MOST)
    money = ["assets", "direct_impact", "cascade_impact", "default_impact"]
    to = scale(shown[money].to_numpy(float).ravel(), found.network.unit)
    shares = [str(c) for c in frame if str(c).startswith("share_")]
    columns: list[tuple[str, str, Callable[[float], str]]] = [
        ("assets", "assets", to),
        ("default_impact", "owners inside lose", to),
        ("direct_impact", "direct", to),
        ("cascade_impact", "cascade", to),
        ("amplification", "cascade / direct", "{:.2f}".format),
        ("contagion_index", "contagion index, %", "{:.1f}".format),
        ("induced_defaults", "induced defaults", "{:.0f}".format),
        ("rounds", "rounds", "{:.0f}".format),
        *((key, f"by {key.removeprefix('share_')}", percent) for key in shares),
    ]
    rows = [
        [name[node], *("–" if pd.isna(row[key]) else say(row[key]) for key, _, say in columns)]
        for node, row in shown.iterrows()
    ]
    more = len(frame) - len(rows)
    note = (
        f"Amounts in {to.label or 'money'}: losses of the owners of other nodes, at most their "
        "equity; external creditors are in the ranking, not here. Direct: on claims on the "
        "trigger; cascade: the remainder. Contagion index: of the capital of the others. –: not "
        "defined."
        + (" By channel: shares of the losses of others." if shares else "")
        + left_out(more, "triggers that cost less")
    )
    count = int((frame["induced_defaults"] > 0).sum())
    facts = {
        "model": Fact("model", type(found.model).__name__, "text", (), "T8"),
        "rate": Fact("recovery", found.recovery, "share", (), "T8"),
        "count": Fact("induced defaults", count, "count", ("above 0",), "T8", "node"),
    }
    text = (
        "Every node defaults once, alone, and pays {rate} of its debts ({model}). {count} "
        + ("makes" if count == 1 else "make")
        + " others default."
    )
    head = ["trigger", *(title for _, title, _ in columns)]
    done = table(head, rows, note=note)
    return Exhibit("T8", "What each default costs the others", Sentence(text, facts), table=done)


def _victims(found: EveryDefault) -> Exhibit:
    frame, name = found.victims, names(found.network)
    order = frame.sort_values("loss_suffered", ascending=False, kind="stable")
    shown = order.head(MOST)
    to = scale(shown["worst_loss"], found.network.unit)
    capital: dict[object, float] = dict(found.triggers["equity"].items())
    rows = [
        [
            name[node],
            *("–" if pd.isna(row[key]) else f"{row[key]:.1f}"
              for key in ("vulnerability_index", "hazard")),
            name.get(row["worst_trigger"], "–") if row["worst_loss"] > 0 else "–",
            to(row["worst_loss"]),
            _share(row["worst_loss"], capital[node]),
        ]
        for node, row in shown.iterrows()
    ]  # fmt: skip
    more = len(frame) - len(rows)
    note = (
        f"Amounts in {to.label or 'money'}. Vulnerability index: mean loss over the defaults of "
        f"the {len(frame) - 1:,} others, of its own capital; hazard rate: share of these defaults "
        "that make it default. –: capital not known or not positive, or no loss."
        + left_out(more, "nodes that lose less")
    )
    safe = int((frame["loss_suffered"] <= 0).sum())
    facts = {
        "safe": Fact("loss by it", safe, "count", (), "T9", "node"),
        "every": Fact("victim", len(frame), "count", (), "T9"),
    }
    text = f"{{safe}} of {{every}} lose{'s' if safe == 1 else ''} by no default."
    head = ["victim", "vulnerability index, %", "hazard rate, %", "worst trigger", "loss by it",
            "of capital"]  # fmt: skip
    done = table(head, rows, note=note, words=[3])
    return Exhibit("T9", "Losses of each node by others", Sentence(text, facts), table=done)


def _share(loss: float, capital: float) -> str:
    return percent(loss / capital) if np.isfinite(capital) and capital > 0 else "–"
