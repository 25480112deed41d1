"""The section Who bears the loss: ledger and paths of the loss for each result, and all nodes."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from ... import plot
from ...plot.pieces import names
from ...plot.style import ROLE_TEXT, kinds, percent, sizes
from ...plot.style import rows as rows_of
from ...results.propagation_result import PropagationResult
from ...text import money
from ...units import scale
from ..figures import figure
from ..given import Given
from ..parts import Exhibit, run_title, table, tagged
from ..phrases import (
    MENTIONED,
    attributes,
    further_defaults,
    insolvent_before,
    left_out,
    no_settlement,
    state,
)
from .waterfalls import calls, layers

MOST = 40
PATHS = 6
TREE = 24  # rows
SUMMED = ["loss", "direct_loss", "contagion_loss", "shortfall"]  # columns of T9 with a total


def exhibits(about: Given) -> list[Exhibit]:
    """For each result: bearers of the loss, layers, hops and paths; results by node.

    Page one shows how the loss of the first result travels.
    """
    return [one for tag, result in tagged(about.results) for one in _of_run(result, tag)]


def _of_run(result: PropagationResult, tag: str) -> list[Exhibit]:
    drawn = [] if tag in ("", "-1") else [cascade(result, tag)]
    if result.borne[0].any() or result.borne[1].any():
        text = "Each node is placed below the debtor on which it loses most."
        title = run_title("The cascade as a tree", tag)
        drawn.append(
            figure(f"F7T{tag}", title, partial(plot.cascade_tree, result, most=TREE), text)
        )
    travel = [*drawn, paths(result, tag), nodes_table(result, tag)]
    if not result.model.settles:
        return [bearers_figure(result, tag), *travel]
    called = calls(result, tag)
    return [
        bearers_figure(result, tag),
        bearers_table(result, tag),
        *layers(result, tag),
        *([] if called is None else [called]),
        record(result, tag),
        figure(
            f"F11{tag}",
            run_title("How far from the shock", tag),
            partial(plot.loss_by_hop, result),
            "Losses borne by number of steps from the shock.",
        ),
        by_hop(result, tag),
        *travel,
    ]


def cascade(result: PropagationResult, tag: str) -> Exhibit:
    """F7: how the loss travels."""
    text = "How the loss travels, from the nodes hit on the left to those that bear it."
    return figure(
        f"F7{tag}", run_title("How the loss travels", tag), partial(plot.cascade, result), text
    )


def bearers_figure(result: PropagationResult, tag: str) -> Exhibit:
    """F10B: who bears the loss, as bars."""
    title = "Who bears the loss"
    if not result.model.settles:
        return Exhibit(f"F10B{tag}", run_title(title, tag), missing=no_settlement(result))
    text = f"{title}, one bar for each bearer."
    return figure(f"F10B{tag}", run_title(title, tag), partial(plot.who_pays, result), text)


def bearers_table(result: PropagationResult, tag: str) -> Exhibit:
    """T10: the bearers with role, hop and share."""
    frame, name = result.bearers, names(result.network)
    whole = result.socialization.borne
    to = scale([*frame["amount"], whole], result.network.unit)
    shown = frame.head(MOST)
    rows = [
        [
            name[row.bearer],
            ROLE_TEXT.get(str(row.role), str(row.role)),
            str(row.kind).replace("_", " "),
            "–" if row.hop < 0 else str(row.hop),
            to(row.amount),
            percent(row.amount / whole),
            percent(above / whole),
        ]
        for row, above in zip(rows_of(shown), shown["amount"].cumsum(), strict=True)
    ]
    rest = frame["amount"].iloc[MOST:]
    if len(rest):
        rows.append(
            [
                f"{len(rest):,} others",
                *[""] * 3,
                to(rest.sum()),
                percent(rest.sum() / whole),
                "100%",
            ]
        )
    head = ["bearer", "role", "kind", "hop", to.named("amount"), "share", "with those above"]
    note = "Hop: steps from the nearest node hit; – for losses not caused by a node hit."
    total = ["all", "", "", "", to(float(frame["amount"].sum())), "100%" if whole else "", ""]
    return Exhibit(
        f"T10{tag}",
        run_title("Bearers", tag),
        table=table(head, rows, text=3, note=note, total=total),
    )


def record(result: PropagationResult, tag: str) -> Exhibit:
    """S1: the main numbers of the ledger, with their definitions."""
    title = "How far the loss socializes"
    values, meaning = result.socialization.to_dict(), attributes()
    unit = result.network.unit
    rows = []
    for key, value in values.items():
        if np.isnan(value):
            text = f"– ({result.socialization.reasons[key]})"
        elif key.endswith("_share"):
            text = percent(value)
        elif key in ("reach", "depth"):
            text = f"{value:,.0f}"
        else:
            text = f"{value:.2f}" if key in ("hhi", "amplification") else money(value, unit)
        label = "concentration (hhi)" if key == "hhi" else key.replace("_", " ")
        rows.append([label, text, meaning.get(key, "")])
        if key == "deadweight":
            rows += [
                [f"deadweight by {cause}", money(float(lost.sum()), unit), "the part of this cause"]
                for cause, lost in result.entries.deadweight.items()
                if lost.any()
            ]
    return Exhibit(
        f"S1{tag}",
        run_title(title, tag),
        table=table(["measure", "value", "meaning"], rows, words=[2]),
    )


def nodes_table(result: PropagationResult, tag: str) -> Exhibit:
    """T10N: every node."""
    net, frame, name = result.network, result.table, names(result.network)
    to = scale([*frame[[*SUMMED, "equity_before"]].to_numpy(float).ravel()], net.unit)
    key = frame["loss"] + 1e-6 * frame["shortfall"] + 1e-12 * sizes(net)
    order = np.argsort(-key.to_numpy(), kind="stable")
    kind, further, before = kinds(net), further_defaults(result), insolvent_before(result)
    shown = list(order[:MOST])
    shown += [i for i in [*further[:MENTIONED], *before[:MENTIONED]] if i not in shown]
    rows = [
        [
            name[net.names[i]],
            str(kind[i]),
            to(frame["equity_before"].iloc[i]),
            to(frame["loss"].iloc[i]),
            to(frame["direct_loss"].iloc[i]),
            to(frame["contagion_loss"].iloc[i]),
            to(frame["shortfall"].iloc[i]),
            "–" if pd.isna(rate := frame["recovery_rate"].iloc[i]) else f"{rate:.0%}",
            state(result, int(i)) or "–",
        ]
        for i in shown
    ]
    counts = [f"{len(at):,} {word}" for at, word in ((further, "further"), (before, "before"))
              if len(at)]  # fmt: skip
    sums = [to(float(frame[column].sum())) for column in SUMMED]
    total = ["all", "", "", *sums, "", ", ".join(counts)]
    head = [
        "node", "kind", "equity before", "loss", "direct", "contagion", "shortfall", "recovery",
        "in default",
    ]  # fmt: skip
    more = len(net) - len(rows)
    note = (
        f"Amounts in {to.label or 'money'}. Loss is the loss of owners; shortfall is the unpaid "
        "part of debts, counted from face value, including amounts missing before the shock. "
        "Recovery is on debts inside the network. In default, last row: number of further nodes by "
        "the shock, and number before it. –: not in the data, or none."
        + left_out(more, "nodes with smaller losses")
    )
    done = table(head, rows, text=2, note=note, total=total, words=[8])
    return Exhibit(f"T10N{tag}", run_title("Every node", tag), table=done)


def paths(result: PropagationResult, tag: str) -> Exhibit:
    """T10P: the paths of the largest losses."""
    net, name = result.network, names(result.network)
    passed = result.shortfall * result.outcome.defaulted
    weight = np.where(result.triggers, 0.0, result.loss + passed)
    order = [int(i) for i in np.argsort(-weight, kind="stable")[:PATHS] if weight[i] > 0]
    order += [int(i) for i in insolvent_before(result)[:MENTIONED] if i not in order]
    known = {str(node): title for node, title in name.items()}
    found = [(i, result.explain(net.names[i], most=3)) for i in order]
    found = [(i, why) for i, why in found if why.on_claims > 0]
    title = run_title("Paths behind the largest losses", tag)
    if not found:
        missing = "No node loses anything on its claims."
        return Exhibit(f"T10P{tag}", title, missing=missing)
    to = scale([why.on_claims for _, why in found], net.unit)
    rows = []
    for i, why in found:
        for at, row in enumerate(rows_of(why.table)):
            steps = [known.get(part, part) for part in str(row.path).split(" → ")]
            first = [name[net.names[i]], why.state] if at == 0 else ["", ""]
            rows.append(
                [*first, " → ".join(steps), str(row.cause), to(row.amount), percent(row.share)]
            )
            rows[-1].append("" if at else to(why.on_claims))
    head = ["node", "what happens to it", "path of the loss", "cause", to.named("lost"), "share",
            to.named("in all")]  # fmt: skip
    note = (
        "Losses of a node on its claims (in all, on all paths), split by origin; a node in "
        "default passes on losses in the proportions in which they reached it."
    )
    return Exhibit(f"T10P{tag}", title, table=table(head, rows, text=4, note=note))


def by_hop(result: PropagationResult, tag: str) -> Exhibit:
    """T10H: losses by number of steps from the shock, and by role of the bearer."""
    frame = result.ledger[result.ledger["cause"] != "missing before"]
    wide = frame.pivot_table(
        index="hop", columns="role", values="amount", aggfunc="sum", fill_value=0.0
    )
    roles = [role for role in ROLE_TEXT if role in wide]
    whole = float(frame["amount"].sum())
    to = scale([whole], result.network.unit)
    rows = [
        [
            "no path" if hop < 0 else str(hop),
            *(to(float(wide.loc[hop, role])) for role in roles),
            to(float(wide.loc[hop].sum())),
            percent(float(wide.loc[hop].sum()) / whole) if whole else "–",
        ]
        for hop in sorted(wide.index, key=lambda x: (x < 0, x))
    ]
    sums = [float(wide[role].sum()) for role in roles]
    rows.append(["all", *map(to, [*sums, whole]), ""])
    total = ["share", *(percent(x / whole) if whole else "–" for x in sums), "", ""]
    head = ["steps from the shock", *(ROLE_TEXT[role] for role in roles), "together", "share"]
    note = (
        f"Amounts in {to.label or 'money'}: losses due to the shock. 0: the nodes hit; 1: "
        "parties with a claim on one; external creditors are one step behind their debtor."
    )
    title = run_title("Loss by steps from the shock", tag)
    return Exhibit(f"T10H{tag}", title, table=table(head, rows, note=note, total=total))
