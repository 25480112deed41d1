"""The map of one token: its backing below, its direct and indirect holders around it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ...lookthrough import LookThrough
from ...media import visible
from ...text import listed, same_scale
from ...units import scale
from .. import style
from ..maps.choice import Choice, Flows
from ..maps.curves import curves
from ..maps.labels import labels
from ..maps.rings import places
from ..maps.scene import Scene
from ..pieces import short

HOLDERS, WRAPPED, BEHIND, ASSETS = 14, 8, 5, 4  # marks: direct, indirect holders; backing, assets
VAULTS = ("vault", "curator")
FLAGS = {  # values of the column `oracle` of exposures
    "fixed": "priced at a fixed rate", "hardcoded": "priced at a fixed rate",
    "nav": "priced by the issuer", "issuer": "priced by the issuer",
}  # fmt: skip


def token_scenes(found: LookThrough, token: Any = None) -> tuple[Scene, Scene, str, str]:
    """The map of a token for a screen and for a phone, its title, and its holders in words.

    Parameters
    ----------
    found : of :func:`contagion.lookthrough.look_through`; token : a node, by default the one with
        the most claims on it. `role` and `base` of nodes and `oracle` of exposures are shown if
        the tables have them.

    Raises
    ------
    UnknownNameError : for an unknown node, with the closest name.
    """
    net = found.network
    at = int(np.argmax(net.book.debts)) if token is None else int(net.position(token))
    step = _steps(found, at)
    wide = _scene(found, at, step, 860.0, 560.0)
    return wide, _scene(found, at, step, 380.0, 620.0), *_said(found, at, step)


def _said(found: LookThrough, at: int, step: np.ndarray) -> tuple[str, str]:
    """Claims against their backing in the data, with the part in a loop; holders in words."""
    net = found.network
    owed = float(np.nansum([net.book.debts[at], net.book.external_liabilities[at]]))
    held = net.creditor == at
    own, loop = float(found.direct[at].sum()), _looped(found, at)
    behind = own + float(net.amount[held].sum())
    round_trip = float(net.amount[held & loop[net.debtor]].sum())
    say = same_scale([owed, behind], net.unit)
    parts = [f"{say(own)} held outright"] * (own > 0)
    parts += [f"{say(round_trip)} in a loop"] * (round_trip > 0)
    of = f" ({', '.join(parts)})" if parts else ""
    name = str(style.titles(net, np.array([at]))[0])
    title = f"{name}: {say(owed)} of claims, {say(behind)} of backing inside the data{of}"
    claims = np.bincount(net.creditor, np.where(net.debtor == at, net.amount, 0.0), len(net))
    first = np.argsort(-claims, kind="stable")[:3]
    first = first[claims[first] > 0]
    whole = [
        f"{title} {say(float(claims[i]))}"
        for title, i in zip(style.titles(net, first), first, strict=True)
    ]
    direct, more = int((step == 1).sum()), int((step > 1).sum())
    return title, (
        f"{direct:,} hold it directly and {more:,} through others"
        + (f"; the largest are {listed(whole)}." if whole else ".")
    )


def _looped(found: LookThrough, at: int) -> np.ndarray:
    """(n,) bool: the other nodes of the loop that contains a node."""
    own = found.network.names[at]
    inside = np.zeros(len(found.network), bool)
    for members in found.loops["members"]:
        if own in members:
            inside[found.network.names.get_indexer(pd.Index(members))] = True
    inside[at] = False
    return inside


def _steps(found: LookThrough, at: int) -> np.ndarray:
    """(n,) number of claims between a holder and the token; -1 for others, including backing."""
    net = found.network
    live = net.amount > 0
    step = np.full(len(net), -1)
    step[at], front = 0, np.array([at])
    for number in (1, 2, 3):
        front = np.unique(net.creditor[live & np.isin(net.debtor, front)])
        front = front[step[front] < 0]
        step[front] = number
    return step


def _scene(found: LookThrough, at: int, step: np.ndarray, width: float, height: float) -> Scene:
    net = found.network
    owed = np.bincount(net.debtor, net.amount, len(net))
    held = np.bincount(net.creditor, net.amount, len(net))
    behind = np.bincount(net.debtor[net.creditor == at], net.amount[net.creditor == at], len(net))
    size = np.where(step > 0, np.maximum(held, owed), np.maximum(owed, behind))
    named = [at]
    for near, most, weight in (
        (step == 1, HOLDERS, held), (step > 1, WRAPPED, held), (step < 0, BEHIND, behind),
    ):  # fmt: skip
        rows = np.flatnonzero(near & (weight > 0))
        named += [int(i) for i in rows[np.argsort(-weight[rows], kind="stable")[:most]]]
    assets = [int(a) for a in np.argsort(-found.direct[at], kind="stable")[:ASSETS]
              if found.direct[at, a] > 0]  # fmt: skip
    n, m = len(named), len(named) + len(assets)
    of = np.full(len(net), -1)
    of[named] = np.arange(n)
    words = [_kind(found, i, at, owed) for i in named] + ["base asset"] * len(assets)
    state = np.array(["vault" if word == "vault" else "calm" for word in words], object)
    chosen = Choice(
        of, np.array([*named, *[-1] * len(assets)]), np.zeros(m, bool), np.zeros(m, bool), state,
        np.array(words, object), np.array([*step[named], *[-1] * len(assets)]),
        np.array([*size[named], *found.direct[at, assets]]), np.zeros(m), np.ones(m, int),
        np.full(len(net), -1),
    )  # fmt: skip
    rows = np.flatnonzero((of[net.debtor] >= 0) & (of[net.creditor] >= 0) & (net.amount > 0))
    start = np.concatenate([of[net.debtor[rows]], n + np.arange(len(assets))]).astype(int)
    end = np.concatenate([of[net.creditor[rows]], np.zeros(len(assets), int)]).astype(int)
    amount = np.concatenate([net.amount[rows], found.direct[at, assets]])
    loop = _looped(found, at)
    loop[at] = True
    both = loop[net.debtor[rows]] & loop[net.creditor[rows]] & (loop.sum() > 1)
    turn = np.concatenate([both, np.zeros(len(assets), bool)])
    order = np.argsort(-amount, kind="stable")[:60]
    nan = float("nan")
    layout = Flows(start[order], end[order], amount[order], amount[order], nan, nan)
    flows = Flows(
        start[order], end[order], amount[order], np.where(turn, amount, 0.0)[order], nan,
        float(net.amount[rows].sum() / max(net.amount.sum(), 1e-300)),
    )  # fmt: skip
    where = places(chosen, layout, width, height, hit=True)
    drawn = curves(chosen, flows, where)
    to = scale(chosen.size, net.unit)
    titles = style.titles(net, np.array(named))
    names = [str(title) for title in titles] + [short(visible(found.assets[a])) for a in assets]
    amounts = [to(float(x)) for x in chosen.size]
    for k, i in enumerate(named):
        if k and loop[i]:
            out, back = (
                float(net.amount[(net.debtor == a) & (net.creditor == b)].sum())
                for a, b in ((at, i), (i, at))
            )
            amounts[k] += f", loop {to(out)} and {to(back)}"
        names[k] += _flag(found, i, at)
    said, missing = labels(chosen, where, drawn, names, amounts, width, height, 11.0)
    return Scene(
        net, None, width, height, 11.0, chosen, flows, where, drawn, said, names, [""] * m,
        np.zeros(m, bool), to, missing,
    )  # fmt: skip


def _kind(found: LookThrough, i: int, at: int, owed: np.ndarray) -> str:
    """The kind of a node relative to the token: its role in the table, or else by its claims."""
    nodes = found.network.nodes
    role = str(nodes["role"].iloc[i]) if "role" in nodes else ""
    word = role if role not in ("", "nan") else str(found.network.kinds[i])
    if i == at:
        return "the token"
    if any(part in word for part in VAULTS):
        return "vault"
    return "stablecoin or wrapper" if owed[i] > 0 else "final holder"


def _flag(found: LookThrough, i: int, at: int) -> str:
    """The pricing of a holder's claim on the token, if the table gives it."""
    net = found.network
    if "oracle" not in net.exposures:
        return ""
    rows = (net.creditor == i) & (net.debtor == at)
    said = [FLAGS.get(str(x).lower(), "") for x in net.exposures["oracle"][rows]]
    return next((f" ⚠ {text}" for text in said if text), "")
