"""The base class of interventions: parameters, effect and cost."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pandas as pd

from ...errors import PolicyError
from ...liquidation import CoupledCascade, LiquidationCascade, MarginBook
from ...media import shown
from ...models.base import Model
from ...network.exposure_network import ExposureNetwork
from ...network.provenance import summed
from ...network.transforms import told
from ...text import known_name, listing


@dataclass(frozen=True, repr=False)
class Intervention(ABC):
    """An action that an authority, a venue or its members can take before the shock.

    An intervention changes the network (:meth:`apply`), the accounts and liquidations of a market
    (:meth:`market`), or both, and has a cost (:meth:`cost`). It raises an error if it does not
    apply. `a + b` applies a, then b.
    """

    def __post_init__(self) -> None:
        """Check that numbers are >= 0 and finite; store nodes as a tuple (one name is one node)."""
        for each in fields(self):
            value = getattr(self, each.name)
            if each.type == "float":
                positive(self, **{each.name: value})
            if each.name == "nodes" and value is not None:
                given = (value,) if isinstance(value, str) else tuple(value)
                object.__setattr__(self, "nodes", given)

    def apply(self, network: ExposureNetwork) -> ExposureNetwork:
        """A new network with the intervention, which is recorded in its provenance.

        Raises
        ------
        PolicyError : if it does not apply to networks, or not to this network.
        """
        new = self._change(network)
        if new is network:
            return network
        since = new.provenance[len(network.provenance) :]
        done = summed(since, "policy", repr(self))
        return told(new, (*network.provenance, done))

    def _change(self, network: ExposureNetwork) -> ExposureNetwork:
        """The changed network; interventions on networks have to implement it."""
        raise PolicyError(
            f"{type(self).__name__} acts on a market, not on an ExposureNetwork. Use it with a "
            "CoupledCascade, or ct.experiments.policy.compare_cascades."
        )

    def market(
        self, book: MarginBook, cascade: LiquidationCascade
    ) -> tuple[MarginBook, LiquidationCascade]:
        """Positions and liquidations with the intervention; the inputs are unchanged.

        Raises
        ------
        PolicyError : if it does not apply to a market.
        """
        raise PolicyError(
            f"{type(self).__name__} acts on an ExposureNetwork, not on a market. Use "
            "ct.experiments.policy.compare."
        )

    def act(self, network: ExposureNetwork, model: Model) -> tuple[ExposureNetwork, Model]:
        """Network and model with the intervention."""
        return self.apply(network), model

    @abstractmethod
    def cost(self, network: ExposureNetwork, model: Model | None = None) -> float:
        """The cost on a network, in the unit of the network, as defined by each class.

        `model` has the accounts, for interventions that act on them.
        """

    def market_cost(self, book: MarginBook, cascade: LiquidationCascade) -> float:
        """The cost on a market without a network, in the unit of the book."""
        nodes = pd.DataFrame({"node": list(book.venues), "external_assets": 0.0})
        owed = pd.DataFrame({"creditor": [], "debtor": [], "amount": []})
        alone = ExposureNetwork(nodes, owed, unit=book.unit)
        return self.cost(alone, CoupledCascade(book, cascade))

    def __add__(self, other: Intervention) -> Combination:
        if not isinstance(other, Intervention):
            return NotImplemented
        return Combination((*parts_of(self), *parts_of(other)))

    @shown
    def __repr__(self) -> str:
        """The parameters that differ from their defaults."""
        given = [
            f"{f.name}={value!r}"
            for f in fields(self)
            if type(value := getattr(self, f.name)) is not type(f.default) or value != f.default
        ]
        return f"{type(self).__name__}({', '.join(given)})"


class MarketIntervention(Intervention):
    """An intervention only on accounts or liquidations."""

    def act(self, network: ExposureNetwork, model: Model) -> tuple[ExposureNetwork, Model]:
        return network, on_market(self, model)


def on_market(one: Intervention, model: Model) -> CoupledCascade:
    """The coupled model with an intervention on its market.

    Raises
    ------
    PolicyError : for a model without a market.
    """
    if not isinstance(model, CoupledCascade):
        raise PolicyError(
            f"{type(one).__name__} acts on a market, and {type(model).__name__} has none. Use a "
            "ct.liquidation.CoupledCascade."
        )
    book, cascade = one.market(model.book, model.cascade)
    return replace(model, book=book, cascade=cascade)


@dataclass(frozen=True, repr=False)
class Combination(Intervention):
    """Several interventions, applied in order.

    Each intervention, and its cost, uses the network changed by the earlier ones: less capital has
    to be raised after exposures were reduced.

    Example
    -------
    >>> import contagion as ct
    >>> from contagion.experiments.policy import Capital, InsuranceFund
    >>> net = ct.ExposureNetwork.from_matrix([[0, 10], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", external_assets=[12, 1])
    >>> both = InsuranceFund("a", 3.0) + Capital(add=1.0, nodes=["b"])
    >>> both.cost(net), both.apply(net).balance_sheet["equity"].tolist()
    (4.0, [5.0, 12.0])
    """

    parts: tuple[Intervention, ...] = ()

    def apply(self, network: ExposureNetwork) -> ExposureNetwork:
        for part in self.parts:
            network = part.apply(network)
        return network

    def market(
        self, book: MarginBook, cascade: LiquidationCascade
    ) -> tuple[MarginBook, LiquidationCascade]:
        for part in self.parts:
            book, cascade = part.market(book, cascade)
        return book, cascade

    def act(self, network: ExposureNetwork, model: Model) -> tuple[ExposureNetwork, Model]:
        for part in self.parts:
            network, model = part.act(network, model)
        return network, model

    def cost(self, network: ExposureNetwork, model: Model | None = None) -> float:
        """The sum over the parts."""
        total = 0.0
        for number, part in enumerate(self.parts, 1):
            total += part.cost(network, model)
            if number == len(self.parts):
                break
            if model is None:
                network = part.apply(network)
            else:
                network, model = part.act(network, model)
        return total

    @shown
    def __repr__(self) -> str:
        return " + ".join(map(repr, self.parts)) or "Combination()"


def combined(parts: Iterable[Intervention]) -> Intervention:
    """One intervention that combines several; a single one is returned as it is."""
    found = tuple(parts)
    return found[0] if len(found) == 1 else Combination(found)


def positive(owner: Intervention, **values: float) -> None:
    """Raise `PolicyError` for a parameter that is below 0 or not finite."""
    for name, value in values.items():
        if not (np.isfinite(value) and value >= 0):
            raise PolicyError(
                f"{type(owner).__name__}({name}={value!r}): {name} has to be >= 0 and finite."
            )


def rows_of(network: ExposureNetwork, nodes: Iterable[Any] | None, who: str) -> np.ndarray:
    """Rows of the named nodes; by default of all with a known balance sheet that can fail.

    Raises
    ------
    PolicyError : for an unknown node, or a named node without a known balance sheet.
    """
    book = network.book
    if nodes is None:
        return np.flatnonzero(book.known & book.can_fail)
    found = []
    for node in nodes:
        known_name(node, network.names, "node", who)
        found.append(network.position(node))
    rows = np.array(found, int)
    blank = rows[~book.known[rows]]
    if len(blank):
        raise PolicyError(
            f"{who}: the balance sheet of {listing(network.names[blank])} is not known, so it "
            "never defaults and capital has no effect there. Leave it out, or give it equity."
        )
    return rows


def parts_of(one: Intervention) -> tuple[Intervention, ...]:
    """The interventions of a combination."""
    return one.parts if isinstance(one, Combination) else (one,)
