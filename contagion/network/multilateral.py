"""Multilateral netting: novation to a clearing house, and portfolio compression."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, Self

import pandas as pd

from . import netting, transforms
from .matrices import Matrices
from .provenance import Record, record
from .transforms import N


class Multilateral(Matrices):
    """The methods of :class:`~contagion.ExposureNetwork` for multilateral netting."""

    def novate(
        self,
        clearing_house: Any,
        members: Iterable[Any] | None = None,
        *,
        claims: Mapping[str, Any] | None = None,
        columns: Mapping[str, Any] | None = None,
    ) -> Self:
        """Novation: a clearing house becomes counterparty to the claims of its members.

        A claim A_ij becomes a claim of i on the house and a claim of the house on j. All claims of
        a member are netted to one position,

            v_i = Σ_j A_ij − Σ_j A_ji :   a claim of v_i on the house, or a debt of −v_i to it.

        The v_i sum to zero, so the house has a matched book, and equity does not change. A loss of
        a member now reaches the other members only through the house: its equity, its rule (a
        waterfall) and its guarantees, which do not change. Claims of and on the house, e.g. a
        default fund, do not change either. Collateral and netting sets belong to the two parties of
        a claim and are removed with it. For members of several houses, call it once for each house
        with a filter.

        Parameters
        ----------
        clearing_house : a node of the network.
        members : nodes whose claims on each other are novated; by default all but the house.
        claims : filter of these claims by exposure columns, e.g. {"layer": "derivatives"}.
        columns : cells of the new claims, e.g. {"layer": "gains"} for their layer in the waterfall
            of the house. By default the values that all novated claims have in common.

        Raises
        ------
        UnknownNameError
            For an unknown node.
        ArgumentError, ArgumentTypeError
            For a house that is its own member, an unknown column, a value that no claim has.
        NetworkError
            If a guarantee covers a novated claim, because its debtor changes.

        Example
        -------
        a has a claim of 10 on b, b of 8 on c, c of 5 on a: net positions of +5, −2 and −3.

        >>> import contagion as ct
        >>> owed = {"creditor": ["a", "b", "c"], "debtor": ["b", "c", "a"], "amount": [10, 8, 5]}
        >>> nodes = {"node": ["a", "b", "c", "house"], "equity": [2, 2, 2, 1]}
        >>> net = ct.ExposureNetwork(nodes, owed).novate("house")
        >>> net.exposures[["creditor", "debtor", "amount"]].values.tolist()
        [['a', 'house', 5.0], ['house', 'b', 2.0], ['house', 'c', 3.0]]
        >>> net.balance_sheet["equity"].tolist()
        [2.0, 2.0, 2.0, 1.0]
        >>> net.changes[["what", "creditor", "debtor", "before", "after"]].values.tolist()[2:4]
        [['novation', 'c', 'a', 5.0, 0.0], ['multilateral netting', 'a', 'house', 0.0, 5.0]]
        """
        exposures, rows = netting.novate(self, clearing_house, members, claims, columns)
        given = {"clearing_house": clearing_house, "members": members, "claims": claims}
        return _changed(self, exposures, record("netted", "novate", given, rows=rows))

    def compress(
        self,
        how: Literal["conservative", "non_conservative"] = "conservative",
        claims: Mapping[str, Any] | None = None,
    ) -> Self:
        """Portfolio compression: lower total debts with unchanged net positions of all nodes.

            min Σ A'_ij   with   Σ_j A'_ij − Σ_j A'_ji = Σ_j A_ij − Σ_j A_ji   for every i

        "conservative" only reduces existing claims, 0 ≤ A' ≤ A: cycles of claims cancel by the
        largest possible total (a linear programme; if several solutions have the same total, the
        choice does not depend on the order of the rows). Claims between the same two nodes are
        reduced in proportion and keep their columns and pledges. "non_conservative" closes all
        claims and opens new ones from net debtors to net creditors, both in order of size. The
        total falls to the minimum Σ_i max(v_i, 0), with fewer claims than nodes. New claims can be
        between parties without an earlier relationship.

        Equity does not change. The note of the step states the excess before and after;
        :func:`contagion.network.netting.excess` computes it for any network.

        Parameters
        ----------
        how : "conservative" or "non_conservative".
        claims : filter by exposure columns, e.g. {"layer": "derivatives"}; claims that are not
            substitutes for each other should be compressed separately.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            For another word, an unknown column, a value that no claim has.
        NetworkError
            If a guarantee covers a claim that is removed.
        ArithmeticError
            If the linear programme is not solved.

        Example
        -------
        A cycle of 5, 3 and 4 is reduced by 3 on each side; of the remaining 12 − 9 = 3, the
        minimum with the same net positions is 2.

        >>> import contagion as ct
        >>> net = ct.ExposureNetwork.from_matrix([[0, 5, 0], [0, 0, 3], [4, 0, 0]],
        ...     ["a", "b", "c"], orientation="creditor->debtor", equity=[1, 1, 1])
        >>> net.compress().exposures[["creditor", "debtor", "amount"]].values.tolist()
        [['a', 'b', 2.0], ['c', 'a', 1.0]]
        >>> small = net.compress("non_conservative")
        >>> small.exposures[["creditor", "debtor", "amount"]].values.tolist()
        [['a', 'b', 1.0], ['c', 'b', 1.0]]
        >>> small.changes["note"].iloc[0]
        'non_conservative: excess 10 before, 0 after'

        Source: after D'Errico & Roukny (2021), Compressing over-the-counter markets, Operations
        Research (the general, conservative and non-conservative problems). The matching that
        attains the minimum is our own.
        """
        exposures, rows = netting.compress(self, how, claims)
        given = {"how": how, "claims": claims}
        return _changed(self, exposures, record("netted", "compress", given, rows=rows))


def _changed(network: N, exposures: pd.DataFrame, done: Record) -> N:
    """The network with other claims; several claims between the same two nodes are accepted."""
    new = transforms.rebuilt(network, done, exposures, network._completed())
    if netting.repeated(exposures):
        new.__dict__["_accepted"] = {**new._accepted, "duplicates": "keep"}
    return new
