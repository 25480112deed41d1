"""Bayesian reconstruction: networks drawn from the posterior conditional on the margins."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.special import logit

from ...errors import ArgumentError, NetworkError
from ...parallel import bar
from ...text import listing, money, plural
from ...vocabulary import Rng
from ._cells import FLOW, Problem
from ._cycles import along_links, sweep
from ._links import GivenOdds, Odds, calibrated
from ._memory import require_memory
from ._repair import repaired
from ._scaling import balanced
from ._state import Look, State
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
    """Prior of one rate for all cells, 1 / amount: λ ~ Gamma(shape, rate), mean shape / rate."""

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
    """Networks drawn from the posterior distribution, conditional on the margins.

    The prior of every claim is a link with probability p_ij and then an exponential amount,

        X_ij = 0 with 1 − p_ij,   X_ij ~ Exp(λ_ij) with p_ij,   independent,

    conditioned on all margins and known cells. A Gibbs sampler moves amounts along cycles of cells
    (i_1, j_1), (i_1, j_2), (i_2, j_2) … (i_k, j_1), which keeps every sum. The amount is drawn from
    its conditional distribution, which has atoms where a cell becomes empty. A step does this in
    all blocks of a random partition of rows and columns into groups of k, k = 2, 3, … with
    probability 1/2, 1/4, …. For sparse networks it then does so in blocks that are spanned by two
    links, for all nodes in random pairs. Memory and time per step grow with the number of links,
    not of pairs, unless probabilities or rates are given for single cells.

    Margins that are round numbers can coincide with sums of others. Then networks that use the
    coincidence have all the posterior weight. This is correct if the sums are really equal; if they
    are equal only because of rounding, give figures with more digits.

    Parameters
    ----------
    margins : the known totals and exposures. Known cells are kept; they count where p or λ have a
        prior.
    density : target for the mean of links / (n (n − 1)) over the samples. During `burn_in` the odds
        p / (1 − p) of all cells are moved together towards this target. Or
    link_probability : p, a number, (n, n) in the order of the margins (creditor × debtor), or
        :class:`Beta` for a prior (Erdős–Rényi with unknown p). With a fixed p the density of the
        samples differs from p, because the margins contain information about it.
    odds : with `density`, odds that are "equal" for all cells, or in proportion to
        claims_i debts_j as in the fitness model.
    rate : λ in 1 / amount, a number, (n, n), or :class:`Gamma`. By default Σ p_ij / Σ claims, so
        that the prior mean of all claims is their total; with `Beta` at the mean of p.
    samples, thin, burn_in : networks to keep, steps between two of them, and steps before the
        first. See `.diagnostics` of the ensemble for the effective sample size.
    rng : seed or generator, as of `numpy.random.default_rng`.
    progress : show a progress bar.

    Returns
    -------
    Ensemble
        With `.trace`: links, the sum of squared shares of all claims (`concentration`), and
        `probability` and `rate` of every sample where they have a prior. `.notes` says whether the
        target density is missed.

    Raises
    ------
    NetworkError : where the density is not possible, a probability or rate is not valid, and where
        no network uses only cells with p > 0, or has all those with p = 1; where a table of
        probabilities needs more than the free memory, 250 bytes per pair.
    ArgumentError : Unless exactly one of `density` and `link_probability` is given, and for invalid
        values of other options.

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
    chain = _Chain(margins, prior, generator)
    kept, rows = [], []
    with bar(progress, "chain", burn_in + samples * thin, "step") as move:
        chain.run(burn_in, settling=True)
        move(burn_in)
        for _ in range(samples):
            chain.run(thin)
            move(thin)
            kept.append(chain.state.cells())
            rows.append(chain.record())
    part = f"density {density:g}, {odds} odds" if density is not None else "given prior"
    said = f"Gibbs sampler, {part}, every {thin} steps after {burn_in}"
    trace = pd.DataFrame(rows)
    notes = (*prior.notes(), *_missed(margins, trace["links"].to_numpy(), density))
    return gathered(margins, problem, said, kept, trace=trace, notes=notes)


def _missed(margins: Margins, links: np.ndarray, density: float | None) -> tuple[str, ...]:
    """A note if the density of the samples (S,) misses the target by more than sampling error."""
    if density is None:
        return ()
    want, mean = density * len(margins) * (len(margins) - 1), float(links.mean())
    worth = effective_sample_size(links)  # nan: the chain is constant
    chance = 0.0 if np.isnan(worth) else 4 * float(np.std(links)) / np.sqrt(worth)
    if abs(mean - want) <= max(chance, 0.02 * want, 1.0):
        return ()
    both = np.intersect1d(margins.claims[margins.claims > 0], margins.debts[margins.debts > 0])
    why = (
        f"{plural(len(both), 'amount')} among the claims {'is' if len(both) == 1 else 'are'} also "
        "among the debts. Margins that coincide determine the density; give figures with more "
        "digits."
        if len(both)
        else "The margins, or sums of them that coincide, determine it, or burn_in is too short."
    )
    return (
        f"the target density is not met: {mean:,.4g} links on average, {want:,.4g} were asked "
        f"for. {why}",
    )


@dataclass
class _Prior:
    """Odds of links and rates of the cells, with the priors of those that are not fixed."""

    odds: Odds | GivenOdds
    rate: float
    rates: np.ndarray | None = None  # (n, n), where they differ
    target: float | None = None  # links besides the known ones
    beta: Beta | None = None
    gamma: Gamma | None = None
    follows: bool = False  # the rate is derived from the probabilities
    money: float = 0.0

    def settle(self) -> None:
        """Derive the rate from the current probabilities."""
        if self.follows:
            self.rate = self.odds.expected() / self.money

    def move(self, log_z: float) -> None:
        """Change the odds of all cells together."""
        assert isinstance(self.odds, Odds)
        self.odds = replace(self.odds, log_z=log_z)

    def notes(self) -> tuple[str, ...]:
        if self.target is None:
            return ()
        mean = self.odds.expected() / max(self.odds.problem.count, 1)
        return (f"mean prior link probability {mean:.4g} for the target density",)


def _prior(
    margins: Margins,
    problem: Problem,
    density: float | None,
    probability: Any,
    odds: str,
    rate: Any,
) -> _Prior:
    total = max(float(problem.supply.sum()), 1e-300)
    prior = _Prior(Odds(problem, equal=True), 0.0, money=total, follows=rate is None)
    if density is not None:
        prior.target = asked(margins, density, None)
        if prior.target >= problem.count:
            prior.odds = _given(margins, problem, 1.0)
        elif odds == "fitness":
            prior.odds = calibrated(problem, prior.target)
        else:
            prior.move(float(logit(prior.target / problem.count)))
    elif isinstance(probability, Beta):
        prior.beta = probability
        _positive(probability.a, "a"), _positive(probability.b, "b")
        prior.move(float(np.log(probability.a / probability.b)))
    elif np.ndim(probability) == 0 and 0 < float(probability) < 1:
        prior.move(float(logit(float(probability))))
    else:
        prior.odds = _given(margins, problem, probability)
    prior.settle()
    if isinstance(rate, Gamma):
        prior.gamma = rate
        prior.rate = _positive(rate.shape, "shape") / _positive(rate.rate, "rate")
    elif rate is not None and np.ndim(rate) == 0:
        prior.rate = _positive(float(rate), "rate")
    elif rate is not None:
        prior.rates = matrix(rate, margins, problem, "rate")
        _positive(float(prior.rates[prior.odds.problem.cells].min(initial=np.inf)), "rate")
    prior.follows = prior.follows and prior.beta is None
    return prior


def _given(margins: Margins, problem: Problem, probability: Any) -> GivenOdds:
    """Probabilities of single cells; those with p = 0 are closed."""
    require_memory("A table of probabilities has a number for every pair", problem.count, FLOW)
    chance = matrix(probability, margins, problem, "link_probability")
    if (chance > 1).any():
        raise NetworkError(f"link_probability is {chance.max():g}: a number from 0 to 1.")
    with np.errstate(divide="ignore"):
        table = np.where(problem.live, np.log(chance) - np.log1p(-chance), -np.inf)
    return GivenOdds(replace(problem, closed=np.flatnonzero(np.isneginf(table))), table)


def _positive(value: float, what: str) -> float:
    if not value > 0:
        raise NetworkError(f"{what}={value:g}: a number > 0 is needed.")
    return value


def _require_cells(margins: Margins, odds: GivenOdds) -> None:
    """Raise `NetworkError` where no network uses the cells with p > 0, or has those with p = 1."""
    problem, (row, column) = odds.problem, odds.problem.cells
    even = problem.supply[row] * problem.demand[column]
    found = balanced(row, column, even, problem.supply, problem.demand)
    names = margins.names.to_numpy(object)[problem.order]
    if not found.complete:
        raise NetworkError(
            "No network uses only cells with a probability > 0: "
            f"{money(float(found.surplus.sum()), margins.unit)} of claims of "
            f"{listing(names[found.surplus > 0])} has no cell. Raise some probabilities."
        )
    surely = np.isposinf(odds.at(row, column)) & (found.amount <= 0)
    if surely.any():
        at = int(np.flatnonzero(surely)[0])
        raise NetworkError(
            f"The claim of {str(names[row[at]])!r} on {str(names[column[at]])!r} has "
            "probability 1 and is zero in every network with these margins. Lower it."
        )


class _Chain:
    """The state of the sampler: amounts on links."""

    def __init__(self, margins: Margins, prior: _Prior, rng: np.random.Generator):
        self.prior, self.rng = prior, rng
        problem, odds = prior.odds.problem, prior.odds
        if isinstance(odds, GivenOdds):
            _require_cells(margins, odds)
        start, _ = repaired(
            problem, *odds.drawn(rng),
            lambda i, j: problem.supply[i] * problem.demand[j], odds.at, rng,
        )  # fmt: skip
        self.state = State(len(margins), *start, problem.open)
        self.size = tuple(np.log(np.maximum(m, 1e-300)) for m in (problem.supply, problem.demand))
        self.known, self.shift, self.live = problem.known_amount, 0.0, problem.count
        self.probability = prior.beta.a / (prior.beta.a + prior.beta.b) if prior.beta else np.nan
        self.cells = self.live + len(self.known)

    @property
    def links(self) -> int:
        """Links, known ones included."""
        return len(self.state) + int((self.known > 0).sum())

    def run(self, steps: int, *, settling: bool = False) -> None:
        """Steps of the chain; during burn-in the odds move towards the target density."""
        state, prior = self.state, self.prior
        fixed = prior.beta is None and prior.gamma is None
        if fixed and (state.n < 3 or not self.live):
            return
        moving = settling and prior.target is not None and isinstance(prior.odds, Odds)
        shifts: list[float] = []
        turned, rates = state.turned(), prior.rates
        rate: Look | None = None if rates is None else lambda i, j: rates[i, j]
        rate_turned: Look | None = None if rates is None else lambda i, j: rates[j, i]
        sides = ((state, self._edge, rate), (turned, lambda i, j: self._edge(j, i), rate_turned))
        longest = np.minimum(1 + self.rng.geometric(0.5, size=steps), state.n)
        for step, k in enumerate(longest):
            sweep(state, self._edge, rate, int(k), self.rng)
            for size, side in zip(self.size, sides, strict=True):
                along_links(*side, size, self.rng, by_money=False)
                along_links(*side, size, self.rng, by_money=True)
            if moving:
                shifts.append(self._move(step))
            elif not fixed:
                self._update()
        if shifts:
            tail = shifts[len(shifts) // 2 :]
            self._shift(float(np.mean(tail)) - shifts[-1])

    def _edge(self, row: Any, column: Any) -> np.ndarray:
        """log of (1 − p) / (p λ), of open cells."""
        prior = self.prior
        rate = prior.rate if prior.rates is None else prior.rates[row, column]
        return np.asarray(-prior.odds.at(row, column) - np.log(rate))

    def _move(self, step: int) -> float:
        """A Robbins-Monro step towards the target density; returns the shift so far."""
        target = self.prior.target
        assert target is not None
        spread = 0.3 * max(min(target, self.live - target), 1.0)
        move = float(np.clip((target - len(self.state)) / spread, -3.0, 3.0)) / (GAIN + step)
        self._shift(move)
        self.shift += move
        return self.shift

    def _shift(self, move: float) -> None:
        """Change the odds, and the rate derived from them."""
        odds = self.prior.odds
        assert isinstance(odds, Odds)
        self.prior.move(odds.log_z + move)
        self.prior.settle()

    def _update(self) -> None:
        """Draw p and λ, conditional on the network."""
        prior, links = self.prior, self.links
        if prior.beta is not None:
            drawn = self.rng.beta(prior.beta.a + links, prior.beta.b + self.cells - links)
            self.probability = p = min(max(drawn, 1e-12), 1 - 1e-12)
            prior.move(float(np.log(p) - np.log1p(-p)))
        if prior.gamma is not None:
            money_ = prior.money + float(self.known.sum())
            prior.rate = self.rng.gamma(prior.gamma.shape + links) / (prior.gamma.rate + money_)

    def record(self) -> dict[str, float]:
        """Statistics of the current state."""
        held = np.concatenate([self.state.amount, self.known])
        row = {"links": float(self.links), "concentration": float((held**2).sum())}
        row["concentration"] /= max(float(held.sum()) ** 2, 1e-300)
        if self.prior.beta is not None:
            row["probability"] = self.probability
        if self.prior.gamma is not None:
            row["rate"] = self.prior.rate
        return row
