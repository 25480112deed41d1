"""Margins: total claims and debts of every node, where the single exposures are not known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd

from ...errors import NetworkError
from ...media import shown
from ...network import formats as convert
from ...network.checks.aggregates import without_sums
from ...network.exposure_network import ExposureNetwork
from ...network.formats import Tables
from ...network.provenance import Record, record
from ...network.tables import Reading, door, reading
from ...network.tables.reading import OPTIONS as READING
from ...text import listing, money, plural
from ._cells import Problem, places, problem
from .feasible import leftover, require

SHEET = ("external_assets", "external_liabilities", "equity", "total_assets", "total_liabilities")


@dataclass(frozen=True, eq=False)
class Margins:
    """Total claims and debts of every node towards the other nodes.

    A network meets the margins when

        Σ_j X_ij = claims_i,   Σ_i X_ij = debts_j,   X_ii = 0,   X_ij ≥ 0,

    with `X[i, j]` the claim of creditor i on debtor j. The constructor checks that such a network
    exists, with the known and the forbidden cells (Hall's condition, by a maximum flow).

    Parameters
    ----------
    names : (n,) ids of the nodes, each once.
    claims, debts : (n,) amounts ≥ 0 with equal sums (tolerance 1e-9; debts are then scaled).
    unit : unit of every amount.
    nodes : node table with a balance sheet and any column of the schema; it is used for every
        network. Nodes without balance sheets can lose claims but cannot default.
    known : {(creditor, debtor): amount}, exposures that are known, 0 included; kept exactly.
    forbidden : pairs (creditor, debtor) without an exposure.
    residual : name of an external node to add, with the smallest claims and debts that the others
        cannot place among themselves. It cannot default.

    Raises
    ------
    NetworkError : for margins that are not numbers ≥ 0, unknown or repeated names, known exposures
        above a margin, and where no network meets the margins, with the nodes that prevent it.

    Example
    -------
    Claims and debts with the same sum, and margins that need a residual node:

    >>> Margins(["a", "b", "c"], claims=[3, 2, 1], debts=[1, 2, 3]).total
    6.0
    >>> Margins(["a", "b", "c"], claims=[9, 2, 1], debts=[1, 2, 3], residual="world").table
           claims  debts
    node
    a         9.0    1.0
    b         2.0    2.0
    c         1.0    3.0
    world     0.0    6.0

    Source: for the margins Upper and Worm (2004), European Economic Review 48; the condition is
    that of the transport problem, after Gale (1957), Pacific Journal of Mathematics 7.
    """

    names: Any
    claims: Any
    debts: Any
    unit: str = ""
    nodes: Any = None
    known: Mapping[tuple[Any, Any], float] = field(default_factory=dict)
    forbidden: Any = ()
    residual: str | None = None
    _settings: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        put = self.__dict__
        put["names"] = pd.Index(list(self.names), name="node")
        if not len(self.names):
            raise NetworkError("The margins have no nodes: there is nothing to reconstruct.")
        put["claims"], put["debts"] = (
            _money(values, self.names, what)
            for values, what in ((self.claims, "claims"), (self.debts, "debts"))
        )
        twice = self.names[self.names.duplicated()].unique()
        if len(twice):
            raise NetworkError(
                f"{plural(len(twice), 'name occurs', 'names occur')} more than once: "
                f"{listing(twice)}. Give one row a node."
            )
        put["nodes"] = None if self.nodes is None else _aligned(self.nodes, self.names)
        put["known"] = {tuple(pair): float(amount) for pair, amount in self.known.items()}
        put["forbidden"] = frozenset(tuple(pair) for pair in self.forbidden)
        self._check_cells()
        if self.residual is not None:
            self._add_residual()
        for array in (self.claims, self.debts):
            array.flags.writeable = False
        order = self._problem.order
        require(self._problem, self.names.to_numpy(object)[order], self.unit)

    def _check_cells(self) -> None:
        bad = [pair for pair, amount in self.known.items() if not 0 <= amount < np.inf]
        if bad:
            raise NetworkError(
                f"Known exposures are not numbers ≥ 0: {listing(bad)}. Correct the amounts."
            )
        both = [pair for pair in self.known if pair in self.forbidden and self.known[pair] > 0]
        if both:
            raise NetworkError(
                f"{listing(both)} are both known and forbidden. Leave one of the two out."
            )
        found = places(self.names, [*self.known, *self.forbidden])
        loops = [pair for pair in self.known if pair[0] == pair[1] and self.known[pair] > 0]
        if loops and len(found):
            raise NetworkError(
                f"{listing(loops)}: a node has no claim on itself. Leave these exposures out."
            )

    def _add_residual(self) -> None:
        put = self.__dict__
        if self.residual in self.names:
            raise NetworkError(
                f"residual={self.residual!r} is already a node. Choose another name."
            )
        without_debtor, without_creditor = leftover(self._arrays())
        put["names"] = self.names.append(pd.Index([self.residual])).rename("node")
        put["claims"] = np.append(self.claims, without_creditor)
        put["debts"] = np.append(self.debts, without_debtor)
        if self.nodes is not None:
            nodes = self.nodes if "can_fail" in self.nodes else self.nodes.assign(can_fail=True)
            row = pd.DataFrame([{"node": self.residual, "can_fail": False}])
            put["nodes"] = pd.concat([nodes, row], ignore_index=True)

    # -- constructors -----------------------------------------------------------------------

    @classmethod
    def from_network(
        cls,
        network: ExposureNetwork,
        *,
        known: Mapping[tuple[Any, Any], float] | None = None,
        forbidden: Iterable[tuple[Any, Any]] = (),
    ) -> Self:
        """The margins of a network: the totals of its exposures.

        Balance sheets, kinds, holdings, shareholdings, rules and the settings of the network are
        kept. Columns of the exposures are not: a reconstructed network has no tiers, layers or
        collateral, and one plain claim for each pair.

        Raises
        ------
        NetworkError : for a network with guarantees, which belong to single exposures.
        RuleError : where the rule of a node needs a column of the exposures.

        Example
        -------
        >>> import contagion as ct
        >>> from contagion.synthetic import reconstruct
        >>> net = ct.ExposureNetwork.from_matrix([[0, 4], [0, 0]], ["a", "b"],
        ...     orientation="creditor->debtor", external_assets=[5, 9])
        >>> reconstruct.Margins.from_network(net).table.values.tolist()
        [[4.0, 0.0], [0.0, 4.0]]
        """
        if network._guarantees is not None:
            raise NetworkError(
                "Guarantees belong to single exposures, which a reconstruction does not keep. "
                "net.with_guarantees(None) leaves them out."
            )
        settings: dict[str, Any] = {
            "name": network.name,
            "external_creditors": network.external_creditors,
            "holdings": network.holdings,
            "rules": network._rules,
            "shareholdings": network._shareholdings,
            "assumptions": network.book.assumptions,
            "provenance": network.provenance,
            **network._choices,
        }
        if (~network.book.known & network.book.can_fail).any():
            settings["missing_equity"] = "external"
        margins = cls(
            network.names,
            network.book.claims,
            network.book.debts,
            unit=network.unit,
            nodes=network._completed(),
            known=known or {},
            forbidden=forbidden,
            _settings=settings,
        )
        if network._rules or "rule" in network._nodes:
            margins._network(network.creditor, network.debtor, network.amount).segments  # noqa: B018
        return margins

    @classmethod
    def from_table(
        cls,
        nodes: Any,
        *,
        claims: str = "interbank_assets",
        debts: str = "interbank_liabilities",
        unit: str = "",
        name: str = "",
        known: Mapping[tuple[Any, Any], float] | None = None,
        forbidden: Iterable[tuple[Any, Any]] = (),
        residual: str | None = None,
        **choices: Any,
    ) -> Self:
        """Margins from a node table with two columns of totals.

        Parameters
        ----------
        nodes : table or file with a column `node`, both columns of margins and any of the schema.
        claims, debts : names of the two columns.
        unit, name : of the networks.
        known, forbidden, residual : as in :class:`Margins`.
        **choices : treatment of incomplete balance sheets, for every network (`missing_equity=`,
            `assume_equity=`), see :class:`~contagion.network.checks.Choices`;
            `aggregates="drop"` leaves out rows that are sums; options for reading the table, see
            :class:`~contagion.network.tables.Reading`.

        Raises
        ------
        NetworkError : for a missing column, and for the reasons given in :class:`Margins`.

        Example
        -------
        >>> import contagion as ct
        >>> from contagion.synthetic import reconstruct
        >>> table = {"node": ["a", "b"], "interbank_assets": [4, 1],
        ...          "interbank_liabilities": [1, 4], "external_assets": [9, 9]}
        >>> net = reconstruct.maximum_entropy(reconstruct.Margins.from_table(table)).network
        >>> net.balance_sheet["equity"].tolist()
        [12.0, 6.0]
        """
        own = {claims: "interbank_assets", debts: "interbank_liabilities"}
        renamed = {k: v for k, v in own.items() if k != v}
        options: dict[str, Any] = dict(choices)
        if renamed:
            options["columns"] = {**options.get("columns", {}), **renamed}
        how = reading(options, unit)
        found = door.read(nodes, "margins", how)
        how.finish(found.headings)
        door.raise_errors(found.findings)
        table = without_sums(found.table, options.get("aggregates", "error"), unit)
        kept = {k: v for k, v in options.items() if k not in (*READING, "aggregates")}
        return cls(
            table["node"],
            table["interbank_assets"],
            table["interbank_liabilities"],
            unit=unit,
            nodes=table.drop(columns=["interbank_assets", "interbank_liabilities"]),
            known=known or {},
            forbidden=forbidden,
            residual=residual,
            _settings={
                "name": name,
                "provenance": (record("read", "table of margins", kept),),
                **kept,
            },
        )

    def partial(self, exposures: Any, *, at_least: float = 0.0, how: Reading | None = None) -> Self:
        """The same margins with exposures that are known, as in a report of large exposures.

        Parameters
        ----------
        exposures : table or file creditor, debtor, amount; several rows of a pair are summed.
        how : options for reading it.
        at_least : only pairs with at least this amount count as known. The fact that the other
            pairs are smaller is not used.

        Example
        -------
        >>> import contagion as ct
        >>> from contagion.synthetic import reconstruct
        >>> margins = reconstruct.Margins(["a", "b", "c"], claims=[3, 2, 1], debts=[1, 2, 3])
        >>> seen = {"creditor": ["a", "b"], "debtor": ["c", "a"], "amount": [1.5, 0.5]}
        >>> margins.partial(seen, at_least=1).known
        {('a', 'c'): 1.5}
        """
        how = how or Reading(unit=self.unit)
        seen_as = convert.tables(None, exposures, how)
        read = door.Read(seen_as.exposures, "exposures", seen_as.findings, seen_as.origin)
        door.checked(read, how)
        if read.origin and not len(read.table):
            read.findings.append(door.no_rows(read.origin))
        door.raise_errors(read.findings)
        table = read.table
        sums = table.groupby(["creditor", "debtor"], sort=False)["amount"].sum()
        seen = dict(sums[sums >= at_least].astype(float))
        return type(self)(
            self.names,
            self.claims,
            self.debts,
            unit=self.unit,
            nodes=self.nodes,
            known={**self.known, **seen},
            forbidden=self.forbidden,
            _settings=self._settings,
        )

    # -- results ----------------------------------------------------------------------------

    @property
    def table(self) -> pd.DataFrame:
        """Claims and debts of every node, amounts."""
        return pd.DataFrame({"claims": self.claims, "debts": self.debts}, index=self.names)

    @property
    def total(self) -> float:
        """Sum of all claims."""
        return float(self.claims.sum())

    def __len__(self) -> int:
        return len(self.names)

    @shown
    def __repr__(self) -> str:
        cells = [f"{len(self.known):,} known"] if self.known else []
        cells += [f"{len(self.forbidden):,} forbidden"] if self.forbidden else []
        more = f"; cells: {', '.join(cells)}" if cells else ""
        return f"Margins of {plural(len(self), 'node')}, {money(self.total, self.unit)}{more}"

    @cached_property
    def _problem(self) -> Problem:
        return self._arrays()

    def _arrays(self) -> Problem:
        return problem(self.names, self.claims, self.debts, self.known, self.forbidden, self.unit)

    def _network(
        self, creditor: np.ndarray, debtor: np.ndarray, amount: np.ndarray, *done: Record
    ) -> ExposureNetwork:
        """A network of these exposures (rows of `names`) with the balance sheets of the nodes."""
        exposures = pd.DataFrame(
            {
                "creditor": self.names.take(creditor),
                "debtor": self.names.take(debtor),
                "amount": amount,
            }
        )
        nodes = pd.DataFrame({"node": self.names}) if self.nodes is None else self.nodes
        settings = {"unit": self.unit, **self._settings}
        if not set(SHEET) & set(nodes.columns):
            settings.setdefault("missing_equity", "external")
        settings["provenance"] = (*settings.get("provenance", ()), *done)
        return ExposureNetwork._from(Tables(nodes.copy(), exposures), {**settings, "trusted": True})


def _money(values: Any, names: pd.Index, what: str) -> np.ndarray:
    """(n,) amounts ≥ 0."""
    if isinstance(values, Mapping):
        values = [values.get(name, np.nan) for name in names]
    array = pd.to_numeric(pd.Series(list(values), dtype=object), errors="coerce")
    money_ = array.to_numpy(np.float64, na_value=np.nan).copy()
    if len(money_) != len(names):
        raise NetworkError(
            f"{what} has {plural(len(money_), 'entry', 'entries')} for "
            f"{plural(len(names), 'node')}."
        )
    bad = ~((money_ >= 0) & (money_ < np.inf))
    if bad.any():
        raise NetworkError(
            f"The {what} of {plural(int(bad.sum()), 'node')} are not numbers ≥ 0: "
            f"{listing(names[bad])}. Fill them in; a total that is 0 is written 0."
        )
    return np.asarray(money_)


def _aligned(nodes: Any, names: pd.Index) -> pd.DataFrame:
    """The node table in the order of the names."""
    found = door.read(nodes, "nodes", Reading())
    table = found.table
    if "node" not in table:
        raise NetworkError("The node table has no column 'node'.")
    place = pd.Index(table["node"]).get_indexer_for(names)
    if len(table) != len(names) or (place < 0).any():
        lost = names[place < 0] if len(place) == len(names) else names[:0]
        raise NetworkError(
            f"The node table has {plural(len(table), 'row')} for {plural(len(names), 'node')}"
            + (
                f"; {listing(lost)} {'is' if len(lost) == 1 else 'are'} missing."
                if len(lost)
                else "."
            )
        )
    taken: pd.DataFrame = table.iloc[place].reset_index(drop=True)
    return taken
