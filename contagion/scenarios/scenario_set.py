"""The interface of scenario sets: drawn block by block from child seeds, never all in memory."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from ..errors import ShockError
from ..media import shown
from ..network.exposure_network import ExposureNetwork
from ..network.hit import Hit
from ..shocks import Shock, pairs_of
from ..text import listing, plural
from ..vocabulary import Rng
from .numbers import Numbers

BLOCK = 1024  # scenarios drawn from one child seed, fewer for a large network
NUMBERS = 2**22  # largest number of entries in one array of a block: 32 MB


@dataclass(frozen=True, eq=False)
class Batch:
    """Some scenarios as arrays, read-only: k scenarios, n nodes.

    Attributes
    ----------
    losses : (k, n) external assets destroyed, money.
    recoveries : (k, n) recovery rates of nodes set to default, nan elsewhere; `None`: no scenario
        of the set has such defaults.
    weights : (k,) likelihood ratio of importance sampling, mean 1; `None`: all are 1.
    prices : (k, A) prices over the prices before, of `net.priced_assets`; the losses include those
        on holdings. `None`: the set moves no prices.
    """

    losses: np.ndarray
    recoveries: np.ndarray | None = None
    weights: np.ndarray | None = None
    prices: np.ndarray | None = None

    @property
    def hit(self) -> Hit:
        """The input of models."""
        return Hit(self.losses, self.recoveries, self.prices)

    def __len__(self) -> int:
        return len(self.losses)

    def cut(self, start: int, stop: int) -> Batch:
        """Scenarios start to stop − 1 of the batch, as views."""
        return Batch(*(None if a is None else a[start:stop] for a in self._arrays()))  # type: ignore[arg-type]

    def _arrays(self) -> tuple[np.ndarray | None, ...]:
        return self.losses, self.recoveries, self.weights, self.prices


@dataclass(frozen=True, eq=False, repr=False)
class Scenarios(ABC):
    """Many shocks, as arrays that are drawn in blocks.

    A set is made by a function of `ct.scenarios`. It has parameters and a seed; the scenarios
    are drawn on request, in blocks. Block b is drawn from
    `numpy.random.SeedSequence(seed, spawn_key=(b,))`, so that a scenario does not depend on the
    chunks, on the process that draws it, or on the order of the nodes.

    The loss of a node is at most its external assets: an asset cannot lose more than its value.
    :meth:`summary` gives the frequency of losses at this limit. Gains (negative losses) count as 0.

    Attributes
    ----------
    names : (n,) nodes, in the order of the network that the set was made for.
    assets : (n,) external assets, money; nan where unknown.
    count : number of scenarios.
    words : the call that made the set, in plain values.
    assumptions : the assumptions made, one sentence each.
    """

    names: pd.Index
    assets: np.ndarray
    count: int
    words: dict[str, Any]
    assumptions: tuple[str, ...]

    @property
    def portfolio(self) -> tuple[pd.Index, csr_array] | None:
        """Assets (A,) whose prices move, and holdings (n, A), money; `None`: no prices move."""
        return None

    @abstractmethod
    def _block(self, number: int) -> Batch:
        """The full block `number` (`self.block` scenarios, or up to the last one)."""

    # -- drawing ----------------------------------------------------------------------------

    def __len__(self) -> int:
        return self.count

    @property
    def block(self) -> int:
        """Scenarios in a block: a power of two, 1,024 or fewer for a large network."""
        return block_size(len(self.names))

    @property
    def worth(self) -> np.ndarray:
        """(n,) the largest possible loss of each node: external assets, 0 if unknown."""
        worth: np.ndarray = np.nan_to_num(self.assets)
        return worth

    @property
    def pins(self) -> bool:
        """True if some scenarios set nodes to default with a fixed recovery rate."""
        return False

    @property
    def sampled(self) -> bool:
        """Whether the scenarios are a random sample, and not a list of chosen scenarios."""
        return True

    @property
    def unit_weights(self) -> bool:
        """Whether all scenarios have the same weight (no importance sampling)."""
        return True

    @property
    def labels(self) -> pd.Index:
        """(len,) a name for each scenario; its number if it has no name."""
        return pd.RangeIndex(self.count, name="scenario")

    @property
    def groups(self) -> np.ndarray | None:
        """(len,) the independent replicate of each scenario; `None`: all are independent."""
        source = self._numbers()
        return self.group(0, self.count) if source and source.dependent else None

    def group(self, start: int, stop: int) -> np.ndarray:
        """(stop − start,) the independent replicate of each scenario.

        Antithetic pairs and the points of one Sobol sequence depend on each other. Errors have
        to be estimated from the means of groups, which are independent.
        """
        source = self._numbers()
        return source.group(start, stop) if source else np.arange(start, stop)

    def _numbers(self) -> Numbers | None:
        """The source of normal numbers, if there is one."""
        return None

    def draw(self, start: int, stop: int) -> Batch:
        """Scenarios start to stop − 1.

        Depends only on the set, start and stop: `draw(0, 10)` equals `draw(0, 3)` followed by
        `draw(3, 10)`, to the last bit. Arrays are read-only. Memory: the result and a few blocks.

        Raises
        ------
        ShockError : for numbers outside 0 ≤ start ≤ stop ≤ len.
        """
        if not 0 <= start <= stop <= self.count:
            raise ShockError(
                f"Scenarios {start} to {stop} do not exist: there are {self.count:,}, from 0."
            )
        if start == stop:
            return self._kept(0).cut(0, 0)
        size = self.block
        parts = [
            self._kept(number).cut(max(start - number * size, 0), stop - number * size)
            for number in range(start // size, -(-stop // size))
        ]
        return _joined(parts)

    def _kept(self, number: int) -> Batch:
        """A block; the last one is cached, so that small chunks do not draw it again."""
        last: tuple[int, Batch] | None = self.__dict__.get("_last")
        if last is None or last[0] != number:
            last = (number, _frozen(self._block(number)))
            self.__dict__["_last"] = last
        return last[1]

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "_last"}

    def batches(self, size: int = BLOCK) -> Iterator[Batch]:
        """All scenarios in batches of `size`; the last one may be shorter."""
        for start in range(0, self.count, size):
            yield self.draw(start, min(start + size, self.count))

    def shock(self, number: int) -> Shock:
        """One scenario as a :class:`Shock`, to propagate and explain it alone.

        Example
        -------
        >>> import contagion as ct
        >>> net = ct.ExposureNetwork.from_matrix([[0, 4], [0, 0]], ["a", "b"],
        ...     orientation="debtor->creditor", external_assets=[5, 0])
        >>> ct.scenarios.single_defaults(net, recovery=0.5).shock(0)
        Shock.default('a', recovery=0.5)
        """
        batch = self.draw(number, number + 1)
        rest, shock = batch.losses[0], Shock()
        if batch.prices is not None and self.portfolio is not None:
            (assets, held), change = self.portfolio, batch.prices[0] - 1.0
            shock, rest = Shock(prices=pairs_of(assets, change)), rest + held @ change
            rest = np.where(rest > 1e-12 * self.worth, rest, 0.0)
        external = np.fmin(rest, self.assets)
        more = np.where(rest > (1 + 1e-9) * external, rest - external, 0.0)  # equity, not rounding
        shock += Shock(pairs_of(self.names, external), equities=pairs_of(self.names, more))
        if batch.recoveries is None:
            return shock
        rates = batch.recoveries[0]
        at = np.flatnonzero(~np.isnan(rates)).tolist()
        return shock + Shock(defaults=tuple((self.names[i], float(rates[i])) for i in at))

    # -- description ------------------------------------------------------------------------

    def spec(self) -> dict[str, Any]:
        """The set in JSON values: kind, parameters, seed, count."""
        spec: dict[str, Any] = json.loads(json.dumps(self.words))
        return spec

    def digest(self) -> str:
        """SHA-256 (hex) of the spec, the nodes and every input array.

        Two sets with equal digests draw the same scenarios with the same versions of numpy and
        scipy.
        """
        found = hashlib.sha256(json.dumps(self.words, sort_keys=True).encode())
        found.update(repr(list(map(str, self.names))).encode())
        _feed(found, self)
        return found.hexdigest()

    def summary(self) -> pd.DataFrame:
        """The effect of the scenarios on each node, over the whole set, weighted.

        Returns
        -------
        DataFrame
            One row a node: `expected_loss` and `largest_loss` (money), and the probability that
            it is `hit` (has a loss), `wiped_out` (loses all its external assets, so that the loss
            may have been capped) and `pinned` (set to default).

        Example
        -------
        >>> import contagion as ct
        >>> net = ct.ExposureNetwork.from_matrix([[0, 4], [0, 0]], ["a", "b"],
        ...     orientation="debtor->creditor", external_assets=[5, 10])
        >>> halves = [ct.Shock.loss({"a": 5.0}), ct.Shock.relative(0.5)]
        >>> ct.scenarios.from_shocks(net, halves).summary()[["expected_loss", "wiped_out"]]
              expected_loss  wiped_out
        node
        a              3.75        0.5
        b              2.50        0.0
        """
        n = len(self.names)
        mean, most, hit, out, pinned = (np.zeros(n) for _ in range(5))
        for batch in self.batches(self.block):
            weight = np.ones(len(batch)) if batch.weights is None else batch.weights
            mean += weight @ batch.losses
            most = np.maximum(most, batch.losses.max(0, initial=0.0))
            hit += weight @ (batch.losses > 0)
            out += weight @ ((batch.losses >= self.assets) & (batch.losses > 0))
            if batch.recoveries is not None:
                pinned += weight @ ~np.isnan(batch.recoveries)
        return pd.DataFrame(
            {
                "expected_loss": mean / self.count,
                "largest_loss": most,
                "hit": hit / self.count,
                "wiped_out": out / self.count,
                "pinned": pinned / self.count,
            },
            index=self.names,
        )

    @shown
    def __repr__(self) -> str:
        shown = ", ".join(
            f"{key}={value!r}"
            for key, value in self.words.items()
            if key not in ("kind", "scenarios") and isinstance(value, int | float | str)
        )
        lines = [
            f"{self.words['kind']}: {plural(self.count, 'scenario')} of "
            f"{plural(len(self.names), 'node')}" + (f" ({shown})" if shown else "")
        ]
        return "\n".join([*lines, *(f"  {sentence}" for sentence in self.assumptions)])


def block_size(n: int) -> int:
    """Scenarios in a block for n nodes: a power of two from 2 to 1,024.

    >>> block_size(100), block_size(10_000), block_size(10**8)
    (1024, 256, 2)
    """
    fit = max(NUMBERS // max(n, 1), 2)
    return min(BLOCK, 1 << (fit.bit_length() - 1))


def seed_of(rng: Rng) -> int:
    """One integer seed drawn from `rng`; an int is returned as it is.

    >>> seed_of(7), seed_of(np.random.default_rng(1)) == seed_of(np.random.default_rng(1))
    (7, True)
    """
    if isinstance(rng, bool) or (isinstance(rng, int | np.integer) and rng < 0):
        raise ShockError(f"rng={rng!r}: a seed is a whole number >= 0.")
    if isinstance(rng, int | np.integer):
        return int(rng)
    if isinstance(rng, np.random.Generator):
        return int(rng.integers(2**63))
    if rng is None or isinstance(rng, np.random.SeedSequence):
        source = np.random.SeedSequence() if rng is None else rng
        return int(source.generate_state(1, np.uint64)[0] >> np.uint64(1))
    raise ShockError(f"rng={rng!r}: give a seed, a SeedSequence, a Generator or None.")


def counted(scenarios: int) -> int:
    """The number of scenarios, a whole number >= 1."""
    whole = isinstance(scenarios, int | np.integer) and not isinstance(scenarios, bool)
    if not whole or scenarios < 1:
        raise ShockError(f"scenarios={scenarios!r}: give a whole number >= 1.")
    return int(scenarios)


def assets_of(network: ExposureNetwork) -> np.ndarray:
    """External assets (n,), money, nan where unknown."""
    assets = np.array(network.book.external_assets, float)
    assets.flags.writeable = False
    return assets


def losing(network: ExposureNetwork) -> tuple[np.ndarray, tuple[str, ...]]:
    """External assets (n,) for relative losses, and the assumptions about unknown ones.

    Raises
    ------
    ShockError : if no node has known external assets.
    """
    assets = assets_of(network)
    unknown = np.isnan(assets)
    if not np.nansum(assets) > 0:
        raise ShockError(
            "No node has known external assets, so relative losses are not defined. Give "
            "external_assets in the table of nodes, or draw defaults."
        )
    said, least = [], network.only_equity
    if unknown.any():
        said.append(
            f"{plural(int(unknown.sum()), 'node')} with unknown external assets lose nothing from "
            f"the scenarios: {listing(network.names[unknown])}."
        )
    if least.any():
        said.append(
            f"Of {plural(int(least.sum()), 'node')} only the equity is known; losses are relative "
            f"to the smallest external assets consistent with it: {listing(network.names[least])}."
        )
    return assets, tuple(said)


def capped(losses: np.ndarray, worth: np.ndarray) -> np.ndarray:
    """Clip losses to the interval from 0 to the external assets, in place."""
    return np.clip(losses, 0.0, worth, out=losses)


def _joined(parts: list[Batch]) -> Batch:
    if len(parts) == 1:
        return parts[0]
    columns = zip(*(part._arrays() for part in parts), strict=True)
    joined = (None if column[0] is None else np.concatenate(column) for column in columns)
    return _frozen(Batch(*joined))  # type: ignore[arg-type]


def _frozen(batch: Batch) -> Batch:
    for array in batch._arrays():
        if array is not None:
            array.flags.writeable = False
    return batch


def _feed(found: Any, value: Any) -> None:
    """Add every array inside a dataclass to a hash."""
    if isinstance(value, np.ndarray):
        found.update(f"{value.dtype.str}{value.shape}".encode())
        found.update(np.ascontiguousarray(value).tobytes())
    elif isinstance(value, csr_array):
        _feed(found, (value.indptr.astype(np.int64), value.indices.astype(np.int64), value.data))
    elif isinstance(value, tuple):
        for item in value:
            _feed(found, item)
    elif is_dataclass(value):
        for field in fields(value):
            found.update(field.name.encode())
            _feed(found, getattr(value, field.name))
