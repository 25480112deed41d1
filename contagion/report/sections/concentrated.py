"""The section Concentration: the shares of the largest nodes."""

from __future__ import annotations

from functools import partial

from ... import plot
from ...facts import Fact, Sentence
from ...measures import amounts, concentration_ratio, concentration_table
from ...network.exposure_network import ExposureNetwork
from ...plot.style import percent
from ...units import scale
from ..figures import figure
from ..given import Given
from ..parts import Exhibit, table

SHARES = (1, 3, 5, 10)


def exhibits(about: Given) -> list[Exhibit]:
    """T5, F4: the shares of the largest nodes."""
    network = about.network
    sizes = [k for k in SHARES if k < len(network)] or [1]
    frame = concentration_table(network, k=sizes)
    if (frame["reason"] != "").all():
        return [Exhibit("T5", "Concentration", missing="There are no amounts to compare.")]
    to = scale(frame["total"], network.unit)
    rows = []
    for quantity, row in frame.iterrows():
        above = str(int((amounts(network, str(quantity)) > 0).sum()))  # type: ignore[arg-type]
        first = [
            str(quantity),
            "–" if row["reason"] else to(row["total"]),
            str(row["nodes"]),
            above,
        ]
        if row["reason"]:
            rows.append([*first, *["–"] * (len(sizes) + 3)])
            continue
        shares = [percent(row[f"cr_{k}"]) for k in sizes]
        numbers = [f"{row['hhi']:.3f}", f"{1 / row['hhi']:.1f}", f"{row['gini']:.2f}"]
        rows.append([*first, *shares, *numbers])
    largest = ["the largest" if k == 1 else f"{k} largest" for k in sizes]
    head = ["", to.named("total"), "nodes known", "nodes above 0", *largest,
            "HHI", "equal nodes", "Gini"]  # fmt: skip
    note = (
        "Shares of the total held by the largest nodes, which are chosen for each row. Nodes whose "
        "amount is not known are left out. Equal nodes: 1/HHI, the number of equal nodes with this "
        "HHI."
    )
    if (frame["reason"] != "").any():
        note += " –: no node has any, or no amount is known."
    done = table(head, rows, note=note)
    text = "The share of the k largest nodes in assets, equity, claims and debts."
    return [
        Exhibit("T5", "Concentration", next(iter(sentences(network)), ""), table=done),
        figure("F4", "Concentration curve", partial(plot.cumulative_shares, network), text),
    ]


def sentences(network: ExposureNetwork) -> list[Sentence]:
    """The share of the largest debtors, in networks in which it is not obvious."""
    debts = amounts(network, "debts")
    owing = int((debts > 0).sum())
    if owing <= 3:
        return []
    share = concentration_ratio(debts, 3)
    facts = {
        "owing": Fact("nodes above 0", owing, "count", ("debts",), "T5"),
        "share": Fact("3 largest", share, "share", ("debts",), "T5"),
    }
    text = "{share} of all debts inside are owed by the three largest of {owing} debtors."
    return [Sentence(text, facts)]
