"""The exposure network: tables in, matrices and balance sheets out, immutable."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from ..errors import ArgumentTypeError
from ..media import notebook, shown, visible
from ..text import money
from . import formats as convert
from . import intake, netting
from .changes import Changes
from .checks import Choices
from .contents import ExternalCreditors
from .forms import Forms, Orientation
from .provenance import UNOBSERVED, record
from .tables import reading


class ExposureNetwork(Forms, Changes):
    """A weighted directed graph of claims with a balance sheet at every node.

    Losses flow from debtor to creditor. The input tables are checked (all findings are collected
    before an error is raised) and completed to balance sheets by

        equity = external assets + claims − external liabilities − debts

    A network is immutable: every method that changes something returns a new network and adds a
    record to `provenance`, the list of all steps that produced the network.

    Parameters
    ----------
    nodes : table with a column `node` and any of the columns of `schema.csv`; `None` takes the
        nodes from the exposures. pandas, or anything narwhals reads (polars, arrow, ...).
    exposures : table with columns `creditor`, `debtor`, `amount` and optional ones.
    orientation : "creditor->debtor" or "debtor->creditor": the meaning of the two columns of
        names, e.g. source and target; not needed for columns named creditor and debtor.
    columns : {"theirs": "ours"} for columns with other names, of both tables.
    unit : unit of every amount, e.g. "USD" or "EUR mn".
    external_creditors : "senior" (creditors outside the graph are paid before every claim in
        it) or "pari_passu" (they share with the claims of tier 1). A column `external_tier`
        in `nodes` sets it for each node.
    name : title for figures and reports.
    holdings : table node, asset, value: the part of external assets whose value changes with the
        price of an asset, for `Shock.price`.
    rules : loss-sharing rules of single nodes, {node: rule}, see :mod:`contagion.rules`; a rule,
        a word or a dict. Other nodes have the rule of the column `rule`.
    guarantees : table guarantor, debtor, amount (the largest possible call) and optionally
        creditor, layer, ranking: debts that are due only if the debtor cannot pay.
    shareholdings : table owner, company, fraction: the part of the equity of a company that
        another node owns; not part of external assets.
    origin : file name for error messages, which add line numbers.
    **choices : repairs of the input data, see :class:`~contagion.network.checks.Choices`.

    Raises
    ------
    NetworkError
        With every error of the input checks that no choice repairs.
    ArgumentTypeError, ArgumentError
        For an unknown option, or a value that the option does not accept.

    Example
    -------
    >>> import pandas as pd
    >>> nodes = pd.DataFrame({"node": ["a", "b"], "external_assets": [3.0, 8.0],
    ...                       "external_liabilities": [0.0, 2.0]})
    >>> owed = pd.DataFrame({"creditor": ["a"], "debtor": ["b"], "amount": [4.0]})
    >>> net = ExposureNetwork(nodes, owed, unit="EUR mn")
    >>> net.balance_sheet.loc["b", "equity"]        # 8 − 2 − 4
    np.float64(2.0)
    """

    def __init__(
        self,
        nodes: Any,
        exposures: Any,
        *,
        orientation: Orientation | None = None,
        columns: Mapping[str, str] | None = None,
        unit: str = "",
        name: str = "",
        external_creditors: ExternalCreditors = "senior",
        holdings: Any = None,
        rules: Mapping[Any, Any] | None = None,
        guarantees: Any = None,
        shareholdings: Any = None,
        origin: str = "",
        **choices: Unpack[Choices],
    ):
        intake.settings({**choices, "external_creditors": external_creditors})
        self._fill(
            self._read(nodes, exposures, orientation, {**choices, "columns": columns}, unit),
            unit=unit,
            name=name,
            external_creditors=external_creditors,
            holdings=holdings,
            rules=rules,
            guarantees=guarantees,
            shareholdings=shareholdings,
            **choices,
        )

    @staticmethod
    def _read(
        nodes: Any, exposures: Any, orientation: str | None, options: dict[str, Any], unit: str
    ) -> convert.Tables:
        for given in (nodes, exposures):
            if isinstance(given, str | PathLike):
                raise ArgumentTypeError(
                    f"{str(given)!r} is a path: contagion.read(path) reads files."
                )
        return convert.tables(nodes, exposures, reading(options, unit), orientation)

    @shown
    def __repr__(self) -> str:
        total = money(float(self.amount.sum()), self.unit)
        unknown = int((~self.book.known).sum())
        lines = [
            f"ExposureNetwork {visible(self.name)}".rstrip(),
            f"  {len(self):,} nodes, {len(self.amount):,} exposures, {total} owed in the graph",
            f"  equity {money(float(np.nansum(self.book.equity)), self.unit)}"
            + (f", unknown for {unknown} nodes" if unknown else "")
            + f"; external creditors {self.external_creditors.replace('_', ' ')}",
        ]
        lines += [f"  derived: {'; '.join(self.book.derived)}"] if self.book.derived else []
        lines += [f"  {record}" for record in self.provenance.named(*UNOBSERVED)]
        if self.provenance.changes:
            lines.append(f"  changed: {netting.summary(self.provenance.changes, self.unit)}")
        warnings = [f for f in self.findings if f.severity not in ("error", "note")]
        if warnings:
            codes = ", ".join(dict.fromkeys(f.code for f in warnings))
            lines.append(f"  {len(warnings)} findings ({codes}): see .check()")
        return "\n".join(textwrap.fill(line, 79, subsequent_indent="    ") for line in lines)

    def _repr_html_(self) -> str:
        sheet = self.balance_sheet
        money = [str(name) for name in sheet if sheet[name].dtype.kind == "f"]
        order = np.argsort(-(self.book.stated_assets + self.book.claims), kind="stable")
        return notebook(repr(self), sheet.iloc[order[:8]], self.unit, money)


def read(path: str | PathLike[str], **options: Any) -> ExposureNetwork:
    """Read a network from a file or a folder.

    Parameters
    ----------
    path : `.csv`, `.parquet`, `.xlsx`, `.graphml`, `.gexf`, a labelled matrix in CSV or Excel,
        or a folder with `exposures.csv`, `nodes.csv` (or `.parquet`) and optionally
        `dataset.toml`, whose `[network]` table gives default options.
    **options : `nodes=` (path of the node table), `orientation=` (needed unless the columns are
        called creditor and debtor), `layer=` (keep one layer or snapshot), how the tables are
        read (`columns={"theirs": "ours"}`, `constants=`, `sheet=`, `totals="drop"` ..., see
        :class:`~contagion.network.tables.Reading`), and the keywords of :class:`ExposureNetwork`,
        of which `holdings=`, `guarantees=` and `shareholdings=` take paths as well.

    Raises
    ------
    NetworkError
        With every finding of the input checks.
    MissingFileError
        If the file does not exist.

    Example
    -------
    >>> import tempfile, pathlib
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "claims.csv"
    >>> _ = file.write_text("creditor,debtor,amount\\na,b,10\\n")
    >>> read(file, assume_equity={"a": 1, "b": 1}).balance_sheet["claims"].tolist()
    [10.0, 0.0]
    """
    intake.settings({k: v for k, v in options.items() if k not in convert.OPTIONS})
    known = {k: v for k, v in options.items() if k in convert.OPTIONS and k not in convert.KEPT}
    tables = convert.read_tables(path, options)
    settings = intake.settings({**tables.settings, "read": record("read", Path(path).name, known)})
    return ExposureNetwork._from(tables, settings)
