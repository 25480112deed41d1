"""Sharing a need among payers with limits, for many scenarios at once."""

from __future__ import annotations

import numpy as np


def shared(need: np.ndarray, weight: np.ndarray, most: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Payments in proportion to weights, none above its own limit, that add up to the need.

        x_k = min(λ w_k, m_k),   λ the least number with Σ_k x_k = min(need, Σ_k m_k)

    The limits are sorted by m_k / w_k; between two of them the sum is linear in λ, so that λ has a
    closed form.

    Parameters
    ----------
    need : (...) money >= 0.
    weight, most : (..., n) weights and limits >= 0; a member of weight 0 pays nothing.

    Returns
    -------
    x (..., n) and λ (...); if the need is not met, λ is the largest m_k / w_k.

    Example
    -------
    A need of 9 and weights 1, 1, 2; the last can pay only 3:

    >>> shared(np.array(9.0), np.array([1.0, 1.0, 2.0]), np.array([5.0, 5.0, 3.0]))
    (array([3., 3., 3.]), array(3.))
    """
    need, weight, most = np.asarray(need, float), np.asarray(weight, float), np.asarray(most, float)
    shape = np.broadcast_shapes((*need.shape, 1), weight.shape, most.shape)
    weight, most = np.broadcast_to(weight, shape), np.broadcast_to(most, shape)
    pays = weight > 0
    limit = np.divide(most, weight, out=np.zeros(shape), where=pays)
    order = np.argsort(limit, axis=-1)
    rate = np.take_along_axis(limit, order, -1)
    full = np.cumsum(np.take_along_axis(np.where(pays, most, 0.0), order, -1), -1)
    still = np.take_along_axis(weight, order, -1)
    after = np.flip(np.cumsum(np.flip(still, -1), -1), -1)  # weights from this one to the end
    need = np.minimum(need, full[..., -1])
    before = np.concatenate([np.zeros((*shape[:-1], 1)), full[..., :-1]], -1)
    met = before + rate * after >= need[..., None]
    at = np.where(met.any(-1), met.argmax(-1), shape[-1] - 1)[..., None]
    base, slope = np.take_along_axis(before, at, -1), np.take_along_axis(after, at, -1)
    found = np.divide(need[..., None] - base, slope, out=np.zeros_like(base), where=slope > 0)
    found = np.clip(found, 0.0, np.take_along_axis(rate, at, -1))
    return np.where(pays, np.minimum(found * weight, most), 0.0), found[..., 0]
