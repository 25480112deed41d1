"""Layers of a network: the losses of each layer alone, and of all layers together.

Layers are the values of the column `layer` of the exposures: kinds of claims, such as loans and
derivatives. In a dataset whose nodes have a waterfall the column gives the order in which claims
lose; :func:`one_layer` then requires a holder, so that the waterfall keeps its claims.
"""

from __future__ import annotations

from .comparison import LayerComparison
from .cut import NO_LAYER, layer_names, one_layer
from .running import by_layer

__all__ = ["NO_LAYER", "LayerComparison", "by_layer", "layer_names", "one_layer"]
