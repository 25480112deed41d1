"""Conversion of exposure networks from and to matrices, networkx graphs and folders of files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from ..rules import to_dict
from . import formats as convert
from . import intake
from .matrices import Matrices
from .tables import reading

if TYPE_CHECKING:
    import networkx as nx

Orientation = Literal["creditor->debtor", "debtor->creditor"]


class Forms(Matrices):
    """Conversion methods of :class:`~contagion.ExposureNetwork`."""

    @classmethod
    def from_matrix(
        cls,
        matrix: Any,
        names: Sequence[Any] | None = None,
        *,
        orientation: Orientation | None = None,
        external_assets: Any = None,
        external_liabilities: Any = None,
        equity: Any = None,
        kind: Any = None,
        totals: Literal["error", "drop", "keep"] = "error",
        **options: Any,
    ) -> Self:
        """A network from a square matrix (numpy, scipy sparse, or a labelled DataFrame).

        Parameters
        ----------
        matrix : shape (n, n), amounts. With orientation "creditor->debtor" `matrix[i, j]` is the
            claim of i on j; with "debtor->creditor" it is the debt of i to j. 0 and "-" mean no
            claim; an empty cell is unknown (C006) unless it is on the diagonal. Labels may be
            the index or a first column.
        names : n labels; not needed for a labelled DataFrame.
        external_assets, external_liabilities, equity, kind : shape (n,), see the schema.
        totals : "drop" removes rows and columns of sums, "keep" treats a row that looks like
            sums as a node.
        **options : keywords of :class:`ExposureNetwork`.

        Raises
        ------
        NetworkError
            C001 (orientation), C009 (labels and shape), and the errors of the constructor.

        Example
        -------
        >>> import contagion as ct
        >>> net = ct.ExposureNetwork.from_matrix([[0, 4], [0, 0]], ["a", "b"],
        ...     orientation="debtor->creditor", external_assets=[5, 1])
        >>> net.exposures[["creditor", "debtor", "amount"]].values.tolist()
        [['b', 'a', 4.0]]
        """
        settings = intake.settings(options)
        how = reading({**options, "totals": totals}, options.get("unit", ""))
        tables = convert.from_matrix(matrix, names, orientation, totals, how)
        assert tables.nodes is not None
        labels = list(tables.nodes["node"])
        given = {
            "external_assets": external_assets,
            "equity": equity,
            "kind": kind,
            "external_liabilities": external_liabilities,
        }
        for column, values in given.items():
            if values is not None:
                tables.nodes[column] = convert.aligned(values, labels, column)
        return cls._from(tables, settings)

    @classmethod
    def from_networkx(
        cls,
        graph: nx.Graph[Any],
        *,
        orientation: Orientation | None = None,
        amount: str | None = None,
        columns: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Self:
        """A network from a networkx digraph: node and edge attributes become columns.

        Parameters
        ----------
        graph : DiGraph or MultiDiGraph.
        orientation : meaning of source → target. Not needed if `graph.graph["orientation"]`,
            which :meth:`to_networkx` writes, is set.
        amount : edge attribute with the amounts, by default "amount" or else "weight".
        columns : {"theirs": "ours"} for other attributes of nodes and edges.
        **options : keywords of :class:`ExposureNetwork`.

        Raises
        ------
        NetworkError
            C001 without an orientation, and the errors of the constructor.

        Example
        -------
        >>> import contagion as ct
        >>> import networkx as nx
        >>> graph = nx.DiGraph()
        >>> graph.add_node("a", external_assets=3.0); graph.add_node("b", external_assets=1.0)
        >>> graph.add_edge("a", "b", amount=2.0)
        >>> net = ct.ExposureNetwork.from_networkx(graph, orientation="debtor->creditor")
        >>> net.balance_sheet["equity"].tolist()
        [1.0, 3.0]
        """
        settings = intake.settings(options)
        how = reading({**options, "columns": columns}, options.get("unit", ""))
        tables = convert.from_networkx(graph, orientation, amount, how)
        return cls._from(tables, {**tables.settings, **settings})

    def to_networkx(self, orientation: Orientation = "creditor->debtor") -> nx.MultiDiGraph[Any]:
        """The network as a networkx MultiDiGraph: one edge a claim, all columns as attributes.

        :meth:`from_networkx` restores the same network: the graph also holds the completed balance
        sheets, assumptions, holdings and the choices that accept duplicates, collateral or loops.

        Parameters
        ----------
        orientation : meaning of source → target in the graph.

        Example
        -------
        >>> import contagion as ct
        >>> net = ct.ExposureNetwork.from_matrix([[0, 4], [0, 0]], ["a", "b"],
        ...     orientation="debtor->creditor", external_assets=[5, 1])
        >>> graph = net.to_networkx("debtor->creditor")
        >>> list(graph.edges(data="amount")), graph.graph["orientation"]
        ([('a', 'b', 4.0)], 'debtor->creditor')
        >>> ct.ExposureNetwork.from_networkx(graph).balance_sheet.equals(net.balance_sheet)
        True
        """
        settings: dict[str, Any] = {
            "unit": self.unit,
            "name": self.name,
            "external_creditors": self.external_creditors,
            **self._accepted,
        }
        if self.book.assumptions:
            settings["assumptions"] = list(self.book.assumptions)
        if self._holdings is not None:
            settings["holdings"] = self._holdings.to_dict("list")
        if self._rules:
            settings["rules"] = [[node, to_dict(rule)] for node, rule in self._rules.items()]
        if self._guarantees is not None:
            settings["guarantees"] = self._guarantees.to_dict("list")
        if self._shareholdings is not None:
            settings["shareholdings"] = self._shareholdings.to_dict("list")
        settings["provenance"] = [record.entries() for record in self.provenance]
        return convert.to_networkx(self._completed(), self.exposures, orientation, settings)

    def write(self, folder: str | PathLike[str]) -> list[Path]:
        """Write the network to a folder that `ct.read` and the command line can read.

        The files are nodes.csv (with completed balance sheets), exposures.csv, tables of holdings,
        guarantees and shareholdings if the network has them, and dataset.toml with unit, name,
        settings, rules and provenance. Existing files with these names are replaced.

        Parameters
        ----------
        folder : created if it does not exist.

        Returns
        -------
        The paths of the files.

        Example
        -------
        >>> import tempfile
        >>> import contagion as ct
        >>> net = ct.ExposureNetwork.from_matrix([[0, 4], [0, 0]], ["a", "b"],
        ...     orientation="debtor->creditor", external_assets=[5, 1], unit="EUR mn")
        >>> folder = tempfile.mkdtemp()
        >>> [file.name for file in net.write(folder)]
        ['nodes.csv', 'exposures.csv', 'dataset.toml']
        >>> ct.read(folder).balance_sheet.equals(net.balance_sheet)
        True
        """
        tables = {
            "nodes": self._completed(),
            "exposures": self.exposures,
            "holdings": self._holdings,
            "guarantees": self._guarantees,
            "shareholdings": self._shareholdings,
        }
        settings: dict[str, Any] = {
            "external_creditors": self.external_creditors,
            **self._accepted,
        }
        if self.book.assumptions:
            settings["assumptions"] = list(self.book.assumptions)
        rules = {str(node): to_dict(rule) for node, rule in self._rules.items()}
        card: dict[str, Any] = {
            "title": self.name,
            "unit": self.unit,
            "network": settings,
            "rules": rules,
        }
        card["provenance"] = [record.entries() for record in self.provenance]
        return convert.write_folder(folder, tables, card)
