"""Historical scenarios: past returns resampled, one by one or in blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from ..errors import ShockError, expect
from ..network.exposure_network import ExposureNetwork
from ..text import choice, known_name, listing, plural
from ..vocabulary import Rng
from .scenario_set import Batch, Scenarios, assets_of, capped, counted, losing, seed_of
from .values import one, said

By = Literal["node", "asset"]


@dataclass(frozen=True, eq=False, repr=False)
class HistoricalLosses(Scenarios):
    """Losses from resampled past returns, compounded over a horizon.

    Attributes
    ----------
    seed : entropy.
    returns : (periods, c) simple returns.
    exposed : (c, n) exposure of each node to each column, money.
    held : all assets (A,), and the holdings of the nodes (n, A), money.
    places : (c,) position of each column among the assets, or the nodes.
    horizon : periods in a scenario.
    length : mean (stationary) or fixed (moving) length of a block; 1: independent draws.
    stationary : whether block lengths are geometric.
    """

    seed: int
    returns: np.ndarray
    exposed: csr_array
    held: tuple[pd.Index, csr_array]
    places: np.ndarray
    horizon: int
    length: float
    stationary: bool

    def paths(self, start: int, stop: int) -> np.ndarray:
        """(stop − start, horizon) the row of the returns for each period of a scenario."""
        size = self.block
        whole = [self._rows(b) for b in range(start // size, -(-stop // size))]
        rows = np.concatenate([np.empty((0, self.horizon), np.intp), *whole])
        return rows[start - start // size * size :][: stop - start]

    def changes(self, start: int, stop: int) -> np.ndarray:
        """(stop − start, c) compounded return of every column, in these scenarios."""
        return self._compounded(self.paths(start, stop))

    def _rows(self, number: int) -> np.ndarray:
        """(block, horizon) rows of the returns for one block of scenarios."""
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(number,)))
        shape, periods = (self.block, self.horizon), len(self.returns)
        step = np.arange(self.horizon)
        if self.stationary:
            fresh = rng.random(shape) < 1 / self.length
            begin = np.maximum.accumulate(np.where(fresh, step, 0), axis=1)
            first = np.take_along_axis(rng.integers(periods, size=shape), begin, axis=1)
            return (first + step - begin) % periods
        length = int(self.length)
        blocks = -(-self.horizon // length)
        first = rng.integers(periods - length + 1, size=(self.block, blocks))
        return np.repeat(first, length, axis=1)[:, : self.horizon] + step % length

    def _compounded(self, rows: np.ndarray) -> np.ndarray:
        total = np.ones((len(rows), self.returns.shape[1]))
        for period in range(rows.shape[1]):
            total *= 1 + self.returns[rows[:, period]]
        return total - 1

    def _block(self, number: int) -> Batch:
        rows = self._rows(number)[: self.count - number * self.block]
        change = self._compounded(rows)
        lost = capped(-change @ self.exposed, self.worth)
        if self.portfolio is None:
            return Batch(lost)
        prices = np.ones((len(rows), len(self.held[0])))
        prices[:, self.places] += change
        return Batch(lost, prices=prices)

    @property
    def portfolio(self) -> tuple[pd.Index, csr_array] | None:
        """Assets whose prices move, and the holdings of them; `None` for returns of nodes."""
        return self.held if self.words["by"] == "asset" else None


def historical(
    network: ExposureNetwork,
    returns: pd.DataFrame,
    *,
    by: By | None = None,
    horizon: int = 1,
    length: float = 1.0,
    stationary: bool = True,
    scenarios: int = 10_000,
    rng: Rng = None,
) -> HistoricalLosses:
    """Losses from resampled historical returns.

    A scenario draws `horizon` rows of the table and compounds them, R_c = Π_t (1 + r_tc) − 1.
    Rows are drawn whole, which preserves the dependence between columns.

        by node:   loss_i = external assets_i · min(max(−R_i, 0), 1)
        by asset:  loss_i = min(max(−Σ_a holding_ia R_a, 0), external assets_i)

    With length 1 rows are drawn one by one, otherwise in blocks of consecutive rows. In the
    stationary bootstrap each row is followed by the next one with probability 1 − 1/length and by a
    random row otherwise, and the last row is followed by the first. In the moving block bootstrap
    blocks have a fixed length and do not continue past the last row, so that the first and last
    rows are drawn less often.

    Parameters
    ----------
    returns : one row for each period in the order of time, simple returns ≥ −1, one column for each
        node, or for each asset of the holdings. Nodes and assets without a column do not change;
        `assumptions` lists them.
    by : "node" or "asset", the meaning of the columns; needed if names are both.
    horizon : periods in a scenario.
    length : mean length (stationary) or length (moving) of a block, ≥ 1.
    stationary : whether block lengths are random.
    scenarios, rng : as in :func:`common_factor`.

    Raises
    ------
    ShockError : for columns that are neither nodes nor assets, returns that are missing or below
        −1, and blocks longer than the table.

    Example
    -------
    >>> import contagion as ct
    >>> import pandas as pd
    >>> net = ct.ExposureNetwork.from_matrix([[0, 4], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", external_assets=[50, 100])
    >>> past = pd.DataFrame({"a": [-0.1, -0.1], "b": [0.0, 0.0]})
    >>> historical(net, past, horizon=2, scenarios=1, rng=1).draw(0, 1).losses  # 50 (1 − 0.9²)
    array([[9.5, 0. ]])

    Source: after Politis and Romano (1994), J. of the American Statistical Association 89(428),
    the stationary bootstrap; after Künsch (1989), Annals of Statistics 17(3), moving blocks.
    """
    expect(network=network)
    values = _returns(returns)
    exposed, places, assumptions, by = _exposed(network, returns.columns, by)
    whole = isinstance(horizon, int | np.integer) and not isinstance(horizon, bool)
    if not whole or horizon < 1:
        raise ShockError(f"horizon={horizon!r}: give a whole number of periods >= 1.")
    size = one(length, "length", 1.0)
    if not stationary and (size != int(size) or size > len(values)):
        raise ShockError(
            f"length={length:g}: blocks of fixed length are a whole number of rows, up to the "
            f"{len(values)} of the table."
        )
    assets, unknown = losing(network) if by == "node" else (assets_of(network), ())
    seed = seed_of(rng)
    words = {
        "kind": "historical",
        "scenarios": counted(scenarios),
        "returns": said(returns.reset_index(drop=True))["columns"],
        "by": by,
        "horizon": int(horizon),
        "length": size,
        "stationary": bool(stationary),
        "seed": seed,
    }
    return HistoricalLosses(
        network.names,
        assets,
        counted(scenarios),
        words,
        unknown + assumptions,
        seed,
        values,
        exposed,
        (network.priced_assets, network.held),
        places,
        int(horizon),
        size,
        bool(stationary),
    )


def _returns(table: Any) -> np.ndarray:
    if not isinstance(table, pd.DataFrame):
        raise ShockError("returns: give a DataFrame, one row a period, one column a node or asset.")
    if table.empty or not table.columns.is_unique:
        raise ShockError("returns: the table is empty, or has two columns of one name.")
    try:
        values = table.to_numpy(float)
    except (TypeError, ValueError):
        raise ShockError("returns: some column is not of numbers. Make time the index.") from None
    bad = ~(np.isfinite(values) & (values >= -1))
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise ShockError(
            f"returns: {plural(int(bad.sum()), 'cell')} not a number >= -1, the first is "
            f"{values[row, column]} of {str(table.columns[column])!r} in row {table.index[row]}."
        )
    return values


def _exposed(
    network: ExposureNetwork, columns: pd.Index, by: By | None
) -> tuple[csr_array, np.ndarray, tuple[str, ...], By]:
    """Exposures (c, n) of nodes to columns, the position of each column, and the assumptions."""
    assets = network.priced_assets
    choice(by, (None, "node", "asset"), "by")
    if by is None:
        fits = [columns.isin(names).all() for names in (network.names, assets)]
        if all(fits):
            raise ShockError(
                "The columns of returns are nodes and assets: set by='node' or 'asset'."
            )
        nearer = columns.isin(assets).sum() > columns.isin(network.names).sum()
        by = "asset" if nearer else "node"
    known = network.names if by == "node" else assets
    strange = columns[~columns.isin(known)]
    if len(strange):
        known_name(strange[0], known, by, "returns")
    still = known[~known.isin(columns)]
    said_so = (
        (f"{plural(len(still), by)} without returns do not change: {listing(still)}.",)
        if len(still)
        else ()
    )
    places = known.get_indexer(columns)
    if by == "asset":
        return csr_array(network.held[:, places].T.tocsr()), places, said_so, by
    worth = network.book.stated_assets[places]
    shape = (len(columns), len(network))
    exposed = csr_array((worth, (np.arange(len(columns)), places)), shape=shape)
    return exposed, places, said_so, by
