"""How much support each guarantor is called for, when some of them do not pay."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array


def levied(
    need: np.ndarray, top: np.ndarray, pays: np.ndarray, of: np.ndarray, to_layer: csr_array
) -> tuple[np.ndarray, np.ndarray]:
    """Calls that bring in what is needed: pro rata, and no node for more than the whole need.

        call_e = min(λ top_e, need),  λ in [0, 1] such that Σ_e pays_e call_e = need

    or λ = 1 where that brings in less. The amount that one guarantor does not pay is called from
    the others.

    Parameters
    ----------
    need : (K, B) money that K layers of support should bring in.
    top : (E, 1) the most that is called from each guarantor of a layer.
    pays : (E, B) part of a call that is paid.
    of : (E,) the layer that each e is a guarantor of.
    to_layer : (K, E) with a one there.

    Returns
    -------
    calls (E, B) and what they bring in (K, B).

    Example
    -------
    A need of 6 and two that can be called for 5 each. When the first pays nothing, the second is
    called for all it has promised; one that pays half of a need of 4 is not called for 8.

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
