"""Cascades as fixed points of a market step, and price paths as sequences of steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .market_setup import Setup
from .market_state import MarketState
from .market_step import advance, expire

SPARE = 0.75  # settled scenarios leave the batch when less than this share still moves

Watch = Callable[[int, MarketState], None]
"""Called after every round with the number of the date and the state."""


def settle(
    setup: Setup,
    state: MarketState,
    prices: np.ndarray,
    most: int,
    watch: Watch | None = None,
    date: int = 0,
) -> None:
    """Rounds at fundamental prices (B, A) until nothing changes, at most `most`.

    The state is updated in place. Settled scenarios leave the batch: the remaining scenarios are
    copied to a smaller batch whenever a quarter of it has settled.
    """
    state.settled[:] = False
    rows, live = np.arange(len(prices)), np.ones(len(prices), bool)
    work = state if len(rows) == 1 else state.take(rows)
    for _ in range(most):
        quiet = advance(setup, work, prices[rows], live) & live
        work.settled[quiet] = True
        if watch is not None:
            if work is not state:
                state.put(rows[live], work, live)
            watch(date, state)
        elif work is not state and quiet.any():
            state.put(rows[quiet], work, quiet)
        live &= ~quiet
        if not live.any():
            return
        if live.sum() < SPARE * len(live):
            work, rows = work.take(live), rows[live]
            live = np.ones(len(rows), bool)
    if work is not state:
        state.put(rows[live], work, live)


def follow(
    setup: Setup,
    state: MarketState,
    prices: np.ndarray,
    rounds: Sequence[int | None],
    most: int,
    watch: Watch | None = None,
    days: float = 0.0,
) -> None:
    """Rounds along fundamental prices (B, T, A), written into the state.

    Each date has a fixed number of rounds of some days each; with None (which counts as one)
    rounds until nothing changes. The last prices stay until nothing changes.
    """
    last, ended = prices.shape[1] - 1, np.ones(len(prices), bool)
    for date, many in enumerate(rounds):
        now = prices[:, date]
        state.elapsed = state.elapsed + days * (many or 1)
        if setup.fair is not None:
            now = setup.fair(now, state.elapsed)
        if setup.days is not None:
            expire(setup, state, now)
        if many is None or date == last:
            settle(setup, state, now, most, watch, date)
            ended &= state.settled
            continue
        live = np.ones(len(now), bool)
        for _ in range(many):
            advance(setup, state, now, live)
            if watch is not None:
                watch(date, state)
    state.settled &= ended
