"""The exposure network: tables in, matrices and balance sheets out, immutable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from os import PathLike
from typing import Any, Literal, Unpack, cast

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from ..errors import Finding
from ..kernels.segments import Segments
from ..rules import Rule
from ..text import known_name, money
from . import balance_sheet as books
from . import checks as validation
from . import formats as convert
from . import guarantees as contingent
from . import holdings as held
from . import intake, matrices, netting, transforms
from . import shareholdings as owners
from .changes import Changes
from .checks import Choices
from .forms import Forms, Orientation

ExternalCreditors = Literal["senior", "pari_passu"]


class ExposureNetwork(Forms, Changes):
    """Who owes whom: a weighted directed graph of claims with a balance sheet at every node.

    Losses flow from debtor to creditor. The tables are checked on the way in (all findings
    are collected before anything is raised), completed to balance sheets by

        equity = external assets + claims − external liabilities − debts

    and never changed afterwards: every method that changes something returns a new network.

    Parameters
    ----------
    nodes : table with a column `node` and any of the columns of `schema.csv`; `None` takes the
        nodes from the exposures. pandas, or anything narwhals reads (polars, arrow, ...).
    exposures : table with columns `creditor`, `debtor`, `amount` (money) and optional ones.
    orientation : "creditor->debtor" or "debtor->creditor", what the first and the second column
        of names mean (source and target, say); not needed where they are called creditor and
        debtor.
    columns : {"theirs": "ours"} for columns with other names, of both tables.
    unit : unit of every amount, e.g. "USD" or "EUR mn".
    external_creditors : "senior" (creditors outside the graph are paid before every claim in
        it) or "pari_passu" (they share with the claims of tier 1). A column `external_tier`
        in `nodes` says it node by node.
    name : title for figures and reports.
    holdings : table node, asset, value (money): the part of external assets that moves with the
        price of an asset, for `Shock.price`.
    rules : how single nodes share a shortfall, {node: rule}, see :mod:`contagion.rules`; a rule,
        a word or a dict. Other nodes have the rule of the column `rule`.
    guarantees : table guarantor, debtor, amount (the most that is paid, money) and optionally
        creditor, layer, ranking: what is owed only when the debtor falls short.
    shareholdings : table owner, company, fraction: the part of the equity of a company that
        another node owns; no part of external assets.
    origin : file name that error messages give with a line number.
    **choices : what to do about data that is not clean, see
        :class:`~contagion.network.checks.Choices`.

    Raises
    ------
    NetworkError
        With every finding of the input checks that no choice mends.
    ArgumentTypeError, ArgumentError
        For an option that does not exist, or a word that it does not take.

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

    unit: str
    name: str
    external_creditors: ExternalCreditors
    names: pd.Index  # (n,) ids, in the order of every array of nodes
    creditor: np.ndarray  # (m,) rows of `names`
    debtor: np.ndarray
    amount: np.ndarray  # (m,) money
    book: books.Book
    findings: tuple[Finding, ...]
    _nodes: pd.DataFrame
    _columns: pd.DataFrame
    _holdings: pd.DataFrame | None
    _choices: dict[str, Any]
    _accepted: dict[str, str]
    _rules: dict[Any, Rule]
    _guarantees: pd.DataFrame | None
    _shareholdings: pd.DataFrame | None

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
            convert.tables(nodes, exposures, orientation, columns, origin),
            unit=unit,
            name=name,
            external_creditors=external_creditors,
            holdings=holdings,
            rules=rules,
            guarantees=guarantees,
            shareholdings=shareholdings,
            **choices,
        )

    def _fill(
        self,
        tables: convert.Tables,
        *,
        unit: str = "",
        name: str = "",
        external_creditors: ExternalCreditors = "senior",
        holdings: Any = None,
        rules: Mapping[Any, Any] | None = None,
        guarantees: Any = None,
        shareholdings: Any = None,
        origin: str = "",
        assumptions: Iterable[str] = (),
        trusted: bool = False,
        **choices: Unpack[Choices],
    ) -> None:
        """Check the tables and set every attribute, once."""
        tables.origin = origin or tables.origin
        draft, book = intake.check(tables, choices, unit, trusted=trusted)
        put = self.__dict__
        put["unit"], put["name"] = unit, name
        put["external_creditors"] = external_creditors
        book = books.with_assumptions(book, tuple(assumptions))
        put["_nodes"] = draft.nodes.reset_index(drop=True)
        put["_columns"] = draft.columns.reset_index(drop=True)
        put["creditor"] = intake.frozen(draft.creditor)
        put["debtor"] = intake.frozen(draft.debtor)
        same = draft.raw is not None and draft.amount is draft.raw.values
        put["amount"] = intake.frozen(draft.amount.copy() if same else draft.amount)
        put["names"] = pd.Index(put["_nodes"]["node"], name="node")
        put["_shareholdings"] = owners.checked(shareholdings, self.names, book.known)
        if put["_shareholdings"] is not None:
            book = books.with_shares(draft, book, owners.values(self.ownership, book.equity))
        put["book"], put["findings"] = book, tuple(draft.findings)
        table = (
            None if holdings is None else held.checked(holdings, self.names, book.external_assets)
        )
        put["_holdings"] = table
        put["_choices"] = {k: v for k, v in choices.items() if k in ("start_defaulted",)}
        put["_accepted"] = intake.accepted(draft, choices)
        put["_guarantees"] = contingent.checked(guarantees, self.names, self.creditor, self.debtor)
        put["_rules"] = matrices.named_rules(self, rules or {})
        if draft.liabilities is not None:
            put["liabilities"] = matrices.frozen(draft.liabilities)

    def __setattr__(self, key: str, value: object) -> None:
        raise AttributeError(f"an ExposureNetwork is immutable; {key!r} cannot be set")

    # -- tables -----------------------------------------------------------------------------

    @property
    def nodes(self) -> pd.DataFrame:
        """The node table as given, with the repairs that were chosen (a copy)."""
        return self._nodes.copy(deep=False)

    @cached_property
    def _exposures(self) -> pd.DataFrame:
        sides = {
            "creditor": self.names.take(self.creditor),
            "debtor": self.names.take(self.debtor),
            "amount": self.amount,
        }
        table = pd.DataFrame(sides)
        return pd.concat([table, self._columns], axis=1) if len(self._columns.columns) else table

    @property
    def exposures(self) -> pd.DataFrame:
        """The exposure table, one row a claim (a copy): creditor, debtor, amount, other columns."""
        return self._exposures.copy(deep=False)

    @property
    def holdings(self) -> pd.DataFrame | None:
        """The table node, asset, value, or None (a copy)."""
        return None if self._holdings is None else self._holdings.copy(deep=False)

    @property
    def balance_sheet(self) -> pd.DataFrame:
        """External assets, claims, external liabilities, debts and equity of every node (money).

        With shareholdings also `shares`, the value of the shares that a node holds in others.
        """
        book = self.book
        shares = {} if self._shareholdings is None else {"shares": book.shares}
        return pd.DataFrame(
            {
                "external_assets": book.external_assets,
                "claims": book.claims,
                **shares,
                "external_liabilities": book.external_liabilities,
                "debts": book.debts,
                "equity": book.equity,
            },
            index=self.names,
        )

    def check(self) -> pd.DataFrame:
        """Findings of the input checks: code, severity, title, count, amount, message, fix."""
        return validation.findings_table(self.findings)

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What was assumed about nodes whose balance sheet is not known, one sentence each."""
        return self.book.assumptions

    # -- matrices ---------------------------------------------------------------------------

    @cached_property
    def liabilities(self) -> csr_array:
        """Nominal liabilities `L`, shape (n, n): `L[i, j]` is what debtor i owes creditor j."""
        return matrices.liabilities(self)

    @cached_property
    def relative_liabilities(self) -> csr_array:
        """`Π`, shape (n, n): the rows of `L` over the total debts of the debtor in the graph."""
        return matrices.divide_rows(self.liabilities, self.book.debts)

    @cached_property
    def leverage(self) -> csr_array:
        """`Λ[i, j] = A[i, j] / E[i]`, shape (n, n): claims of i on j over the equity of i.

        After Bardoscia, Battiston, Caccioli and Caldarelli (2017), eq. 2. Rows without known
        positive equity are undefined and raise.

        Raises
        ------
        NetworkError
            Naming the nodes that hold claims and have no positive equity.
        """
        return matrices.leverage(self)

    @cached_property
    def ownership(self) -> csr_array:
        """`Γ`, shape (n, n): `Γ[i, j]` is the part of the equity of company j that i owns."""
        return matrices.frozen(owners.matrix(self._shareholdings, self.names))

    @cached_property
    def segments(self) -> Segments:
        """The rules of all nodes, compiled for the clearing kernel."""
        return matrices.segments(self)

    @cached_property
    def kinds(self) -> np.ndarray:
        """(n,) the kind of every node, "node" where the table does not say."""
        if "kind" not in self._nodes:
            return np.full(len(self), "node", object)
        return self._nodes["kind"].fillna("node").to_numpy(object)

    # -- looking up -------------------------------------------------------------------------

    def _completed(self) -> pd.DataFrame:
        return transforms.resolved_nodes(self)

    def position(self, node: Any) -> int:
        """Row of a node. Raises `UnknownNameError` with the closest name."""
        try:
            return int(cast(int, self.names.get_loc(node)))
        except (KeyError, TypeError, pd.errors.InvalidIndexError):
            known_name(node, self.names, "node")
            raise

    def holdings_of(self, asset: Any) -> np.ndarray:
        """Money (n,) that each node holds in an asset; `UnknownNameError` where there is none."""
        return held.held(self._holdings, self.names, asset)

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        total = money(float(self.amount.sum()), self.unit)
        unknown = int((~self.book.known).sum())
        lines = [
            f"ExposureNetwork {self.name}".rstrip(),
            f"  {len(self):,} nodes, {len(self.amount):,} exposures, {total} owed in the graph",
            f"  equity {money(float(np.nansum(self.book.equity)), self.unit)}"
            + (f", unknown for {unknown} nodes" if unknown else "")
            + f"; external creditors {self.external_creditors.replace('_', ' ')}",
        ]
        if self._steps:
            lines.append(f"  changed: {netting.summary(self._steps, self.unit)}")
        warnings = [f for f in self.findings if f.severity != "error"]
        if warnings:
            codes = ", ".join(dict.fromkeys(f.code for f in warnings))
            lines.append(f"  {len(warnings)} findings ({codes}): see .check()")
        return "\n".join(lines)


def read(path: str | PathLike[str], **options: Any) -> ExposureNetwork:
    """Read a network from a file or a folder.

    Parameters
    ----------
    path : `.csv`, `.parquet`, `.xlsx`, `.graphml`, `.gexf`, a labelled matrix in CSV or Excel,
        or a folder with `exposures.csv`, `nodes.csv` (or `.parquet`) and optionally
        `dataset.toml`, whose `[network]` table gives default options.
    **options : `nodes=` (path of the node table), `orientation=` (needed unless the columns are
        called creditor and debtor), `columns={"theirs": "ours"}`, `layer=` (keep one layer or
        snapshot), `totals="drop"` for matrices, and the keywords of :class:`ExposureNetwork`.

    Raises
    ------
    NetworkError
        With every finding of the input checks.
    MissingFileError
        Where there is no such file.

    Example
    -------
    >>> import tempfile, pathlib
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "claims.csv"
    >>> _ = file.write_text("creditor,debtor,amount\\na,b,10\\n")
    >>> read(file, assume_equity={"a": 1, "b": 1}).balance_sheet["claims"].tolist()
    [10.0, 0.0]
    """
    intake.settings({k: v for k, v in options.items() if k not in convert.OPTIONS})
    tables = convert.read_tables(path, options)
    settings = intake.settings(tables.settings)
    return ExposureNetwork._from(tables, settings)
