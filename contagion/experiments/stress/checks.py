"""The arguments of a stress test, checked before anything is run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ...errors import ArgumentError, StressError, several
from ...network.exposure_network import ExposureNetwork
from ...scenarios.scenario_set import Scenarios
from ...statistics.scenario_estimates import WEIGHTINGS
from ...text import choice, listing, plural
from .losses import ARRAYS
from .spec import Spec

CHOICES = {
    "design": ("crossed", "paired"),
    "baseline": ("book", "cleared"),
    "weighting": WEIGHTINGS,
    "target": ("mean", "value_at_risk", "expected_shortfall"),
}


def networks_of(networks: ExposureNetwork | Iterable[ExposureNetwork]) -> list[ExposureNetwork]:
    """One or several networks with the same nodes in the same order and the same unit."""
    found = several(networks, "ExposureNetwork", "networks", one=True)
    if not found:
        raise StressError("There is no network: give one ExposureNetwork or several.")
    first = found[0]
    for number, other in enumerate(found):
        if not other.names.equals(first.names):
            raise StressError(
                f"Network {number} has other nodes than network 0, or in another order: "
                f"{_apart(first.names, other.names)}. All networks of an ensemble have the same."
            )
        if other.unit != first.unit:
            raise StressError(
                f"Network {number} is in {other.unit!r}, network 0 in {first.unit!r}."
            )
    return found


def fit(
    networks: Sequence[ExposureNetwork], scenarios: Scenarios, target_error: float | None
) -> None:
    """Check that scenarios match the nodes of the networks and destroy at most their assets."""
    if target_error is not None and not scenarios.sampled:
        raise StressError(
            "target_error needs a random sample, and these scenarios are a list: they have no "
            "standard error. Leave target_error out."
        )
    if len(scenarios) < 2:
        raise StressError(
            f"There is {plural(len(scenarios), 'scenario')}: a stress test needs two. For one "
            "shock use model.propagate(network, shock)."
        )
    for number, network in enumerate(networks):
        if not network.names.equals(scenarios.names):
            raise StressError(
                "The scenarios are for other nodes than the network, or in another order: "
                f"{_apart(network.names, scenarios.names)}. Make them from this network."
            )
        moved = scenarios.portfolio
        if moved is not None and not network.priced_assets.equals(moved[0]):
            raise StressError(
                f"The scenarios move the prices of {listing(moved[0])}, and nodes of network "
                f"{number} hold {listing(network.priced_assets)}. Make them from this network."
            )
        assets = network.book.external_assets
        short = scenarios.assets > assets * (1 + 1e-9)
        if short.any():
            raise StressError(
                f"The scenarios were made with more external assets than network {number} has, at "
                f"{plural(int(short.sum()), 'node')}: {listing(network.names[short])}. Make them "
                "from a network with the assets of these."
            )


def _apart(one: pd.Index, other: pd.Index) -> str:
    only = [listing(a.difference(b)) for a, b in ((one, other), (other, one))]
    if not any(only):
        at = int(np.flatnonzero(np.asarray(one != other))[0])
        return f"{str(one[at])!r} there and {str(other[at])!r} here, at place {at}"
    return f"{only[0] or 'nothing'} only there, {only[1] or 'nothing'} only here"


def options(
    design: str,
    baseline: str,
    levels: Sequence[float],
    keep: Sequence[str],
    weighting: str,
    target_error: float | None,
    target: str,
    unconverged: float,
) -> Spec:
    """The checked options as plain values."""
    given = {"design": design, "baseline": baseline, "weighting": weighting, "target": target}
    for name, value in given.items():
        choice(value, CHOICES[name], name)
    if isinstance(keep, str) or not set(keep) <= set(ARRAYS):
        raise ArgumentError(f"keep={keep!r}: give a tuple of any of {ARRAYS}.")
    if not all(0 < level < 1 for level in levels):
        raise ArgumentError(f"levels={tuple(levels)!r}: each has to be above 0 and below 1.")
    if target_error is not None and not 0 < target_error < 1:
        raise ArgumentError(f"target_error={target_error!r}: give a number above 0 and below 1.")
    if target_error is not None and target != "mean" and not levels:
        raise ArgumentError(f"target={target!r} needs a level: give e.g. levels=(0.99,).")
    if not 0 <= unconverged <= 1:
        raise ArgumentError(f"unconverged={unconverged!r}: give a share from 0 to 1.")
    return {
        **given,
        "levels": sorted({float(level) for level in levels}),
        "keep": list(keep),
        "target_error": target_error,
        "unconverged": float(unconverged),
    }


def joint_positions(
    network: ExposureNetwork, joint: bool | Sequence[Any] | None, most: int
) -> np.ndarray:
    """Rows of the nodes whose joint defaults are counted."""
    n = len(network)
    if joint is None:
        joint = n <= most
    if isinstance(joint, bool):
        return np.arange(n if joint else 0)
    found = np.array([network.position(node) for node in joint], np.int64)
    if len(set(found.tolist())) < len(found):
        raise ArgumentError("joint names a node twice.")
    return found
