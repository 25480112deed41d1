"""Impact and vulnerability: each node defaults once, and the losses of the others are summed."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from ..errors import ConvergenceError, ShockError, expect
from ..kernels.allnodes import EachDefault
from ..models.base import Model
from ..models.node_values import Weights, node_values
from ..network.exposure_network import ExposureNetwork
from ..network.hit import Hit
from ..parallel import each
from ..records import Table
from ..results.ledger import entries
from ..results.outcome import Outcome
from ..results.run_arrays import claim_losses
from .impact_definitions import DEFINITIONS as DEFINITIONS
from .reach import FEW, reached, separable
from .registry import beside, scored

CHUNK = 2**22  # entries of the loss matrix held at a time
ROUNDING = 1e-9  # cascade losses below this part of the direct loss are rounding errors
SOLVENT = 1e-9  # remaining equity over total assets above which a node is clearly solvent

Reasons = dict[str, np.ndarray]
Values = dict[str, tuple[np.ndarray, Reasons]]  # values (n,) of measures, and why they are nan


@runtime_checkable
class AllAtOnce(Protocol):
    """A model that computes the losses of all single defaults without a run for each."""

    def each_default(
        self, network: ExposureNetwork, recovery: float, value: np.ndarray
    ) -> EachDefault | None:
        """The losses of every default; `None` if runs are needed."""


def each_default(
    network: ExposureNetwork,
    model: Model,
    *,
    recovery: float = 0.0,
    weights: Weights | None = None,
    more: bool = False,
    n_jobs: int = 1,
    progress: bool = False,
) -> Table:
    """Let each node default once, exogenously, and sum the losses of the others.

    Losses ℓ(j|i) are relative to the run without shock and capped at the equity of j. The loss of a
    node with unknown capital is not capped; it counts in amounts, not in the indices. Linear
    DebtRank is not run n times but computed for all nodes together, to 1e-8 of total equity.

    Parameters
    ----------
    network, model : any model.
    recovery : recovery rate on claims on the defaulting node, in [0, 1].
    weights : adds the column `debtrank` with these weights, see :class:`~contagion.DebtRank`.
    more : adds the indices without cap, the direct and the cascade part of the impact and their
        ratio.
    n_jobs, progress : processes (-1 for all cores; does not change results); progress bar for runs.

    Returns
    -------
    Table : one row a node: for models that settle claims socialized_caused, socialized_suffered
    (money); default_impact (money, the loss of owners inside the graph), contagion_index (%),
    vulnerability_index (%), induced_defaults, hazard (%), loss_suffered (money, sum over all
    triggers); with `more` contagion_index_uncapped, vulnerability_index_uncapped (%),
    direct_impact, cascade_impact (money), amplification. `definitions` has the formulas. Undefined
    values are nan, and `reasons` is {column: {node: why}}.

    Raises
    ------
    ShockError : for a recovery outside [0, 1].
    ConvergenceError : when a run does not reach the tolerance of the model.

    Example
    -------
    b (capital 3) has a claim of 10 on a; c (capital 1) has no claims. The default of a costs 3 of
    their total capital of 4.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix(
    ...     [[0, 10, 0], [0, 0, 0], [0, 0, 0]], ["a", "b", "c"], orientation="debtor->creditor",
    ...     equity=[1, 3, 1])
    >>> table = each_default(net, ct.models.Furfine())
    >>> table.loc["a", ["default_impact", "contagion_index"]].tolist()
    [3.0, 75.0]
    >>> each_default(net, ct.models.Furfine(), more=True).loc["a", "contagion_index_uncapped"]
    np.float64(250.0)
    """
    expect(network=network, model=model)
    if not 0 <= recovery <= 1:
        raise ShockError(f"recovery is {recovery}; it has to lie in [0, 1].")
    base = model.solve(network, np.zeros(len(network)))
    value = np.zeros(len(network)) if weights is None else node_values(network, weights)
    found, social = None, None
    if isinstance(model, AllAtOnce):
        found = model.each_default(network, recovery, value)
    if found is None:
        found, social = _run(network, model, base, recovery, value, n_jobs, progress)
    capital = np.maximum(base.equity, 0.0)
    values = _usual(network, capital, found)
    if weights is not None:
        usual = isinstance(weights, str) and weights == "equity"
        none = "no node has equity" if usual else "no node has a weight"
        blank = np.full(len(network), not value.any())
        values["debtrank"] = (found.distress, {none: blank})
    if social is not None or more:
        n, name = len(network), type(model).__name__
        why = {f"{name} does not settle claims": np.full(n, social is None)}
        caused, suffered = np.zeros((2, n)) if social is None else social
        both = {"socialized_caused": (caused, why), "socialized_suffered": (suffered, why)}
        values = both | values
    if more:
        values |= _more(network, capital, found, _direct(network, base, recovery, capital))
    return beside({name: scored(name, x, network.names, why) for name, (x, why) in values.items()})


def _usual(network: ExposureNetwork, capital: np.ndarray, found: EachDefault) -> Values:
    n, known = len(network), np.nan_to_num(capital)
    others = known.sum() - known
    with np.errstate(invalid="ignore", divide="ignore"):
        contagion = 100.0 * found.known_impact / others
        vulnerability = 100.0 * found.suffered / ((n - 1) * known)
        hazard = 100.0 * found.failures / max(n - 1, 1)
    return {
        "default_impact": (found.impact, {}),
        "contagion_index": (contagion, {"no other node has capital": ~(others > 0)}),
        "vulnerability_index": (vulnerability, _no_own(capital)),
        "induced_defaults": (found.induced, {}),
        "hazard": (hazard, {"it cannot fail": ~network.book.can_fail}),
        "loss_suffered": (found.suffered, {}),
    }


def _no_own(capital: np.ndarray) -> Reasons:
    """Reasons why an index relative to the capital (n,) of a node is not defined."""
    none = ~(np.nan_to_num(capital) > 0)
    alone = np.full(len(capital), len(capital) < 2)
    unknown = np.isnan(capital)
    return {"capital is not known": unknown, "no capital to lose": none, "no other node": alone}


def _more(
    network: ExposureNetwork,
    capital: np.ndarray,
    found: EachDefault,
    direct: np.ndarray,
) -> Values:
    n, known = len(network), np.nan_to_num(capital)
    others = known.sum() - known
    cascade = found.impact - direct
    cascade = np.where(np.abs(cascade) > ROUNDING * direct, cascade, 0.0)
    first = {"guarantees pass the first loss on": np.full(n, network.guarantees is not None)}
    with np.errstate(invalid="ignore", divide="ignore"):
        contagion = 100.0 * found.uncapped / others
        vulnerability = 100.0 * found.suffered_uncapped / ((n - 1) * known)
        ratio = cascade / direct
    return {
        "contagion_index_uncapped": (contagion, {"no other node has capital": ~(others > 0)}),
        "vulnerability_index_uncapped": (vulnerability, _no_own(capital)),
        "direct_impact": (direct, first),
        "cascade_impact": (cascade, first),
        "amplification": (ratio, {**first, "no node loses on it directly": ~(direct > 0)}),
    }


def _direct(
    network: ExposureNetwork, base: Outcome, recovery: float, before: np.ndarray
) -> np.ndarray:
    """(n,) losses of the creditors of each trigger on it, at most their equity."""
    n = np.int64(len(network))
    lost = np.maximum((1.0 - recovery) * network.amount - claim_losses(network, base), 0.0)
    pair, at = np.unique(network.debtor * n + network.creditor, return_inverse=True)
    borne = np.bincount(at, lost, len(pair))
    room = before[pair % n]
    return np.bincount(pair // n, np.where(np.isnan(room), borne, np.minimum(borne, room)), int(n))


def _run(
    network: ExposureNetwork,
    model: Model,
    base: Outcome,
    recovery: float,
    value: np.ndarray,
    n_jobs: int,
    progress: bool,
) -> tuple[EachDefault, tuple[np.ndarray, np.ndarray] | None]:
    """Run every default; models that settle claims also give the socialized loss, both ways."""
    n, book = len(network), network.book
    before = np.maximum(base.equity, 0.0)
    known = ~np.isnan(before)
    share = np.where(before > 0, value / np.where(before > 0, before, 1.0), 0.0)
    settled = base.external_paid is not None
    impact, known_impact, distress, uncapped, caused = np.zeros((5, n))
    suffered, suffered_uncapped, socialized = np.zeros((3, n))
    induced, failures = np.zeros((2, n), np.int64)

    def count(
        triggers: np.ndarray, gross: np.ndarray | csr_array, loss: np.ndarray | csr_array
    ) -> None:
        impact[triggers] = loss.sum(axis=1)
        known_impact[triggers] = loss @ known
        distress[triggers] = loss @ share
        uncapped[triggers] = gross @ known
        suffered[:] += loss.sum(axis=0)
        suffered_uncapped[:] += gross.sum(axis=0)

    rest = np.arange(n)
    if model.spreads_by_default_only:
        quiet, gross = _quiet(network, base, recovery)
        end = np.maximum((base.equity[gross.indices] - gross.data), 0.0)
        data = np.where(known[gross.indices], before[gross.indices] - end, gross.data)
        loss = csr_array((data, gross.indices, gross.indptr), shape=gross.shape)
        count(quiet, gross, loss)
        borne = np.where(book.can_fail[gross.indices], data, gross.data)  # other nodes: no cap
        passed = csr_array((borne, gross.indices, gross.indptr), shape=gross.shape)
        caused[quiet] = passed.sum(axis=1) + (1.0 - recovery) * book.stated_liabilities[quiet]
        socialized += passed.sum(axis=0)
        rest = np.setdiff1d(rest, quiet)
    if len(rest) * n > FEW and separable(network, model):
        for part in reached(network, model, base, rest, recovery):
            k, node, own = len(part.triggers), part.node, part.node == part.triggers[part.of]
            more = np.where(own, 0.0, part.lost - part.lost_before)
            capital = np.maximum(part.before, 0.0)
            fall = np.where(known[node], capital - np.maximum(part.equity, 0.0), more)
            fall, new = np.where(own, 0.0, fall), part.new & ~own
            rows = np.append(0, np.cumsum(np.bincount(part.of, minlength=k)))
            both = (csr_array((data, node, rows), shape=(k, n)) for data in (more, fall))
            count(part.triggers, *both)
            induced[part.triggers] = np.bincount(part.of, new, k)
            failures += np.bincount(node, new, n).astype(np.int64)
            if part.borne is not None:
                caused[part.triggers] = np.bincount(part.of, part.borne, k)
                socialized += np.bincount(node, np.where(own, 0.0, part.borne), n)
            rest = np.setdiff1d(rest, part.triggers)
    parts = _chunks(rest, n)
    tasks = [(model, network, triggers, recovery) for triggers in parts]
    outcomes = each(
        _defaulting, tasks, n_jobs=n_jobs, progress=progress, label=type(model).__name__
    )
    for triggers, outcome in zip(parts, outcomes, strict=True):
        here = (np.arange(len(triggers)), triggers)
        if not np.all(outcome.converged):
            raise ConvergenceError(
                f"{type(model).__name__} did not reach its tolerance for "
                f"{int((~outcome.converged).sum())} of {len(triggers)} defaults. Raise max_rounds."
            )
        gross = outcome.lost - base.lost
        gross[here] = 0.0
        loss = np.where(known, before - np.maximum(outcome.equity, 0.0), gross)
        loss[here] = 0.0
        new = outcome.defaulted & ~base.defaulted
        new[here] = False
        count(triggers, gross, loss)
        induced[triggers] = new.sum(axis=1)
        failures += new.sum(axis=0)
        if settled:
            pins = _pins(network, triggers, recovery)
            ledger = entries(network, outcome, base, Hit(np.zeros_like(pins), pins))
            caused[triggers] = ledger.socialized
            passed = ledger.contagion + ledger.outside
            passed[here] = 0.0
            socialized += passed.sum(axis=0)
    found = EachDefault(
        impact, known_impact, distress, uncapped, suffered, suffered_uncapped, induced, failures
    )
    return found, (caused, socialized) if settled else None


def _quiet(
    network: ExposureNetwork, base: Outcome, recovery: float
) -> tuple[np.ndarray, csr_array]:
    """Triggers whose creditors all stay solvent, for models where only defaults spread losses.

    Returns the triggers and the losses of every node on them, (triggers, n).
    """
    book, claims = network.book, network.liabilities
    own_rates = "lgd" in network._columns
    if network.guarantees is not None or network.shareholdings is not None or own_rates:
        return np.empty(0, np.int64), claims[:0]
    gross = csr_array(((1.0 - recovery) * claims.data, claims.indices, claims.indptr), claims.shape)
    left = base.equity[gross.indices] - gross.data
    scale = (book.claims + network.segments.due)[gross.indices]
    fails = book.can_fail[gross.indices] & ~(left > SOLVENT * scale)
    debtor = np.repeat(np.arange(len(network)), np.diff(gross.indptr))
    loud = base.defaulted | (np.bincount(debtor, fails, len(network)) > 0)
    loud |= np.bincount(network.debtor, claim_losses(network, base), len(network)) > 0
    quiet = np.flatnonzero(~loud)
    return quiet, csr_array(gross[quiet])


def _chunks(triggers: np.ndarray, n: int) -> list[np.ndarray]:
    """The triggers in batches whose losses fit into memory."""
    size = max(1, CHUNK // max(n, 1))
    return [triggers[first : first + size] for first in range(0, len(triggers), size)]


def _defaulting(
    model: Model, network: ExposureNetwork, triggers: np.ndarray, recovery: float
) -> Outcome:
    """The outcome (k, n) of the default of each trigger (k,)."""
    pins = _pins(network, triggers, recovery)
    return model.solve(network, np.zeros_like(pins), pins)


def _pins(network: ExposureNetwork, triggers: np.ndarray, recovery: float) -> np.ndarray:
    """(k, n) the recovery rate of each trigger in its own run, nan for the others."""
    pins = np.full((len(triggers), len(network)), np.nan)
    pins[np.arange(len(triggers)), triggers] = recovery
    return pins


def rounds_of_contagion(
    network: ExposureNetwork,
    model: Model,
    *,
    recovery: float = 0.0,
    n_jobs: int = 1,
    progress: bool = False,
) -> pd.Series:
    """Rounds until the last further default after the default of a node; 0 without any.

    For clearing models a round is one wave of defaults, cleared to its fixed point.

    Example
    -------
    a owes b 10, b (capital 3) owes c 6, c has capital 4: b defaults in round 1 and c in round 2.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix(
    ...     [[0, 10, 0], [0, 0, 6], [0, 0, 0]], ["a", "b", "c"], orientation="debtor->creditor",
    ...     equity=[1, 3, 4])
    >>> rounds_of_contagion(net, ct.models.Furfine()).tolist()
    [2, 1, 0]
    """
    expect(network=network, model=model)
    model._usable(network)
    n = len(network)
    tasks = [(model, network, triggers, recovery) for triggers in _chunks(np.arange(n), n)]
    label = type(model).__name__
    last = each(_last_round, tasks, n_jobs=n_jobs, progress=progress, label=label)
    rounds = np.concatenate([np.zeros(0, np.int64), *last])
    return pd.Series(rounds, network.names, name="rounds_of_contagion")


def _last_round(
    model: Model, network: ExposureNetwork, triggers: np.ndarray, recovery: float
) -> np.ndarray:
    """(k,) the last round of the cascade of each trigger; the trigger itself is in round 0."""
    pins = _pins(network, triggers, recovery)
    outcome = model.run(network, np.zeros_like(pins), pins, trace="rounds")
    assert outcome.default_round is not None
    return np.asarray(outcome.default_round.max(axis=1))
