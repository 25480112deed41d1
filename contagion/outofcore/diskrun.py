"""DiskRun: the results of a run on disk, read from its folder a few rows at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from ..media import notebook, shown
from ..records import Table
from ..text import choice, same_scale
from ..vocabulary import MOST
from .disk import damaged, digest, quoted, read_manifest
from .outcomes import COLUMNS, TABLE

TITLES = {"clear": "Clearing", "distress": "DebtRank"}
NO_DEBTS = "the node has no debts in the graph"


@dataclass(frozen=True, repr=False)
class DiskRun:
    """A run of :func:`clear` or :func:`distress` in its folder.

    Attributes
    ----------
    path : the folder; its file `table.parquet` has one row per node, with the columns of `COLUMNS`,
        and can be read by other programs.

    Raises
    ------
    StressError : for a folder without a finished run, or with files that differ from their hashes.
    """

    path: Path

    @cached_property
    def _told(self) -> dict[str, Any]:
        told = read_manifest(self.path)
        file = self.path / TABLE
        if not file.exists() or digest(file) != told["files"].get(TABLE):
            raise damaged(file)
        return told

    @property
    def totals(self) -> pd.Series:
        """Sums over all nodes, money: initial_loss, owners_loss, external_loss, socialized,
        claims_lost, shortfall; and the number of defaults."""
        return pd.Series(self._told["state"]["totals"], name="total")

    @property
    def rounds(self) -> pd.DataFrame:
        """One row per round: step (largest change relative to the balance sheet), money and drift
        (sums of absolute and of signed changes), moved and fresh (numbers of nodes), estimate (of
        the error), jump, seconds."""
        return pd.DataFrame(self._told["state"]["rounds"]).set_index("round")

    @property
    def nodes(self) -> int:
        """The number of nodes."""
        return int(self._rows("count(*)")["count_star()"].item())

    def largest(self, by: str = "loss", *, most: int = MOST) -> Table:
        """The nodes with the largest values in a column, with all columns.

        Parameters
        ----------
        by : a column of the table, money or a share.
        most : maximum number of rows.
        """
        choice(by, COLUMNS, "by")
        return self._table(f"order by {by} desc nulls last, node limit {int(most)}")

    def of(self, names: Iterable[Any]) -> Table:
        """The rows of some nodes."""
        wanted = list(dict.fromkeys(map(str, names)))
        listed = ", ".join(map(quoted, wanted)) or "null"
        return self._table(f"where node in ({listed}) order by node")

    def _table(self, which: str) -> Table:
        frame = self._rows(f"node, {', '.join(COLUMNS)}", which).set_index("node")
        blank = frame.index[frame["recovery_rate"].isna()]
        return Table(frame, COLUMNS, {"recovery_rate": dict.fromkeys(blank, NO_DEBTS)})

    def _rows(self, columns: str, which: str = "") -> pd.DataFrame:
        import duckdb

        self._told  # noqa: B018  checks the hash
        file = quoted(self.path / TABLE)
        with duckdb.connect() as work:
            return work.execute(f"select {columns} from read_parquet({file}) {which}").df()

    @shown
    def __repr__(self) -> str:
        spec, totals, rounds = self._told["spec"], self.totals, self.rounds
        say = same_scale(totals[["owners_loss", "external_loss"]], spec["unit"])
        return (
            f"{TITLES[spec['model']]} on disk ({self.nodes:,} nodes): {spec['shock']['says']}\n"
            f"  owners lose {say(totals['owners_loss'])}, external creditors "
            f"{say(totals['external_loss'])}; {int(totals['defaults']):,} in default\n"
            f"  error about {rounds['estimate'].iloc[-1]:.1g} of a balance sheet after "
            f"{len(rounds)} rounds of {rounds['seconds'].mean():.3g} s; {self.path}"
        )

    def _repr_html_(self) -> str:
        return notebook(repr(self), self.largest().table, self._told["spec"]["unit"])
