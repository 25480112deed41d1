"""Netting among more than two: novation to a clearing house, and portfolio compression."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, Self

import pandas as pd

from . import netting, transforms
from .matrices import Matrices
from .provenance import Record, record
from .transforms import N


class Multilateral(Matrices):
    """The methods of :class:`~contagion.ExposureNetwork` that net among many nodes."""

    def novate(
        self,
        clearing_house: Any,
        members: Iterable[Any] | None = None,
        *,
        claims: Mapping[str, Any] | None = None,
        columns: Mapping[str, Any] | None = None,
    ) -> Self:
        """Novation: a clearing house steps into claims between its members, and nets them.

        A claim A_ij becomes a claim of i on the house and a claim of the house on j. Each member
        is left with one net position,

            v_i = Σ_j A_ij − Σ_j A_ji :   a claim of v_i on the house, or a debt of −v_i to it.

        The v_i add up to nothing, so the house has a matched book, and no equity changes. A loss
        of a member now reaches the others through the house only: by its equity, its rule (a
        waterfall) and its guarantees, which stay as they are. Claims of and on the house, e.g. a
        default fund, are not touched. Collateral and netting sets belong to the two parties of a
        claim and go with it. For members of several houses call it once a house, with a filter.

        Parameters
        ----------
        clearing_house : a node of the network.
        members : nodes whose claims on each other are novated; by default all but the house.
        claims : which of them, by exposure columns, e.g. {"layer": "derivatives"}.
        columns : cells of the new claims, e.g. {"layer": "gains"} for the layer that takes them
            in the waterfall of the house. By default what the novated claims have in common.

        Raises
        ------
        UnknownNameError
            For an unknown node.
        ArgumentError, ArgumentTypeError
            For a house that is its own member, an unknown column, a value that no claim has.
        NetworkError
            Where a guarantee covers a claim that is novated: its debtor is another now.

        Example
        -------
        a claims 10 from b, b 8 from c, c 5 from a: net positions of +5, −2 and −3.

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
        """Portfolio compression: less is owed in all, and every node has the same net position.

            min Σ A'_ij   with   Σ_j A'_ij − Σ_j A'_ji = Σ_j A_ij − Σ_j A_ji   for every i

        "conservative" only reduces claims that are there, 0 ≤ A' ≤ A: cycles of claims cancel, as
        far as any choice of cycles can (a linear programme; where several choices take away the
        same amount, one of them is taken, the same whatever the order of the rows). Claims of one
        pair fall in proportion and keep their columns and pledges. "non_conservative" closes all
        claims and opens new ones from net debtors to net creditors, both in the order of their
        size. The total falls to the minimum Σ_i max(v_i, 0), with fewer claims than nodes, between
        parties that may never have dealt with each other.

        No equity changes. The note of the step says how much excess there was and is;
        :func:`contagion.network.netting.excess` gives it for any network.

        Parameters
        ----------
        how : "conservative" or "non_conservative".
        claims : which claims, by exposure columns, e.g. {"layer": "derivatives"}; claims that are
            no substitute for each other should be compressed one kind after the other.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            For another word, an unknown column, a value that no claim has.
        NetworkError
            Where a guarantee covers a claim that is gone.
        ArithmeticError
            Where the linear programme is not solved.

        Example
        -------
        A cycle of 5, 3 and 4 loses 3 on each side; of 12 − 9 = 3 left, only 2 are needed.

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
        Research (the general, conservative and non-conservative problems; the matching that
        attains the minimum is ours).
        """
        exposures, rows = netting.compress(self, how, claims)
        given = {"how": how, "claims": claims}
        return _changed(self, exposures, record("netted", "compress", given, rows=rows))


def _changed(network: N, exposures: pd.DataFrame, done: Record) -> N:
    """The network with other claims; a new claim may stand beside one of the same pair."""
    new = transforms.rebuilt(network, done, exposures, network._completed())
    if netting.repeated(exposures):
        new.__dict__["_accepted"] = {**new._accepted, "duplicates": "keep"}
    return new
