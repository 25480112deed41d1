"""Ways to change an exposure network: each method returns a new one and leaves the old alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, Self

import pandas as pd

from . import netting, transforms
from .multilateral import Multilateral
from .provenance import record


class Changes(Multilateral):
    """The methods of :class:`~contagion.ExposureNetwork` that return a changed network."""

    @property
    def changes(self) -> pd.DataFrame:
        """What netting, novation, compression and settled collateral changed so far (a copy).

        One row a change; columns: step (1 for the first change), what, creditor, debtor, before
        and after (money), note. "set-off" and "close-out netting" have two rows a pair or set, one
        for each direction, with gross and net claims; "collateral settled" has one row a claim, and
        "pledge revalued" one row a pledge that took a haircut. "novation" has one row for each
        creditor and debtor whose claims go to a clearing house, and "multilateral netting" one
        for the position that each member is left with; "compression" one row for each pair whose
        claims changed. Empty for a network as it was read.

        Example
        -------
        >>> import contagion as ct
        >>> net = ct.ExposureNetwork.from_matrix([[0, 75], [68, 0]], ["stream", "elixir"],
        ...     orientation="creditor->debtor", external_assets=[63, 7.56])
        >>> len(net.changes)
        0
        >>> net.set_off().changes[["what", "creditor", "debtor", "before", "after"]].values.tolist()
        [['set-off', 'stream', 'elixir', 75.0, 7.0], ['set-off', 'elixir', 'stream', 68.0, 0.0]]
        """
        return netting.table(self.provenance.changes)

    def set_off(self, *pairs: tuple[Any, Any]) -> Self:
        """Bilateral set-off: mutual claims of two nodes cancel up to the smaller side.

        This is :meth:`close_out` with one netting set for all claims between two nodes,
        whatever their layer, tier or instrument. Equity does not change, external assets and
        liabilities do not either.

        Parameters
        ----------
        *pairs : the pairs that may set off (a netting set is a legal fact: name it). Without
            pairs every mutual pair nets.

        Raises
        ------
        UnknownNameError
            For an unknown node.
        NetworkError
            For a pair of more than two nodes.
        ArgumentError, ArgumentTypeError
            For a pair of a node with itself, or something that is not a pair.

        Example
        -------
        BlockFi claims 671 + 355 from the FTX group and owes it 275; taken as one legal entity
        the group owes 1026 − 275 = 751 net (millions of USD):

        >>> import contagion as ct
        >>> owed = {"creditor": ["blockfi", "blockfi", "ftx_group"],
        ...         "debtor": ["ftx_group", "ftx_group", "blockfi"], "amount": [671, 355, 275],
        ...         "instrument": ["loan", "account", "credit line"]}
        >>> net = ct.ExposureNetwork(None, owed, unit="USD mn", missing_equity="external")
        >>> net.set_off(("blockfi", "ftx_group")).amount.sum()
        np.float64(751.0)

        Taken as three legal entities, as the law does, Alameda owes 671, FTX.com 355, and what
        BlockFi owes FTX US offsets neither. Voyager lent Alameda 376.8 and owed it 75:

        >>> owed = {"creditor": ["voyager", "alameda"], "debtor": ["alameda", "voyager"],
        ...         "amount": [376.8, 75]}
        >>> net = ct.ExposureNetwork(None, owed, unit="USD mn", missing_equity="external")
        >>> round(net.set_off(("voyager", "alameda")).amount.sum(), 6)
        np.float64(301.8)

        Source: the amounts are those of the dataset `cefi_credit_2022`, with the documents.
        """
        exposures, rows = netting.set_off(self, pairs)
        done = record("netted", "set_off", {"pairs": pairs}, rows=rows)
        return transforms.rebuilt(self, done, exposures, self._completed())

    def close_out(self, netting_sets: Mapping[str, Mapping[str, Any]] | str) -> Self:
        """Close-out netting: in each netting set one net claim is left between its two parties.

        With G_ab the sum of the claims of a on b inside the set (the trades that are worth
        something to a) and G_ba the other way,

            exposure of a to b = max(0, G_ab − G_ba) = max(0, sum of mark-to-market),

        against G_ab gross. No equity changes: claims and debts of a party fall by the same
        min(G_ab, G_ba). Each claim of the larger side keeps the same part of its amount,
        (G_ab − G_ba) / G_ab, whatever its tier and layer; claims of the smaller side go. Other
        columns stay: a claim keeps its tier, layer, weight and the whole of its pledge, and a
        pledge for a claim that goes is free again. Claims outside the sets stay gross, claims of
        two sets never net with each other, nor do claims on two legal entities of one group.

        Parameters
        ----------
        netting_sets : {"name": {"parties": (a, b)}}; further entries say which of the claims
            between a and b are in the set, by any exposure column: {"parties": (a, b),
            "layer": "derivatives", "instrument": ["swap", "option"]}. Or the name of an
            exposure column that labels the set of every claim, e.g. "netting_set"; claims
            with an empty cell stay gross.

        Raises
        ------
        NetworkError
            For a set with more than two parties, and for a claim in two sets.
        UnknownNameError
            For an unknown node.
        ArgumentError, ArgumentTypeError
            For an unknown exposure column, for a value that no claim has, for a set without two
            different parties.

        Example
        -------
        Two agreements between a bank and a fund: 10 − 4 = 6 stays in the first, and the claim
        under the second is not touched. Under one agreement 10 − 4 − 5 = 1 would stay.

        >>> import contagion as ct
        >>> owed = {"creditor": ["bank", "fund", "fund"], "debtor": ["fund", "bank", "bank"],
        ...         "amount": [10, 4, 5], "instrument": ["swap", "swap", "repo"],
        ...         "netting_set": ["isda", "isda", "gmra"]}
        >>> net = ct.ExposureNetwork(None, owed, missing_equity="external")
        >>> net.close_out("netting_set").exposures[["creditor", "debtor", "amount"]].values.tolist()
        [['bank', 'fund', 6.0], ['fund', 'bank', 5.0]]
        >>> net.close_out({"isda": {"parties": ("bank", "fund"), "instrument": "swap"}}).changes[
        ...     ["creditor", "debtor", "before", "after", "note"]].values.tolist()
        [['bank', 'fund', 10.0, 6.0, 'isda'], ['fund', 'bank', 4.0, 0.0, 'isda']]
        >>> net.close_out({"all": {"parties": ("bank", "fund")}}).amount.tolist()
        [1.0]

        Source: current exposure of a netting set as in CPMI, glossary of the BIS (17 October
        2016); Gizycki & Gray (1994), Reserve Bank of Australia RDP 9409, eq. 1 without add-on.
        """
        exposures, rows = netting.close_out(self, netting_sets)
        done = record("netted", "close_out", {"netting_sets": netting_sets}, rows=rows)
        return transforms.rebuilt(self, done, exposures, self._completed())

    def settle_collateral(
        self, claims: Mapping[str, Any] | None = None, *, haircut: float = 0.0
    ) -> Self:
        """Collateral settled: each claim is paid from its pledge, up to the value of the pledge.

        With c the pledge (column `collateral`, a part of the external assets of the debtor), A
        the amount and h the haircut,

            paid = min((1 − h) c, A),    the gap A − paid stays as an unsecured claim,

        and an excess (1 − h) c − A goes back to the debtor. Debts and external assets of the
        debtor and the claim fall by what is paid, the external assets of the creditor rise by
        it: no equity changes. The value h c that the pledge loses is lost by the debtor, whose
        external assets and equity fall by it. Claims that are paid whole go. Without a haircut
        the balance sheets are those of `ExposureNetwork(..., collateral="settle")`.

        Parameters
        ----------
        claims : which claims, by exposure columns, e.g. {"debtor": "three_arrows"} or
            {"layer": ["loans", "repo"]}; None takes every claim with a pledge.
        haircut : part of the value of each pledge that is lost before it pays, 0 … 1.

        Raises
        ------
        NetworkError
            Where a debtor does not have the assets that it pledged, or would hold more priced
            assets (`holdings`) than it keeps.
        ArgumentError, ArgumentTypeError
            For an unknown column, a value that no claim has, a haircut outside 0 … 1.

        Example
        -------
        b owes a 10 and pledged 8 of its 20. At par 2 stay unsecured; with a haircut of 25 % the
        pledge is worth 6, and 4 stay:

        >>> import contagion as ct
        >>> nodes = {"node": ["a", "b"], "external_assets": [5, 20]}
        >>> owed = {"creditor": ["a"], "debtor": ["b"], "amount": [10], "collateral": [8]}
        >>> net = ct.ExposureNetwork(nodes, owed, collateral="ignore")
        >>> net.settle_collateral().amount.tolist()
        [2.0]
        >>> cut = net.settle_collateral({"debtor": "b"}, haircut=0.25)
        >>> cut.amount.tolist(), cut.balance_sheet[["external_assets", "equity"]].values.tolist()
        ([4.0], [[11.0, 15.0], [12.0, 8.0]])
        """
        exposures, external, rows = netting.settle_collateral(self, claims, haircut)
        nodes = self._completed().assign(external_assets=external)
        given = {"claims": claims, "haircut": haircut}
        done = record("netted", "settle_collateral", given, rows=rows)
        return transforms.rebuilt(self, done, exposures, nodes)

    def with_nodes(self, **columns: Mapping[Any, Any] | Iterable[Any]) -> Self:
        """The network with node columns replaced, from a mapping node → value or n values.

        The other side of the balance sheet follows: with `external_assets` or
        `external_liabilities` given, equity is recomputed; with `equity` given, external assets.

        Raises
        ------
        UnknownNameError
            For an unknown node.
        ArgumentTypeError
            For a column that is spelled almost like one of the schema.
        NetworkError
            Where the new figures do not pass the input checks.

        Example
        -------
        >>> import contagion as ct
        >>> net = ct.ExposureNetwork.from_matrix([[0, 4], [0, 0]], ["a", "b"],
        ...     orientation="debtor->creditor", external_assets=[5, 1])
        >>> net.with_nodes(external_assets={"a": 9}).balance_sheet.loc["a", "equity"]
        np.float64(5.0)
        """
        nodes = transforms.with_columns(self, columns)
        return transforms.rebuilt(
            self, record("changed", "with_nodes", columns), self.exposures, nodes
        )

    def with_amounts(
        self, amounts: Any, *, keep: Literal["external", "equity"] = "external"
    ) -> Self:
        """The network in which the claims have other amounts, 0 for none.

        Parameters
        ----------
        amounts : (m,) money >= 0, in the order of `exposures`.
        keep : what stays as it is: "external" assets and liabilities, so that equity follows, or
            the "equity" of every node: external assets take the difference, and external
            liabilities where assets would fall below 0.

        Raises
        ------
        NetworkError
            For another number of amounts, or one that is negative or not finite.

        Example
        -------
        b holds 4 of a; with 3, a is richer by 1, or holds 1 less outside.

        >>> import contagion as ct
        >>> net = ct.ExposureNetwork.from_matrix([[0, 4], [0, 0]], ["a", "b"],
        ...     orientation="debtor->creditor", external_assets=[5, 1])
        >>> net.with_amounts([3]).balance_sheet["equity"].tolist()
        [2.0, 4.0]
        >>> net.with_amounts([3], keep="equity").balance_sheet["external_assets"].tolist()
        [4.0, 2.0]
        """
        return transforms.with_amounts(self, amounts, keep)

    def with_rule(self, node: Any, rule: Any) -> Self:
        """The network in which one node shares a shortfall by another rule.

        Parameters
        ----------
        node : the node that gets the rule.
        rule : a rule of :mod:`contagion.rules`, a word such as "queue", or a dict.

        Raises
        ------
        UnknownNameError
            For an unknown node.
        RuleError
            Where the claims on the node lack what the rule asks for.

        Example
        -------
        a owes 6 and 4 and has 6; by equal losses each claim loses 2:

        >>> import contagion as ct
        >>> net = ct.ExposureNetwork.from_matrix([[0, 6, 4], [0, 0, 0], [0, 0, 0]],
        ...     ["a", "b", "c"], orientation="debtor->creditor", external_assets=[6, 1, 1])
        >>> net = net.with_rule("a", ct.rules.EqualLosses())
        >>> ct.EisenbergNoe().propagate(net).flows["loss"].tolist()
        [2.0, 2.0]
        """
        return self.with_rules({node: rule})

    def with_rules(self, rules: Mapping[Any, Any]) -> Self:
        """The network in which some nodes share a shortfall by other rules, {node: rule}.

        The others keep theirs. Raises what :meth:`with_rule` raises.
        """
        return transforms.ruled(self, rules)

    def with_guarantees(self, guarantees: Any) -> Self:
        """The network with these contingent claims, instead of those it had; `None` for none.

        A guarantor pays only when it is called, at most what it can:

            call = min(amount, loss of the creditor on its claims on the debtor)

        with a `creditor`; the first loss is covered, and several guarantors of one creditor share
        pro rata to their amounts. Without a creditor the money is paid into the debtor: called
        right after the equity of the debtor, or, with a `layer`, at that place in its waterfall
        (assessments of a clearing house). The amount that the guarantor cannot pay stays with the
        creditor, or is called from the others in its layer, each up to its amount, and then falls
        on the next layers of the waterfall. With `paid_q` the part of its calls that guarantor q
        pays,

            call_q = min(λ amount_q, need),  λ in [0, 1]:  Σ paid_q call_q = need

        for the need of the layer, or λ = 1 where that brings in less. A debtor that is pinned by
        the shock calls no support: its recovery says what creditors get.

        Parameters
        ----------
        guarantees : table or list of dicts: guarantor, debtor, amount (money) and optionally
            creditor, layer, ranking ("senior": before all other debts of the guarantor,
            "pari_passu": with its claims, which then have to be one pro rata tier, "junior").

        Raises
        ------
        NetworkError
            For a table that does not fit the network.
        RuleError
            For a layer that the debtor does not have, and a ranking that its rule does not allow.

        Example
        -------
        b loses 4 on a; g has promised 3 and pays 3.

        >>> import contagion as ct
        >>> net = ct.ExposureNetwork.from_matrix([[0, 10, 0], [0, 0, 0], [0, 0, 0]],
        ...     ["a", "b", "g"], orientation="debtor->creditor", external_assets=[6, 1, 5])
        >>> net = net.with_guarantees([{"guarantor": "g", "debtor": "a", "creditor": "b",
        ...                             "amount": 3}])
        >>> result = ct.EisenbergNoe().propagate(net, baseline="book")
        >>> result.table["loss"].tolist()                       # of owners
        [0.0, 1.0, 3.0]
        """
        return transforms.guaranteed(self, guarantees)

    def with_shareholdings(self, shareholdings: Any) -> Self:
        """The network in which nodes own parts of others, instead of those it had; `None`: none.

        With `Γ[i, j]` the part of company j that i owns,

            equity = external assets + claims − external liabilities − debts + Γ max(equity, 0).

        Shares are no part of external assets: those, and an `equity` in the node table, stay
        without them; :attr:`balance_sheet` has them in a column of its own. Shares that no node
        owns belong to owners outside the graph.

        Parameters
        ----------
        shareholdings : table or list of dicts: owner, company, fraction (0 to 1);
            :func:`contagion.network.shareholdings.from_matrix` makes it from a matrix.

        Raises
        ------
        NetworkError
            For a table that does not fit the network, and for fractions that leave an equity
            undetermined: more than the whole of a company, or a group owned entirely by itself.

        Example
        -------
        a has 6 of its own and half of b, which has 8 and owes 2 outside: 6 + (8 − 2) / 2 = 9.

        >>> import contagion as ct
        >>> net = ct.ExposureNetwork.from_matrix([[0, 0], [0, 0]], ["a", "b"],
        ...     orientation="debtor->creditor", external_assets=[6, 8],
        ...     external_liabilities=[0, 2])
        >>> net = net.with_shareholdings([{"owner": "a", "company": "b", "fraction": 0.5}])
        >>> net.balance_sheet["equity"].tolist()
        [9.0, 6.0]
        """
        return transforms.shared(self, shareholdings)
