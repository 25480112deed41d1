"""Aumann–Shapley prices: the marginal loss of each unit of a shock, averaged from 0 to 100 %."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..errors import ConvergenceError, ShockError, expect
from ..models.base import Model
from ..network.exposure_network import ExposureNetwork
from ..shocks import Shock
from ..text import money, plural
from .attribution import Attribution, Of, SystemLoss, triggers_of
from .registry import Measure

PANELS = 8  # initial parts of the diagonal
DEEPEST = 44  # most halvings of a part
STRAIGHT = 1e-3  # of the total: a part whose middle is farther from its chord may contain a jump


def aumann_shapley(
    network: ExposureNetwork,
    model: Model,
    shock: Shock,
    *,
    of: Of = "owners",
    tolerance: float = 1e-7,
    max_evaluations: int = 1_000_000,
) -> Attribution:
    """Price each unit of the shock: its marginal loss, averaged over shock sizes from 0 to 100 %.

        φ_i = ∫₀¹ x_i ∂v(t x)/∂x_i dt,   Σ_i φ_i = v(x) − v(0),   x the losses of the shock

    The diagonal is cut into parts of half-width h around t. In each part player i is charged
    v(t x + h x_i e_i) − v(t x − h x_i e_i). A part is halved until the charges sum to the change
    of v over it and v is close to its chord. For clearing v is piecewise linear: parts without a
    kink are exact. If the loss is proportional to the shock, the result is the Euler allocation,
    x_i ∂v(x)/∂x_i.

    Parameters
    ----------
    network, model : any model whose losses do not jump along the diagonal.
    shock : losses of external assets (also relative, or by prices). A default cannot be scaled and
        is refused.
    of : whose losses, see :class:`~contagion.measures.SystemLoss`.
    tolerance : largest error in one part, relative to the total.
    max_evaluations : largest number of model runs.

    Returns
    -------
    Attribution : money; `exact` if the error is only rounding. The error (at most `tolerance` for
        each part) is allocated in proportion to the values.

    Raises
    ------
    ShockError : for a shock with defaults, or that hits no node.
    ConvergenceError : if the loss jumps by more than 0.1 % of the total (default costs, recovery 0,
        a network that amplifies every loss): no price exists there. Also if `max_evaluations` is
        reached first. `.partial` has the result so far.

    Example
    -------
    a (capital 1) loses 3 and owes b 3: 1 falls on its own owners, 2 on b, which loses 1 itself.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 3], [0, 0]], list("ab"),
    ...     orientation="debtor->creditor", external_assets=[4, 2])
    >>> found = aumann_shapley(net, ct.EisenbergNoe(), ct.Shock.loss({"a": 3, "b": 1}))
    >>> found.values.round(6).tolist()
    [3.0, 1.0]

    Source: after Aumann & Shapley (1974), Values of Non-Atomic Games, and Denault (2001), "Coherent
    allocation of risk capital", Journal of Risk 4(1) (first pages read).
    """
    expect(network=network, model=model, shock=shock)
    loss = SystemLoss(network, model, of)
    hit, losses, pins = triggers_of(network, shock, model)
    if not np.isnan(pins).all():
        raise ShockError(
            "The shock has defaults, which cannot be scaled. Take shapley_of_defaults, or "
            "losses of external assets."
        )
    k = len(hit)

    def values(at: np.ndarray, moved: np.ndarray) -> np.ndarray:
        """v at points `at` (P,) of the diagonal, players moved (P, k) along it."""
        points = np.zeros((len(at), len(network)))
        points[:, hit] = np.clip((at[:, None] + moved) * losses[hit], 0.0, losses[hit])
        return loss(points)

    edges = np.linspace(0.0, 1.0, PANELS + 1)
    ends = values(edges, np.zeros((PANELS + 1, k)))
    left, right = edges[:-1], edges[1:]
    low, high = ends[:-1], ends[1:]
    total = float(ends[-1] - ends[0])
    scale = max(abs(total), float(np.abs(ends - ends[0]).max()))
    found, missing, runs = np.zeros(k), np.zeros(0), PANELS + 1
    jumps = np.zeros(0)
    for depth in range(DEEPEST + 1):
        middle, half = (left + right) / 2, (right - left) / 2
        step = half[:, None, None] * np.concatenate([np.eye(k), -np.eye(k), np.zeros((1, k))])
        flat = values(np.repeat(middle, 2 * k + 1), step.reshape(-1, k)).reshape(len(middle), -1)
        charge = flat[:, :k] - flat[:, k : 2 * k]
        runs += flat.size
        gap = high - low - charge.sum(axis=1)
        bent = np.abs(flat[:, 2 * k] - (low + high) / 2)
        good = (np.abs(gap) <= tolerance * scale) & (bent <= STRAIGHT * scale)
        more = 2 * (2 * k + 1) * int((~good).sum())
        last = depth == DEEPEST or runs + more > max_evaluations
        done = good | last
        found += charge[done].sum(axis=0)
        missing = np.append(missing, gap[done])
        jumps = middle[~good & last]
        if done.all():
            break
        go, at = ~done, flat[:, 2 * k]
        left, right = (
            np.concatenate([left[go], middle[go]]),
            np.concatenate([middle[go], right[go]]),
        )
        low, high = np.concatenate([low[go], at[go]]), np.concatenate([at[go], high[go]])
    gap_left = total - found.sum()
    size = np.abs(found)
    if len(jumps) == 0:
        found = found + gap_left * (size / size.sum() if size.sum() > 0 else 1.0 / k)
    record = Attribution(
        pd.Series(found, network.names[hit], name="value"),
        pd.Series(np.zeros(k), network.names[hit], name="standard_error"),
        total,
        bool(np.abs(missing).sum() <= 1e-9 * scale),
        runs,
        not len(jumps),
        f"Aumann–Shapley prices of the loss of {of}",
        network.unit,
    )
    if len(jumps):
        where = f"at {_listed(jumps)} of the shock"
        raise ConvergenceError(
            f"The loss jumps {where}: there is no price for a jump. Take shapley_of_defaults with "
            "the same shock."
            if depth == DEEPEST
            else f"{plural(runs, 'run')} were not enough for the loss {where}, "
            f"{money(gap_left, network.unit)} are missing. "
            "Raise max_evaluations, or take shapley_of_defaults.",
            record,
        )
    return record


def _listed(points: np.ndarray) -> str:
    shown = sorted({f"{100 * float(point):.4g} %" for point in points})
    return ", ".join(shown[:3]) + (f" and {len(shown) - 3} more" if len(shown) > 3 else "")


DEFINITIONS = (
    Measure(
        "aumann_shapley",
        "∫₀¹ x_i ∂v(t x)/∂x_i dt",
        "money",
        "after Aumann & Shapley (1974), Values of Non-Atomic Games; v the loss of the system",
        title="Aumann–Shapley price",
    ),
)
