"""Clearing and distress of networks that are larger than memory."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any, Literal

from ..errors import expect
from ..shocks import Shock
from ..text import choice
from . import inputs
from .disk import Disk, database
from .diskrun import DiskRun
from .fixedpoint import converged
from .inputs import NODES, parquet, prepared, spec_of
from .outcomes import TABLE, tabulated
from .shocked import START, struck

Place = str | PathLike[str]


def clear(
    exposures: Place,
    *,
    nodes: Place,
    shock: Shock,
    folder: Place,
    memory: str = "2GB",
    duplicates: Literal["error", "sum"] = "error",
    self_loops: Literal["error", "drop"] = "error",
    tolerance: float = 1e-10,
    max_rounds: int = 1000,
    unit: str = "",
    progress: bool = False,
) -> DiskRun:
    """Clearing payments of a network in Parquet files, with at most `memory`.

        p = min(p̄, max(0, e + Πᵀ p − external liabilities))

    as in :class:`contagion.EisenbergNoe`: pro rata, external creditors ahead of the graph. Only
    the data of the current step pass through memory; the rest is on disk. The same call with the
    same folder resumes an interrupted run. Results are bitwise identical with or without
    interruptions, for any `memory` and number of threads (see :mod:`contagion.outofcore.disk`).

    Parameters
    ----------
    exposures : Parquet file, or a folder of them: creditor, debtor, amount.
    nodes : the same: node, and equity or external_assets and external_liabilities (or total_assets,
        total_liabilities); can_fail.
    shock : losses, shares of external assets, equity, or defaults.
    folder : for rounds and results; needs about three times the disk space of the exposures.
    memory : "500MB", "2GB"; data beyond that are written to the folder.
    duplicates : "sum" adds several rows of one creditor and debtor.
    self_loops : "drop" drops claims of a node on itself.
    tolerance : estimated error relative to the balance sheet of each node. It is an estimate from
        the ratio of the last changes; for models in memory it is a bound.
    max_rounds : maximum number of rounds, including those of earlier calls.
    unit : unit of money, for display.
    progress : show a progress bar.

    Raises
    ------
    NetworkError : for NaN, negative amounts, unknown names, duplicates and other problems, each
        with its count and examples; for a file that is not Parquet, with its name.
    ShockError : for a shock that does not fit the network.
    ConvergenceError : after `max_rounds`; a call with more rounds resumes there. Debts that
        circulate in a closed group with a small shortfall need very many rounds.
    StressError : for a folder that holds another run, is damaged, or is in use.
    MissingPackageError : without DuckDB, the extra `outofcore`.

    Example
    -------
    a owes b 10 and has 12, of which it loses 6: b gets 6.

    >>> import contagion as ct, pandas as pd, tempfile, pathlib
    >>> at = pathlib.Path(tempfile.mkdtemp())
    >>> owed = pd.DataFrame({"creditor": ["b"], "debtor": ["a"], "amount": [10.0]})
    >>> owed.to_parquet(at / "exposures.parquet")
    >>> banks = pd.DataFrame({"node": ["a", "b"], "external_assets": [12.0, 1.0]})
    >>> banks.to_parquet(at / "nodes.parquet")
    >>> run = ct.outofcore.clear(at / "exposures.parquet", nodes=at / "nodes.parquet",
    ...     shock=ct.Shock.loss({"a": 6.0}), folder=at / "run")
    >>> run.of(["b"])["claims_lost"].tolist(), run.totals["socialized"].item()
    ([4.0], 4.0)

    Source: Eisenberg & Noe (2001), Management Science 47(2), DOI 10.1287/mnsc.47.2.236.9835.
    """
    return _run("clear", exposures, nodes, shock, folder, memory, duplicates, self_loops, tolerance,
                max_rounds, unit, progress)  # fmt: skip


def distress(
    exposures: Place,
    *,
    nodes: Place,
    shock: Shock,
    folder: Place,
    memory: str = "2GB",
    duplicates: Literal["error", "sum"] = "error",
    self_loops: Literal["error", "drop"] = "error",
    tolerance: float = 1e-10,
    max_rounds: int = 1000,
    unit: str = "",
    progress: bool = False,
) -> DiskRun:
    """DebtRank (linear, 2015) of a network in Parquet files, with at most `memory`.

        h_i = min(1, h_i(1) + Σ_j A_ij / E_i · h_j)

    the least solution, as in :class:`.DebtRank`; parameters, errors and the folder are those of
    :func:`clear`.

    Example
    -------
    a loses half its equity, so b writes down half of its claim of 4.

    >>> import contagion as ct, pandas as pd, tempfile, pathlib
    >>> at = pathlib.Path(tempfile.mkdtemp())
    >>> owed = pd.DataFrame({"creditor": ["b"], "debtor": ["a"], "amount": [4.0]})
    >>> owed.to_parquet(at / "exposures.parquet")
    >>> banks = pd.DataFrame({"node": ["a", "b"], "external_assets": [6.0, 6.0]})
    >>> banks.to_parquet(at / "nodes.parquet")
    >>> run = ct.outofcore.distress(at / "exposures.parquet", nodes=at / "nodes.parquet",
    ...     shock=ct.Shock.loss({"a": 1.0}), folder=at / "run")
    >>> run.of(["b"])["loss"].item()
    2.0

    Source: Bardoscia, Battiston, Caccioli & Caldarelli (2015), PLoS ONE 10(6), DOI
    10.1371/journal.pone.0130406.
    """
    return _run("distress", exposures, nodes, shock, folder, memory, duplicates, self_loops,
                tolerance, max_rounds, unit, progress)  # fmt: skip


def _run(
    model: str,
    exposures: Place,
    nodes: Place,
    shock: Shock,
    folder: Place,
    memory: str,
    duplicates: str,
    self_loops: str,
    tolerance: float,
    max_rounds: int,
    unit: str,
    progress: bool,
) -> DiskRun:
    expect(shock=shock)
    choice(duplicates, ("error", "sum"), "duplicates")
    choice(self_loops, ("error", "drop"), "self_loops")
    tables = parquet(exposures, "exposures"), parquet(nodes, "nodes")
    place, limits = Path(folder), (tolerance, max_rounds, progress)
    with database(place, memory) as work:
        network = Disk(place / inputs.NETWORK, work)
        prepared(network, *tables, duplicates, self_loops)
        before = None
        if model == "clear" and _short(network):
            before = Disk(place / "before", work)
            _solved(network, before, model, Shock(), "", None, limits)
        run = Disk(place / model, work)
        _solved(network, run, model, shock, unit, before, limits)
    return DiskRun(run.path)


def _short(network: Disk) -> bool:
    """True if a node cannot pay its debts even without a shock."""
    owed = "debts + external_liabilities"
    return bool(network.one(
        f"select count(*) from {network.rows(NODES)} "
        f"where can_fail and equity < -1e-12 * ({owed})")[0])  # fmt: skip


def _solved(
    network: Disk,
    disk: Disk,
    model: str,
    shock: Shock,
    unit: str,
    before: Disk | None,
    limits: tuple[float, int, bool],
) -> None:
    """Run all steps from the shock to the table, or resume an earlier call."""
    spec: dict[str, Any] = {
        "model": model, "shock": spec_of(shock), "unit": unit, "network": dict(network.files),
    }  # fmt: skip
    disk.begin(spec)
    if not disk.whole(START):
        disk.state.clear()
        struck(network, disk, shock, model)
        disk.note()
    converged(network, disk, *limits)
    if disk.state.get("tabulated") != len(disk.state["rounds"]) or not disk.whole(TABLE):
        tabulated(network, disk, model, before)
