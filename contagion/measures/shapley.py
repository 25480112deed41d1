"""Shapley values: a system loss split over the nodes that a shock hits, exactly or by sampling."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd

from ..errors import ArgumentError, ShockError
from ..kernels import shapley as kernel
from ..models.base import Model
from ..network.exposure_network import ExposureNetwork
from ..parallel import bar
from ..shocks import Shock
from ..statistics.joint_samples import expected_shortfall
from ..vocabulary import LEVEL, Rng
from .attribution import CHUNK, Attribution, Of, SystemLoss, coalition_losses, triggers_of
from .registry import Measure

EXACT = 18  # players up to which all coalitions are evaluated
MOST = 24  # upper limit of `exact_up_to`


def shapley(
    value: Callable[[np.ndarray], np.ndarray],
    players: Iterable[Any],
    *,
    exact_up_to: int = EXACT,
    target_error: float = 0.01,
    max_evaluations: int = 200_000,
    rng: Rng = None,
    progress: bool = False,
    method: str = "Shapley",
    unit: str = "",
) -> Attribution:
    """Split the value of a game: the contribution of each player, averaged over all orders.

        φ_i = Σ_{S without i} |S|! (k − |S| − 1)! / k! · (v(S + i) − v(S))
        Σ_i φ_i = v(all) − v(∅)

    Up to `exact_up_to` players all 2^k coalitions are evaluated; above, random orders, rotated and
    reversed (see `kernels.shapley`), with standard errors. The sum is exact up to rounding.

    Parameters
    ----------
    value : the game v: takes coalitions (B, k) bool, columns in the order of `players`, and returns
        values (B,). Called with up to 2^18 / k coalitions at once.
    players : names.
    exact_up_to : number of players, at most 24; 20 players have 1,048,576 coalitions.
    target_error : sampling stops when the largest standard error is below this part of the larger
        of |v(all) − v(∅)| and the largest |φ|.
    max_evaluations : sampling stops here in any case; `reached` is then False.
    rng : seed or generator. Results do not depend on the order of the players.
    progress : show a progress bar.
    method, unit : text for display.

    Raises
    ------
    ArgumentError : for duplicate names, no players, or `max_evaluations` too small to start.

    Example
    -------
    A claim is paid if its owner and at least one of two lawyers are present: the owner gets 2/3.

    >>> found = shapley(lambda s: 1.0 * (s[:, 0] & (s[:, 1] | s[:, 2])), ["owner", "x", "y"])
    >>> found.values.round(6).tolist(), found.evaluations
    ([0.666667, 0.166667, 0.166667], 8)

    Source: Shapley (1953), "A value for n-person games", Contributions to the Theory of Games II
    (formula from memory); for the system-wide risk of banks Tarashev, Tsatsaronis & Borio (2016),
    Review of Finance 20(3) (abstract read).
    """
    names = list(players)
    k = len(names)
    if k == 0 or len(set(names)) < k:
        raise ArgumentError("players: at least one name, and each of them once.")
    if not exact_up_to <= MOST:
        raise ArgumentError(
            f"exact_up_to={exact_up_to}: at most {MOST}, which are 16,777,216 runs."
        )
    place = np.argsort(np.array([str(name) for name in names]), kind="stable")
    back = np.argsort(place)  # draws use sorted names, columns the order of the caller

    def game(masks: np.ndarray) -> np.ndarray:
        return np.asarray(value(masks[:, back]), float)

    whole = k <= exact_up_to
    size = max(1, 2**18 // k)
    with bar(progress, method, 1 << k if whole else max_evaluations) as watch:
        if whole:
            worth = np.empty(1 << k)
            for first in range(0, 1 << k, size):
                last = min(first + size, 1 << k)
                worth[first:last] = game(kernel.coalitions(first, last, k))
                watch(last - first)
            found = kernel.Sampled(kernel.exact(worth), np.zeros(k), 1 << k, True)
            total = float(worth[-1] - worth[0])
        else:
            found = kernel.sampled(
                game,
                k,
                target=target_error,
                most=max_evaluations,
                rng=np.random.default_rng(rng),
                watch=watch,
            )
            total = float(found.values.sum())
    return Attribution(
        pd.Series(found.values[back], pd.Index(names), name="value"),
        pd.Series(found.errors[back], pd.Index(names), name="standard_error"),
        total,
        whole,
        found.evaluations,
        found.reached,
        method,
        unit,
    )


def shapley_of_defaults(
    network: ExposureNetwork,
    model: Model,
    shock: Shock | Iterable[Any],
    *,
    of: Of = "owners",
    exact_up_to: int = EXACT,
    target_error: float = 0.01,
    max_evaluations: int = 200_000,
    rng: Rng = None,
    progress: bool = False,
) -> Attribution:
    """Split the system loss of a shock over the nodes that it hits.

        v(S) = loss of the system when the shock hits only the nodes S

    Parameters
    ----------
    network, model : any model.
    shock : a shock, or names of nodes that default with recovery 0. The loss on external assets and
        the default of one node are included or left out together.
    of : whose losses, see :class:`~contagion.measures.SystemLoss`.
    exact_up_to, target_error, max_evaluations, rng, progress : as in :func:`shapley`; the
        coalitions are solved in batches.

    Returns
    -------
    Attribution : money, sums to the loss that the whole shock causes.

    Raises
    ------
    ShockError, ModelError, ConvergenceError, ArgumentError : as in `SystemLoss`, `Shock.arrays` and
        :func:`shapley`; ShockError for a shock that hits no node.

    Example
    -------
    c (capital 3) has claims of 2 on a and 2 on b. The owners of a and b lose 1 each, c loses 3;
    the two contribute equally to the loss of c.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 0, 2], [0, 0, 2], [0, 0, 0]], list("abc"),
    ...     orientation="debtor->creditor", equity=[1, 1, 3])
    >>> shapley_of_defaults(net, ct.EisenbergNoe(), ["a", "b"]).values.tolist()
    [2.5, 2.5]

    Source: as for :func:`shapley`; the game on triggers is ours.
    """
    loss = SystemLoss(network, model, of)
    hit, losses, pins = triggers_of(network, shock, model)
    return shapley(
        lambda masks: coalition_losses(loss, hit, losses, pins, masks),
        network.names[hit],
        exact_up_to=exact_up_to,
        target_error=target_error,
        max_evaluations=max_evaluations,
        rng=rng,
        progress=progress,
        method=f"Shapley values of the loss of {of}",
        unit=network.unit,
    )


def shapley_of_risk(
    network: ExposureNetwork,
    model: Model,
    losses: np.ndarray,
    *,
    level: float = LEVEL,
    of: Of = "owners",
    exact_up_to: int = 10,
    target_error: float = 0.01,
    max_evaluations: int = 20_000,
    rng: Rng = None,
    progress: bool = False,
) -> Attribution:
    """Split the expected shortfall of the system over the nodes whose assets are at risk.

        v(S) = ES_level of the loss of the system when only the assets of S are shocked

    This is the contribution of a node to system-wide risk (by its own shocks, through all others);
    `measures.euler_allocation` gives the expected loss of a node in the tail, E[L_i | tail].

    Parameters
    ----------
    network, model : any model.
    losses : (scenarios, n) losses on external assets, money; players are the nodes with a loss.
    level : of the expected shortfall, in (0, 1).
    of : whose losses, see :class:`~contagion.measures.SystemLoss`.
    exact_up_to, target_error, max_evaluations, rng, progress : as in :func:`shapley`. A coalition
        takes one run for each scenario; errors are those of sampled orders, not of scenarios.

    Returns
    -------
    Attribution : money, sums to the expected shortfall of the system minus that without shocks.

    Raises
    ------
    ShockError : for losses of another shape, below 0 or not finite, or without any player.
    ModelError, ConvergenceError, ArgumentError : as in `SystemLoss` and :func:`shapley`.

    Example
    -------
    Of four scenarios a loses 2 in one and b loses 4 in another: the worst half has a mean of 3.
    With only a or only b shocked the mean is 1 or 2.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 0], [0, 0]], list("ab"),
    ...     orientation="debtor->creditor", external_assets=[9, 9])
    >>> draws = np.array([[2.0, 0], [0, 4], [0, 0], [0, 0]])
    >>> shapley_of_risk(net, ct.EisenbergNoe(), draws, level=0.5).values.tolist()
    [1.0, 2.0]

    Source: after Tarashev, Tsatsaronis & Borio (2016), Review of Finance 20(3), and Drehmann &
    Tarashev (2013), Journal of Financial Intermediation 22(4) (abstracts read).
    """
    loss = SystemLoss(network, model, of)
    draws = np.atleast_2d(np.asarray(losses, float))
    if draws.shape[1] != len(network) or not (np.isfinite(draws).all() and (draws >= 0).all()):
        raise ShockError(
            f"losses have shape {draws.shape}: they have to be (scenarios, {len(network)}), finite "
            "and >= 0."
        )
    hit = np.flatnonzero(draws.any(axis=0))
    if not len(hit):
        raise ShockError("The scenarios hit no node: there is no loss to attribute.")

    def value(masks: np.ndarray) -> np.ndarray:
        together = max(1, CHUNK // draws.size)
        parts = []
        for at in range(0, len(masks), together):
            part = masks[at : at + together]
            some = np.zeros((len(part), *draws.shape))
            some[:, :, hit] = draws[:, hit] * part[:, None, :]
            lost = loss(some.reshape(-1, len(network))).reshape(len(part), len(draws))
            parts.append(expected_shortfall(lost.T, level))
        return np.concatenate(parts)

    return shapley(
        value,
        network.names[hit],
        exact_up_to=exact_up_to,
        target_error=target_error,
        max_evaluations=max_evaluations,
        rng=rng,
        progress=progress,
        method=f"Shapley values of the expected shortfall at {level:g} of {of}",
        unit=network.unit,
    )


DEFINITIONS = (
    Measure(
        "shapley",
        "Σ_{S without i} |S|! (k − |S| − 1)! / k! · (v(S + i) − v(S))",
        "money",
        "Shapley (1953), Contributions to the Theory of Games II (from memory); v(S) the loss of "
        "the system when the shock hits only S",
        title="Shapley value",
    ),
)
