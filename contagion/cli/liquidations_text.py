"""Cascades and liquidation profiles as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..liquidation import CascadeResult, MarginBook
from ..liquidation.coupling import CoupledResult
from ..plot.style import rows as rows_of
from ..report.phrases import state
from ..text import money, percent, plural
from ..units import Scale, scale
from .layers import calls_text, layers_text
from .terminal import paragraph, table

MOST = 12
ASSETS = 3  # assets with prices in the table of rounds
ALL, BUSY = 9, 5  # all rounds are shown up to ALL; of more, the BUSY largest
LEDGER = {
    "start": "equity after the shock, and calls met",
    "accounts": "left in accounts",
    "vaults": "taken over by vaults",
    "latent": "latent: open accounts below 0",
    "deficits": "deficits of closed accounts",
    "fees": "fees of venues",
    "buyers": "gain of buyers on the price",
    "liquidators": "gain of liquidators",
}


def cascade_text(
    done: CascadeResult, words: str, found: Mapping[str, Any], frames: Mapping[str, pd.DataFrame]
) -> str:
    """Text of a cascade: settings, rounds and prices, venues, accounts, ledger.

    Parameters
    ----------
    words : impact, oracle and breakers, as the user wrote them.
    found : last, liquidated, calls_met, loss and multiplier.
    frames : venues (venue, accounts, liquidated, deficit, latent, fees, vault) and accounts (as
        `done.table`, and loss), the largest loss first.
    """
    unit, table_ = done.before.unit, frames["accounts"]
    moved = ", ".join(f"{name} {100 * change:+.4g} %" for name, change in done.shock.items())
    ends = f", the last liquidation in round {found['last']}" if found["last"] else ""
    times = found["multiplier"]
    more = f"{times:.4g} times that" if np.isfinite(times) else "none"
    more = f", {more} without price impact" if times != 1 else ""
    head = [
        f"{moved or 'no price moves'}: {words}",
        *_lines(done.before),
        f"{plural(done.rounds, 'round')}{ends}; liquidated {money(found['liquidated'], unit)} at "
        f"the prices paid, calls met {money(found['calls_met'], unit)}",
        f"lost {money(found['loss'], unit)}{more}",
    ]
    to = scale([*table_["equity_before"], *table_["loss"], *map(abs, done.ledger.values())], unit)
    parts = [
        "\n".join(paragraph(line, "", "  ") for line in head),
        _path(done),
        _venues(frames["venues"], to),
        _accounts(table_, to),
        _ledger(done.ledger, to),
    ]
    return "\n\n".join(parts)


def _lines(book: MarginBook) -> list[str]:
    """Contents and value of the book."""
    return [line.strip() for line in repr(book).removeprefix("MarginBook: ").splitlines()]


def price(value: float) -> str:
    """A price with at least five digits.

    >>> price(1234567.8), price(0.98765432), price(79.2)
    ('1,234,568', '0.98765', '79.2')
    """
    return f"{value:,.0f}" if abs(value) >= 1e5 else f"{value:,.5g}"


def _path(done: CascadeResult) -> str:
    """Table of rounds, with the prices of the assets that moved most."""
    book, moments = done.before, done.moments
    with np.errstate(divide="ignore", invalid="ignore"):
        fell = np.array([np.abs(m.market / book.price - 1) for m in moments])
    most = np.nan_to_num(fell).max(axis=0, initial=0.0)
    shown = [int(i) for i in np.argsort(-most, kind="stable")[:ASSETS] if most[i] > 0] or [0]
    apart = {i for i in shown if any(m.market[i] != m.told[i] for m in moments)}
    sides = [(book.price, book.price), *((m.market, m.told) for m in moments)]
    spent = np.diff([0.0, 0.0, *(m.liquidated for m in moments)])
    to = scale([spent.sum()], book.unit)
    head = ["round"]
    for i in shown:
        head += [str(book.assets[i])] + [f"{book.assets[i]} oracle"] * (i in apart)
    rows = []
    for low, high in _spans(spent):
        cells = [str(high) if low == high else f"{low}-{high}"]
        for i in shown:
            cells += [price(float(sides[high][side][i])) for side in range(1 + (i in apart))]
        rows.append([*cells, to(float(spent[low : high + 1].sum()))])
    rows.append(["all", *[""] * (len(head) - 1), to(float(spent.sum()))])
    more = int((most > 0).sum()) - len(shown)
    others = f"; {plural(more, 'other price')} moved less" if more > 0 else ""
    note = f"(prices at the end of the rounds; round 0 is before the shock{others})"
    return f"{table([*head, f'liquidated {to.label}'.rstrip()], rows)}\n{paragraph(note)}"


def _spans(spent: np.ndarray) -> list[tuple[int, int]]:
    """First and last round of each line; the first, last and busiest have their own lines.

    >>> _spans(np.array([0, 5, 0])), _spans(np.arange(20) == 9)
    ([(0, 0), (1, 1), (2, 2)], [(0, 0), (1, 1), (2, 8), (9, 9), (10, 18), (19, 19)])
    """
    many = len(spent)
    if many <= ALL:
        return [(k, k) for k in range(many)]
    busy = [int(k) for k in np.argsort(-spent.astype(float), kind="stable")[:BUSY] if spent[k] > 0]
    spans, low = [], 0
    for k in sorted({0, 1, many - 1, *busy}):
        spans += [(low, k - 1)] if k > low else []
        spans.append((k, k))
        low = k + 1
    return spans


def _venues(frame: pd.DataFrame, to: Scale) -> str:
    order = np.argsort(-(frame["deficit"] + frame["latent"]).to_numpy(), kind="stable")
    columns = ["deficit", "latent", "fees", *["vault"] * bool(frame["vault"].any())]
    rows = [
        [
            name,
            f"{part['liquidated'].sum():,.0f} of {part['accounts'].sum():,}",
            *(to(float(part[column].sum())) for column in columns),
        ]
        for name, part in _shown(frame.iloc[order].set_index("venue"))
    ]
    head = ["venue", "accounts liquidated", f"deficit {to.label}".rstrip(), *columns[1:]]
    return table(head, rows)


def _shown(frame: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The first rows one by one, the others together, and all."""
    parts = [(str(frame.index[k]), frame.iloc[[k]]) for k in range(min(MOST, len(frame)))]
    if len(frame) > MOST:
        parts.append((f"{len(frame) - MOST:,} others", frame.iloc[MOST:]))
    return [*parts, ("all", frame)] if len(frame) > 1 else parts


def _accounts(frame: pd.DataFrame, to: Scale) -> str:
    """The accounts with the largest losses."""
    if not (frame[["loss", "deficit", "latent"]].to_numpy() > 0).any():
        return "No account loses anything."
    rows = []
    for row in rows_of(frame.head(MOST)):
        amounts = (row.equity_before, row.loss, row.called, row.deficit + row.latent)
        rows.append([str(row.holder), str(row.venue), *map(to, amounts), _part(row.liquidated)])
    for name, part in ((f"{len(frame) - MOST:,} others", frame.iloc[MOST:]), ("all", frame)):
        if len(part):
            before, lost, called, deficit, latent = (
                float(part[key].sum())
                for key in ("equity_before", "loss", "called", "deficit", "latent")
            )
            rows.append([name, "", to(before), to(lost), to(called), to(deficit + latent), ""])
    head = ["holder", "venue", "equity before", f"loss {to.label}".rstrip(), "calls met",
            "below 0", "liquidated"]  # fmt: skip
    note = "(loss: fall of equity plus calls met, negative for a gain; below 0: negative equity of "
    note += "an account, left as a deficit or latent)"
    return f"{table(head, rows, words=(0, 1))}\n{paragraph(note)}"


def _part(share: float) -> str:
    return "-" if share <= 1e-12 else percent(share)


def _ledger(ledger: Mapping[str, float], to: Scale) -> str:
    rows = [
        [text, to(ledger[key])]
        for key, text in LEDGER.items()
        if ledger[key] or key in ("start", "accounts", "deficits")
    ]
    head = ["ledger", f"amount {to.label}".rstrip()]
    return f"{table(head, rows)}\n{paragraph('(the first line is the sum of the others)')}"


def coupled_text(joint: CoupledResult) -> str:
    """Effects of the cascade on the network: summary, nodes, layers and calls."""
    result = joint
    net, frame = result.network, joint.table
    head = [f"On the network, after {plural(joint.rounds, 'joint round')}: nodes lost "
            f"{money(joint.totals['on_graph'], net.unit)} on accounts",
            *result.summary()[1:]]  # fmt: skip
    head += [f"assumption: {text}" for text in net.assumptions]
    to = scale(frame[["on_accounts", "loss", "claims_lost", "shortfall"]].to_numpy().ravel(),
               net.unit)  # fmt: skip
    size = frame[["on_accounts", "loss", "claims_lost", "shortfall"]].abs().max(axis=1)
    order = np.argsort(-size.to_numpy(float), kind="stable")
    order = order[: int((size > 0).sum())]
    rows = [
        [str(net.names[i]), *(to(float(frame[c].iloc[i])) for c in
         ("on_accounts", "claims_lost", "loss", "shortfall")), state(result, int(i)) or "-"]
        for i in order[:MOST]
    ]  # fmt: skip
    columns = ["node", "on accounts", "on claims", "owners' loss", "shortfall", "in default"]
    more = len(order) - MOST
    others = f"; {plural(more, 'node')} with smaller losses not shown" if more > 0 else ""
    note = f"({to.label or 'money'}; on accounts below 0: a gain{others})"
    nodes = f"{table(columns, rows, words=(0, 5))}\n{paragraph(note)}" if rows else "No node loses."
    parts = ["\n".join(paragraph(line, "", "  ") for line in head), nodes]
    return "\n\n".join(filter(None, [*parts, layers_text(result), calls_text(result)]))


def profile_text(
    book: MarginBook, found: pd.DataFrame, holders: pd.DataFrame, asset: Sequence[str] | None
) -> str:
    """The liquidation profile with its concentration, one line for each move."""
    moving = ", ".join(asset) if asset else "all prices but money, alike"
    head = "\n".join(paragraph(line, "", "  ") for line in [f"moving: {moving}", *_lines(book)])
    to = scale([*found["value"], *found["debt"], *found["deficit"]], book.unit)
    names = [f"{100 * move:+.4g} %" for move in found["move"]]
    sizes = ["value", "sold", "bought", "debt", "deficit"]
    rows = [
        [name, f"{row.accounts:,}", *(to(getattr(row, size)) for size in sizes)]
        for name, row in zip(names, rows_of(found), strict=True)
    ]
    columns = ["move", "accounts", f"value {to.label}".rstrip(), *sizes[1:]]
    note = "(liquidatable at once, without impact, at the moved prices; value: assets sold, or "
    note += "bought back for short positions; debt: of loans; deficit: negative equity)"
    shares = []
    for name, row in zip(names, rows_of(holders), strict=True):
        told = [percent(row.cr_1), percent(row.cr_3), f"{row.effective:.3g}", str(row.largest)]
        shares.append([name, f"{row.holders:,}", *(told if row.value > 0 else "–" * 4)])
    heads = ["move", "holders", "largest", "top 3", "1/HHI", "the largest"]
    few = "(shares of the value: of the largest holder and of the three largest; 1/HHI: equivalent "
    few += "number of equal holders)"
    return (
        f"{head}\n\n{table(columns, rows)}\n{paragraph(note)}\n\n"
        f"{table(heads, shares, words=(0, 5))}\n{paragraph(few)}"
    )
