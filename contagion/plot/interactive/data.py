"""Data for the script of a map: rounds, balance sheets, claims and paths.

All amounts are formatted texts. The script writes names as text, never as markup.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...media import visible
from ...results.ledger import NEGLIGIBLE
from ...results.rounds import Rounds, rounds
from .. import style
from ..maps.choice import ALL, STATES
from ..maps.scene import Scene
from ..pieces import names as titles_of

ROWS = 2_000  # largest number of nodes in the search
CLAIMS = 5
PACKED = 60_000  # bytes; larger data are compressed
Panel = list[tuple[str, list[tuple[str, str]]]]


def payload(drawn: Scene) -> dict[str, Any]:
    """All data of a map, for JSON."""
    chosen, flows, marks = drawn.chosen, drawn.flows, range(len(drawn.names))
    largest = max(float(chosen.size.max(initial=0.0)), 1e-300)
    found: dict[str, Any] = {
        "unit": drawn.to.label,
        "states": STATES,
        "rows": _rows(drawn),
        "ends": np.column_stack([flows.start, flows.end]).tolist(),
        "sizes": [round(float(size) / largest, 6) for size in chosen.size],
        "panels": [[] if drawn.coarse else _panel(drawn, k) for k in marks],
        "marks": [
            [
                visible(drawn.names[k]),
                str(chosen.kind[k]),
                int(chosen.boxed[k]),
                "" if drawn.coarse else drawn.to(float(chosen.size[k])),
            ]
            for k in marks
        ],
    }
    if drawn.result is not None:
        found |= _by_round(drawn, rounds(drawn.result))
    return found


def packed(found: dict[str, Any]) -> tuple[str, str]:
    """JSON for a `<script>` that the page does not run, and its type; large data are compressed.

    >>> packed({"a": "</script>"})
    ('application/json', '{"a":"\\\\u003c/script>"}')
    """
    text = json.dumps(found, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    text = text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    if len(text.encode()) <= PACKED:
        return "application/json", text
    pressed = gzip.compress(text.encode(), 9, mtime=0)
    return "application/gzip", base64.b64encode(pressed).decode()


def unpacked(text: str) -> Iterator[str]:
    """The data blocks inside a page, each as decompressed text.

    >>> next(unpacked('<script type="application/json" class="ct-data">["\\\\u003cx>"]</script>'))
    '["<x>"]'
    """
    for kind, found in re.findall(r'<script type="([^"]*)" class="ct-data">([^<]*)<', text):
        if kind == "application/gzip":
            found = gzip.decompress(base64.b64decode(found)).decode()
        yield json.dumps(json.loads(found), ensure_ascii=False)


def _by_round(drawn: Scene, done: Rounds) -> dict[str, Any]:
    """Losses as texts, outcomes, and links with a loss, for each mark in each round."""
    net, chosen, marks = drawn.network, drawn.chosen, len(drawn.names)
    floor = NEGLIGIBLE * np.maximum(style.sizes(net), 1e-300)
    losses, states, links = [], [], []
    pair = chosen.of[net.debtor] * marks + chosen.of[net.creditor]
    wanted = drawn.flows.start * marks + drawn.flows.end
    order = np.argsort(wanted, kind="stable")
    at = order[np.searchsorted(wanted[order], pair).clip(0, max(len(wanted) - 1, 0))]
    hit = (wanted[at] == pair) if len(wanted) else np.zeros(len(pair), bool)
    to_mark = {int(k): int(e) for k, e in enumerate(drawn.flows.end) if chosen.outside[e]}
    final = chosen.state
    last = len(done.number) - 1
    for r in range(last + 1):
        lost = np.bincount(chosen.of, done.owners[r], marks).astype(float)
        owed = chosen.owes >= 0
        lost += np.bincount(chosen.owes[owed], done.external[r][owed], marks)
        lost = chosen.loss if r == last else lost
        told = (lost > 0) & ~(drawn.coarse & chosen.boxed)
        losses.append(
            [drawn.to(float(x)) if yes else "" for x, yes in zip(lost, told, strict=True)]
        )
        failed = np.zeros(marks, bool)
        loses = lost > 0
        inside = np.flatnonzero((chosen.node >= 0) & ~chosen.outside)
        failed[inside] = done.defaulted[r][chosen.node[inside]]
        loses[inside] = done.owners[r][chosen.node[inside]] > floor[chosen.node[inside]]
        now = np.where(failed, "default", np.where(loses, "loses", "calm")).astype(object)
        fixed = np.isin(final, ("hit", "before", "outside", "mixed"))
        now[fixed | chosen.boxed] = final[fixed | chosen.boxed]
        states.append([str(x) for x in (final if r == last else now)])
        carried = np.bincount(at[hit], done.claims[r][hit], len(wanted)) > 0
        carried = carried if len(wanted) else np.zeros(0, bool)
        for k, e in to_mark.items():
            carried[k] |= bool(lost[e] > 0)
        links.append("".join("1" if x else "0" for x in carried))
    return {
        "rounds": done.number.tolist(), "losses": losses, "outcomes": states, "lost": links,
    }  # fmt: skip


def _rows(drawn: Scene) -> list[list[Any]]:
    """Name, kind, assets, loss, loss of external creditors and mark of up to 2,000 nodes."""
    net, result = drawn.network, drawn.result
    size = style.sizes(net)
    owners, outside = np.zeros((2, len(net))) if result is None else result.borne
    order = (-size, -(owners + outside))
    first = (np.arange(len(net)) if drawn.coarse else np.lexsort(order))[:ROWS]
    kind = style.kinds(net)
    return [
        [str(name), str(kind[i]),
         *("" if drawn.coarse else drawn.to(float(x[i])) for x in (size, owners, outside)),
         int(drawn.chosen.of[i])]
        for name, i in zip(style.titles(net, first), first, strict=True)
    ]  # fmt: skip


def _panel(drawn: Scene, k: int) -> Panel:
    """Content shown for a selected mark: headings, each with lines of label and text."""
    chosen = drawn.chosen
    if chosen.boxed[k]:
        return _members(drawn, k)
    i = int(chosen.node[k])
    if i < 0:
        return [("Base asset", [("held outright", drawn.to(float(chosen.size[k])))])]
    if chosen.outside[k]:
        of = style.titles(drawn.network, np.array([i]))[0]
        lines = [
            ("owed to them", drawn.to(float(chosen.size[k]))),
            ("they lose", drawn.to(float(chosen.loss[k]))),
        ]
        return [(f"External creditors of {of}", lines)]
    net, book = drawn.network, drawn.network.book
    sheet = [
        ("external assets", book.external_assets[i]), ("claims", book.claims[i]),
        ("external liabilities", book.external_liabilities[i]), ("debts", book.debts[i]),
        ("equity", book.equity[i]),
    ]  # fmt: skip
    found: Panel = [("Balance sheet", [(word, drawn.to(float(x))) for word, x in sheet])]
    lost = np.zeros(len(net.amount))
    if drawn.result is not None:
        ledger, lost = drawn.result.entries, drawn.result.added_losses
        parts = [
            ("owners, by the shock", ledger.shock[i]),
            ("owners, by contagion", ledger.contagion[i]),
            ("external creditors", ledger.outside[i]),
        ]
        found.append(("Losses", [(word, drawn.to(float(x))) for word, x in parts]))
        found += _path(drawn, i)
    for word, own, other in (
        ("Largest claims", net.creditor, net.debtor), ("Largest debts", net.debtor, net.creditor),
    ):  # fmt: skip
        rows = np.flatnonzero((own == i) & (net.amount > 0))
        rows = rows[np.argsort(-net.amount[rows], kind="stable")[:CLAIMS]]
        title = style.titles(net, other[rows])
        lines = [
            (str(name), drawn.to(float(net.amount[row]))
             + (f", {drawn.to(float(lost[row]))} lost" if lost[row] > 0 else ""))
            for name, row in zip(title, rows, strict=True)
        ]  # fmt: skip
        found += [(word, lines)] if lines else []
    return found


def _path(drawn: Scene, i: int) -> Panel:
    result = drawn.result
    assert result is not None
    if result.triggers[i] or not drawn.result or result.loss[i] <= 0:
        return []
    why = result.explain(result.network.names[i], most=1)
    if not len(why.table):
        return []
    top = why.table.iloc[0]
    few = len(result.network) <= ALL
    known = {str(node): title for node, title in titles_of(result.network).items()} if few else {}
    steps = [visible(known.get(part, part)) for part in str(top["path"]).split(" → ")]
    share = style.percent(float(top["share"]))
    return [("Largest path", [(" → ".join(steps), f"{drawn.to(float(top['amount']))} ({share})")])]


def _members(drawn: Scene, k: int) -> Panel:
    """The members of a box with the largest losses, or else the largest ones."""
    net, result = drawn.network, drawn.result
    if drawn.chosen.outside[k]:
        weight = np.where(drawn.chosen.owes == k, 1.0, 0.0)
        value = np.zeros(len(net)) if result is None else result.borne[1]
    else:
        weight = np.where(drawn.chosen.of == k, 1.0, 0.0)
        value = style.sizes(net) if result is None else result.borne[0]
        value = value if value[weight > 0].any() else style.sizes(net)
    rows = np.argsort(-weight * value, kind="stable")[:CLAIMS]
    rows = rows[weight[rows] > 0]
    lines = [
        (str(name), drawn.to(float(value[i])))
        for name, i in zip(style.titles(net, rows), rows, strict=True)
    ]
    bears = result is not None and drawn.chosen.loss[k] > 0
    return [("Those that bear most" if bears else "The largest, by assets", lines)]
