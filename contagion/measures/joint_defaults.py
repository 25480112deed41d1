"""Losses of the other nodes when sets of nodes default together, in batches that fit in memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ConvergenceError
from ..models.base import Model
from ..network.exposure_network import ExposureNetwork
from ..parallel import each
from ..results.outcome import Outcome

CHUNK = 2**22  # entries of the loss matrix held at a time


def joint_losses(
    network: ExposureNetwork, model: Model, failed: np.ndarray, recovery: float, **how: Any
) -> np.ndarray:
    """(B,) loss of the owners of the others when the nodes in `failed` (B, n) default together.

    Losses are relative to the run without shock and capped at known equity; `how` has the options
    for processes and the progress bar.
    """
    n = len(network)
    base = model.solve(network, np.zeros(n))
    size = max(1, CHUNK // max(n, 1))
    parts = [failed[first : first + size] for first in range(0, len(failed), size)]
    tasks = [(network, model, base, part, recovery) for part in parts]
    label = type(model).__name__
    found = list(each(_lost, tasks, label=label, **how))
    return np.concatenate(found) if found else np.zeros(0)


def _lost(
    network: ExposureNetwork, model: Model, base: Outcome, now: np.ndarray, recovery: float
) -> np.ndarray:
    before = np.maximum(base.equity, 0.0)
    outcome = model.solve(network, np.zeros(now.shape), np.where(now, recovery, np.nan))
    if not (outcome.converged.all() and np.all(base.converged)):
        raise ConvergenceError(
            f"{type(model).__name__} did not converge in {int((~outcome.converged).sum())} of "
            f"{len(now)} runs. Raise max_rounds."
        )
    capped = before - np.maximum(outcome.equity, 0.0)
    lost = np.where(np.isnan(before), outcome.lost - base.lost, capped)
    return np.asarray(np.where(now, 0.0, lost).sum(axis=1))


def differences(
    network: ExposureNetwork,
    model: Model,
    p: np.ndarray,
    recovery: float,
    rows: np.ndarray,
    **how: Any,
) -> np.ndarray:
    """(K,) expected loss with a claim minus that without it; `how` as in `joint_losses`."""
    at = np.flatnonzero(p > 0)
    failed = np.zeros((len(at), len(network)), bool)
    failed[np.arange(len(at)), at] = True
    whole = p[at] @ joint_losses(network, model, failed, recovery)
    tasks = [(network, model, failed, recovery, int(row)) for row in rows]
    without = each(_without, tasks, label="exposures", unit="exposure", **how)
    return np.array([whole - p[at] @ losses for losses in without], float)


def _without(
    network: ExposureNetwork, model: Model, failed: np.ndarray, recovery: float, row: int
) -> np.ndarray:
    amount = network.amount.copy()
    amount[row] = 0.0
    other = network.with_amounts(amount, keep="equity")
    return joint_losses(other, model, failed, recovery)
