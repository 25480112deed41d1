"""What an intervention is: a name, its parameters, what it does and what it costs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ...errors import PolicyError
from ...liquidation import LiquidationCascade
from ...media import shown
from ...network.exposure_network import ExposureNetwork
from ...network.provenance import summed
from ...network.transforms import told
from ...text import known_name, listing


@dataclass(frozen=True, repr=False)
class Intervention(ABC):
    """Something that an authority, a venue or its members can do before the shock.

    An intervention changes the network (:meth:`apply`) and has a price (:meth:`cost`). Those of
    circuit breakers change a liquidation cascade instead (:meth:`steer`). What it does not apply to
    it says. `a + b` is both, in that order.
    """

    def __post_init__(self) -> None:
        """Numbers are >= 0 and finite; nodes are kept as a tuple, and one name is one node."""
        for each in fields(self):
            value = getattr(self, each.name)
            if each.type == "float":
                positive(self, **{each.name: value})
            if each.name == "nodes" and value is not None:
                given = (value,) if isinstance(value, str) else tuple(value)
                object.__setattr__(self, "nodes", given)

    def apply(self, network: ExposureNetwork) -> ExposureNetwork:
        """The network with the intervention, whose provenance says so; the one given stays.

        Raises
        ------
        PolicyError : where it does not apply to a network, or not to this one.
        """
        new = self._change(network)
        if new is network:
            return network
        since = new.provenance[len(network.provenance) :]
        done = summed(since, "policy", repr(self))
        return told(new, (*network.provenance, done))

    def _change(self, network: ExposureNetwork) -> ExposureNetwork:
        """The changed network; what an intervention on networks has to give."""
        raise PolicyError(
            f"{type(self).__name__} acts on a LiquidationCascade, not on an ExposureNetwork. Use "
            "ct.experiments.policy.compare_cascades."
        )

    def steer(self, cascade: LiquidationCascade) -> LiquidationCascade:
        """The cascade with the intervention; the one given stays as it is.

        Raises
        ------
        PolicyError : where it does not apply to a cascade.
        """
        raise PolicyError(
            f"{type(self).__name__} acts on an ExposureNetwork, not on a LiquidationCascade. Use "
            "ct.experiments.policy.compare."
        )

    @abstractmethod
    def cost(self, network: ExposureNetwork) -> float:
        """What it costs on a network, in the unit of the network; each class says what counts."""

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


@dataclass(frozen=True, repr=False)
class Combination(Intervention):
    """Several interventions, applied in order.

    Each one sees the network that those before it leave, and so does its cost: capital that is
    raised after exposures were cut is less.

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

    def steer(self, cascade: LiquidationCascade) -> LiquidationCascade:
        for part in self.parts:
            cascade = part.steer(cascade)
        return cascade

    def cost(self, network: ExposureNetwork) -> float:
        """The sum over the parts."""
        total = 0.0
        for number, part in enumerate(self.parts, 1):
            total += part.cost(network)
            if number < len(self.parts):
                network = part.apply(network)
        return total

    @shown
    def __repr__(self) -> str:
        return " + ".join(map(repr, self.parts)) or "Combination()"


def combined(parts: Iterable[Intervention]) -> Intervention:
    """One intervention of several; a single one is itself."""
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
    """Rows of the nodes named; by default of all whose balance sheet is known and that may fail.

    Raises
    ------
    PolicyError : for a node that is unknown, or named and without a known balance sheet.
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
            "never fails and capital does nothing there. Leave it out, or give it equity."
        )
    return rows


def parts_of(one: Intervention) -> tuple[Intervention, ...]:
    """The interventions that one consists of."""
    return one.parts if isinstance(one, Combination) else (one,)
