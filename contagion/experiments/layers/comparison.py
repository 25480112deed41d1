"""The loss through each layer alone, through all together, and the contribution of each layer."""

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
    what : name of the values: "loss", "debtrank", "default_impact" or "measure".
    alone : (n,) the value of each node without any claims: the direct effect of the shock.
    parts : {layer: (n,)} the increase of that value with each layer alone.
    whole : (n,) the increase with all layers together.
    results : {layer: result}, and "whole"; empty without a shock. The result of a layer has one
        additional node, the last, which holds the claims of the other layers.
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

        Money for losses and impacts, shares for DebtRank. The value for the full network is
        alone + whole. A gap above 0 means that the effect of all layers together exceeds the sum
        of their separate effects.
        """
        columns = {"alone": self.alone, **self.parts}
        total = np.sum([self.parts[name] for name in self.layers], axis=0)
        columns |= {"sum": total, "whole": self.whole, "gap": self.whole - total}
        return pd.DataFrame(columns, index=self.network.names)

    @property
    def total(self) -> pd.Series:
        """The columns of `table` summed over nodes (over triggers, without a shock)."""
        return self.table.sum().rename("total")

    @cached_property
    def attribution(self) -> pd.DataFrame:
        """Shapley values of the layers in `whole`: one row a node, one column a layer.

        The marginal contribution of a layer, averaged over all orders of adding the layers:

            φ_l = Σ_{S ∌ l} |S|! (L − |S| − 1)! / L! · (v(S ∪ l) − v(S))

        so that no order is preferred, layers with equal contributions have equal values, and a row
        sums to `whole`. Runs all 2^L sets of layers.

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
        lines = [f"{self.what} by layer on {self.network.name or 'network'}, summed over nodes:"]
        lines += [f"  {name}: {money(float(total[name]), unit)}" for name in total.index[1:]]
        return "\n".join(lines)
