"""Texts shared by figures and the report: names, and a shock as a sentence."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from ..media import visible
from ..text import listed, money
from .style import titles

if TYPE_CHECKING:
    from ..network.exposure_network import ExposureNetwork
    from ..shocks import Shock


def names(network: ExposureNetwork) -> dict[object, str]:
    """{node: display name} of every node."""
    return dict(zip(network.names, map(str, titles(network)), strict=True))


def short(name: str, most: int = 32) -> str:
    """A name of limited length.

    >>> short("Digital Currency Group International", 16)
    'Digital Currenc…'
    """
    name = visible(name)
    return name if len(name) <= most else f"{name[: most - 1].rstrip()}…"


def _exact(part: float, sign: str = "") -> str:
    """A given share in percent, not rounded to integers."""
    return f"{100 * part:{sign}.4g}%"


def shock_words(network: ExposureNetwork, shock: Shock) -> str:
    """A shock to a network, as one sentence.

    >>> import contagion as ct
    >>> net = ct.datasets.load("neva_ring3")
    >>> shock_words(net, ct.Shock.default("A", recovery=0.5))
    'A defaults and pays 50% of its debts.'
    """
    name, shock = names(network), shock.resolved(network)
    parts = [
        f"{name[node]} defaults and pays {f'{_exact(rate)} of' if rate else 'nothing on'} its debts"
        for node, rate in shock.defaults
    ]
    for what, amounts, shares in (
        ("external assets", shock.losses, shock.fractions),
        ("equity", shock.equities, shock.equity_fractions),
    ):
        parts += [f"{name[i]} loses {money(x, network.unit)} of its {what}" for i, x in amounts]
        parts += [
            f"{'every node' if i is None else name[i]} loses {_exact(x)} of its {what}"
            for i, x in shares
        ]
    parts += [
        f"the price of {visible(asset)} moves by {_exact(change, '+')}"
        for asset, change in shock.prices
    ]
    return f"{listed(parts, 6)}." if parts else "No shock: missing amounts were missing already."


def wrapped(text: str, width: int = 15, most: int = 2) -> str:
    """A name on two lines, the remainder cut off.

    >>> wrapped("Digital Currency Group Inc.")
    'Digital\\nCurrency Group…'
    """
    lines = textwrap.wrap(text, width, break_on_hyphens=False) or [""]
    return "\n".join(lines[:most]) + ("…" if len(lines) > most else "")
