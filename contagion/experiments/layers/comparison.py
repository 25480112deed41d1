"""The loss through each layer alone, through all together, and the part of each layer in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from ...errors import ArgumentError
from ...kernels.shapley import coalitions, exact
from ...media import shown
from ...network.exposure_network import ExposureNetwork
from ...results.propagation_result import PropagationResult
from ...text import money

MOST = 10  # layers whose 2^L sets are run


@dataclass(frozen=True, eq=False, repr=False)
class LayerComparison:
    """Every layer of a network alone, and all of them together.

    Attributes
    ----------
    network : with all layers.
    layers : their names, as in :func:`layer_names`.
    what : the words for the numbers: "loss", "debtrank", "default_impact" or "measure".
    alone : (n,) the number of each node with no claims at all: what the shock does by itself.
    parts : {layer: (n,)} what each layer alone adds to that.
    whole : (n,) what all layers together add to it.
    results : {layer: result}, and "whole"; empty without a shock. A result of a layer has one
        node more, the last, which holds the claims of the other layers.
    """

    network: ExposureNetwork
    layers: tuple[str, ...]
    what: str
    alone: np.ndarray
    parts: Mapping[str, np.ndarray]
    whole: np.ndarray
    results: Mapping[str, PropagationResult]
    _run: Callable[[tuple[str, ...]], np.ndarray] = field(repr=False)

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row a node: alone, one column a layer, sum, whole and gap = whole − sum.

        Money for losses and impacts, shares for DebtRank. The number of the network itself is
        alone + whole. A gap above 0: the layers together do more than one by one.
        """
        columns = {"alone": self.alone, **self.parts}
        total = np.sum([self.parts[name] for name in self.layers], axis=0)
        columns |= {"sum": total, "whole": self.whole, "gap": self.whole - total}
        return pd.DataFrame(columns, index=self.network.names)

    @property
    def total(self) -> pd.Series:
        """The columns of `table` added up over nodes (triggers, where no shock was given)."""
        return self.table.sum().rename("total")

    @cached_property
    def attribution(self) -> pd.DataFrame:
        """`whole` shared among the layers by Shapley: one row a node, one column a layer.

        The mean, over every order in which the layers can be added, of what a layer adds:

            φ_l = Σ_{S ∌ l} |S|! (L − |S| − 1)! / L! · (v(S ∪ l) − v(S))

        so no order is preferred, layers that do the same get the same, and a row sums to `whole`.
        Runs all 2^L sets of layers.

        Raises
        ------
        ArgumentError : for more than 10 layers.

        Source: after Shapley (1953), A value for n-person games (formula and year seen in
        secondary sources, the paper itself unverified).
        """
        L = len(self.layers)
        if L > MOST:
            raise ArgumentError(
                f"{L} layers have 2^{L} sets to run; the attribution takes at most {MOST}. "
                "Merge layers in the column layer."
            )
        value = np.empty((1 << L, len(self.network)))
        value[0], value[-1] = 0.0, self.whole
        for at, some in enumerate(coalitions(1, (1 << L) - 1, L), 1):
            inside = tuple(np.array(self.layers, object)[some])
            known = len(inside) == 1
            value[at] = self.parts[inside[0]] if known else self._run(inside) - self.alone
        shares = exact(value)
        return pd.DataFrame(shares.T, index=self.network.names, columns=list(self.layers))

    @shown
    def __repr__(self) -> str:
        unit = self.network.unit if self.what in ("loss", "default_impact") else ""
        total = self.total
        lines = [f"{self.what} by layer on {self.network.name or 'network'}, added up over nodes:"]
        lines += [f"  {name}: {money(float(total[name]), unit)}" for name in total.index[1:]]
        return "\n".join(lines)
