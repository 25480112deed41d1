"""Fitness model: links drawn with probabilities that follow the margins, at a given density."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from ...errors import ArgumentError, NetworkError
from ...parallel import bar
from ...text import plural
from ...vocabulary import Rng
from ._links import calibrated, with_one_each
from ._repair import repaired
from ._scaling import evenly
from .ensemble import Ensemble, gathered, reconstructed
from .margins import Margins


@dataclass(frozen=True, eq=False)
class LinkModel:
    """Link probabilities of the fitness model.

    Attributes
    ----------
    z : density parameter, in 1 / amount²; inf where every cell is a link.
    probability : (n, n) of a claim of creditor (row) on debtor (column); 1 and 0 for known cells.
    expected_links : sum of the probabilities.
    """

    z: float
    probability: pd.DataFrame
    expected_links: float


def link_model(
    margins: Margins, *, density: float | None = None, links: float | None = None
) -> LinkModel:
    """Link probabilities that follow the margins, calibrated to a number of links.

        p_ij = z claims_i debts_j / (1 + z claims_i debts_j),   z:  Σ_ij p_ij = links

    over the live cells; a known exposure counts as a link with probability 1.

    Parameters
    ----------
    margins : the known totals and exposures.
    density : links / (n (n − 1)), or
    links : the number itself; one of the two.

    Raises
    ------
    NetworkError : where the number of links is below or above the possible range.
    ArgumentError : Unless exactly one of `density` and `links` is given.

    Example
    -------
    Four equal banks have 12 possible links; half of them means z = 1 for margins of 1:

    >>> import contagion as ct
    >>> from contagion.synthetic import reconstruct
    >>> margins = reconstruct.Margins(list("abcd"), claims=[1] * 4, debts=[1] * 4)
    >>> model = reconstruct.link_model(margins, links=6)
    >>> round(model.z, 9), round(model.expected_links, 9)
    (1.0, 6.0)

    Source: Cimini, Squartini, Garlaschelli and Gabrielli (2015), Scientific Reports 5:15758 (only
    its first pages were read; the equations are as the authors give them for their program).
    """
    problem = margins._problem
    odds, every = calibrated(problem, asked(margins, density, links)), np.arange(len(margins))
    probability = expit(odds.at(every[:, None], every))
    scale = float(problem.supply.mean() * problem.demand.mean()) if len(margins) else 1.0
    some = problem.known_amount > 0
    probability[problem.known_row[some], problem.known_column[some]] = 1.0
    table = np.empty_like(probability)
    table[np.ix_(problem.order, problem.order)] = probability
    names = margins.names
    return LinkModel(
        float(np.exp(odds.log_z) / scale) if scale > 0 else float("nan"),
        pd.DataFrame(table, index=names.rename("creditor"), columns=names.rename("debtor")),
        float(table.sum()),
    )


def asked(margins: Margins, density: float | None, links: float | None) -> float:
    """Number of links to place in addition to the known ones."""
    if (density is None) == (links is None):
        raise ArgumentError("Give one of density= and links=.")
    n, problem = len(margins), margins._problem
    wanted = float(links) if links is not None else float(density or 0.0) * n * (n - 1)
    known = int((problem.known_amount > 0).sum())
    most = problem.count + known
    if not (known < wanted <= most or known == wanted == most):
        raise NetworkError(
            f"{wanted:g} links are asked for, with {plural(n, 'node')}; these margins allow "
            f"more than {known} (known) and at most {most}. density= is links / (n (n − 1))."
        )
    return wanted - known


@reconstructed
def fitness(
    margins: Margins,
    *,
    density: float | None = None,
    links: float | None = None,
    samples: int = 1,
    exact_margins: bool = True,
    rng: Rng = None,
    progress: bool = False,
) -> Ensemble:
    """Networks drawn from the fitness model: a given density, and claims that follow the margins.

    Each cell is a link with probability p_ij = z claims_i debts_j / (1 + z claims_i debts_j),
    independent of the others; z is such that the expected number of links is the given one. A drawn
    link has the weight

        w_ij = m_ij / p_ij,

    m the maximum-entropy network, so that the expected claim of every pair is m_ij and all margins
    hold in expectation. (The paper has m_ij = claims_i debts_j / Σ claims, which includes claims of
    a node on itself; m is the same without them.)

    With `exact_margins` the amounts of each network are those on the drawn cells that are nearest
    to w in relative entropy and meet all margins. Often the drawn cells cannot meet the margins. A
    node without a link then gets one; z is slightly lower, so that the expected number of links
    including these is the given one. If some amounts still cannot be placed, a greedy search adds
    the cells that take most of them, beyond the given number of links. `added` counts all cells
    added to a network, `dropped` the drawn cells that are zero in all networks on these cells.

    Time and memory grow with the number of links, not of pairs.

    Parameters
    ----------
    margins : the known totals and exposures.
    density, links : one of the two, see :func:`link_model`.
    samples : networks to draw.
    exact_margins : False keeps the weights w: margins then hold in expectation only.
    rng : seed or generator, as of `numpy.random.default_rng`.
    progress : show a progress bar.

    Raises
    ------
    NetworkError : where the number of links is below or above the possible range, and where exact
        margins need more links.
    ArgumentError : Unless exactly one of `density` and `links` is given; for `samples` below 1.

    Example
    -------
    With all links the fitness model is the maximum-entropy network:

    >>> import contagion as ct
    >>> from contagion.synthetic import reconstruct
    >>> margins = reconstruct.Margins(["a", "b", "c"], claims=[2, 2, 2], debts=[2, 2, 2])
    >>> reconstruct.fitness(margins, density=1.0, rng=7).network.amount.tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]

    Source: Cimini, Squartini, Garlaschelli and Gabrielli (2015), Scientific Reports 5:15758, as in
    :func:`link_model`. Exact margins and added cells are of this package.
    """
    if samples < 1:
        raise ArgumentError(f"samples={samples}: take 1 or more.")
    problem = margins._problem
    find = with_one_each if exact_margins else calibrated
    odds, even = find(problem, asked(margins, density, links)), evenly(problem)
    generator = np.random.default_rng(rng)

    def weight(row: Any, column: Any) -> np.ndarray:
        chance = expit(odds.at(row, column))
        return np.asarray(even(row, column) / np.where(chance > 0, chance, 1.0))

    drawn, added, dropped = [], [], []
    with bar(progress, "networks", samples, "network") as move:
        for _ in range(samples):
            row, column = odds.drawn(generator)
            move(1)
            if np.isposinf(odds.log_z):  # every link: the maximum-entropy network
                cells, more = (row, column, even(row, column)), 0
            elif exact_margins:
                cells, more = repaired(problem, row, column, weight, odds.at, generator)
            else:
                cells, more = (row, column, weight(row, column)), 0
            drawn.append(cells)
            added.append(more)
            dropped.append(int((cells[2] == 0).sum()) if exact_margins else 0)
    part = f"density {density:g}" if density is not None else f"{links:g} links"
    said = f"fitness model, {part}, " + ("exact margins" if exact_margins else "margins on average")
    return gathered(margins, problem, said, drawn, added=added, dropped=dropped)
