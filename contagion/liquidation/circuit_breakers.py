"""Volatility controls, as operators that set the share of desired liquidations that may happen.

A breaker never creates money: positions that it does not allow to close stay open, and if they are
open at the end, their negative equity is latent. Switch them on by
`LiquidationCascade(breakers=(...))`; they apply in the order given. Limits that apply before a
cascade are in :mod:`contagion.liquidation.position_limits`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import MarginError
from ..kernels.market_setup import Round


@dataclass(frozen=True)
class Breaker:
    """The base: a memory, the share of each asset that may be liquidated, and of the money for
    calls. An account is liquidated by the smallest share over the assets of its legs. Arrays of a
    memory have scenarios on the first axis."""

    def start(self, price: np.ndarray) -> Any:
        """The memory of the breaker before the first round; prices (B, A)."""
        return None

    def reach(self, now: Round, memory: Any) -> tuple[np.ndarray, Any]:
        """Share (B, K) or (B, 1) in [0, 1] of the free money of holders available for calls now."""
        return np.ones((1, 1)), memory

    def allow(self, now: Round, memory: Any) -> tuple[np.ndarray, Any]:
        """Share (B, A) or (B, 1) in [0, 1] of desired liquidations, and the next memory."""
        return np.ones((1, 1)), memory


@dataclass(frozen=True)
class Halt(Breaker):
    """Trading halt: a fall of the market price beyond a threshold stops liquidations temporarily.

    If the market price of an asset is below `(1 − fall)` times its reference, accounts with a
    leg in it wait for `rounds` rounds; then the price at that time is the new reference.

    Parameters
    ----------
    fall : relative fall that triggers the halt, in (0, 1].
    rounds : duration of the halt in rounds, >= 1.

    Example
    -------
    >>> import contagion as ct
    >>> book = ct.liquidation.MarginBook({"X": 100.0}, positions=[{"venue": "v", "holder": "h",
    ...     "instrument": "X", "size": 10, "margin": 100}])
    >>> halted = ct.liquidation.LiquidationCascade(breakers=(ct.liquidation.Halt(0.1, 5),))
    >>> halted.run(book, {"X": -0.12}).history.query("round in (1, 6)")["liquidated"].tolist()
    [0.0, 880.0]

    Source: market-wide halts at 7, 13 and 20 % in the United States [unverified], as an operator.
    """

    fall: float = 0.07
    rounds: int = 3

    def __post_init__(self) -> None:
        if not (0 < self.fall <= 1 and self.rounds >= 1):
            raise MarginError(f"Halt({self.fall}, {self.rounds}): a fall in (0, 1], rounds >= 1.")

    def start(self, price: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.array(price), np.zeros(price.shape, np.int64)

    def allow(
        self, now: Round, memory: tuple[np.ndarray, np.ndarray]
    ) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
        reference, left = memory
        over = (left == 1) & (now.market >= 0)
        reference = np.where(over, now.market, reference)
        left = np.maximum(left - 1, 0)
        fresh = (left == 0) & ~over & (now.market < (1 - self.fall) * reference)
        left = np.where(fresh, self.rounds, left)
        return np.where(left > 0, 0.0, 1.0), (reference, left)

    def waiting(self, memory: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """(B,) scenarios with an active halt."""
        return np.asarray((memory[1] > 0).any(axis=-1))


@dataclass(frozen=True)
class Throttle(Breaker):
    """Liquidation throttle: a maximum volume of an asset liquidated in one round.

    Sales and purchases are added, so that the net volume is within the limit too; all accounts
    with a leg in the asset execute the same share. Money itself has no limit. The limit is in units
    of the asset, one number or one per asset (A,) in the order of the book.

    Parameters
    ----------
    units : largest volume in a round, units > 0.

    Example
    -------
    10 units at 4 per round take three rounds; the fourth finds no further change.

    >>> import contagion as ct
    >>> book = ct.liquidation.MarginBook({"X": 100.0}, positions=[{"venue": "v", "holder": "h",
    ...     "instrument": "X", "size": 10, "margin": 100}])
    >>> slow = ct.liquidation.LiquidationCascade(breakers=(ct.liquidation.Throttle(4),))
    >>> slow.run(book, {"X": -0.12}).history["open"].tolist()
    [10.0, 6.0, 2.0, 0.0, 0.0]

    Source: the limit on collateral in auction, `Hole` and `hole`, of MakerDAO (makerdao/dss, dog),
    as an operator.
    """

    units: float | tuple[float, ...] = np.inf

    def __post_init__(self) -> None:
        if not (np.asarray(self.units) > 0).all():
            raise MarginError(f"Throttle({self.units}): a limit is > 0.")

    def allow(self, now: Round, memory: Any) -> tuple[np.ndarray, Any]:
        limit = np.asarray(self.units, float)
        over = (now.gross > limit) & ~now.money
        return np.where(over, limit / np.where(over, now.gross, 1.0), 1.0), memory


@dataclass(frozen=True)
class PriceBand(Breaker):
    """Price band: sales happen only while the market is within a band around the reference.

    An account trades while `|market / reference − 1| <= width`, with the market price before the
    round; the reference is the price before the shock, or the oracle price of the round.

    Parameters
    ----------
    width : of the band, > 0.
    reference : "start" or "oracle".

    Example
    -------
    At 88 the market is 12 % below the start: nothing is sold, and a loss of 20 is latent.

    >>> import contagion as ct
    >>> book = ct.liquidation.MarginBook({"X": 100.0}, positions=[{"venue": "v", "holder": "h",
    ...     "instrument": "X", "size": 10, "margin": 100}])
    >>> band = ct.liquidation.PriceBand(0.1, reference="start")
    >>> done = ct.liquidation.LiquidationCascade(breakers=(band,)).run(book, {"X": -0.12})
    >>> float(done.deficits["v"]), float(done.latent["v"])
    (0.0, 20.0)

    Source: the price band of the project's notes, fill only if |p / reference − 1| <= width, as
    an operator.
    """

    width: float = 0.1
    reference: str = "oracle"

    def __post_init__(self) -> None:
        if not self.width > 0 or self.reference not in ("start", "oracle"):
            raise MarginError(
                f"PriceBand({self.width}, {self.reference!r}): a width > 0, 'start' or 'oracle'."
            )

    def start(self, price: np.ndarray) -> np.ndarray:
        return np.array(price)

    def allow(self, now: Round, memory: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        base = memory if self.reference == "start" else now.reported
        ratio = now.market / np.where(base > 0, base, 1.0)
        return (np.abs(ratio - 1) <= self.width).astype(float), memory


@dataclass(frozen=True)
class Freeze(Breaker):
    """Freeze of some assets: accounts with a leg in them are not liquidated at all.

    Parameters
    ----------
    assets : numbers of the assets in the order of `book.assets`.

    Example
    -------
    >>> import contagion as ct
    >>> book = ct.liquidation.MarginBook({"X": 100.0}, positions=[{"venue": "v", "holder": "h",
    ...     "instrument": "X", "size": 10, "margin": 100}])
    >>> frozen = ct.liquidation.LiquidationCascade(breakers=(ct.liquidation.Freeze((0,)),))
    >>> float(frozen.run(book, {"X": -0.12}).latent["v"])
    20.0

    Source: a guardian that sets loan-to-value to 0 and pauses liquidations, as an operator.
    """

    assets: tuple[int, ...] = ()

    def allow(self, now: Round, memory: Any) -> tuple[np.ndarray, Any]:
        part = np.ones(now.market.shape)
        part[:, list(self.assets)] = 0.0
        return part, memory


@dataclass(frozen=True)
class WithdrawalGate(Breaker):
    """Withdrawal gate: while it is active, money behind it is not available for margin calls.

    It starts in a round in which an open account at one of the venues has equity below 0 at the
    oracle's prices, and lasts for `rounds` rounds, including that one. It restarts as long as there
    is an account with negative equity. The share `behind` of the free money of a holder is at these
    venues: while the gate is active, only 1 − behind of it is available for calls, at any venue.
    No money is lost: it is available again when the gate ends, and money not paid on a call stays
    with its holder. So the gate keeps money in the venue (also in a run of depositors in a coupled
    cascade), at the price of liquidations that a paid call would have prevented.

    Parameters
    ----------
    rounds : duration in rounds from the last negative account, >= 1 (50 blocks on dYdX).
    behind : share of the free money of a holder at these venues, 0 to 1, one number or one per
        holder (K,) in the order of `book.holders`.
    venues : numbers of the venues in the order of `book.venues`; None: all.

    Example
    -------
    At −12 % the equity of z is negative. h has 40, needs 44 to stay, and has 10 elsewhere:

    >>> import contagion as ct
    >>> book = ct.liquidation.MarginBook({"X": 100.0}, maintenance=0.05, positions=[
    ...     {"venue": "v", "holder": "z", "instrument": "X", "size": 10, "margin": 100},
    ...     {"venue": "v", "holder": "h", "instrument": "X", "size": 10, "margin": 160}])
    >>> for breakers in ((), (ct.liquidation.WithdrawalGate(rounds=3),)):
    ...     cascade = ct.liquidation.LiquidationCascade(breakers=breakers)
    ...     done = cascade.run(book, {"X": -0.12}, free={"h": 10})
    ...     print(done.table[["called", "liquidated"]].round(2).values.tolist(), done.outcome.free)
    [[0.0, 1.0], [4.0, 0.0]] [0. 6.]
    [[0.0, 1.0], [0.0, 0.09]] [ 0. 10.]

    Source: docs.dydx.xyz, "withdrawal rate limits and gating" (read 2026): transfers and
    withdrawals are gated for 50 blocks when a negatively collateralized subaccount is seen or the
    chain was down; dydxprotocol/v4-chain, protocol/x/subaccounts (50 blocks, by collateral pool).
    There it is on after liquidation and deleveraging of a block have failed; here before them.
    """

    rounds: int = 50
    behind: float | tuple[float, ...] = 1.0
    venues: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        part = np.asarray(self.behind, float)
        if not (self.rounds >= 1 and (part >= 0).all() and (part <= 1).all()):
            raise MarginError(
                f"WithdrawalGate({self.rounds}, {self.behind}): rounds >= 1, a part 0 to 1."
            )

    def start(self, price: np.ndarray) -> np.ndarray:
        return np.zeros(len(price), np.int64)

    def reach(self, now: Round, memory: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        bad = now.open & (now.equity < 0)
        if self.venues is not None:
            bad &= np.isin(now.accounts.venue, self.venues)
        left = np.where(bad.any(axis=-1), self.rounds, np.maximum(memory - 1, 0))
        return np.where((left > 0)[:, None], 1.0 - np.asarray(self.behind, float), 1.0), left

    def waiting(self, memory: np.ndarray) -> np.ndarray:
        """(B,) scenarios in which the gate is about to end."""
        return (memory > 0) & (memory < self.rounds)
