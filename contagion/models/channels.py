"""The channels of a joint model besides clearing: prices, funding, and marks on claims.

They are arguments of :class:`contagion.models.JointModel`; a channel left out is off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

import numpy as np

from ..errors import ArgumentError
from ..network.checks.draft import column
from ..network.exposure_network import ExposureNetwork
from ..results.outcome import Outcome
from ..text import known_name
from .fire_sale import FireSale
from .network_valuation import NetworkValuation
from .parameters import POSITIVE, RATE, Parameter, Parameters, Range
from .portfolios import SHARE, Impact
from .valuation_base import Valuation
from .valuations import LinearDebtRank

MARKS = LinearDebtRank()


@dataclass(frozen=True, repr=False)
class Channel(Parameters):
    """A channel of contagion; the fields are its parameters."""

    room: ClassVar[str] = "channels."

    @property
    def on(self) -> bool:
        """Whether the channel has an effect with these parameters."""
        return True

    @classmethod
    def from_words(cls, text: str) -> Self:
        """A channel from text, as on the command line: "default", or parameter=number,...

        Raises
        ------
        ArgumentError
            For an unknown parameter (names the closest one) or a value that is not a number.

        Example
        -------
        >>> Funding.from_words("default"), Funding.from_words("not_replaced=0.5,sale_cost=0.2")
        (channels.Funding(), channels.Funding(not_replaced=0.5, sale_cost=0.2))
        """
        given: dict[str, Any] = {}
        known = [f.name for f in fields(cls)]
        for item in [] if text == "default" else text.split(","):
            key, _, value = (part.strip() for part in item.partition("="))
            known_name(key, known, f"parameter of {cls.__name__}")
            try:
                given[key] = float(value)
            except ValueError:
                if key not in cls.by_node:
                    raise ArgumentError(f"{key}={value!r}: a number is needed.") from None
                given[key] = value  # a column of the node table
        return cls(**given)


@dataclass(frozen=True, repr=False)
class Prices(Channel):
    """Nodes short of capital sell holdings and prices fall, as in :class:`FireSale`.

    Parameters
    ----------
    capital_ratio, impact, other_weight, illiquid : as in :class:`contagion.models.FireSale`. An
        impact of 0 turns the channel off; a capital ratio of 1/33 allows a leverage of up to 33.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        For parameters out of range.

    Example
    -------
    >>> Prices(0.1, impact=0), Prices(0.1, impact=0).on
    (channels.Prices(capital_ratio=0.1, impact=0.0), False)

    Source: after Cifuentes, Ferrucci & Shin (2005), DOI 10.1162/jeea.2005.3.2-3.556, see
    :class:`contagion.models.FireSale`.
    """

    by_node: ClassVar[Mapping[str, Range]] = FireSale.by_node

    capital_ratio: Parameter = 0.08
    impact: Impact = SHARE
    other_weight: Parameter = 0.0
    illiquid: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        checked = FireSale(self.capital_ratio, self.impact, self.other_weight, self.illiquid)
        for name, value in vars(checked).items():
            if name in vars(self):
                object.__setattr__(self, name, value)

    @property
    def on(self) -> bool:
        """False for an impact of 0."""
        return bool(self.impact != 0.0)


@dataclass(frozen=True, repr=False)
class Funding(Channel):
    """Lenders in default withdraw; funding that is not replaced is met by sales below value.

        need_i = max(0, ρ Σ_{j in default} A_ji − liquid_i),   cost_i = δ / (1 + δ) · sold_i
        sold_i = min((1 + δ) need_i, sellable_i)

    with A_ji the claim of j on i, money. Columns of the node table that are read, all optional:
    `liquid_assets` (empty: 0), `sellable_assets` less `secured_funding` (empty: without limit).

    Parameters
    ----------
    not_replaced : ρ in [0, 1], part of the funding from a failed creditor that is not replaced.
    sale_cost : δ >= 0, loss per unit of money raised: haircut / (1 − haircut). With ρ or δ of 0
        the channel is off.

    Raises
    ------
    ArgumentError
        For parameters out of range.

    Example
    -------
    b owes a 10. a defaults: b has to raise 5 and loses a further fifth of that amount.

    >>> net = ExposureNetwork.from_matrix([[0, 0], [10, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", external_assets=[1, 15])
    >>> Funding(0.5, 0.2).cost(net, np.array([[True, False]]))
    array([[0., 1.]])

    Source: after Espinosa-Vega & Solé (2010), IMF WP/10/105, DOI 10.1108/17576381111152191, see
    :class:`contagion.models.CreditFunding` (equations there from memory, unverified).
    """

    by_node: ClassVar[Mapping[str, Range]] = {"not_replaced": RATE, "sale_cost": POSITIVE}

    not_replaced: Parameter = 0.35
    sale_cost: Parameter = 1.0

    @property
    def on(self) -> bool:
        """False if all funding is replaced or sales cost nothing."""
        return 0.0 not in (self.not_replaced, self.sale_cost)

    def cost(self, network: ExposureNetwork, failed: np.ndarray) -> np.ndarray:
        """(B, n) losses of borrowers when the lenders in default, `failed` (B, n), withdraw."""
        called = np.asarray(network.liabilities @ failed.T.astype(float)).T
        liquid = np.nan_to_num(column(network._nodes, "liquid_assets"))
        pledged = np.nan_to_num(column(network._nodes, "secured_funding"))
        free = np.maximum(column(network._nodes, "sellable_assets") - pledged, 0.0)
        need = np.maximum(self.parameter(network, "not_replaced") * called - liquid, 0.0)
        most = np.where(np.isnan(free), np.inf, free)
        cost = self.parameter(network, "sale_cost")
        return np.asarray(cost / (1.0 + cost) * np.minimum((1.0 + cost) * need, most))


@dataclass(frozen=True, repr=False)
class Marking(Channel):
    """Claims are marked down before default, which tightens the capital constraint.

    A claim counts at the lower of its payment and its value in
    :class:`contagion.models.NetworkValuation`, given external assets after the losses of the other
    channels. Marks do not change payments: without the channel `prices` they have no effect.

    Parameters
    ----------
    valuation : one of `contagion.models.valuations`, or text such as "merton:volatility=0.1".

    Raises
    ------
    ArgumentTypeError, ArgumentError
        For anything else.

    Example
    -------
    >>> Marking("exponential-debtrank:alpha=2")
    channels.Marking(valuation=valuations.ExponentialDebtRank(alpha=2.0))

    Source: after Barucca et al. (2020), Mathematical Finance 30(4), DOI 10.1111/mafi.12272; that
    marks bind only in the constraint is ours.
    """

    valuation: Valuation | str = MARKS

    def __post_init__(self) -> None:
        object.__setattr__(self, "valuation", NetworkValuation(self.valuation).valuation)

    @classmethod
    def from_words(cls, text: str) -> Self:
        """Marks by a valuation given as text: "default", or as in `NetworkValuation`."""
        return cls() if text == "default" else cls(text)

    def marked(
        self,
        network: ExposureNetwork,
        losses: np.ndarray,
        pins: np.ndarray,
        *,
        tolerance: float,
        max_rounds: int,
    ) -> Outcome:
        """The valuation after losses (B, n) on external assets; `claims_lost` has the marks."""
        model = NetworkValuation(self.valuation, tolerance=tolerance, max_rounds=max_rounds)
        return model.run(network, losses, pins)
