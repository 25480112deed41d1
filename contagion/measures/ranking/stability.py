"""Robustness of a ranking to the data: ranks over an ensemble of networks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ...errors import NetworkError, expect, several
from ...media import shown
from ...models.base import Model
from ...network.exposure_network import ExposureNetwork
from ...network.provenance import record, seeded
from ...network.transforms import with_amounts
from ...parallel import each
from ...vocabulary import CONFIDENCE, Rng
from .table import SHEET, rank


@dataclass(frozen=True, eq=False, repr=False)
class RankStability:
    """Ranks of every node over an ensemble of networks.

    Attributes
    ----------
    table : DataFrame with index (measure, node): median, low and high rank (1 is the most
        important), and `top_k`, the share of the networks in which the node is among the first
        k, P(rank ≤ k).
    ranks : {measure: DataFrame network × node}.
    networks : their number.
    """

    table: pd.DataFrame
    ranks: dict[str, pd.DataFrame]
    networks: int

    @shown
    def __repr__(self) -> str:
        lines = [f"Ranks over {self.networks} networks"]
        for measure, part in self.table.groupby(level="measure", sort=False):
            first = part.droplevel("measure").head(3)
            who = ", ".join(
                f"{node} {row['median']:.0f} ({row['low']:.0f}–{row['high']:.0f})"
                for node, row in first.iterrows()
            )
            lines.append(f"  {measure}: {who}")
        return "\n".join(lines)


def stability(
    networks: Iterable[ExposureNetwork],
    models: Sequence[Model] | None = None,
    *,
    measures: Iterable[str] | None = None,
    k: Sequence[int] = (1, 3, 5),
    confidence: float = CONFIDENCE,
    recovery: float = 0.0,
    n_jobs: int = 1,
    progress: bool = False,
) -> RankStability:
    """Rank the nodes in every network of an ensemble, and summarise the spread of their ranks.

    Parameters
    ----------
    networks : with the same nodes in the same order: `perturbed(net)`, or an ensemble of
        :mod:`contagion.synthetic.reconstruct`.
    models, measures, recovery : as in `ct.rank`.
    k : the ranks for P(rank ≤ k).
    confidence : share of the networks between low and high.
    n_jobs, progress : processes (-1 for all cores; does not change results), progress bar.

    Raises
    ------
    NetworkError : for no network, or for one with other nodes.

    Example
    -------
    b owes 10 and a owes 4, with the same capital: with 5 % noise b remains first.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 4, 0], [0, 0, 10], [0, 0, 0]], ["a", "b", "c"],
    ...     orientation="debtor->creditor", equity=[5, 20, 20])
    >>> found = stability(perturbed(net, noise=0.05, samples=20, rng=1), [ct.EisenbergNoe()],
    ...     measures=["default_impact"])
    >>> found.table.loc[("default_impact", "b"), ["median", "top_1"]].tolist()
    [1.0, 1.0]
    """
    ranks: dict[str, list[pd.Series]] = {}
    names: pd.Index | None = None
    count = 0
    wanted = None if measures is None else list(measures)
    tasks = ((network, models, wanted, recovery) for network in _checked(networks))
    for nodes, table in each(
        _ranked, tasks, n_jobs=n_jobs, progress=progress, label="stability", unit="network"
    ):
        if names is not None and not nodes.equals(names):
            raise NetworkError(
                f"Network {count + 1} of the ensemble has other nodes than the first."
            )
        names, count = nodes, count + 1
        for column in table.columns[len(SHEET) :]:
            order = table[column].rank(ascending=False, method="min").reindex(names)
            ranks.setdefault(str(column), []).append(order)
    if names is None:
        raise NetworkError("The ensemble is empty: there is no network to rank.")
    frames = {name: pd.DataFrame(rows).reset_index(drop=True) for name, rows in ranks.items()}
    table = pd.concat({name: _spread(frame, k, confidence) for name, frame in frames.items()})
    table.index.names = ["measure", "node"]
    return RankStability(table, frames, count)


def _ranked(
    network: ExposureNetwork,
    models: Sequence[Model] | None,
    measures: list[str] | None,
    recovery: float,
) -> tuple[pd.Index, pd.DataFrame]:
    """The names of a network in their order, and its ranking."""
    return network.names, rank(network, models, measures=measures, recovery=recovery).table


def _spread(ranks: pd.DataFrame, k: Sequence[int], confidence: float) -> pd.DataFrame:
    """Quantiles of the ranks of each node; nan if it has no rank in any network."""
    tail = (1.0 - confidence) / 2.0
    columns: dict[str, Any] = {
        "median": ranks.median(),
        "low": ranks.quantile(tail, interpolation="lower"),
        "high": ranks.quantile(1.0 - tail, interpolation="higher"),
    }
    for most in k:
        columns[f"top_{most}"] = (ranks <= most).mean().where(ranks.notna().any())
    return pd.DataFrame(columns).sort_values(["median", "high"], kind="stable")


def perturbed(
    network: ExposureNetwork, *, noise: float = 0.2, samples: int = 100, rng: Rng = None
) -> Iterator[ExposureNetwork]:
    """Copies of the network with every exposure multiplied by lognormal noise.

        amount' = amount · exp(noise · z − noise² / 2),   z standard normal

    The equity of every node with a known balance sheet is unchanged: external assets absorb the
    difference, or external liabilities where the assets would fall below 0.

    Parameters
    ----------
    noise : standard deviation of the logarithm, >= 0.
    samples : number of networks.
    rng : seed or generator.

    Raises
    ------
    NetworkError : for a noise that is negative or not finite.

    Example
    -------
    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 4], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", equity=[5, 3])
    >>> [other.book.equity.round(9).tolist() for other in perturbed(net, samples=2, rng=1)]
    [[5.0, 3.0], [5.0, 3.0]]
    """
    expect(network=network)
    if not (np.isfinite(noise) and noise >= 0):
        raise NetworkError(f"The noise is {noise}; a standard deviation of 0 or more.")
    draw, seed = seeded(rng)
    for k in range(samples):
        factor = np.exp(noise * draw.standard_normal(len(network.amount)) - 0.5 * noise**2)
        given = {"noise": noise, "sample": k + 1, "of": samples}
        done = record("perturbed", "perturbed", given, seed=seed)
        yield with_amounts(network, network.amount * factor, "equity", done)


def _checked(networks: Iterable[ExposureNetwork]) -> Iterator[ExposureNetwork]:
    """The networks one by one; raise for an argument that is not a sequence of networks."""
    if not isinstance(networks, Iterable):
        networks = several(networks, "ExposureNetwork", "networks")
    for network in networks:
        expect("ExposureNetwork", networks=network)
        yield network
