"""Random networks with balance sheets that add up, seeded: the same seed gives the same network.

Links are drawn first (who lends to whom), then amounts (:class:`Amounts`). Balance sheets are
completed last (:class:`Sheets`), so that claims, debts, external items and equity are consistent.
"""

from __future__ import annotations

from collections.abc import Callable

from ...network.exposure_network import ExposureNetwork
from .graphs import (
    block,
    complete,
    erdos_renyi,
    gai_kapadia,
    pareto_fitness,
    ring,
    scale_free,
    star,
    tiered,
)
from .protocol_stack import defi_stack
from .sheets import Amounts, Sheets

FAMILIES: dict[str, Callable[..., ExposureNetwork]] = {
    "block": block,
    "complete": complete,
    "core-periphery": tiered,
    "defi-stack": defi_stack,
    "erdos-renyi": erdos_renyi,
    "fitness": pareto_fitness,
    "gai-kapadia": gai_kapadia,
    "ring": ring,
    "scale-free": scale_free,
    "star": star,
}

__all__ = [
    "FAMILIES",
    "Amounts",
    "Sheets",
    "block",
    "complete",
    "defi_stack",
    "erdos_renyi",
    "gai_kapadia",
    "pareto_fitness",
    "ring",
    "scale_free",
    "star",
    "tiered",
]
