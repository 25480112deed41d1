"""Interventions that change claims or rules: limits, netting, compression, novation, rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from ...errors import PolicyError
from ...liquidation import CoupledCascade, LiquidationCascade, MarginBook
from ...models.base import Model
from ...network.exposure_network import ExposureNetwork
from ...rules.rule import Rule
from ...rules.serialize import from_dict
from ...text import choice, known_name
from .intervention import Intervention, on_market, rows_of


def _per_fall(self: Any, network: ExposureNetwork, model: Model | None = None) -> float:
    """`price` times the reduction of debts in the graph."""
    if self.price == 0:
        return 0.0
    return float(self.price * (network.amount.sum() - self.apply(network).amount.sum()))


@dataclass(frozen=True, repr=False)
class ExposureLimit(Intervention):
    """Limits the claims of a creditor on one debtor to a share of its capital; repays the excess.

        kept_ij = min(Σ claims of i on j, of_capital · max(equity_i, 0))

    All claims of a pair are reduced in proportion. The creditor holds the repayment as external
    assets. "cash": the debtor pays from its external assets, and borrows the remainder outside.
    "refinanced": it borrows all of it outside, from creditors with the same rank as its other
    external creditors. No equity changes.

    Parameters
    ----------
    of_capital : limit as a fraction of the equity of the creditor.
    nodes : creditors with a limit; by default every node with a known balance sheet that can fail.
        Without positive equity the limit is 0.
    repaid : "cash" or "refinanced".
    price : cost of one unit of claims repaid.

    Cost: `price` · Σ cut; 0 unless a price is given.

    Example
    -------
    b has equity 4 and a claim of 10 on a: the limit is 1.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 10], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", external_assets=[12, 1], equity=[2, 4])
    >>> limited = ExposureLimit(0.25).apply(net)
    >>> limited.amount.tolist(), limited.balance_sheet["external_assets"].tolist()
    ([1.0], [3.0, 10.0])

    Source: the limit as in :func:`contagion.measures.scorecards.large_exposures` (Basel Framework
    LEX20.1); the repayment is ours.
    """

    of_capital: float = 0.25
    nodes: Iterable[Any] | None = None
    repaid: Literal["cash", "refinanced"] = "cash"
    price: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        choice(self.repaid, ("cash", "refinanced"), "repaid")

    def cut(self, network: ExposureNetwork) -> np.ndarray:
        """(m,) reduction of each claim, money."""
        rows = rows_of(network, self.nodes, "ExposureLimit")
        limit = np.full(len(network), np.inf)
        limit[rows] = self.of_capital * np.maximum(network.book.equity[rows], 0.0)
        pair = network.creditor * np.int64(len(network)) + network.debtor
        _, at = np.unique(pair, return_inverse=True)
        total = np.bincount(at, network.amount)[at]
        over = np.maximum(total - limit[network.creditor], 0.0)
        return np.asarray(network.amount * over / np.where(total > 0, total, 1.0))

    def _change(self, network: ExposureNetwork) -> ExposureNetwork:
        cut = self.cut(network)
        if not cut.any():
            return network
        left = np.maximum(network.amount - cut, 0.0)
        if self.repaid == "cash":
            return network.with_amounts(left, keep="equity")
        n, book = len(network), network.book
        return network.with_amounts(left).with_nodes(
            external_assets=book.external_assets + np.bincount(network.creditor, cut, n),
            external_liabilities=book.external_liabilities + np.bincount(network.debtor, cut, n),
        )

    def cost(self, network: ExposureNetwork, model: Model | None = None) -> float:
        return float(self.price * self.cut(network).sum())


@dataclass(frozen=True, repr=False)
class Netting(Intervention):
    """Bilateral netting: set-off of pairs, or close-out of netting sets.

    See :meth:`~contagion.ExposureNetwork.set_off` and
    :meth:`~contagion.ExposureNetwork.close_out`. No equity changes.

    Parameters
    ----------
    pairs : pairs of nodes that may set off; by default every mutual pair.
    sets : netting sets for close-out instead, as in `close_out`.
    price : cost of one unit less that is owed in the graph.

    Cost: `price` · fall of the sum of claims; 0 unless a price is given.

    Example
    -------
    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 75], [68, 0]], ["stream", "elixir"],
    ...     orientation="creditor->debtor", external_assets=[63, 7.56])
    >>> Netting().apply(net).amount.sum(), Netting(price=0.01).cost(net)
    (np.float64(7.0), 1.36)

    Source: as in the methods.
    """

    pairs: tuple[tuple[Any, Any], ...] = ()
    sets: Mapping[str, Mapping[str, Any]] | str | None = None
    price: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.pairs and self.sets is not None:
            raise PolicyError("Netting: give pairs= (set-off) or sets= (close-out), not both.")

    def _change(self, network: ExposureNetwork) -> ExposureNetwork:
        if self.sets is not None:
            return network.close_out(self.sets)
        return network.set_off(*self.pairs)

    cost = _per_fall


@dataclass(frozen=True, repr=False)
class Compression(Intervention):
    """Portfolio compression: smaller debts with the same net positions; no equity changes.

    Parameters
    ----------
    how, claims : as in :meth:`~contagion.ExposureNetwork.compress`.
    price : cost of one unit less that is owed in the graph.

    Cost: `price` · fall of the sum of claims; 0 unless a price is given.

    Example
    -------
    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 5, 0], [0, 0, 3], [4, 0, 0]],
    ...     ["a", "b", "c"], orientation="creditor->debtor", equity=[1, 1, 1])
    >>> Compression().apply(net).amount.sum()
    np.float64(3.0)

    Source: as in the method.
    """

    how: Literal["conservative", "non_conservative"] = "conservative"
    claims: Mapping[str, Any] | None = None
    price: float = 0.0

    def _change(self, network: ExposureNetwork) -> ExposureNetwork:
        return network.compress(self.how, self.claims)

    cost = _per_fall


@dataclass(frozen=True, repr=False)
class Novation(Intervention):
    """Central clearing: a clearing house of the network becomes counterparty and nets claims.

    Parameters
    ----------
    house, members, claims, columns : as in :meth:`~contagion.ExposureNetwork.novate`.
    price : cost of one unit less that is owed in the graph.

    Cost: `price` · fall of the sum of claims; 0 unless a price is given. Own funds of the house
    are a separate intervention (`InsuranceFund`).

    Example
    -------
    >>> import contagion as ct
    >>> owed = {"creditor": ["a", "b", "c"], "debtor": ["b", "c", "a"], "amount": [10, 8, 5]}
    >>> net = ct.ExposureNetwork({"node": ["a", "b", "c", "house"], "equity": [2, 2, 2, 1]}, owed)
    >>> Novation("house").apply(net).amount.tolist()
    [5.0, 2.0, 3.0]

    Source: as in the method.
    """

    house: Any
    members: tuple[Any, ...] | None = None
    claims: Mapping[str, Any] | None = None
    columns: Mapping[str, Any] | None = None
    price: float = 0.0

    def _change(self, network: ExposureNetwork) -> ExposureNetwork:
        return network.novate(self.house, self.members, claims=self.claims, columns=self.columns)

    cost = _per_fall


@dataclass(frozen=True, repr=False)
class RuleChange(Intervention):
    """Other loss-sharing rules at some nodes.

    At a venue of a market the rule applies to its accounts, at other nodes to claims in the graph.

    Parameters
    ----------
    rules : {node: rule}; a rule of :mod:`contagion.rules`, a word or a dict.
    price : cost of the change, money.

    Cost: `price`; 0 unless given.

    Example
    -------
    a owes 6 and 4 and has 6; by equal losses each claim loses 2:

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 6, 4], [0, 0, 0], [0, 0, 0]],
    ...     ["a", "b", "c"], orientation="debtor->creditor", external_assets=[6, 1, 1])
    >>> equal = RuleChange({"a": "equal_losses"}).apply(net)
    >>> ct.EisenbergNoe().propagate(equal).flows["loss"].tolist()
    [2.0, 2.0]

    Source: as in :mod:`contagion.rules`.
    """

    rules: Mapping[Any, Any]
    price: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.rules:
            raise PolicyError("RuleChange: nothing changes. Give {node: rule}.")

    def _change(self, network: ExposureNetwork) -> ExposureNetwork:
        return network.with_rules(self.rules)

    def market(
        self, book: MarginBook, cascade: LiquidationCascade
    ) -> tuple[MarginBook, LiquidationCascade]:
        for name in self.rules:
            known_name(name, book.venues, "venue", "RuleChange")
        given = {name: self._rule(rule) for name, rule in self.rules.items()}
        return book, replace(cascade, rules={**cascade.rules, **given})

    def act(self, network: ExposureNetwork, model: Model) -> tuple[ExposureNetwork, Model]:
        venues = model.book.venues if isinstance(model, CoupledCascade) else ()
        of = [{name: rule for name, rule in self.rules.items() if (name in venues) == there}
              for there in (True, False)]  # fmt: skip
        if of[0]:
            model = on_market(replace(self, rules=of[0]), model)
        return (replace(self, rules=of[1]).apply(network) if of[1] else network), model

    @staticmethod
    def _rule(given: Any) -> Rule:
        return given if isinstance(given, Rule) else from_dict(given)

    def cost(self, network: ExposureNetwork, model: Model | None = None) -> float:
        return float(self.price)
