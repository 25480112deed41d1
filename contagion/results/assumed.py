"""What a run rests on that its reader has to know: capital that no source gives, mixed data."""

from __future__ import annotations

from ..network.exposure_network import ExposureNetwork
from .run_arrays import RunArrays

TOLD = ("W002", "W016", "W017")  # dates that differ, claims of no period, figures that are rounded


def capital_assumed(result: RunArrays) -> str:
    """Which capital of the nodes hit is an assumption, as a sentence; empty where none is.

    What the owners of these nodes absorb is at most their equity, so that the socialized share
    moves with the assumption: it is 100 % where the assumed equity is 0.

    Example
    -------
    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 10], [0, 0]], ["a", "b"], unit="USD m",
    ...     orientation="debtor->creditor", equity=[float("nan"), 4], assume_equity={"a": 0})
    >>> capital_assumed(ct.EisenbergNoe().propagate(net, ct.Shock.default("a")))
    'The share rests on an assumed capital: equity of a assumed 0 USD (not in the sources).'
    """
    hit = result.network.names[result.triggers]
    told = tuple(f"equity of {name} assumed " for name in hit)
    found = [text for text in result.network.assumptions if text.startswith(told)] if told else []
    if not found:
        return ""
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    return f"The share rests on an assumed capital: {found[0]}{more}."


def warned(network: ExposureNetwork) -> list[str]:
    """Warnings about the figures themselves, which every run on the network repeats."""
    return [f"{f.title} ({f.code}): {f.message}" for f in network.findings if f.code in TOLD]
