"""Run every layer alone, and all of them together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from ...errors import ArgumentError, ArgumentTypeError, expect
from ...measures import debtrank, default_impact
from ...models import DebtRank
from ...models.base import Model
from ...models.node_values import node_values
from ...network.exposure_network import ExposureNetwork
from ...results.run_arrays import Baseline
from ...shocks import Shock
from ..policy.same import same_shock
from .comparison import LayerComparison
from .cut import layer_names, one_layer

HOLDER = "other layers"
COLUMNS = ("alone", "sum", "whole", "gap")
Measure = Callable[[ExposureNetwork], pd.Series]


def by_layer(
    network: ExposureNetwork,
    model: Model | Measure | None = None,
    shock: Shock | None = None,
    *,
    recovery: float = 0.0,
    baseline: Baseline = "cleared",
) -> LayerComparison:
    """Run every layer alone with the full capital, and all layers together.

    With a shock the values are the losses of the owners of each node. Without a shock each node
    defaults once, and its row is the effect on the others: DebtRank for a
    :class:`~contagion.DebtRank` model, default impact for other models (see
    :data:`contagion.measures.MEASURES`). Layers are separated as in :func:`one_layer` with a
    holder, so seniority and waterfalls are kept. The shock is the same amount in every layer, also
    if it is given as a fraction of external assets.

    Parameters
    ----------
    network : claims with a column `layer`.
    model : by default `DebtRank("single-hit")`. A function of a network that returns a number a
        node (Series) works too; it gets :func:`one_layer` without holder, and takes no shock.
    recovery : recovery rate on claims on the defaulting node, in [0, 1], without shock.
    baseline : reference for losses, with a shock; see :meth:`Model.propagate`.

    Notes
    -----
    Claims of other layers are safe external assets, so default costs on external assets apply to
    them (RogersVeraart `alpha` instead of `beta`). A DebtRank with `weights="lending"` is
    `Σ_{j≠i} h_j A_j / V`, with `A_j` the claims of j in the layers that are run and V the claims of
    all layers. This is the DebtRank of the layer times its share in all claims, so that the
    DebtRanks of layers are comparable.

    Raises
    ------
    ArgumentError : for a network without claims, options that exclude each other, or a layer with
        the name of a column of the table.
    ArgumentTypeError : for a model that is neither a model nor a function.
    ShockError, ConvergenceError, NetworkError, RuleError : as the model, and :func:`one_layer`.

    Example
    -------
    b (capital 5) has loans of 3 and derivatives of 3 on a, c (capital 3) loans of 4 on b. If a
    defaults, b loses 3 in each layer alone and survives. With both layers b defaults and loses its
    5, and then c defaults and loses its 3:

    >>> import contagion as ct
    >>> owed = {"creditor": ["b", "b", "c"], "debtor": ["a", "a", "b"], "amount": [3, 3, 4],
    ...         "layer": ["loans", "derivatives", "loans"]}
    >>> net = ct.ExposureNetwork({"node": ["a", "b", "c"], "equity": [1, 5, 3]}, owed)
    >>> done = by_layer(net, ct.models.GaiKapadia(), ct.Shock.default("a"))
    >>> done.total.astype(int).to_dict()
    {'alone': 1, 'loans': 3, 'derivatives': 3, 'sum': 6, 'whole': 8, 'gap': 2}
    >>> done.attribution.round(9).loc["c"].tolist()     # no layer fails b without the other
    [1.5, 1.5]

    Source: after Poledna, Molina-Borboa, Martínez-Jaramillo, van der Leij & Thurner (2015), The
    multi-layer network nature of systemic risk, Journal of Financial Stability 20, 70–81,
    arXiv:1505.04276: layers compared with the combined network, whose risk exceeds their sum
    (abstract read, not the equations). The factor layer / all claims is from a reimplementation.
    """
    names = layer_names(network)
    if shock is not None:
        expect(shock=shock)
    _refuse(network, names, model, shock, recovery)
    chosen: Any = DebtRank("single-hit") if model is None else model
    holder, results = _free_name(network), {}
    fixed = None if shock is None else _in_money(network, shock)

    def run(layers: tuple[str, ...]) -> np.ndarray:
        if not isinstance(chosen, Model):
            values = pd.Series(chosen(one_layer(network, layers)))
            return values.reindex(network.names).to_numpy(float)
        part = one_layer(network, layers, holder=holder)
        if fixed is None:
            return _impact(part, chosen, recovery, network)[: len(network)]
        done = chosen.propagate(part, fixed, baseline=baseline)
        if len(layers) == 1 and len(names) > 1:
            results[layers[0]] = done
        if len(layers) == len(names):
            results["whole"] = done
        return done.loss[: len(network)]

    alone = run(())
    parts = {name: run((name,)) - alone for name in names}
    whole = run(names) - alone if len(names) > 1 else parts[names[0]]
    if fixed is not None and len(names) == 1:
        results[names[0]] = results["whole"]
    what = "loss" if shock is not None else "measure"
    if isinstance(chosen, Model) and shock is None:
        what = "debtrank" if isinstance(chosen, DebtRank) else "default_impact"
    return LayerComparison(network, names, what, alone, parts, whole, results, run)


def _free_name(network: ExposureNetwork) -> str:
    name = HOLDER
    while name in network.names:
        name += " "
    return name


def _in_money(network: ExposureNetwork, shock: Shock) -> Shock:
    """The shock as prices, losses in money and defaults, so that it is the same in every layer."""
    return same_shock(shock, network, network)


def _impact(
    part: ExposureNetwork, model: Model, recovery: float, network: ExposureNetwork
) -> np.ndarray:
    """(n,) effect of the default of each node: DebtRank, or default impact in money."""
    if not isinstance(model, DebtRank):
        return default_impact(part, model, recovery=recovery).values.to_numpy(float)
    if isinstance(model.weights, str) and model.weights == "equity":
        return debtrank(part, model, recovery=recovery).values.to_numpy(float)
    value = node_values(network, model.weights)
    if isinstance(model.weights, str) and model.weights == "lending":
        value = part.book.claims[: len(network)] / network.amount.sum()
    value = np.append(value, np.zeros(len(part) - len(network)))  # the holder of other layers
    if not value.any():
        return np.zeros(len(part))
    found = debtrank(part, model, recovery=recovery, weights=value)
    return np.asarray(found.values.to_numpy(float) * value.sum())


def _refuse(
    network: ExposureNetwork,
    names: tuple[str, ...],
    model: Any,
    shock: Shock | None,
    recovery: float,
) -> None:
    if not network.amount.sum() > 0:
        raise ArgumentError("The network has no claims, so there are no layers to compare.")
    taken = [name for name in names if name in COLUMNS]
    if taken:
        raise ArgumentError(
            f"A layer is called {taken[0]!r}, which is a column of the comparison; rename it."
        )
    if not (model is None or isinstance(model, Model) or callable(model)) or isinstance(
        model, type
    ):
        raise ArgumentTypeError(
            f"model has to be a Model, such as DebtRank(), or a function, not {model!r}."
        )
    if shock is not None and model is not None and not isinstance(model, Model):
        raise ArgumentError("A function of a network takes no shock; give a model.")
    if not 0 <= recovery <= 1:
        raise ArgumentError(f"recovery={recovery}: it has to lie in [0, 1].")
