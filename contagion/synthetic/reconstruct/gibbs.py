"""Bayesian reconstruction: networks drawn from the posterior given the margins."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from ...errors import ArgumentError, NetworkError
from ...parallel import bar
from ...text import listing, money, plural
from ...vocabulary import Rng
from ._cells import FLOW, Problem
from ._cycles import along_links, sweep
from ._links import calibrated
from ._memory import require_memory
from ._repair import repaired
from ._scaling import balanced
from .diagnostics import effective_sample_size
from .ensemble import Ensemble, gathered, reconstructed
from .entropy import matrix
from .fitness import asked
from .margins import Margins

GAIN = 30.0  # steps after which the calibration slows down


@dataclass(frozen=True)
class Beta:
    """Prior of one link probability for all cells: p ~ Beta(a, b), mean a / (a + b)."""

    a: float = 1.0
    b: float = 1.0


@dataclass(frozen=True)
class Gamma:
    """Prior of one rate for all cells, 1 / money: λ ~ Gamma(shape, rate), mean shape / rate."""

    shape: float
    rate: float


@reconstructed
def gibbs(
    margins: Margins,
    *,
    density: float | None = None,
    link_probability: float | Beta | Any | None = None,
    odds: Literal["equal", "fitness"] = "equal",
    rate: float | Gamma | Any | None = None,
    samples: int = 100,
    thin: int = 40,
    burn_in: int = 1000,
    rng: Rng = None,
    progress: bool = False,
) -> Ensemble:
    """Networks drawn from the posterior distribution given the margins.

    The prior of every claim is a link with probability p_ij and then an exponential amount,

        X_ij = 0 with 1 − p_ij,   X_ij ~ Exp(λ_ij) with p_ij,   independent,

    conditioned on all margins and known cells. A Gibbs sampler moves money round cycles of cells
    (i_1, j_1), (i_1, j_2), (i_2, j_2) … (i_k, j_1), which keeps every sum; the amount is drawn from
    its conditional distribution, which has atoms where a cell becomes empty. One step does that
    in all blocks of a random partition of rows and columns into groups of k, k = 2, 3, … with
    probability 1/2, 1/4, …, and then in blocks that are spanned by two links, of all nodes in
    random pairs, for sparse networks.

    Margins that are round numbers can coincide with sums of others. Then networks that use the
    coincidence have all the posterior weight, as they should where the sums are equal in truth;
    where they are by rounding, give figures with more digits.

    Parameters
    ----------
    margins : what is known. Known cells stay; they count where p or λ have a prior.
    density : links / (n (n − 1)) that the samples shall have on average: during `burn_in` the odds
        p / (1 − p) of all cells are moved together until they do, as near as that many steps
        get. Or
    link_probability : p, a number, (n, n) in the order of the margins (creditor × debtor), or
        :class:`Beta` for a prior (Erdős–Rényi with unknown p). With a fixed p the density of the
        samples differs from p, because the margins say something about it.
    odds : with `density`, odds that are "equal" for all cells, or in proportion to
        claims_i debts_j as in the fitness model.
    rate : λ in 1 / money, a number, (n, n), or :class:`Gamma`. By default Σ p_ij / Σ claims, so
        that the prior expects the money there is; with `Beta` by the mean of p.
    samples, thin, burn_in : networks to keep, steps between two of them, and steps before the
        first. See `.diagnostics` of the ensemble for what they are worth.
    rng : seed or generator, as of `numpy.random.default_rng`.
    progress : show a progress bar.

    Returns
    -------
    Ensemble
        With `.trace`: links, the sum of squared shares of all claims (`concentration`), and
        `probability` and `rate` of every sample where they have a prior. `.notes` says where the
        density asked is not met.

    Raises
    ------
    NetworkError : where the density cannot be, a probability or rate is none, and where no network
        uses cells with p > 0 only, or has all those with p = 1; where there are more pairs than
        memory is free for: 250 bytes each, 6 GB for 5,000 nodes.
    ArgumentError : Unless exactly one of `density` and `link_probability` is given, and for other
        options that mean nothing.

    Example
    -------
    >>> import contagion as ct
    >>> from contagion.synthetic import reconstruct
    >>> margins = reconstruct.Margins(["a", "b", "c"], claims=[3, 2, 1.5], debts=[2.2, 2.4, 1.9])
    >>> draws = reconstruct.gibbs(margins, link_probability=0.5, samples=50, rng=7)
    >>> len(draws), draws.margin_errors.max() < 1e-9, set(draws.links.tolist()) <= {5, 6}
    (50, np.True_, True)

    Source: Gandy and Veraart (2017), Management Science 63(12), 4428-4446. The abstract and the
    documentation of their R package systemicrisk were read, the equations of the paper were not;
    the conditional distribution is derived from the prior. The blocks, and the
    calibration to a density, are of this package.
    """
    if (density is None) == (link_probability is None):
        raise ArgumentError("Give one of density= and link_probability=.")
    if min(samples, thin) < 1 or burn_in < 0 or odds not in ("equal", "fitness"):
        raise ArgumentError(
            f"samples={samples}, thin={thin}, burn_in={burn_in}, odds={odds!r}: take samples and "
            'thin ≥ 1, burn_in ≥ 0, and odds "equal" or "fitness".'
        )
    problem = margins._problem
    generator = np.random.default_rng(rng)
    prior = _prior(margins, problem, density, link_probability, odds, rate)
    chain = _Chain(margins, problem, prior, generator)
    kept, rows = [], []
    with bar(progress, "chain", burn_in + samples * thin, "step") as move:
        chain.run(burn_in, settling=True)
        move(burn_in)
        for _ in range(samples):
            chain.run(thin)
            move(thin)
            row, column = np.nonzero(chain.state > 0)
            kept.append((row, column, chain.state[row, column]))
            rows.append(chain.record())
    part = f"density {density:g}, {odds} odds" if density is not None else "given prior"
    said = f"Gibbs sampler, {part}, every {thin} steps after {burn_in}"
    trace = pd.DataFrame(rows)
    notes = (*prior.notes(), *_missed(margins, trace["links"].to_numpy(), density))
    return gathered(margins, problem, said, kept, trace=trace, notes=notes)


def _missed(margins: Margins, links: np.ndarray, density: float | None) -> tuple[str, ...]:
    """Say where the samples (S,) have another density than asked, beyond what chance explains."""
    if density is None:
        return ()
    want, mean = density * len(margins) * (len(margins) - 1), float(links.mean())
    worth = effective_sample_size(links)  # nan: the chain never moves
    chance = 0.0 if np.isnan(worth) else 4 * float(np.std(links)) / np.sqrt(worth)
    if abs(mean - want) <= max(chance, 0.02 * want, 1.0):
        return ()
    both = np.intersect1d(margins.claims[margins.claims > 0], margins.debts[margins.debts > 0])
    why = (
        f"{plural(len(both), 'amount')} among the claims {'is' if len(both) == 1 else 'are'} also "
        "among the debts. Margins that coincide hold the density where it is; figures with more "
        "digits free it."
        if len(both)
        else "The margins, or sums of them that coincide, hold it there, or burn_in is too short."
    )
    return (
        f"the density asked is not met: {mean:,.4g} links in the mean where {want:,.4g} were "
        f"asked. {why}",
    )


@dataclass
class _Prior:
    """Log odds of links and rates of the cells, and what of them is not fixed."""

    log_odds: np.ndarray  # (n, n)
    rate: np.ndarray | float
    target: float | None = None  # links besides the known ones
    beta: Beta | None = None
    gamma: Gamma | None = None
    follows: bool = False  # the rate goes with the probabilities
    money: float = 0.0

    def settle(self, live: np.ndarray) -> None:
        """The rate that goes with the probabilities of now."""
        if self.follows:
            self.rate = float(expit(self.log_odds[live]).sum()) / self.money

    def notes(self) -> tuple[str, ...]:
        if self.target is None:
            return ()
        mean = float(expit(self.log_odds[np.isfinite(self.log_odds)]).mean())
        return (f"mean prior link probability {mean:.4g} for the density asked",)


def _prior(
    margins: Margins,
    problem: Problem,
    density: float | None,
    probability: Any,
    odds: str,
    rate: Any,
) -> _Prior:
    require_memory("The Gibbs sampler keeps an amount of every pair", problem.count, FLOW)
    live = problem.live
    total = max(float(problem.supply.sum()), 1e-300)
    prior = _Prior(np.where(live, 0.0, -np.inf), 0.0, money=total, follows=rate is None)
    if density is not None:
        prior.target = asked(margins, density, None)
        every = np.arange(len(live))
        if prior.target >= problem.count:
            prior.log_odds = np.where(live, np.inf, -np.inf)
        elif odds == "fitness":
            prior.log_odds = calibrated(problem, prior.target).at(every[:, None], every)
        else:
            prior.log_odds = prior.log_odds + logit(prior.target / problem.count)
    elif isinstance(probability, Beta):
        prior.beta = probability
        _positive(probability.a, "a"), _positive(probability.b, "b")
        prior.log_odds = prior.log_odds + np.log(probability.a / probability.b)
    else:
        chance = matrix(probability, margins, problem, "link_probability")
        if (chance > 1).any():
            raise NetworkError(f"link_probability is {chance.max():g}: a number from 0 to 1.")
        with np.errstate(divide="ignore"):
            prior.log_odds = np.where(live, np.log(chance) - np.log1p(-chance), -np.inf)
    prior.settle(live)
    if isinstance(rate, Gamma):
        prior.gamma, prior.rate = (
            rate,
            _positive(rate.shape, "shape") / _positive(rate.rate, "rate"),
        )
    elif rate is not None:
        table = matrix(rate, margins, problem, "rate")
        _positive(float(table[live].min(initial=np.inf)), "rate")
        prior.rate = float(table[0, 0]) if np.ndim(rate) == 0 else table
    prior.follows = prior.follows and prior.beta is None
    return prior


def _positive(value: float, what: str) -> float:
    if not value > 0:
        raise NetworkError(f"{what}={value:g}: a number > 0 is needed.")
    return value


class _Chain:
    """The state of the sampler: money (n, n), −1 in cells that never hold any."""

    def __init__(self, margins: Margins, problem: Problem, prior: _Prior, rng: np.random.Generator):
        self.problem, self.prior, self.rng = problem, prior, rng
        self.live = problem.live & (prior.log_odds > -np.inf)
        row, column = np.nonzero(self.live)
        even = problem.supply[row] * problem.demand[column]
        found = balanced(row, column, even, problem.supply, problem.demand)
        names = margins.names.to_numpy(object)[problem.order]
        if not found.complete:
            raise NetworkError(
                "No network uses only cells with a probability > 0: "
                f"{money(float(found.surplus.sum()), margins.unit)} of claims of "
                f"{listing(names[found.surplus > 0])} has no cell. Raise some probabilities."
            )
        surely = np.isposinf(prior.log_odds[row, column]) & (found.amount <= 0)
        if surely.any():
            at = int(np.flatnonzero(surely)[0])
            raise NetworkError(
                f"The claim of {str(names[row[at]])!r} on {str(names[column[at]])!r} has "
                "probability 1 and is zero in every network with these margins. Lower it."
            )
        hit = rng.random(len(row)) < expit(prior.log_odds[row, column])
        start, _ = repaired(
            replace(problem, closed=np.flatnonzero(~self.live)), row[hit], column[hit],
            lambda i, j: problem.supply[i] * problem.demand[j],
            lambda i, j: np.where(self.live[i, j], prior.log_odds[i, j], -np.inf), rng,
        )  # fmt: skip
        self.state = np.where(self.live, 0.0, -1.0)
        self.state[start[0], start[1]] = start[2]
        self.size = tuple(np.log(np.maximum(m, 1e-300)) for m in (problem.supply, problem.demand))
        self.known, self.shift = problem.known_amount, 0.0
        self.probability = prior.beta.a / (prior.beta.a + prior.beta.b) if prior.beta else np.nan
        self.cells = int(self.live.sum()) + len(self.known)

    @property
    def links(self) -> int:
        """Links, known ones included."""
        return int((self.state > 0).sum() + (self.known > 0).sum())

    def run(self, steps: int, *, settling: bool = False) -> None:
        """Steps of the chain; while it settles the odds move until the density is right."""
        n, prior = len(self.state), self.prior
        fixed = prior.beta is None and prior.gamma is None
        if fixed and (n < 3 or not self.live.any()):
            return
        moving = settling and prior.target is not None and np.isfinite(prior.log_odds).any()
        edge, shifts = self._edge(), []
        longest = np.minimum(1 + self.rng.geometric(0.5, size=steps), n)
        for step, k in enumerate(longest):
            rate = prior.rate if isinstance(prior.rate, np.ndarray) else None
            turned = None if rate is None else rate.T
            sweep(self.state, edge, rate, int(k), self.rng)
            for size, x, w, r in (
                (self.size[0], self.state, edge, rate),
                (self.size[1], self.state.T, edge.T, turned),
            ):
                along_links(x, w, r, size, self.rng, by_money=False)
                along_links(x, w, r, size, self.rng, by_money=True)
            if moving:
                shifts.append(self._move(step))
            elif not fixed:
                self._update()
            if moving or not fixed:
                edge = self._edge()
        if shifts:
            tail = shifts[len(shifts) // 2 :]
            prior.log_odds = prior.log_odds + (float(np.mean(tail)) - shifts[-1])
            prior.settle(self.live)

    def _edge(self) -> np.ndarray:
        """(n, n) log of (1 − p) / (p λ)."""
        rate = np.where(self.live, self.prior.rate, 1.0)
        return np.asarray(-self.prior.log_odds - np.log(rate))

    def _move(self, step: int) -> float:
        """A step of Robbins and Monro towards the density asked; returns the shift so far."""
        prior = self.prior
        assert prior.target is not None
        missing = prior.target - float((self.state > 0).sum())
        spread = 0.3 * max(min(prior.target, float(self.live.sum()) - prior.target), 1.0)
        move = float(np.clip(missing / spread, -3.0, 3.0)) / (GAIN + step)
        prior.log_odds = prior.log_odds + move
        prior.settle(self.live)
        self.shift += move
        return self.shift

    def _update(self) -> None:
        """Draw p and λ, given the network."""
        prior, links = self.prior, self.links
        if prior.beta is not None:
            drawn = self.rng.beta(prior.beta.a + links, prior.beta.b + self.cells - links)
            self.probability = p = min(max(drawn, 1e-12), 1 - 1e-12)
            prior.log_odds = np.where(self.live, np.log(p) - np.log1p(-p), -np.inf)
        if prior.gamma is not None:
            money_ = prior.money + float(self.known.sum())
            prior.rate = self.rng.gamma(prior.gamma.shape + links) / (prior.gamma.rate + money_)

    def record(self) -> dict[str, float]:
        """Statistics of the state of now."""
        held = np.concatenate([self.state[self.state > 0], self.known])
        row = {"links": float(self.links), "concentration": float((held**2).sum())}
        row["concentration"] /= max(float(held.sum()) ** 2, 1e-300)
        if self.prior.beta is not None:
            row["probability"] = self.probability
        if self.prior.gamma is not None:
            row["rate"] = float(np.max(self.prior.rate))
        return row
