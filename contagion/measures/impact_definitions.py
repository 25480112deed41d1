"""What the columns of `each_default` and its like mean."""

from __future__ import annotations

from .registry import Measure

DEFINITIONS = (
    Measure(
        "default_impact",
        "default impact",
        "Σ_{j≠i} ℓ(j|i)",
        "money",
        "–",
        "loss of all other owners when i defaults; ℓ(j|i) is capped at the equity of j",
    ),
    Measure(
        "contagion_index",
        "contagion index",
        "100 · Σ_{j≠i} ℓ(j|i) / Σ_{j≠i} K_j",
        "%",
        "capital of the others",
        "after Espinosa-Vega & Solé (2010), IMF WP/10/105, capital impairment averaged with "
        "capital weights; ℓ capped at K_j",
    ),
    Measure(
        "vulnerability_index",
        "vulnerability index",
        "100 · Σ_{j≠i} ℓ(i|j) / ((N − 1) · K_i)",
        "%",
        "own capital, mean over triggers",
        "after the bank-contagion annexes of IMF FSAPs; ℓ capped at K_i",
        about="vulnerability",
    ),
    Measure(
        "induced_defaults",
        "induced defaults",
        "#{j ≠ i : j defaults | i defaults}",
        "nodes",
        "–",
        "count of further defaults, nodes insolvent before left out",
    ),
    Measure(
        "hazard",
        "hazard rate",
        "100 · #{j ≠ i : i defaults | j defaults} / (N − 1)",
        "%",
        "the N − 1 triggers",
        "share of single defaults that fail the node",
        about="vulnerability",
    ),
    Measure(
        "debtrank",
        "DebtRank",
        "Σ_{j≠i} v_j h_j",
        "share",
        "equity of all nodes",
        "Battiston et al. (2012), Sci. Rep. 2:541, with v_j = share of equity as in Bardoscia "
        "et al. (2015), PLoS ONE 10(6); the trigger's own loss is left out",
    ),
    Measure(
        "loss_suffered",
        "loss suffered",
        "Σ_{j≠i} ℓ(i|j)",
        "money",
        "–",
        "what i loses by the default of each other node, summed; ℓ capped at K_i",
        about="vulnerability",
    ),
    Measure(
        "contagion_index_uncapped",
        "contagion index, uncapped",
        "100 · Σ_{j≠i} g(j|i) / Σ_{j≠i} K_j",
        "%",
        "capital of the others",
        "after Espinosa-Vega & Solé (2010), IMF WP/10/105; g(j|i) is what j loses before its "
        "capital limits it, so that it can exceed 100",
    ),
    Measure(
        "vulnerability_index_uncapped",
        "vulnerability index, uncapped",
        "100 · Σ_{j≠i} g(i|j) / ((N − 1) · K_i)",
        "%",
        "own capital, mean over triggers",
        "after the bank-contagion annexes of IMF FSAPs; g before the cap at K_i",
        about="vulnerability",
    ),
    Measure(
        "direct_impact",
        "direct impact",
        "Σ_{j≠i} min(K_j, (1 − ρ) X_ji)",
        "money",
        "–",
        "loss of the creditors of i on i alone, ρ the recovery; less what they had lost before",
    ),
    Measure(
        "cascade_impact",
        "cascade impact",
        "Σ_{j≠i} ℓ(j|i) − direct impact",
        "money",
        "–",
        "default impact that is not direct: by further losses and defaults",
    ),
    Measure(
        "amplification",
        "amplification",
        "cascade impact / direct impact",
        "ratio",
        "direct impact",
        "cascade over direct loss; 0 where nobody passes a loss on, undefined without direct loss",
    ),
    Measure(
        "socialized_caused",
        "socialized loss caused",
        "Σ_{j≠i} o(j|i) + Σ_j e(j|i)",
        "money",
        "–",
        "what all but the owners of i bear when i fails, by the rule of each node: owners o who "
        "are not nodes, and external creditors e, those of i too",
    ),
    Measure(
        "socialized_suffered",
        "socialized loss suffered",
        "Σ_{j≠i} (o(i|j) + e(i|j))",
        "money",
        "–",
        "what owners and external creditors of i bear by the default of each other node, summed",
        about="vulnerability",
    ),
    Measure(
        "rounds_of_contagion",
        "rounds of contagion",
        "max round of a default induced by i",
        "rounds",
        "–",
        "waves of defaults after that of i, for clearing models each cleared to its fixed point",
    ),
)
