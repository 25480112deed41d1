"""Check of the memory for the claims of a network; the error explains how to need less."""

from __future__ import annotations

import os
from pathlib import Path

from ...errors import NetworkError

FIX = (
    "Fix: a sparse network (fitness or gibbs with a density below 1; minimum_density, two claims "
    "a node), a sparse prior, or small nodes put together before"
)
SYSTEM = Path("/proc/meminfo")
LIMITS = tuple(map(Path, ("/sys/fs/cgroup/memory.max",
                          "/sys/fs/cgroup/memory/memory.limit_in_bytes")))  # fmt: skip


def require_memory(what: str, count: int, each: int) -> None:
    """Raise `NetworkError` where `count` claims of `each` bytes exceed the free memory."""
    free = free_memory()
    if count * each > free:
        raise NetworkError(
            f"{what}: {count:,} claims take about {count * each / 1e9:,.2g} GB of memory, and "
            f"{free / 1e9:,.2g} GB are free. {FIX}."
        )


def free_memory() -> float:
    """Free memory in bytes: of the machine, or the limit of the container if it is lower.

    If free memory is not known, the whole memory of the machine; if that is not known, no limit.
    """
    try:
        lines = dict(line.split(":", 1) for line in SYSTEM.read_text().splitlines())
        free = 1024.0 * float(lines["MemAvailable"].split()[0])
    except (OSError, KeyError, ValueError):
        try:
            free = float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
        except (AttributeError, OSError, ValueError):
            free = float("inf")
    for path in LIMITS:
        try:
            free = min(free, float(path.read_text()))
        except (OSError, ValueError):  # there is no limit, or it is written as "max"
            continue
    return free
