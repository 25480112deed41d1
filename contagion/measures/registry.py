"""What each measure means: formula, unit, denominator and source, reachable from the report."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """Definition of one measure; `formula` uses the notation of the glossary."""

    name: str
    title: str
    formula: str
    unit: str
    source: str


_ALL = (
    Measure(
        "default_impact",
        "default impact",
        "Σ_{j≠i} ℓ(j|i)",
        "money",
        "loss of all other owners when i defaults; ℓ(j|i) is capped at the equity of j",
    ),
    Measure(
        "contagion_index",
        "contagion index",
        "100 · Σ_{j≠i} ℓ(j|i) / Σ_{j≠i} K_j",
        "% of the capital of the others",
        "after Espinosa-Vega & Solé (2010), IMF WP/10/105, capital impairment averaged with "
        "capital weights; ℓ capped at K_j",
    ),
    Measure(
        "vulnerability_index",
        "vulnerability index",
        "100 · Σ_{j≠i} ℓ(i|j) / ((N − 1) · K_i)",
        "% of own capital, mean over triggers",
        "after the bank-contagion annexes of IMF FSAPs; ℓ capped at K_i",
    ),
    Measure(
        "induced_defaults",
        "induced defaults",
        "#{j ≠ i : j defaults | i defaults}",
        "nodes",
        "count of further defaults, nodes insolvent before left out",
    ),
    Measure(
        "hazard",
        "hazard rate",
        "100 · #{j ≠ i : i defaults | j defaults} / (N − 1)",
        "% of triggers",
        "share of single defaults that fail the node",
    ),
    Measure(
        "debtrank",
        "DebtRank",
        "Σ_{j≠i} v_j h_j",
        "share of the equity of all nodes",
        "Battiston et al. (2012), Sci. Rep. 2:541, with v_j = share of equity as in Bardoscia "
        "et al. (2015), PLoS ONE 10(6); the trigger's own loss is left out",
    ),
)

MEASURES: dict[str, Measure] = {measure.name: measure for measure in _ALL}
