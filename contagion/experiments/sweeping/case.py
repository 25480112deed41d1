"""One run with named fields that a grid may change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from inspect import signature
from typing import Any, TypeVar

import numpy as np

from ...errors import ArgumentError, expect
from ...models.base import Model
from ...network.exposure_network import ExposureNetwork
from ...results.propagation_result import PropagationResult
from ...results.run_arrays import Baseline
from ...shocks import Shock
from ...text import known_name

SHOCKS = ("recovery", "scale", "fraction", "default", "nodes")
SHEETS = ("capital", "exposures", "external_creditors")
Field = TypeVar("Field")


@dataclass(frozen=True)
class Case:
    """A network, a model and a shock; a call with fields runs them with those fields changed.

    Fields, by name:

    - `model.<field>` : a parameter of the model. `model` alone: another model.
    - `shock.recovery` : recovery rate of every default; `shock.scale` : factor for losses,
      fractions and price moves; `shock.fraction` : share of external assets that every node loses
      in addition; `shock.default` : the node that defaults instead; `shock` : another shock.
    - `rule.<node>` : the rule of a node; `rule.<node>.<field>` : one field of it.
    - `network.capital` : factor for the equity of every node with positive equity (external assets
      change with it); `network.exposures` : factor for every amount, with equity unchanged;
      `network` : another network.
    - `generate.<parameter>` : of the function that makes the network.

    Attributes
    ----------
    network : the exposures, or None if `generate` makes them.
    model, shock, baseline : as for `model.propagate`.
    generate : a function of :mod:`contagion.synthetic.generate` (or any other that returns a
        network); it is called with `rng=` if it has that parameter.
    given : its parameters that the grid does not change.

    Example
    -------
    b (equity 4) has a claim of 10 on a; with a recovery rate of 0.75 it loses 2.5.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 10], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", equity=[1, 4])
    >>> case = Case(net, ct.models.Furfine(), ct.Shock.default("a"))
    >>> case(**{"shock.recovery": 0.75}).loss.tolist()          # its owners lose all of a
    [1.0, 2.5]
    """

    network: ExposureNetwork | None
    model: Model
    shock: Shock = field(default_factory=Shock)
    baseline: Baseline = "cleared"
    generate: Callable[..., ExposureNetwork] | None = None
    given: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        expect(model=self.model, shock=self.shock)
        if self.network is not None:
            expect(network=self.network)

    def __call__(
        self, *, rng: np.random.Generator | None = None, **fields: Any
    ) -> PropagationResult:
        """Run with these fields; see the class for their names.

        Raises
        ------
        UnknownNameError : for a field that does not exist, with the closest name.
        """
        self.check(fields)
        network = self._network(fields, rng)
        model: Model = fields.get("model", self.model)
        changed = {k.partition(".")[2]: v for k, v in fields.items() if k.startswith("model.")}
        return _replaced(model, changed).propagate(
            network, _shocked(self.shock, fields), baseline=self.baseline
        )

    def check(self, fields: Any) -> None:
        """Raise `UnknownNameError` for the first name that is not a field of this case."""
        for name in fields:
            head, _, rest = str(name).partition(".")
            known: list[str] = [*self._heads()]
            if head in ("model", "network", "shock") and not rest:
                continue
            if head == "rule" and rest and self.network is not None:
                self.network.position(_node(self.network, rest)[0])
                continue
            if head == "generate" and rest and self.generate is not None:
                continue
            known_name(name, known, "field")

    def _heads(self) -> list[str]:
        """The names of fields that do not depend on nodes."""
        names = [f"model.{f.name}" for f in fields(self.model)]
        names += [f"shock.{name}" for name in SHOCKS[:4]]
        names += [f"network.{name}" for name in SHEETS[:2]]
        return names

    def _network(
        self, fields: Mapping[str, Any], rng: np.random.Generator | None
    ) -> ExposureNetwork:
        network: ExposureNetwork | None = fields.get("network", self.network)
        if network is None:
            if self.generate is None:
                raise ArgumentError("A case needs a network, or generate= that makes one.")
            asked = {k.partition(".")[2]: v for k, v in fields.items() if k.startswith("generate.")}
            seeded = {"rng": rng} if rng is not None and _takes_rng(self.generate) else {}
            network = self.generate(**{**self.given, **seeded, **asked})
        if "network.exposures" in fields:
            amounts = network.amount * fields["network.exposures"]
            network = network.with_amounts(amounts, keep="equity")
        if "network.capital" in fields:
            network = _with_capital(network, float(fields["network.capital"]))
        for name, value in fields.items():
            if name.startswith("rule."):
                node, part = _node(network, name.partition(".")[2])
                rule = _replaced(network.rules[node], {part: value}) if part else value
                network = network.with_rule(node, rule)
        return network


def _with_capital(network: ExposureNetwork, times: float) -> ExposureNetwork:
    """Scale positive equity by a factor, by external assets (liabilities if they would be < 0)."""
    book = network.book
    wanted = book.external_assets + np.maximum(book.equity, 0.0) * (times - 1.0)
    assets = np.maximum(wanted, 0.0)
    owed = book.external_liabilities + (assets - wanted)
    return network.with_nodes(external_assets=assets, external_liabilities=owed)


def _shocked(shock: Shock, fields: Mapping[str, Any]) -> Shock:
    """The shock with its fields changed."""
    shock = fields.get("shock", shock)
    if "shock.default" in fields:
        rate = shock.defaults[0][1] if shock.defaults else 0.0
        shock = replace(shock, defaults=((fields["shock.default"], rate),))
    if "shock.recovery" in fields:
        rate = float(fields["shock.recovery"])
        again = [Shock.default(node, recovery=rate) for node, _ in shock.defaults]
        shock = sum(again, replace(shock, defaults=()))
    if "shock.scale" in fields:
        by = float(fields["shock.scale"])
        for name in ("losses", "fractions", "prices", "equities", "equity_fractions"):
            scaled = tuple((what, by * value) for what, value in getattr(shock, name))
            shock = replace(shock, **{name: scaled})
    if "shock.fraction" in fields:
        shock = shock + Shock.relative(float(fields["shock.fraction"]))
    return shock


def _replaced(thing: Field, changed: Mapping[str, Any]) -> Field:
    """A dataclass with fields changed; an unknown one is an error with the closest name."""
    if not changed:
        return thing
    assert is_dataclass(thing) and not isinstance(thing, type)
    known = [f.name for f in fields(thing) if f.name in signature(type(thing)).parameters]
    for name in changed:
        known_name(name, known, f"field of {type(thing).__name__}")
    return replace(thing, **changed)


def _node(network: ExposureNetwork, rest: str) -> tuple[Any, str]:
    """The node of a field `rule.<node>` or `rule.<node>.<field>`; node names may contain dots."""
    for node in network.rules:
        if rest.startswith(f"{node}."):
            return node, rest[len(str(node)) + 1 :]
    return rest, ""


def _takes_rng(function: Callable[..., Any]) -> bool:
    return "rng" in signature(function).parameters
