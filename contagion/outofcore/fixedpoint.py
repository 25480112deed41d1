"""Rounds on disk: the loss rate of every claim, iterated until it converges.

A round reads all exposures once:

    lost_i = Σ_j exposure_ij · rate_j        rate_j = min(1, max(0, (base_j + lost_j) / size_j))

starting from rate = 0, so that rates rise to the least solution (in clearing: the greatest
payments). If nearly all changes have one sign and shrink by a steady ratio λ, rates are
extrapolated by λ/(1 − λ) times the last change; the next rounds correct any overshooting. A round
is one file, with the rates before and after it of every node that passes on losses; the last two
files are kept.
"""

from __future__ import annotations

import math
import time
from typing import Any

from ..errors import ConvergenceError
from ..parallel import bar
from .disk import Disk, damaged
from .inputs import EXPOSURES
from .shocked import START

STEADY = 0.1  # largest difference of two ratios for a jump, relative to 1 − λ
ALIKE = 0.9  # share of changes with one sign for a jump: only the slowest mode remains
FRESH = 1e-3  # largest share of new nodes among those that moved for a jump
ROUNDING = 1e-14  # changes below this, relative to the balance sheet, are rounding errors
LOST = "lost.parquet"
FURTHEST = 50.0  # times the last change, the largest jump


def converged(network: Disk, disk: Disk, tolerance: float, most: int, progress: bool) -> None:
    """Rounds until the estimated error is at most `tolerance` of each balance sheet.

    Raises
    ------
    ConvergenceError : after `most` rounds; `.partial` has the rounds.
    StressError : if the last two rounds are damaged.
    """
    rounds: list[dict[str, Any]] = disk.state.setdefault("rounds", [])
    _whole(disk, rounds)
    with bar(progress, disk.spec["model"], unit="round") as move:
        move(len(rounds))
        while not rounds or rounds[-1]["estimate"] > tolerance:
            if len(rounds) >= most:
                raise ConvergenceError(
                    f"After {len(rounds)} rounds the error is {rounds[-1]['estimate']:.1e} of a "
                    f"balance sheet, above the tolerance {tolerance:g}. Give more max_rounds, or a "
                    "larger tolerance: with the same folder the run resumes from here.",
                    rounds,
                )
            _next(network, disk, rounds)
            move(1)


def name_of(number: int) -> str:
    return f"round-{number:06d}.parquet"


def rates(disk: Disk) -> str:
    """(id, rate) after the last round and its jump, as an SQL table expression."""
    last = disk.state["rounds"][-1]
    ahead = f"rate + {last['jump']!r}::double * (rate - before)" if last["jump"] else "rate"
    return (
        f"(select id, greatest(0, least(1, {ahead})) as rate "
        f"from {disk.rows(name_of(last['round']))})"
    )


def lost(network: Disk, disk: Disk, rates: str) -> str:
    """(id, lost) losses of each node on its claims, money: a file, as an SQL table expression.

    A file is used because the sums and the table joined to them may not fit into memory together.
    """
    disk.write(
        LOST,
        f"select creditor as id, {network.sum('amount * rate')} as lost "
        f"from {network.rows(EXPOSURES)} e join {rates} r on e.debtor = r.id "
        "where rate > 0 group by creditor",
    )
    return disk.rows(LOST)


RATE = (
    "coalesce(fixed, case when size > 0 then greatest(0, least(1, (base + {lost}) / size)) "
    "when base + {lost} > 0 then 1.0 else 0.0 end)"
)


def _next(network: Disk, disk: Disk, rounds: list[dict[str, Any]]) -> None:
    """One more round: its file, its changes, and the jump before the next round."""
    began, number = time.perf_counter(), len(rounds)
    if rounds:
        now = rates(disk)
        came_in = lost(network, disk, now)
        joined = f"left join {came_in} l using (id) left join {now} b using (id)"
        came, before = "coalesce(lost, 0)", "coalesce(b.rate, 0)"
    else:
        joined, came, before = "", "0.0", "0.0"
    name = name_of(number)
    disk.write(
        name,
        f"""
        with moved as (
          select s.id, {RATE.format(lost=came)} as rate, {before} as before, debts, size, scale
          from {disk.rows(START)} s {joined} where debts > 0)
        select id, rate, before, (rate - before) * debts as money,
          abs(rate - before) * if(size > 0, size / scale, 1) as step
        from moved where rate > 0 or before > 0
        """,
    )
    step, money, drift, moved, fresh = disk.one(
        f"select coalesce(max(step), 0), coalesce({network.sum('abs(money)')}, 0), "
        f"coalesce({network.sum('money')}, 0), "
        "count(*) filter (rate <> before), count(*) filter (before = 0 and rate > 0) "
        f"from {disk.rows(name)}"
    )
    told = {"round": number, "step": step, "money": money, "drift": drift}
    told |= {"moved": moved, "fresh": fresh}
    rounds.append(told | _ahead(rounds, told))
    rounds[-1]["seconds"] = round(time.perf_counter() - began, 3)
    old = [name_of(each["round"]) for each in rounds[:-2]]
    gone = [file for file in [*old, LOST] if disk.files.pop(file, None)]
    disk.note()
    for file in gone:
        (disk.path / file).unlink(missing_ok=True)


def _ahead(rounds: list[dict[str, Any]], now: dict[str, Any]) -> dict[str, float]:
    """The estimated error, from the ratio of changes, and the size of the next jump.

    `estimate`: the largest change times λ/(1 − λ), with λ the ratio of the last two sums of
    changes; at least the largest change, and infinite if the sums do not shrink.
    """
    start = max((k + 1 for k, each in enumerate(rounds) if each["jump"]), default=0)
    last = [*rounds[start:], now][-3:]  # a jump restarts the sequence
    if now["step"] <= ROUNDING:
        return {"estimate": now["step"], "jump": 0.0}
    if len(last) < 2 or not now["money"] < last[-2]["money"]:
        return {"estimate": math.inf, "jump": 0.0}
    ratio = now["money"] / last[-2]["money"]
    told = {"estimate": now["step"] * max(1.0, ratio / (1.0 - ratio)), "jump": 0.0}
    drift = [each["drift"] for each in last]
    alike = abs(drift[-1]) >= ALIKE * now["money"] and now["fresh"] <= FRESH * now["moved"]
    if alike and len(drift) == 3 and drift[0] and drift[1]:
        ratio, earlier = drift[2] / drift[1], drift[1] / drift[0]
        if 0 < ratio < 1 and abs(ratio - earlier) < STEADY * (1.0 - ratio):
            told["jump"] = min(ratio / (1.0 - ratio), FURTHEST)
    return told


def _whole(disk: Disk, rounds: list[dict[str, Any]]) -> None:
    """Go back to the last round with an intact file."""
    place = disk.path / name_of(len(rounds) - 1)
    for _ in rounds[-2:]:
        if disk.whole(name_of(len(rounds) - 1)):
            return
        rounds.pop()
    if rounds:
        raise damaged(place)
