"""Methods that change an exposure network: each returns a new one and does not modify the old."""

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
        """Changes by netting, novation, compression and settlement of collateral so far (a copy).

        One row a change; columns: step (1 for the first change), what, creditor, debtor, before
        and after (amounts), note. "set-off" and "close-out netting" have two rows a pair or set,
        one for each direction, with gross and net claims; "collateral settled" has one row a claim,
        and "pledge revalued" one row a pledge with a haircut. "novation" has one row for each
        creditor and debtor whose claims are replaced by claims on a clearing house, "multilateral
        netting" one for the net position of each member, and "compression" one for each pair whose
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
        regardless of their layer, tier or instrument. Equity, external assets and external
        liabilities do not change.

        Parameters
        ----------
        *pairs : the pairs with a legal right of set-off. Without pairs all mutual claims are
            netted.

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

        Legally the group is three entities: Alameda owes 671 and FTX.com 355, and neither can be
        set off against the debt of BlockFi to FTX US. Voyager lent Alameda 376.8 and owed it 75:

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
        """Close-out netting: each netting set is reduced to one net claim between its two parties.

        With G_ab the sum of the claims of a on b inside the set (the trades with a positive value
        to a) and G_ba in the other direction,

            exposure of a to b = max(0, G_ab − G_ba) = max(0, sum of mark-to-market),

        compared with G_ab gross. Equity does not change: claims and debts of a party fall by the
        same min(G_ab, G_ba). Each claim of the larger side keeps the same fraction of its amount,
        (G_ab − G_ba) / G_ab, regardless of tier and layer; claims of the smaller side are removed.
        Other columns do not change: a remaining claim keeps its tier, layer, weight and its full
        pledge, and the pledge of a removed claim is released. Claims outside the sets stay gross.
        Claims in different sets are not netted, nor claims on different entities of a group.

        Parameters
        ----------
        netting_sets : {"name": {"parties": (a, b)}}; further entries select the claims between
            a and b that are in the set, by any exposure column: {"parties": (a, b),
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
        Two agreements between a bank and a fund: 10 − 4 = 6 remains in the first, and the claim
        under the second does not change. Under one agreement 10 − 4 − 5 = 1 would remain.

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
        """Settle collateral: each claim is paid from its pledge, up to the value of the pledge.

        With c the pledge (column `collateral`, a part of the external assets of the debtor), A
        the amount and h the haircut,

            paid = min((1 − h) c, A),    the remainder A − paid becomes an unsecured claim,

        and an excess (1 − h) c − A is returned to the debtor. The claim and the debts and external
        assets of the debtor fall by `paid`, the external assets of the creditor rise by `paid`:
        this does not change equity. The debtor bears the haircut h c, which reduces its external
        assets and equity. Claims paid in full are removed. Without a haircut the balance sheets
        are those of `ExposureNetwork(..., collateral="settle")`.

        Parameters
        ----------
        claims : filter by exposure columns, e.g. {"debtor": "three_arrows"} or
            {"layer": ["loans", "repo"]}; None selects every claim with a pledge.
        haircut : fraction of the value of each pledge that is lost before it pays, 0 … 1.

        Raises
        ------
        NetworkError
            If the external assets of a debtor are smaller than its pledges, or would become smaller
            than its priced assets (`holdings`).
        ArgumentError, ArgumentTypeError
            For an unknown column, a value that no claim has, a haircut outside 0 … 1.

        Example
        -------
        b owes a 10 and pledged 8 of its assets of 20. Without a haircut 2 remain unsecured; with
        a haircut of 25 % the pledge is worth 6, and 4 remain:

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

        The balance sheet is completed again: with `external_assets` or `external_liabilities`
        given, equity is recomputed; with `equity` given, external assets are recomputed.

        Raises
        ------
        UnknownNameError
            For an unknown node.
        ArgumentTypeError
            For a column name that looks like a misspelled column of the schema.
        NetworkError
            If the new figures do not pass the input checks.

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
        """The network with other amounts for its claims.

        Parameters
        ----------
        amounts : (m,) >= 0, in the order of `exposures`; 0 for no claim.
        keep : figures held fixed: "external" assets and liabilities, so equity is recomputed, or
            the "equity" of every node: external assets are adjusted, and external liabilities
            where assets would fall below 0.

        Raises
        ------
        NetworkError
            For a wrong number of amounts, or an amount that is negative or not finite.

        Example
        -------
        a owes b 4. With 3 instead, the equity of a rises by 1, or its external assets fall by 1.

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
        """The network with another loss-sharing rule for one node.

        Parameters
        ----------
        node : the debtor that shares its shortfall by the rule.
        rule : a rule of :mod:`contagion.rules`, a word such as "queue", or a dict.

        Raises
        ------
        UnknownNameError
            For an unknown node.
        RuleError
            If the claims on the node lack data that the rule needs.

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
        """The network with other loss-sharing rules for some nodes, {node: rule}.

        The other nodes keep their rules. Raises the same errors as :meth:`with_rule`.
        """
        return transforms.ruled(self, rules)

    def with_guarantees(self, guarantees: Any) -> Self:
        """The network with these guarantees, which replace the present ones; `None` for none.

        A guarantor pays only when it is called, at most what its own funds allow. With a
        `creditor` the guarantee covers the first loss of this creditor,

            call = min(amount, loss of the creditor on its claims on the debtor)

        and several guarantors of one creditor share pro rata to their amounts. Without a creditor
        the support is paid to the debtor: it is called right after the equity of the debtor or,
        with a `layer`, at that place in its waterfall (assessments of a clearing house). If a
        guarantor cannot pay, the unpaid part of the call remains a loss of the creditor; in a layer
        it is called from the other guarantors of the layer, each up to its amount, and then falls
        on the next layers of the waterfall. With `paid_q` the fraction of its calls that guarantor
        q pays,

            call_q = min(λ amount_q, need),  λ in [0, 1]:  Σ paid_q call_q = need

        for the need of the layer, or λ = 1 if all guarantors together pay less. A debtor that the
        shock sets to default calls no support, because its recovery rate is fixed.

        Parameters
        ----------
        guarantees : table or list of dicts: guarantor, debtor, amount and optionally
            creditor, layer, ranking ("senior": before all other debts of the guarantor,
            "pari_passu": with the claims on it, which must form one pro rata tier, "junior").

        Raises
        ------
        NetworkError
            For a table that does not fit the network.
        RuleError
            For a layer that the debtor does not have, and a ranking that its rule does not allow.

        Example
        -------
        b loses 4 on its claim on a; g has guaranteed 3 and pays 3.

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
        """The network with these shareholdings, which replace the present ones; `None` for none.

        With `Γ[i, j]` the fraction of company j that i owns,

            equity = external assets + claims − external liabilities − debts + Γ max(equity, 0).

        Shares are not part of external assets: external assets, and an `equity` in the node table,
        exclude them. :attr:`balance_sheet` has a separate column `shares`. Shares that no node
        owns belong to owners outside the graph.

        Parameters
        ----------
        shareholdings : table or list of dicts: owner, company, fraction (0 to 1);
            :func:`contagion.network.shareholdings.from_matrix` converts a matrix.

        Raises
        ------
        NetworkError
            For a table that does not fit the network, and for fractions that leave equity
            undetermined: more than 100 % of a company, or a group owned entirely by its members.

        Example
        -------
        a has assets of 6 and half of b, which has assets of 8 and owes 2: 6 + (8 − 2) / 2 = 9.

        >>> import contagion as ct
        >>> net = ct.ExposureNetwork.from_matrix([[0, 0], [0, 0]], ["a", "b"],
        ...     orientation="debtor->creditor", external_assets=[6, 8],
        ...     external_liabilities=[0, 2])
        >>> net = net.with_shareholdings([{"owner": "a", "company": "b", "fraction": 0.5}])
        >>> net.balance_sheet["equity"].tolist()
        [9.0, 6.0]
        """
        return transforms.shared(self, shareholdings)
