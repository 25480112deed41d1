"""Assumptions and data problems that readers of a run have to know: assumed equity, mixed data."""

from __future__ import annotations

from ..network.exposure_network import ExposureNetwork
from .run_arrays import RunArrays

RESTS = "The share rests on an assumed capital: {first}"
TOLD = ("W002", "W016", "W017")  # different dates, claims without a period, rounded figures


def assumed_capital(result: RunArrays) -> list[str]:
    """The assumptions about the equity of the nodes hit by the shock.

    The owners of these nodes absorb at most the equity, so the socialized share depends on the
    assumption: it is 100 % where the assumed equity is 0.

    Example
    -------
    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 10], [0, 0]], ["a", "b"], unit="USD m",
    ...     orientation="debtor->creditor", equity=[float("nan"), 4], assume_equity={"a": 0})
    >>> assumed_capital(ct.EisenbergNoe().propagate(net, ct.Shock.default("a")))
    ['equity of a assumed 0 USD (not in the sources)']
    """
    said = [text for text in result.network.assumptions if text.startswith("equity of ")]
    hit = result.network.names[result.triggers] if said else ()
    told = tuple(f"equity of {name} assumed " for name in hit)
    return [text for text in said if text.startswith(told)] if told else []


def warned(network: ExposureNetwork) -> list[str]:
    """Warnings about the input data, which every run on the network repeats."""
    return [f"{f.title} ({f.code}): {f.message}" for f in network.findings if f.code in TOLD]
