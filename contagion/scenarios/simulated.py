"""Scenarios from another simulation: arrays of losses, price changes, recoveries, weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from ..errors import ShockError, expect
from ..network.exposure_network import ExposureNetwork
from ..network.hit import Hit
from ..text import known_name, money, plural
from .scenario_set import Batch, Scenarios, assets_of


@dataclass(frozen=True, eq=False, repr=False)
class Simulated(Scenarios):
    """Scenarios stored as arrays.

    Attributes
    ----------
    hit : all scenarios.
    weights : (len,) with mean 1, or `None`.
    held : assets (A,) and holdings of the nodes (n, A), money.
    random : whether they are a random sample.
    index : (len,) names of the scenarios.
    """

    hit: Hit
    weights: np.ndarray | None
    held: tuple[pd.Index, csr_array]
    random: bool
    index: pd.Index

    @property
    def labels(self) -> pd.Index:
        """(len,) the index of the given tables, or numbers."""
        return self.index

    @property
    def sampled(self) -> bool:
        """Whether the scenarios are a random sample, as stated by the caller."""
        return self.random

    @property
    def pins(self) -> bool:
        """True if some scenarios set nodes to default with a fixed recovery rate."""
        return self.hit.recoveries is not None

    @property
    def unit_weights(self) -> bool:
        """Whether all scenarios have the same weight."""
        return self.weights is None

    @property
    def portfolio(self) -> tuple[pd.Index, csr_array] | None:
        """Assets whose prices move, and the holdings of them."""
        return None if self.hit.prices is None else self.held

    def _block(self, number: int) -> Batch:
        at = slice(number * self.block, (number + 1) * self.block)
        losses, recoveries, prices = self.hit.at(at)
        return Batch(losses, recoveries, None if self.weights is None else self.weights[at], prices)


def from_array(
    network: ExposureNetwork,
    losses: Any = None,
    *,
    prices: Any = None,
    recoveries: Any = None,
    weights: Any = None,
    sampled: bool = True,
) -> Simulated:
    """Scenarios from your own simulation: one row a scenario.

        loss_i = losses_i + max(−Σ_a holding_ia · prices_a, 0)

    Parameters
    ----------
    losses : (N, n) external assets destroyed in addition to price losses, money ≥ 0; an array in
        the order of the nodes, or a DataFrame with nodes as columns. By default none.
    prices : (N, A) relative price changes ≥ −1, as in `Shock.price`; an array in the order of
        `net.priced_assets`, or a DataFrame with assets as columns. By default none.
    recoveries : (N, n) recovery rates of nodes set to default, nan for the others.
    weights : (N,) ≥ 0: likelihood ratios of importance sampling, or probabilities of listed
        scenarios. They are scaled to a mean of 1. By default all are equal.
    sampled : whether the rows are independent draws, so that a stress test has errors and
        intervals. False: a list, such as historical or expert scenarios, without either.

    Nodes and assets without a column in a DataFrame do not change. Its index names the scenarios.

    Raises
    ------
    ShockError : for arrays that do not match each other or the network, values out of range or
        missing, unknown names, and losses above external assets (of nodes not set to default).

    Example
    -------
    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 10], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", external_assets=[12, 0], equity=[2, 3])
    >>> drawn = np.random.default_rng(1).exponential(1.0, (1000, 1))
    >>> own = from_array(net, pd.DataFrame(drawn.clip(max=12), columns=["a"]))
    >>> mean = ct.stress_test(net, ct.EisenbergNoe(), own).mean("initial_loss")
    >>> bool(mean.low < 1 < mean.high)
    True
    """
    expect(network=network)
    lost, index = _table(losses, network.names, "losses", 0.0, np.inf)
    moved, dates = _table(prices, network.priced_assets, "prices", -1.0, np.inf)
    rates, names = _table(recoveries, network.names, "recoveries", 0.0, 1.0, blank=True)
    sizes = {len(side) for side in (lost, moved, rates) if side is not None}
    if len(sizes) != 1 or 0 in sizes:
        raise ShockError(
            f"losses, prices and recoveries have {sorted(sizes)} rows: give at least one of them, "
            "with one row a scenario in each."
            if sizes
            else "Give losses, prices or recoveries, one row a scenario."
        )
    count = sizes.pop()
    total = np.zeros((count, len(network))) if lost is None else lost
    if moved is not None:
        total = total + np.maximum(-(moved @ network.held.T), 0.0)
    if rates is not None and np.isnan(rates).all():
        rates = None
    total = _payable(network, total, rates)
    words: dict[str, Any] = {"kind": "from_array", "scenarios": count, "sampled": bool(sampled)}
    if moved is not None:
        words["prices"] = [str(asset) for asset in network.priced_assets]
    labels = next((i for i in (index, dates, names) if i is not None), pd.RangeIndex(count))
    return Simulated(
        network.names,
        assets_of(network),
        count,
        words,
        (),
        Hit(total, rates, None if moved is None else 1.0 + moved),
        _weights(weights, count),
        (network.priced_assets, network.held),
        bool(sampled),
        labels.rename("scenario"),
    )


def _table(
    given: Any, names: pd.Index, what: str, low: float, high: float, *, blank: bool = False
) -> tuple[np.ndarray | None, pd.Index | None]:
    """(N, c) numbers in the order of `names`, and the labels of the rows, if any."""
    if given is None:
        return None, None
    labels = None
    if isinstance(given, pd.DataFrame):
        for column in given.columns[~given.columns.isin(names)]:
            known_name(column, names, "column", what)
        if not given.columns.is_unique:
            raise ShockError(f"{what}: two columns have one name.")
        labels = given.index
        given = given.reindex(columns=names, fill_value=np.nan if blank else 0.0).to_numpy()
    try:
        table = np.array(given, float)
    except (TypeError, ValueError):
        raise ShockError(f"{what}: these are not numbers.") from None
    if table.ndim != 2 or table.shape[1] != len(names):
        raise ShockError(
            f"{what} has shape {table.shape}; one row a scenario and {len(names)} columns are "
            "needed. A DataFrame with names as columns may leave some out."
        )
    wrong = ~((table >= low) & (table <= high) & np.isfinite(table))
    if blank:
        wrong &= ~np.isnan(table)
    if wrong.any():
        row, at = np.argwhere(wrong)[0]
        raise ShockError(
            f"{what} of {str(names[at])!r} in row {row} is {table[row, at]:.6g}; it has to lie in "
            f"[{low:g}, {high:g}] ({plural(int(wrong.sum()), 'such cell')})."
        )
    return table, labels


def _payable(network: ExposureNetwork, total: np.ndarray, rates: np.ndarray | None) -> np.ndarray:
    """Losses (N, n) of at most external assets; those of nodes set to default are capped."""
    assets = network.book.external_assets
    over = total > assets * (1 + 1e-9)
    if rates is not None:
        over &= np.isnan(rates)
    if over.any():
        row, at = np.argwhere(over)[0]
        raise ShockError(
            f"{str(network.names[at])!r} loses {money(total[row, at], network.unit)} in row {row} "
            f"and has external assets of {money(assets[at], network.unit)} "
            f"({plural(int(over.sum()), 'such cell')}). Cap the losses if that is intended: "
            "np.minimum(losses, net.book.external_assets)."
        )
    return np.asarray(np.fmin(total, assets))


def _weights(given: Any, count: int) -> np.ndarray | None:
    if given is None:
        return None
    weights = np.array(given, float)
    fits = weights.shape == (count,) and np.isfinite(weights).all() and (weights >= 0).all()
    if not fits or not weights.sum() > 0:
        raise ShockError(f"weights: {count:,} numbers >= 0 are needed, one a scenario, not all 0.")
    return np.asarray(weights * (count / weights.sum()))
