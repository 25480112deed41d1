"""The exposure network: tables in, matrices and balance sheets out, immutable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, Unpack

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from . import book as books
from . import convert, validation
from .errors import Finding, NetworkError, ShockError
from .kernels.segments import PRIORITY, PRO_RATA, QUEUE, Segments, compile_segments
from .text import did_you_mean, listing, money
from .validation import Choices

if TYPE_CHECKING:
    import networkx as nx

Orientation = Literal["creditor->debtor", "debtor->creditor"]
ExternalCreditors = Literal["senior", "pari_passu"]
RULES = {"priority": PRIORITY, "pro_rata": PRO_RATA, "queue": QUEUE}


class ExposureNetwork:
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
    unit : unit of every amount, e.g. "USD" or "EUR mn".
    external_creditors : "senior" (creditors outside the graph are paid before every claim in
        it) or "pari_passu" (they share with the claims of tier 1). A column `external_tier`
        in `nodes` says it node by node.
    name : title for figures and reports.
    holdings : table node, asset, value (money): the part of external assets that moves with the
        price of an asset, for `Shock.price`.
    origin : file name that error messages give with a line number.
    **choices : what to do about data that is not clean, see :class:`~contagion.validation.Choices`.

    Raises
    ------
    NetworkError
        With every finding of the input checks that no choice mends.

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
        unit: str = "",
        name: str = "",
        external_creditors: ExternalCreditors = "senior",
        holdings: Any = None,
        origin: str = "",
        **choices: Unpack[Choices],
    ):
        validation.known_choices(choices)
        if external_creditors not in ("senior", "pari_passu"):
            raise ValueError(
                f"external_creditors={external_creditors!r}: choose 'senior' or 'pari_passu'."
            )
        claims = convert.to_pandas(exposures)
        validation.required_columns(claims, "exposures")
        table = convert.node_table(nodes, claims)
        validation.required_columns(table, "nodes")
        amount = pd.to_numeric(claims["amount"]).to_numpy(np.float64, na_value=np.nan)
        draft = validation.Draft(table, claims, dict(choices), unit, origin, amount=amount)  # type: ignore[arg-type]
        books.margins(draft)
        _run(draft, validation.TABLE_CHECKS)
        _run(draft, validation.CLAIM_CHECKS)
        book = books.complete(draft)
        _stop(draft.findings)
        put = self.__dict__
        put["unit"], put["name"] = unit, name
        put["external_creditors"] = external_creditors
        put["findings"] = tuple(draft.findings)
        put["book"] = book
        put["_nodes"] = draft.nodes.reset_index(drop=True)
        put["_exposures"] = draft.exposures.reset_index(drop=True).assign(amount=draft.amount)
        index_type = np.int32 if max(len(table), len(claims)) < 2**31 else np.int64
        put["creditor"] = _frozen(draft.creditor.astype(index_type))
        put["debtor"] = _frozen(draft.debtor.astype(index_type))
        put["amount"] = _frozen(draft.amount)
        put["names"] = pd.Index(put["_nodes"]["node"], name="node")
        put["holdings"] = None if holdings is None else self._checked_holdings(holdings)
        put["_choices"] = {k: v for k, v in choices.items() if k in ("start_defaulted",)}

    def __setattr__(self, key: str, value: object) -> None:
        raise AttributeError(f"an ExposureNetwork is immutable; {key!r} cannot be set")

    # -- from and to other forms ------------------------------------------------------------

    @classmethod
    def from_matrix(
        cls,
        matrix: Any,
        names: Sequence[Any] | None = None,
        *,
        orientation: Orientation,
        external_assets: Any = None,
        external_liabilities: Any = None,
        equity: Any = None,
        kind: Any = None,
        totals: Literal["error", "drop"] = "error",
        **options: Any,
    ) -> ExposureNetwork:
        """A network from a square matrix (numpy, scipy sparse, or a labelled DataFrame).

        Parameters
        ----------
        matrix : shape (n, n), money. With orientation "creditor->debtor" `matrix[i, j]` is the
            claim of i on j; with "debtor->creditor" it is what i owes j.
        names : n labels; a DataFrame brings its own.
        external_assets, external_liabilities, equity, kind : shape (n,), see the schema.
        totals : "drop" leaves out a last row and column that hold the sums.
        **options : keywords of :class:`ExposureNetwork`.

        Raises
        ------
        NetworkError
            C001 (orientation), C009 (labels and shape), and what the constructor raises.

        Example
        -------
        >>> net = ExposureNetwork.from_matrix([[0, 4], [0, 0]], ["a", "b"],
        ...     orientation="debtor->creditor", external_assets=[5, 1])
        >>> net.exposures[["creditor", "debtor", "amount"]].values.tolist()
        [['b', 'a', 4.0]]
        """
        exposures, labels = convert.from_matrix(matrix, names, orientation, totals)
        given = {
            "external_assets": external_assets,
            "equity": equity,
            "kind": kind,
            "external_liabilities": external_liabilities,
        }
        nodes = pd.DataFrame({"node": labels})
        for column, values in given.items():
            if values is not None:
                nodes[column] = convert.aligned(values, labels, column)
        return cls(nodes, exposures, **options)

    @classmethod
    def from_networkx(
        cls,
        graph: nx.Graph,
        *,
        orientation: Orientation | None = None,
        amount: str | None = None,
        **options: Any,
    ) -> ExposureNetwork:
        """A network from a networkx digraph: node and edge attributes become columns.

        Parameters
        ----------
        graph : DiGraph or MultiDiGraph.
        orientation : what source → target means. Needed unless `graph.graph["orientation"]`,
            which :meth:`to_networkx` writes, says it.
        amount : edge attribute with the amounts, by default "amount" or else "weight".
        **options : keywords of :class:`ExposureNetwork`.

        Raises
        ------
        NetworkError
            C001 without an orientation, and what the constructor raises.

        Example
        -------
        >>> import networkx as nx
        >>> graph = nx.DiGraph()
        >>> graph.add_node("a", external_assets=3.0); graph.add_node("b", external_assets=1.0)
        >>> graph.add_edge("a", "b", amount=2.0)
        >>> net = ExposureNetwork.from_networkx(graph, orientation="debtor->creditor")
        >>> net.balance_sheet["equity"].tolist()
        [1.0, 3.0]
        """
        nodes, exposures, settings = convert.from_networkx(graph, orientation, amount)
        return cls(nodes, exposures, **{**settings, **options})

    def to_networkx(self, orientation: Orientation = "creditor->debtor") -> nx.MultiDiGraph:
        """The network as a networkx MultiDiGraph: one edge a claim, all columns as attributes."""
        return convert.to_networkx(
            self._nodes,
            self._exposures,
            orientation,
            {"unit": self.unit, "name": self.name, "external_creditors": self.external_creditors},
        )

    # -- tables -----------------------------------------------------------------------------

    @property
    def nodes(self) -> pd.DataFrame:
        """The node table as given (a copy; `balance_sheet` has it completed)."""
        return self._nodes.copy(deep=False)

    @property
    def exposures(self) -> pd.DataFrame:
        """The exposure table, one row a claim (a copy)."""
        return self._exposures.copy(deep=False)

    @cached_property
    def balance_sheet(self) -> pd.DataFrame:
        """External assets, claims, external liabilities, debts and equity of every node (money)."""
        book = self.book
        return pd.DataFrame(
            {
                "external_assets": book.external_assets,
                "claims": book.claims,
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
        n = len(self)
        matrix = csr_array((self.amount, (self.debtor, self.creditor)), shape=(n, n))
        matrix.sum_duplicates()
        return matrix

    @cached_property
    def relative_liabilities(self) -> csr_array:
        """`Π`, shape (n, n): the rows of `L` over the total debts of the debtor in the graph."""
        return _divide_rows(self.liabilities, self.book.debts)

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
        equity = self.book.equity
        bad = ~(equity > 0) & (self.book.claims > 0)
        if bad.any():
            raise NetworkError(
                f"Leverage is undefined for {int(bad.sum())} nodes without positive known equity: "
                f"{', '.join(map(repr, map(str, self.names[bad][:3])))}."
            )
        return _divide_rows(self.liabilities.T.tocsr(), np.where(equity > 0, equity, np.inf))

    @cached_property
    def segments(self) -> Segments:
        """The rules of all nodes, compiled for the clearing kernel."""
        columns = self._exposures
        tier, rank = _numbers(columns, "tier", 1), _numbers(columns, "rank", 0)
        rule: np.ndarray | int = PRIORITY
        if "rule" in self._nodes:
            words = self._nodes["rule"].fillna("priority")
            unknown = words[~words.isin(RULES)]
            if len(unknown):
                raise NetworkError(did_you_mean(unknown.iloc[0], list(RULES), "rule"))
            rule = words.map(RULES).to_numpy(np.int8)
        default = 1 if self.external_creditors == "pari_passu" else 0
        external_tier = _numbers(self._nodes, "external_tier", default)
        return compile_segments(
            self.debtor,
            self.creditor,
            self.amount,
            len(self),
            tier,
            rank,
            rule,
            np.nan_to_num(self.book.external_liabilities),
            external_tier,
            lambda: self.relative_liabilities,
        )

    # -- looking up and changing ------------------------------------------------------------

    def position(self, node: Any) -> int:
        """Row of a node. Raises `KeyError` with the closest name."""
        try:
            return int(self.names.get_loc(node))
        except KeyError:
            raise KeyError(did_you_mean(node, list(self.names), "node")) from None

    def set_off(self, *pairs: tuple[Any, Any]) -> ExposureNetwork:
        """Bilateral set-off: mutual claims of two nodes cancel up to the smaller side.

        The larger side keeps the difference, spread over its claims pro rata. Equity does not
        change, external assets and liabilities do not either.

        Parameters
        ----------
        *pairs : the pairs that may set off (a netting set is a legal fact: name it). Without
            pairs every mutual pair nets.

        Raises
        ------
        KeyError
            For an unknown node.

        Example
        -------
        >>> net = ExposureNetwork.from_matrix([[0, 75], [68, 0]], ["stream", "elixir"],
        ...     orientation="creditor->debtor", external_assets=[10, 10])
        >>> net.set_off(("stream", "elixir")).exposures[["creditor", "debtor", "amount"]].values.tolist()
        [['stream', 'elixir', 7.0]]
        """
        n = len(self)
        forward = self.debtor * np.int64(n) + self.creditor
        back = self.creditor * np.int64(n) + self.debtor
        keys, where = np.unique(forward, return_inverse=True)
        total = np.bincount(where, self.amount, len(keys))
        at = np.minimum(np.searchsorted(keys, back), len(keys) - 1)
        mutual = np.where(keys[at] == back, total[at], 0.0)
        if pairs:
            places = [(self.position(a), self.position(b)) for a, b in pairs]
            allowed = [x * n + y for a, b in places for x, y in ((a, b), (b, a))]
            mutual = np.where(np.isin(forward, allowed), mutual, 0.0)
        gross = total[where]
        left = self.amount * np.maximum(gross - mutual, 0.0) / np.where(gross > 0, gross, 1.0)
        kept = (left > 0) | (self.amount == 0)
        return self._rebuilt(self._exposures.assign(amount=left)[kept])

    def with_nodes(self, **columns: Mapping[Any, Any] | Iterable[Any]) -> ExposureNetwork:
        """The network with node columns replaced, from a mapping node → value or n values.

        The other side of the balance sheet follows: with `external_assets` or
        `external_liabilities` given, equity is recomputed.

        Example
        -------
        >>> net = ExposureNetwork.from_matrix([[0, 4], [0, 0]], ["a", "b"],
        ...     orientation="debtor->creditor", external_assets=[5, 1])
        >>> net.with_nodes(external_assets={"a": 9}).balance_sheet.loc["a", "equity"]
        np.float64(5.0)
        """
        nodes = self._resolved_nodes()
        for column, values in columns.items():
            if isinstance(values, Mapping):
                for name in values:
                    self.position(name)
                old = nodes[column] if column in nodes else pd.Series(np.nan, nodes.index)
                new = nodes["node"].map(dict(values))
                nodes[column] = new.where(nodes["node"].isin(list(values)), old)
            else:
                nodes[column] = list(values)
        return self._rebuilt(self._exposures, nodes)

    def holdings_of(self, asset: Any) -> np.ndarray:
        """Money (n,) that each node holds in an asset. Raises `ShockError` for an unknown asset."""
        table = self.holdings
        if table is None or not (table["asset"] == asset).any():
            known = [] if table is None else list(table["asset"].unique())
            raise ShockError(
                did_you_mean(asset, known, "asset")
                if known
                else f"No node holds {str(asset)!r}: the network has no table of holdings "
                "(holdings= with columns node, asset, value)."
            )
        rows = table[table["asset"] == asset]
        return np.bincount(self.names.get_indexer(rows["node"]), rows["value"], len(self))

    def _checked_holdings(self, holdings: Any) -> pd.DataFrame:
        table = convert.to_pandas(holdings)
        missing = [c for c in ("node", "asset", "value") if c not in table]
        if missing:
            raise NetworkError(f"The holdings table has no column {listing(missing)}.")
        unknown = table["node"][~table["node"].isin(self.names)]
        if len(unknown):
            raise NetworkError(did_you_mean(unknown.iloc[0], list(self.names), "node in holdings"))
        held = np.bincount(self.names.get_indexer(table["node"]), table["value"], len(self))
        over = held > self.book.external_assets * (1 + 1e-9)
        if over.any():
            raise NetworkError(
                f"{listing(self.names[over])} hold more than their external assets; "
                "holdings are a part of them."
            )
        return table.reset_index(drop=True)

    def _resolved_nodes(self) -> pd.DataFrame:
        """The node table with the balance sheet as it was completed."""
        unused = ["equity", "total_assets", "total_liabilities", "can_fail"]
        return self._nodes.drop(columns=[c for c in unused if c in self._nodes]).assign(
            external_assets=self.book.external_assets,
            external_liabilities=self.book.external_liabilities,
            can_fail=self.book.can_fail,
        )

    def _rebuilt(
        self, exposures: pd.DataFrame, nodes: pd.DataFrame | None = None
    ) -> ExposureNetwork:
        net = ExposureNetwork(
            self._resolved_nodes() if nodes is None else nodes,
            exposures,
            unit=self.unit,
            name=self.name,
            external_creditors=self.external_creditors,
            holdings=self.holdings,
            duplicates="keep",
            aggregates="keep",
            loops="solve",
            collateral="ignore",
            **self._choices,
        )
        net.__dict__["book"] = books.with_assumptions(net.book, self.book.assumptions)
        return net

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
    FileNotFoundError
        Where there is no such file.

    Example
    -------
    >>> import tempfile, pathlib
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "claims.csv"
    >>> _ = file.write_text("creditor,debtor,amount\\na,b,10\\n")
    >>> read(file, assume_equity={"a": 1, "b": 1}).balance_sheet["claims"].tolist()
    [10.0, 0.0]
    """
    nodes, exposures, settings = convert.read_tables(path, options)
    return ExposureNetwork(nodes, exposures, **settings)


def _run(draft: validation.Draft, checks: Iterable[Any]) -> None:
    for check in checks:
        check(draft)
    if any(f.code in ("C004", "C006", "C007") for f in draft.findings if f.severity == "error"):
        _stop(draft.findings)


def _stop(findings: Sequence[Finding]) -> None:
    errors = [finding for finding in findings if finding.severity == "error"]
    if errors:
        raise NetworkError(errors)


def _frozen(array: np.ndarray) -> np.ndarray:
    array = np.ascontiguousarray(array)
    array.flags.writeable = False
    return array


def _numbers(table: pd.DataFrame, column: str, default: float) -> np.ndarray | float:
    """A numeric column with its default; one number where every row has the same."""
    if column not in table:
        return default
    values = pd.to_numeric(table[column]).to_numpy(np.float64, na_value=np.nan)
    values = np.where(np.isnan(values), default, values)
    return float(values[0]) if len(values) and (values == values[0]).all() else values


def _divide_rows(matrix: csr_array, by: np.ndarray) -> csr_array:
    rows = np.repeat(np.where(by > 0, by, 1.0), np.diff(matrix.indptr))
    return csr_array((matrix.data / rows, matrix.indices, matrix.indptr), shape=matrix.shape)
