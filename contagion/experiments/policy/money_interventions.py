"""Interventions that take money: capital, collateral, an insurance fund."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...errors import PolicyError
from ...liquidation import CoupledCascade, LiquidationCascade, MarginBook
from ...liquidation.coupling.link import conversion_of
from ...models.base import Model
from ...network import transforms
from ...network.checks.draft import column
from ...network.exposure_network import ExposureNetwork
from ...network.provenance import record
from ...text import known_name, listing, money
from .intervention import Intervention, on_market, positive, rows_of


@dataclass(frozen=True, repr=False)
class Capital(Intervention):
    """New equity from owners outside, held as cash: external assets and equity rise by it.

        add:    raised_i = add_i
        ratio:  raised_i = max(0, (ratio_i · A_i − E_i) / (1 − ratio_i))

    with E equity and A all assets (external assets, claims, shares), so that equity over assets is
    at least the ratio afterwards. Losses of the new owners count as losses of owners. The new cash
    is not hit by a shock that is measured before the intervention. The recovery rate of a node that
    a shock sets to default is fixed, whatever its capital.

    Parameters
    ----------
    add : money, one for all or {node: money}.
    ratio : of all assets, 0 to below 1, one for all or {node: ratio} (a surcharge for systemic
        banks). Give one of the two.
    nodes : nodes that raise capital; by default those in the mapping, or every node with a known
        balance sheet that can fail.
    price : cost of one unit raised.

    Cost: `price` · Σ raised.

    Example
    -------
    a has equity 2 of assets 12. At 25 % it needs (3 − 2) / 0.75 = 1.333: 3.333 / 13.333.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 10], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", external_assets=[12, 1])
    >>> round(Capital(ratio=0.25, nodes=["a"]).cost(net), 4)
    1.3333

    Source: own; a leverage ratio as in the Basel Framework, LEV (not read), raised in cash.
    """

    add: float | Mapping[Any, float] | None = None
    ratio: float | Mapping[Any, float] | None = None
    nodes: Iterable[Any] | None = None
    price: float = 1.0

    def __post_init__(self) -> None:
        if (self.add is None) == (self.ratio is None):
            raise PolicyError("Capital: give add= (money) or ratio= (of all assets), one of them.")
        super().__post_init__()
        name = "ratio" if self.add is None else "add"
        given = getattr(self, name)
        values = given.values() if isinstance(given, Mapping) else [given]
        for value in values:
            positive(self, **{name: value})
            if name == "ratio" and value >= 1:
                raise PolicyError(f"Capital(ratio={value}): part of all assets, below 1.")

    def raised(self, network: ExposureNetwork) -> np.ndarray:
        """(n,) money raised by each node."""
        given = self.ratio if self.add is None else self.add
        nodes = list(given) if isinstance(given, Mapping) and self.nodes is None else self.nodes
        rows = rows_of(network, nodes, "Capital")
        value = np.zeros(len(rows))
        if isinstance(given, Mapping):
            missing = [name for name in network.names[rows] if name not in given]
            if missing:
                raise PolicyError(f"Capital names {listing(missing)} and gives no figure for it.")
            value[:] = [given[name] for name in network.names[rows]]
        else:
            assert given is not None
            value[:] = given
        out, book = np.zeros(len(network)), network.book
        if self.add is None:
            assets = (book.external_assets + book.claims + book.shares)[rows]
            value = np.maximum((value * assets - book.equity[rows]) / (1 - value), 0.0)
        out[rows] = value
        return out

    def _change(self, network: ExposureNetwork) -> ExposureNetwork:
        return with_cash(network, self.raised(network), "Capital")

    def cost(self, network: ExposureNetwork, model: Model | None = None) -> float:
        return float(self.price * self.raised(network).sum())


@dataclass(frozen=True, repr=False)
class InsuranceFund(Intervention):
    """A fund at a venue, paid in from outside: it loses before all creditors.

    External assets and equity of the node rise by the amount, so that it is used in full before any
    layer of its waterfall. The used part counts as a loss of the owners of the node.
    :func:`contagion.experiments.reverse.break_even_fund` gives the required size. At a venue of a
    market the amount is also added to the fund that loses before its accounts.

    Parameters
    ----------
    node : the venue.
    amount : money.
    price : cost of one unit of the fund.

    Cost: `price` · amount.

    Example
    -------
    The exchange has a shortfall of 4; with a fund of 3 its user bears 1.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 10], [0, 0]], ["exchange", "user"],
    ...     orientation="debtor->creditor", external_assets=[12, 20])
    >>> shock = ct.Shock.loss({"exchange": 6.0})
    >>> ct.EisenbergNoe().propagate(InsuranceFund("exchange", 3.0).apply(net), shock).loss.tolist()
    [5.0, 1.0]

    Source: own.
    """

    node: Any
    amount: float
    price: float = 1.0

    def _change(self, network: ExposureNetwork) -> ExposureNetwork:
        more = np.zeros(len(network))
        more[rows_of(network, [self.node], "InsuranceFund")] = self.amount
        return with_cash(network, more, "InsuranceFund")

    def market(
        self, book: MarginBook, cascade: LiquidationCascade
    ) -> tuple[MarginBook, LiquidationCascade]:
        known_name(self.node, book.venues, "venue", "InsuranceFund")
        funds = dict(zip(book.venues, cascade.funds(book).tolist(), strict=True))
        return book, replace(cascade, fund=funds | {self.node: funds[self.node] + self.amount})

    def act(self, network: ExposureNetwork, model: Model) -> tuple[ExposureNetwork, Model]:
        if isinstance(model, CoupledCascade) and self.node in model.book.venues:
            rate = self.amount / conversion_of(network, model.book)
            model = on_market(replace(self, amount=rate), model)
        return self.apply(network), model

    def cost(self, network: ExposureNetwork, model: Model | None = None) -> float:
        return float(self.price * self.amount)


@dataclass(frozen=True, repr=False)
class Collateral(Intervention):
    """Debtors post collateral for a share of every claim; that part is settled before the shock.

        posted_k = max(share · amount_k − pledge_k, 0)

    in addition to existing pledges. The collateral is transferred from the external assets of the
    debtor to the creditor and reduces the claim, so no equity changes
    (:meth:`~contagion.ExposureNetwork.settle_collateral`). The shock at the debtor cannot destroy
    posted collateral, and its other creditors cannot be paid from it.

    Parameters
    ----------
    share : of each claim, 0 to 1.
    nodes : debtors that post; by default every node with a known balance sheet that can fail.
    price : cost of one unit posted (liquidity that is tied up).

    Cost: `price` · Σ posted.

    Raises
    ------
    PolicyError : by `apply`, if a debtor does not have sufficient external assets.

    Example
    -------
    a owes 10 to b and 5 to c and loses all its assets: if half of the debt is posted, 7.5 is safe.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 10, 5], [0, 0, 0], [0, 0, 0]], list("abc"),
    ...     orientation="debtor->creditor", external_assets=[20, 20, 20])
    >>> half = Collateral(0.5)
    >>> half.cost(net), half.apply(net).balance_sheet[["external_assets", "claims"]].values.tolist()
    (7.5, [[12.5, 0.0], [25.0, 5.0], [22.5, 2.5]])

    Source: own; the settlement is that of the package.
    """

    share: float
    nodes: Iterable[Any] | None = None
    price: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.share > 1:
            raise PolicyError(f"Collateral(share={self.share}): part of a claim, 0 to 1.")

    def posted(self, network: ExposureNetwork) -> np.ndarray:
        """(m,) money posted for each claim, in addition to existing pledges."""
        rows = rows_of(network, self.nodes, "Collateral")
        more = self.share * network.amount - _pledged(network)
        return np.where(np.isin(network.debtor, rows), np.maximum(more, 0.0), 0.0)

    def _change(self, network: ExposureNetwork) -> ExposureNetwork:
        posted = self.posted(network)
        who = np.unique(network.debtor[posted > 0])
        pledge = _pledged(network) + posted
        need = np.bincount(network.debtor, pledge, len(network))
        need = np.where(np.isin(np.arange(len(network)), who), need, 0.0)
        has = network.book.external_assets
        short = np.flatnonzero(need > has * (1 + 1e-12))
        if len(short):
            at = int(short[0])
            raise PolicyError(
                f"{self!r}: {listing(network.names[short])} cannot post that much: "
                f"{str(network.names[at])!r} would post {money(float(need[at]), network.unit)} and "
                f"has external assets of {money(float(has[at]), network.unit)}. Take a smaller "
                "share, or nodes=[...] that can."
            )
        if not len(who):
            return network
        table = network.exposures.assign(collateral=pledge)
        pledged = record(
            "changed", "pledges posted", {"posted": money(float(posted.sum()), network.unit)}
        )
        secured = transforms.rebuilt(network, pledged, table, network._completed())
        return secured.settle_collateral({"debtor": list(network.names[who])})

    def cost(self, network: ExposureNetwork, model: Model | None = None) -> float:
        return float(self.price * self.posted(network).sum())


def with_cash(network: ExposureNetwork, more: np.ndarray, who: str) -> ExposureNetwork:
    """The network with the external assets of each node increased by `more` (n,)."""
    if network._shareholdings is not None:
        raise PolicyError(
            f"{who} does not apply to a network with shareholdings: the ownership after "
            "the injection is not known. Leave them out: net.with_shareholdings(None)."
        )
    at = np.flatnonzero(more > 0)
    if not len(at):
        return network
    assets = network.book.external_assets[at] + more[at]
    return network.with_nodes(external_assets=dict(zip(network.names[at], assets, strict=True)))


def _pledged(network: ExposureNetwork) -> np.ndarray:
    """(m,) existing pledges for each claim, money."""
    return np.asarray(np.nan_to_num(column(network.exposures, "collateral")))
