"""Degrees, strengths and concentration of networks that are larger than memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Literal

import pandas as pd

from ..errors import ArgumentError
from ..text import choice
from .disk import Disk, database
from .inputs import EXPOSURES, NETWORK, NODES, parquet, prepared

BY_NODE = "structure.parquet"
QUANTITIES = {
    "assets": "external_assets + claims",
    "equity": "greatest(equity, 0)",
    "claims": "claims",
    "debts": "debts",
}


@dataclass(frozen=True)
class Structure:
    """The structure of a network on disk.

    Attributes
    ----------
    nodes, exposures : their numbers; claims of 0 are not counted.
    density : exposures over n (n − 1).
    reciprocity : share of exposures whose debtor also has a claim on the creditor.
    concentration : one row per quantity (assets, equity, claims, debts): total (money), cr_k, hhi,
        gini, as in :func:`contagion.measures.concentration_table`.
    table : Parquet file with one row per node: node, debtors and creditors (degrees), claims and
        debts (strengths, money), largest_claim and largest_debt (money).
    """

    nodes: int
    exposures: int
    density: float
    reciprocity: float
    concentration: pd.DataFrame
    table: Path


def structure(
    exposures: str | PathLike[str],
    *,
    nodes: str | PathLike[str],
    folder: str | PathLike[str],
    memory: str = "2GB",
    k: Sequence[int] = (1, 3, 5, 10),
    duplicates: Literal["error", "sum"] = "error",
    self_loops: Literal["error", "drop"] = "error",
) -> Structure:
    """Degrees, strengths, density, reciprocity and concentration, with at most `memory`.

    Parameters
    ----------
    k : numbers of largest nodes in the concentration ratios cr_k.
    exposures, nodes, folder, memory, duplicates, self_loops : as in :func:`clear`; with the same
        folder the tables are prepared only once.

    Example
    -------
    >>> import contagion as ct, pandas as pd, tempfile, pathlib
    >>> at = pathlib.Path(tempfile.mkdtemp())
    >>> owed = pd.DataFrame({"creditor": list("abc"), "debtor": list("bab"), "amount": [6.0, 2, 2]})
    >>> owed.to_parquet(at / "exposures.parquet")
    >>> pd.DataFrame({"node": list("abc"), "equity": [1.0, 1, 2]}).to_parquet(at / "nodes.parquet")
    >>> found = ct.outofcore.structure(at / "exposures.parquet", nodes=at / "nodes.parquet",
    ...     folder=at / "run")
    >>> found.exposures, found.density, found.concentration.loc["claims", "cr_1"].round(6).item()
    (3, 0.5, 0.6)
    """
    choice(duplicates, ("error", "sum"), "duplicates")
    choice(self_loops, ("error", "drop"), "self_loops")
    if wrong := [size for size in k if size < 1]:
        raise ArgumentError(f"k={wrong[0]}: give numbers of nodes >= 1.")
    tables = parquet(exposures, "exposures"), parquet(nodes, "nodes")
    place = Path(folder)
    with database(place, memory) as work:
        network = Disk(place / NETWORK, work)
        prepared(network, *tables, duplicates, self_loops)
        disk = Disk(place / "structure", work)
        disk.begin({"network": dict(network.files)})
        if not disk.whole(BY_NODE):
            _by_node(network, disk)
        rows = {name: _concentration(network, term, k) for name, term in QUANTITIES.items()}
        pairs = network.rows(EXPOSURES)
        mutual = network.one(
            f"select count(*) from {pairs} a join {pairs} b "
            "on a.debtor = b.creditor and a.creditor = b.debtor"
        )[0]
    n, m = network.state["nodes"], network.state["exposures"]
    nan = float("nan")
    return Structure(
        n, m, m / (n * (n - 1)) if n > 1 else nan, mutual / m if m else nan,
        pd.DataFrame.from_dict(rows, orient="index"), disk.path / BY_NODE,
    )  # fmt: skip


def _by_node(network: Disk, disk: Disk) -> None:
    pairs = network.rows(EXPOSURES)
    sides = [
        f"(select {side} as id, count(*) as {degree}, max(amount) as {most} "
        f"from {pairs} group by all)"
        for side, degree, most in (
            ("creditor", "debtors", "largest_claim"),
            ("debtor", "creditors", "largest_debt"),
        )
    ]
    both = ", ".join(
        f"coalesce({name}, 0) as {name}"
        for name in ("debtors", "creditors", "largest_claim", "largest_debt")
    )
    disk.write(
        BY_NODE,
        f"select node, claims, debts, {both} from {network.rows(NODES)} "
        f"left join {sides[0]} using (id) left join {sides[1]} using (id)",
    )
    disk.note()


def _concentration(network: Disk, term: str, k: Sequence[int]) -> dict[str, float]:
    """Total, shares of the largest, Herfindahl–Hirschman index and Gini coefficient.

    `Σ_i (2i − n − 1) x_i / (n Σ x)` with x ascending is the Gini coefficient.
    """
    total = network.one(f"select {network.sum('x')} from (select {term} as x {_from(network)})")[0]
    names = [f"cr_{size}" for size in k]
    if not total:
        return dict.fromkeys(("total", *names, "hhi", "gini"), float("nan")) | {"total": 0.0}
    shares = "".join(f"coalesce(sum(s) filter (down <= {size}), 0), " for size in k)
    *found, squares, ranks, n = network.one(
        f"""select {shares} fsum(s * s), fsum((2.0 * (n + 1 - down) - n - 1) * s), any_value(n)
        from (select x / {total!r}::double as s, count(*) over () as n,
          row_number() over (order by x desc) as down from (select {term} as x {_from(network)}))"""
    )
    largest = dict(zip(names, found, strict=True))
    return {"total": total, **largest, "hhi": squares, "gini": ranks / n}


def _from(network: Disk) -> str:
    return f"from {network.rows(NODES)}"
