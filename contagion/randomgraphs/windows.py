"""The contagion window: frequency and extent by average degree, simulated and in theory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import pdtr

from ..errors import ArgumentError
from ..models import GaiKapadia
from ..parallel import each
from ..records import Table, Why, because
from ..vocabulary import Rng
from .drawing import failed_parts
from .theory import Theory, directed_theory, undirected_theory
from .thresholds import failures_needed, largest_vulnerable, poisson

SYSTEMIC = 0.05
COLUMNS = {
    "degree": "average degree of the graphs",
    "draws": "number of graphs drawn",
    "outbreaks": "number of draws with contagion",
    "frequency": "outbreaks over draws, a share",
    "frequency_error": "standard error of frequency, a share",
    "extent": "mean share of nodes that fail, over draws with contagion",
    "frequency_theory": "frequency in large graphs, a share",
    "extent_theory": "extent in large graphs, a share",
}


@dataclass(frozen=True, eq=False, repr=False)
class Window(Table):
    """Frequency and extent of contagion by average degree.

    Attributes
    ----------
    title, across : title of the figure and label of the degree axis.
    drawn : description of the drawn graphs and of the criterion for contagion.
    limits : lowest and highest degree of the theoretical window, nan without one.
    """

    title: str = "The contagion window"
    across: str = "average degree"
    drawn: str = ""
    limits: tuple[float, float] = (np.nan, np.nan)


def gai_kapadia_limits(
    capital: float = 0.04, interbank: float = 0.2, *, strict: bool = False
) -> tuple[float, float]:
    """Average degrees between which contagion can happen in a large directed Poisson graph.

    Banks with up to J debtors default after the first of them, so that the condition
    Σ j k v_j p_jk = z becomes

        z · P[Poisson(z) ≤ J − 1] = 1,      J by :func:`largest_vulnerable`.

    If capital / interbank is 1 / integer the two conventions differ. With capital of 4 % and
    interbank assets of 20 %, a bank with five debtors loses exactly its capital if one defaults. In
    the paper the bank defaults, J = 5; if it survives (strict) J = 4, and the window is narrower by
    a quarter.

    Parameters
    ----------
    capital, interbank : of every bank, as a share of its assets.
    strict : a loss has to exceed the capital; `False`: a loss equal to capital causes default, as
        in the paper.

    Returns
    -------
    tuple
        (lowest, highest) average degree; (nan, nan) without a window, (1, inf) without capital.

    Raises
    ------
    ArgumentError : for a capital below 0, or an interbank that is not above 0.

    Example
    -------
    >>> [round(z, 4) for z in gai_kapadia_limits(0.04, 0.2)]
    [1.0037, 7.4771]
    >>> [round(z, 4) for z in gai_kapadia_limits(0.04, 0.2, strict=True)]
    [1.0207, 5.7647]

    Source: after Gai & Kapadia (2010), Proceedings of the Royal Society A 466, whose condition for
    solvency is a strict inequality.
    """
    return _limits(largest_vulnerable(capital, interbank, strict=strict))


def watts_limits(threshold: float = 0.18) -> tuple[float, float]:
    """Average degrees between which global cascades can happen in a large Poisson graph.

    A node fails when at least the share φ of its neighbours has failed; with up to K = ⌊1 / φ⌋
    neighbours one is enough, and the condition Σ k (k − 1) v_k p_k = z becomes

        z · P[Poisson(z) ≤ K − 2] = 1.

    Parameters
    ----------
    threshold : φ in (0, 1].

    Raises
    ------
    ArgumentError : for a threshold outside (0, 1].

    Example
    -------
    φ = 0.18 has K = 5, so P[Poisson ≤ 3], the window of banks with J = 4; φ = 0.26 has none:

    >>> [round(z, 4) for z in watts_limits(0.18)], watts_limits(0.26)
    ([1.0207, 5.7647], (nan, nan))

    Source: Watts (2002), PNAS 99(9), 5766–5771, equation for the boundary of the cascade window.
    """
    _part(threshold)
    return _limits(largest_vulnerable(threshold, 1.0, strict=False) - 1)


def gai_kapadia_window(
    degrees: Iterable[float] | None = None,
    *,
    capital: float = 0.04,
    interbank: float = 0.2,
    strict: bool = False,
    n: int = 1000,
    samples: int = 1000,
    systemic: float = SYSTEMIC,
    rng: Rng = None,
    n_jobs: int = 1,
    progress: bool = False,
) -> Window:
    """Frequency and extent of contagion by average degree, simulated and in theory.

    For each degree `samples` directed Poisson graphs of n banks are drawn. Each bank has the same
    total assets, with the capital ratio `capital`; the share `interbank` of assets is spread evenly
    over its debtors. A random bank defaults and pays nothing, and the model
    :class:`contagion.models.GaiKapadia` computes the further defaults. Contagion means that more
    than the share `systemic` of the banks defaults.

    Parameters
    ----------
    degrees : average degrees; by default 1, 1.5, … 10.
    capital, interbank : shares of the assets of a bank.
    strict : as in :class:`contagion.models.GaiKapadia`; at 4 % and 20 % the result depends on it
        (see :func:`gai_kapadia_limits`).
    n, samples : banks per graph, graphs per degree.
    systemic : share of the banks, the first included.
    rng : seed or generator, as for `numpy.random.default_rng`.
    n_jobs, progress : number of processes (-1 for all cores; the numbers do not depend on it);
        whether to show a progress bar.

    Returns
    -------
    Window
        One row for each degree: degree; draws; outbreaks (draws with contagion); frequency =
        outbreaks / draws; frequency_error, its standard error; extent, the mean share of banks in
        default where there is contagion (nan without any); frequency_theory and extent_theory
        for n → ∞ (extent nan outside the window). The record also has the title, a description of
        the draws, and the limits of the window.

    Raises
    ------
    ArgumentError : for n below 2, no draws, a degree outside 0 … n − 1, a capital or interbank out
        of range.

    Notes
    -----
    The theory is the limit of large n. For finite n contagion rarely also occurs outside the
    window, if a bank has many creditors and some of them have a second debtor in default. Near the
    lower end of the window outbreaks can remain below `systemic`.

    Example
    -------
    At z = 3 the holder of a claim is vulnerable with probability V = P[Poisson(3) ≤ 4] = 0.815. The
    frequency is the root of u = 1 − exp(−z V u): 1 − exp(−2.446 · 0.885) = 0.885.

    >>> frame = gai_kapadia_window([3.0], n=200, samples=50, rng=1)
    >>> frame[["frequency_theory", "extent_theory"]].round(2).values.tolist()
    [[0.89, 0.94]]
    >>> bool(abs(frame["frequency"] - frame["frequency_theory"]).iloc[0] < 0.2)
    True

    Source: Gai & Kapadia (2010), Proceedings of the Royal Society A 466: 1,000 banks, 4 % of
    capital, 20 % interbank assets, 1,000 draws a degree, contagion above 5 % of banks (the set-up
    of the simulation from memory, unverified).
    """

    def theory(degree: float) -> Theory:
        pmf = poisson(degree)
        needed = failures_needed(np.arange(len(pmf)), capital, interbank, strict=strict)
        return directed_theory(np.outer(pmf, pmf), needed)

    limits = gai_kapadia_limits(capital, interbank, strict=strict)
    points = _points(degrees, n, samples, systemic)
    fixed = (GaiKapadia(strict), n, samples, capital, interbank, True)
    drawn = _drawn(points, fixed, rng, n_jobs, progress)
    return Window(
        *_table(points, drawn, [theory(z) for z in points], systemic),
        title="Contagion in random banking systems",
        across="average number of debtors",
        drawn=f"{samples:,} graphs of {n:,} banks per degree; capital {capital:.3g} and interbank "
        f"assets {interbank:.3g} of assets; default if a loss {'exceeds' if strict else 'reaches'} "
        f"the capital; contagion: more than {systemic:.0%} default",
        limits=limits,
    )


def watts_window(
    degrees: Iterable[float] | None = None,
    threshold: float = 0.18,
    *,
    n: int = 1000,
    samples: int = 1000,
    systemic: float = SYSTEMIC,
    rng: Rng = None,
    n_jobs: int = 1,
    progress: bool = False,
) -> Window:
    """Frequency and extent of global cascades in undirected Poisson graphs, after Watts.

    A node fails when at least the share `threshold` of its neighbours has failed; the first node is
    random. The simulation uses `GaiKapadia()` on networks in which each node has claims of 1,
    spread evenly over its neighbours, and a capital of `threshold`.

    Parameters
    ----------
    threshold : φ in (0, 1].
    degrees, n, samples, systemic, rng, n_jobs, progress : as in :func:`gai_kapadia_window`.

    Returns
    -------
    Window
        The columns of :func:`gai_kapadia_window`.

    Raises
    ------
    ArgumentError : for a threshold outside (0, 1], n below 2, no draws, a degree outside 0 … n − 1.

    Example
    -------
    At z = 8 too few nodes fail after their first neighbour for a cascade to continue:

    >>> watts_window([4.0, 8.0], n=100, samples=10, rng=1)["frequency_theory"].round(3).tolist()
    [0.865, 0.0]

    Source: Watts (2002), PNAS 99(9), 5766–5771.
    """
    _part(threshold)

    def theory(degree: float) -> Theory:
        pmf = poisson(degree)
        needed = failures_needed(np.arange(len(pmf)), threshold, 1.0, strict=False)
        return undirected_theory(pmf, needed)

    points = _points(degrees, n, samples, systemic)
    fixed = (GaiKapadia(False), n, samples, threshold, 1.0, False)
    drawn = _drawn(points, fixed, rng, n_jobs, progress)
    return Window(
        *_table(points, drawn, [theory(z) for z in points], systemic),
        title="Global cascades in random graphs",
        across="average number of neighbours",
        drawn=f"{samples:,} graphs of {n:,} nodes per degree; a node fails if {threshold:.3g} of "
        f"its neighbours fail; cascade: more than {systemic:.0%} fail",
        limits=watts_limits(threshold),
    )


def _points(degrees: Iterable[float] | None, n: int, samples: int, systemic: float) -> list[float]:
    """The degrees of a window, after all arguments are checked."""
    points = [float(z) for z in (np.arange(2, 21) / 2 if degrees is None else degrees)]
    if n < 2 or samples < 1 or not 0 <= systemic < 1:
        raise ArgumentError(
            f"n={n}, samples={samples}, systemic={systemic}: at least 2 nodes, 1 draw, and a share "
            "of 0 … 1."
        )
    bad = [z for z in points if not 0 <= z <= n - 1]
    if bad:
        raise ArgumentError(f"degrees={bad}: between 0 and n − 1 = {n - 1}.")
    return points


def _drawn(
    points: list[float], fixed: tuple[Any, ...], rng: Rng, n_jobs: int, progress: bool
) -> list[np.ndarray]:
    """Shares in default (draws,) for each degree; `fixed` has arguments of :func:`failed_parts`."""
    model, n, samples, capital, interbank, directed = fixed
    run = partial(failed_parts, directed=directed)
    sources = np.random.default_rng(rng).spawn(len(points))
    tasks = [
        (model, n, z, samples, capital, interbank, s) for z, s in zip(points, sources, strict=True)
    ]
    told = {"label": "window", "unit": "degree"}
    return list(each(run, tasks, n_jobs=n_jobs, progress=progress, **told))


def _table(
    points: list[float], drawn: list[np.ndarray], expected: list[Theory], systemic: float
) -> tuple[pd.DataFrame, dict[str, str], dict[Any, Why]]:
    """The table of a window, the definitions of its columns and its reasons for nan."""
    large = [part[part > systemic] for part in drawn]
    hits, samples = np.array([len(part) for part in large], int), len(drawn[0]) if drawn else 1
    frequency = hits / samples
    frame = pd.DataFrame(
        {
            "degree": points,
            "draws": samples,
            "outbreaks": hits,
            "frequency": frequency,
            "frequency_error": np.sqrt(frequency * (1 - frequency) / samples),
            "extent": [float(part.mean()) if len(part) else np.nan for part in large],
            "frequency_theory": [one.frequency for one in expected],
            "extent_theory": [one.extent for one in expected],
        }
    )
    reasons = because(frame, {"no draw had contagion": True}, ["extent"])
    reasons |= because(frame, {"outside the window of theory": True}, ["extent_theory"])
    return frame, COLUMNS, reasons


def _part(threshold: float) -> None:
    if not 0 < threshold <= 1:
        raise ArgumentError(f"threshold={threshold!r}: a share of the neighbours in (0, 1].")


def _limits(most: float) -> tuple[float, float]:
    """Roots of z · P[Poisson(z) ≤ most − 1] = 1: one on each side of the single maximum."""
    if np.isinf(most):
        return 1.0, float("inf")
    if most < 1:
        return float("nan"), float("nan")
    from scipy.optimize import brentq

    def over(z: Any) -> Any:
        return z * pdtr(most - 1, z) - 1

    far = 2 * most + 20
    grid = np.linspace(0, far, 4001)
    top = float(grid[np.argmax(over(grid))])
    if over(top) <= 0:
        return float("nan"), float("nan")
    low, high = (brentq(over, a, b, xtol=1e-13, rtol=1e-14) for a, b in ((0.0, top), (top, far)))
    return float(low), float(high)
