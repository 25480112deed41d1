"""Waterfalls: layers that lose one after the other, each with a capacity and its own rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from ..errors import RuleError
from ..kernels.ladder import Ladder, one_after_another
from ..media import shown
from ..text import closest, known_name
from .claims import Claims
from .pro_rata import PRO_RATA
from .rule import Rule, nested

OWN = "\0own"  # column that marks own funds; no table has a column of that name


@dataclass(frozen=True, repr=False)
class Layer:
    """One layer of a waterfall.

    Parameters
    ----------
    name : the value in the column `layer` of its claims.
    rule : the rule by which the layer shares the loss that it absorbs.
    capacity : largest loss that the layer absorbs, money, limited by the sum of its claims; `None`:
        that sum. A layer without claims consists of own funds and needs a capacity.
    owner : owner of the funds if the layer has no claims; by default the name of the layer.
    """

    name: str
    rule: Rule = PRO_RATA
    capacity: float | None = None
    owner: str | None = None

    def __post_init__(self) -> None:
        if self.capacity is not None and not self.capacity >= 0:
            raise RuleError(f"Layer {self.name!r} has capacity {self.capacity}; it is money >= 0.")
        nested(self.rule, f"Layer {self.name!r}")

    @shown
    def __repr__(self) -> str:
        parts = [repr(self.name)]
        parts += [] if self.rule == PRO_RATA else [repr(self.rule)]
        parts += [] if self.capacity is None else [f"capacity={self.capacity:g}"]
        parts += [] if self.owner is None else [f"owner={self.owner!r}"]
        return f"Layer({', '.join(parts)})"


@dataclass(frozen=True, repr=False)
class Waterfall(Rule):
    """Layers in the order in which they lose: each takes `min(remaining loss, capacity)`.

    The column `layer` assigns claims to layers. Claims without a layer (an empty cell) lose
    nothing by the rule; on a graph they lose pro rata after all layers.

    On a graph a layer consists of its claims, and its loss is a loss of their creditors: members
    have claims on the default fund. Own funds of the venue need no layer, because the equity of a
    node always loses first. A first layer without claims may represent them; its capacity is then
    used in `allocate` only.

    Parameters
    ----------
    layers : the layers, in the order in which they lose.

    Raises
    ------
    RuleError
        For two layers with the same name, a layer without claims and capacity, and claims with a
        layer that the waterfall does not have.

    Example
    -------
    A fund of 30, then the winners share by their profits:

    >>> from contagion import rules
    >>> rule = rules.Waterfall([rules.Layer("fund", capacity=30.0), rules.Layer("winners")])
    >>> claims = {"claimant": ["a", "b"], "amount": [60.0, 40.0], "layer": "winners"}
    >>> done = rule.allocate(50, claims)
    >>> done.layers["absorbed"].tolist(), done.table["loss"].tolist()
    ([30.0, 20.0], [12.0, 8.0, 30.0])
    """

    word: ClassVar[str] = "waterfall"

    layers_: tuple[Layer, ...] = ()

    def __init__(self, layers: Sequence[Layer]):
        names = [layer.name for layer in layers]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice or not names:
            what = f"two layers called {twice[0]!r}" if twice else "no layers"
            raise RuleError(f"The waterfall has {what}.")
        object.__setattr__(self, "layers_", tuple(layers))

    @property
    def names(self) -> list[str]:
        """The names of the layers, in the order in which they lose."""
        return [layer.name for layer in self.layers_]

    def layer(self, name: str) -> Layer:
        """The layer with that name; `UnknownNameError` if there is none."""
        known_name(name, self.names, "layer")
        return self.layers_[self.names.index(name)]

    def layers(self, claims: Claims) -> tuple[list[str], np.ndarray]:
        names = self.names
        if "layer" not in claims.columns:
            return names, np.full(len(claims), -1)
        given = pd.Series(claims.columns["layer"], dtype=object)
        at = given.map({name: k for k, name in enumerate(names)})
        unknown = (at.isna() & given.notna() & (given != "")).to_numpy(bool)
        if unknown.any():
            name = str(given[unknown].iloc[0])
            near = closest(name, names)
            claims.refuse(
                unknown,
                f"The waterfall has the layers {', '.join(names)} but not {name!r}, the layer of",
                f"Did you mean {near!r}?" if near else "Name the layer, or leave the cell empty.",
            )
        return names, at.fillna(-1).to_numpy(np.int64)

    def segments(self, claims: Claims) -> Ladder:
        _, at = self.layers(claims)
        m, owners = len(claims), int(claims.owner.max(initial=-1)) + 1
        own = claims.columns[OWN] if OWN in claims.columns else np.zeros(m, bool)
        parts = []
        for number, layer in enumerate(self.layers_):
            rows = np.flatnonzero(at == number)
            if not len(rows):
                continue
            rule = PRO_RATA if own[rows].any() else layer.rule  # own funds are one claim
            part = rule.segments(claims.take(rows)).over(rows, m).as_stage(number)
            parts.append(
                part if layer.capacity is None else part.cut(np.full(owners, layer.capacity))
            )
        return one_after_another(parts, m)

    def prepared(self, table: pd.DataFrame, claims: Claims) -> tuple[pd.DataFrame, Claims]:
        """Add a row for the own funds of each layer without claims."""
        _, at = self.layers(claims)
        own = [layer for k, layer in enumerate(self.layers_) if not (at == k).any()]
        for layer in own:
            if layer.capacity is None:
                raise RuleError(
                    f"Layer {layer.name!r} has no claims and no capacity. Give the layer a "
                    f"capacity, or claims with layer {layer.name!r}; 0 says that it is empty."
                )
            if not np.isfinite(layer.capacity):
                raise RuleError(
                    f"Layer {layer.name!r} has no claims and capacity {layer.capacity}: own funds "
                    "need a finite capacity, in money."
                )
        if not own:
            return table, claims
        rows = pd.DataFrame(
            {
                "claimant": [layer.owner or layer.name for layer in own],
                "layer": [layer.name for layer in own],
                "amount": [float(layer.capacity or 0.0) for layer in own],
            }
        )
        if "layer" not in table:
            table = table.assign(layer=None)
        whole = pd.concat([table, rows], ignore_index=True)
        columns: dict[str, Any] = {
            str(c): whole[c].to_numpy() for c in whole if c not in ("claimant", "amount")
        }
        columns[OWN] = np.arange(len(whole)) >= len(table)
        names = whole["claimant"]
        return whole, replace(
            claims,
            owner=np.zeros(len(whole), np.int64),
            amount=np.concatenate([claims.amount, rows["amount"].to_numpy()]),
            columns=columns,
            names=lambda at: names.iloc[at].tolist(),
        )

    @shown
    def __repr__(self) -> str:
        return f"Waterfall([{', '.join(map(repr, self.layers_))}])"
