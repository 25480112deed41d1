"""Losses that a result added to every claim: what figures draw as arrows."""

from __future__ import annotations

import numpy as np

from ..results import PropagationResult, claim_losses


def added_losses(result: PropagationResult) -> np.ndarray:
    """(m,) what each claim loses, counted from the baseline of the result, in money."""
    lost = result.claim_losses
    if result.reference is not None:
        lost = np.maximum(lost - claim_losses(result.network, result.reference), 0.0)
    return lost
