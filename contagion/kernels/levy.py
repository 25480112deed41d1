"""Calls for support on each guarantor, if some guarantors do not pay."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array


def levied(
    need: np.ndarray, top: np.ndarray, pays: np.ndarray, of: np.ndarray, to_layer: csr_array
) -> tuple[np.ndarray, np.ndarray]:
    """Calls that raise the amount needed: pro rata, and none above the total need.

        call_e = min(λ top_e, need),  λ in [0, 1] such that Σ_e pays_e call_e = need

    or λ = 1 if that raises less. The amount that one guarantor does not pay is called from the
    others.

    Parameters
    ----------
    need : (K, B) money to be raised by K layers of support.
    top : (E, 1) largest call on each guarantor of a layer.
    pays : (E, B) share of a call that is paid.
    of : (E,) the layer of each guarantor e.
    to_layer : (K, E) matrix with a one there.

    Returns
    -------
    calls (E, B) and the amounts they raise (K, B).

    Example
    -------
    A need of 6 and two guarantors with a limit of 5 each. If the first pays nothing, the second is
    called for its full limit. A guarantor that pays half of a need of 4 is not called for 8.

    >>> both, one = np.zeros(2, int), np.zeros(1, int)
    >>> levied(np.array([[6.0]]), np.array([[5.0], [5.0]]), np.array([[0.0], [1.0]]), both,
    ...     csr_array([[1.0, 1.0]]))
    (array([[5.],
           [5.]]), array([[5.]]))
    >>> levied(np.array([[4.0]]), np.array([[9.0]]), np.array([[0.5]]), one, csr_array([[1.0]]))
    (array([[4.]]), array([[2.]]))
    """
    most = need[of]
    full = np.zeros(pays.shape, bool)
    while True:
        left = need * (1.0 - to_layer @ np.where(full, pays, 0.0))
        brings = to_layer @ np.where(full, 0.0, pays * top)
        with np.errstate(divide="ignore", invalid="ignore"):
            rate = np.where(left < brings, left / brings, np.where(need > 0, 1.0, 0.0))
        call = np.where(full, most, rate[of] * top)
        over = call > most * (1 + 1e-15)
        if not over.any():
            return call, np.asarray(to_layer @ (pays * call))
        full |= over
