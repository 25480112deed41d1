"""Expected systemic loss with default probabilities, and the contribution of an exposure to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from ..errors import ArgumentError, ModelError, expect
from ..media import shown
from ..models.base import Model
from ..network.exposure_network import ExposureNetwork
from ..shocks import Shock
from ..text import choice, listing, plural, same_scale
from ..vocabulary import Rng
from .joint_defaults import differences, joint_losses
from .partials import differentiable, solved
from .registry import Measure
from .sensitivity import RULE, differentiated

MOST = 16  # nodes that may default in an enumeration: 65,536 sets
UNKNOWN = "probability not known"
LEFT_OUT = "only the largest first-order effects were run"
FLOOR = 2.0**-53  # probabilities are capped at 1 − FLOOR, so that their logarithm is finite

Probabilities = Mapping[Any, float] | pd.Series | np.ndarray
Lost = Callable[[np.ndarray], np.ndarray]  # (B,) losses by sets (B, n) of nodes in default


@dataclass(frozen=True, eq=False, repr=False)
class ExpectedLoss:
    """Expected systemic loss, in money over the horizon of the probabilities.

    Attributes
    ----------
    value : the expectation; nan if a probability is not known.
    error : standard error of a sampled value, 0 for sums.
    known : Σ p_i L_i over the nodes whose probability is known.
    method : "single", "exact" or "sampled".
    table : one row a node: probability, loss L_i, contribution p_i L_i, reason for a nan.
    """

    value: float
    error: float
    known: float
    method: str
    table: pd.DataFrame = field(repr=False)
    unit: str = ""

    @shown
    def __repr__(self) -> str:
        blank = int(self.table["contribution"].isna().sum())
        say = same_scale([self.value, self.error, self.known], self.unit)
        text = f"Expected systemic loss {say(self.value)} ({self.method}"
        text += f", standard error {say(self.error)})" if self.error else ")"
        if not blank:
            return text
        return f"{text}: {say(self.known)} without {plural(blank, 'node')} of unknown probability"


def expected_systemic_loss(
    network: ExposureNetwork,
    model: Model,
    probabilities: Probabilities,
    *,
    recovery: float = 0.0,
    method: Literal["single", "exact", "sampled"] = "single",
    samples: int = 10_000,
    rng: Rng = None,
    n_jobs: int = 1,
    progress: bool = False,
) -> ExpectedLoss:
    """The expected loss that exogenous defaults cause to the owners of other nodes.

        single    Σ_i p_i L_i
        exact     Σ_S Π_{i in S} p_i Π_{i not in S} (1 − p_i) L_S
        sampled   Σ_i P(i alone) L_i + P(two or more) · mean of L_S over draws with two or more

    L_S is the loss of the owners of the nodes outside S when the nodes in S default together,
    relative to the run without shock; L_i is the default impact. Exogenous defaults are
    independent. "single" neglects that two can happen at once, which has a small effect if the
    probabilities are small; a loss that either of two defaults would cause counts twice.

    Parameters
    ----------
    network, model : any model.
    probabilities : {node: p}, a Series or an array (n,), p in [0, 1]; nodes that are not named, or
        have nan, are not known.
    recovery : recovery rate on claims on nodes in default, in [0, 1].
    method : "exact" enumerates all sets of nodes with p > 0, for at most 16 such nodes.
    samples : draws of two or more defaults; single defaults are not sampled but summed exactly.
    rng : as `numpy.random.default_rng`.
    n_jobs, progress : processes (-1 for all cores; does not change results), progress bar.

    Raises
    ------
    ModelError : for a probability outside [0, 1], or more than 16 nodes in an enumeration.
    ConvergenceError : when a run does not converge.

    Example
    -------
    b (capital 3) has a claim of 10 on a: the default of a costs its owners 3. b itself defaults
    with probability 50 %, and then its owners have no further loss:

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 10], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", equity=[1, 3])
    >>> p = {"a": 0.1, "b": 0.5}
    >>> round(expected_systemic_loss(net, ct.models.Furfine(), p).value, 9)
    0.3
    >>> round(expected_systemic_loss(net, ct.models.Furfine(), p, method="exact").value, 9)
    0.15

    Source: after Poledna & Thurner (2016), Elimination of systemic risk in financial networks by
    means of a systemic risk transaction tax, doi 10.1080/14697688.2016.1156146 (abstract read, not
    the equations); with DebtRank, L_i is DebtRank times all equity.
    """
    expect(network=network, model=model)
    choice(method, ("single", "exact", "sampled"), "method")
    p = _probabilities(network, probabilities)
    n, blank = len(network), np.isnan(p)

    def lost(failed: np.ndarray) -> np.ndarray:
        return joint_losses(network, model, failed, recovery, n_jobs=n_jobs, progress=progress)

    loss = lost(np.eye(n, dtype=bool))
    part = np.where(blank, np.nan, np.nan_to_num(p) * loss)
    reason = np.where(blank, UNKNOWN, "")
    table = pd.DataFrame(
        {"probability": p, "loss": loss, "contribution": part, "reason": reason}, network.names
    )
    known = float(np.nansum(part))
    value, error = known, 0.0
    if blank.any():
        value = error = float("nan")
    elif method == "exact":
        value = _enumerated(lost, p)
    elif method == "sampled":
        value, error = _sampled(lost, p, loss, samples, rng)
    return ExpectedLoss(value, error, known, method, table, network.unit)


def marginal_systemic_risk(
    network: ExposureNetwork,
    model: Model,
    probabilities: Probabilities,
    *,
    recovery: float = 0.0,
    exposures: Iterable[int] | None = None,
    exact: int = 20,
    n_jobs: int = 1,
    progress: bool = False,
) -> pd.DataFrame:
    """The contribution of each exposure to the expected systemic loss.

        ΔEL_k = Σ_i p_i (L_i(with k) − L_i(without k))
        first order:  a_k Σ_i p_i dL_i / da_k

    Removing a claim keeps all equities: the creditor gets the amount as external assets, and the
    debtor pays it from its external assets, or owes it outside if they are not sufficient
    (`with_amounts(…, keep="equity")`). The first order needs one run and one adjoint solve for each
    node with p > 0, for all exposures together. The exact difference needs one batch of runs for
    each exposure; it is computed for `exposures`, or for those with the largest first order.

    Parameters
    ----------
    network : any rules.
    model : with a gradient (see :func:`gradient`), or any model if `exposures` is given.
    probabilities, recovery : as in :func:`expected_systemic_loss`, method "single".
    exposures : rows of `network.exposures` for which the exact difference is computed.
    exact : number of exposures with an exact difference, if `exposures` is not given.
    n_jobs, progress : processes (-1 for all cores; does not change results), progress bar.

    Returns
    -------
    DataFrame, one row a claim: creditor, debtor, amount, first_order, exact (money), and the reason
    for a nan: no closed form in the amounts, no gradient, not run, or an unknown probability.

    Raises
    ------
    ModelError : for a model without a gradient if `exposures` is not given, and for rows that the
        network does not have.

    Example
    -------
    b (capital 4) lent 2 to a: the default of a (probability 10 %) costs b 2.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 2], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", equity=[5, 4])
    >>> found = marginal_systemic_risk(net, ct.DebtRank(), {"a": 0.1, "b": 0.0})
    >>> found[["first_order", "exact"]].round(9).values.tolist()
    [[0.2, 0.2]]

    Source: after Poledna & Thurner (2016), doi 10.1080/14697688.2016.1156146, the marginal effect
    of a transaction on systemic risk, base of their systemic risk tax (abstract read).
    """
    expect(network=network, model=model)
    p = _probabilities(network, probabilities)
    rows = _rows(network, exposures)
    table = network.exposures[["creditor", "debtor", "amount"]]
    empty = np.full(len(table), np.nan)
    if np.isnan(p).any():
        return table.assign(first_order=empty, exact=empty, reason=UNKNOWN)
    reason, first = np.full(len(table), "", object), empty
    if rows is None or differentiable(model):
        first = network.amount * _first_order(network, model, p, recovery)
        reason[np.isnan(first)] = RULE
    else:
        reason[:] = f"{type(model).__name__} has no gradient"
    if rows is None:
        size = np.nan_to_num(np.abs(first), nan=np.inf)
        rows = np.argsort(-size, kind="stable")[:exact]
    whole = empty.copy()
    whole[rows] = differences(network, model, p, recovery, rows, n_jobs=n_jobs, progress=progress)
    reason[np.isnan(whole) & (reason == "")] = LEFT_OUT
    return table.assign(first_order=first, exact=whole, reason=reason)


def _probabilities(network: ExposureNetwork, given: Probabilities) -> np.ndarray:
    """(n,) probabilities, nan if not known."""
    if isinstance(given, (Mapping, pd.Series)):
        p = np.full(len(network), np.nan)
        for node, value in given.items():
            p[network.position(node)] = value
    else:
        p = np.asarray(given, float)
    if p.shape != (len(network),):
        raise ModelError(
            f"probabilities have shape {p.shape}; give one number a node, {len(network)} in all, "
            "or {node: probability}."
        )
    wrong = (p < 0) | (p > 1)
    if wrong.any():
        who = listing(network.names[wrong])
        raise ModelError(f"The probability of {who} lies outside [0, 1] ({p[wrong][0]:g}).")
    return p


def _enumerated(lost: Lost, p: np.ndarray) -> float:
    """The expected loss over all sets of nodes that can default."""
    at = np.flatnonzero(p > 0)
    if len(at) > MOST:
        raise ModelError(
            f"{len(at)} nodes can fail: 2^{len(at)} sets are too many to enumerate (at most "
            f"{MOST} nodes). Use method='sampled'."
        )
    sets = (np.arange(2 ** len(at))[:, None] >> np.arange(len(at))) & 1 == 1
    chance = np.where(sets, p[at], 1.0 - p[at]).prod(axis=1)
    failed = np.zeros((len(sets), len(p)), bool)
    failed[:, at] = sets
    return float(chance @ lost(failed))


def _sampled(
    lost: Lost, p: np.ndarray, single: np.ndarray, samples: int, rng: Rng
) -> tuple[float, float]:
    """Value and standard error: single defaults are summed, sets of two or more sampled."""
    if samples < 2:
        raise ArgumentError(f"samples={samples}: at least 2.")
    before, after = _standing(p)
    alone = before * p * after
    several = float((before * p * (1.0 - after)).sum())
    value = float(alone @ single)
    if not several > 0:
        return value, 0.0
    failed = draw_several(p, samples, np.random.default_rng(rng))
    unique, times = np.unique(failed, axis=0, return_counts=True)
    loss = lost(unique)
    mean = float(times @ loss) / samples
    spread = float(times @ (loss - mean) ** 2) / (samples - 1)
    return value + several * mean, several * float(np.sqrt(spread / samples))


def _standing(p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n,) probabilities that no earlier node defaults, and that no later node defaults."""
    alive = np.concatenate([[1.0], 1.0 - p, [1.0]])
    return np.cumprod(alive)[:-2], np.cumprod(alive[::-1])[::-1][2:]


def draw_several(p: np.ndarray, samples: int, rng: np.random.Generator) -> np.ndarray:
    """(samples, n) independent defaults, conditional on at least two.

    The first node in default is drawn from `P(first = i, another later)`, the second from the
    distribution of the next default after it, the rest independently: no draw is rejected.

    >>> draw_several(np.array([0.01, 0.01, 0.0]), 2, np.random.default_rng(1)).tolist()
    [[True, True, False], [True, True, False]]
    """
    n, (before, after) = len(p), _standing(p)
    weight = before * p * (1.0 - after)
    first = rng.choice(n, samples, p=weight / weight.sum())
    hazard = np.cumsum(-np.log1p(-np.minimum(p, 1.0 - FLOOR)))
    reach = -np.expm1(hazard[first] - hazard[-1])
    target = hazard[first] - np.log1p(-reach * rng.random(samples))
    second = np.minimum(np.searchsorted(hazard, target), np.flatnonzero(p > 0)[-1])
    failed = rng.random((samples, n)) < p
    failed &= np.arange(n) > second[:, None]
    failed[np.arange(samples), first] = True
    failed[np.arange(samples), second] = True
    return failed


def _first_order(
    network: ExposureNetwork, model: Model, p: np.ndarray, recovery: float
) -> np.ndarray:
    """(m,) `Σ_i p_i dL_i / da_k`, all equities fixed."""
    capped = network.book.known & ~network.book.can_fail
    slope = np.zeros(len(network.amount))

    def slopes(shock: Shock, weights: np.ndarray) -> np.ndarray:
        result = solved(network, model, shock)
        gone = capped & (result.outcome.equity < 0)
        return np.asarray(differentiated(result, np.where(gone, 0.0, weights), "loss").funded)

    for i in np.flatnonzero(p > 0).tolist():
        others = np.arange(len(p)) != i
        slope += p[i] * slopes(Shock.default(network.names[i], recovery), others * 1.0)
    if (network.book.equity < 0).any():
        slope -= slopes(Shock(), p.sum() - p)
    return slope


def _rows(network: ExposureNetwork, exposures: Iterable[int] | None) -> np.ndarray | None:
    if exposures is None:
        return None
    rows = np.asarray(list(exposures), np.int64)
    wrong = rows[(rows < 0) | (rows >= len(network.amount))]
    if len(wrong):
        raise ModelError(
            f"There is no exposure {wrong[0]}: the rows of network.exposures are 0 to "
            f"{len(network.amount) - 1}."
        )
    return rows


DEFINITIONS = (
    Measure(
        "expected_systemic_loss",
        "Σ_i p_i L_i, L_i the default impact of i",
        "money",
        "after Poledna & Thurner (2016), Quantitative Finance; independent defaults",
        scope="system",
    ),
    Measure(
        "marginal_systemic_risk",
        "Σ_i p_i (L_i(with k) − L_i(without k)), all equities held",
        "money",
        "after Poledna & Thurner (2016), Quantitative Finance",
        scope="exposure",
    ),
)
