"""The published formats of files that are supported: one module and one line each."""

from __future__ import annotations

from ..tables import shapes
from . import ccxt, corep, defillama, eba, onchain, sdmx

MATRIX = shapes.Shape(
    "matrix",
    "a labelled matrix, with totals, title lines and decimal commas",
    "square, labels in the first row and column",
    ("exposures",),
    'ct.read("matrix.csv", orientation="creditor->debtor", totals="drop")',
    lambda source: False,  # `matrix` finds it itself, among all others
    lambda source, name, how: source,
)

FORMATS = shapes.register(
    [sdmx.SHAPE, eba.SHAPE, corep.SHAPE, defillama.SHAPE, onchain.SHAPE, ccxt.SHAPE, MATRIX]
)
