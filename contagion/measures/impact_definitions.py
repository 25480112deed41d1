"""Definitions of the columns of `each_default` and of the functions based on it."""

from __future__ import annotations

from .registry import Measure

DEFINITIONS = (
    Measure(
        "default_impact",
        "Σ_{j≠i} ℓ(j|i)",
        "money",
        "loss of all other owners when i defaults; ℓ(j|i) is capped at the equity of j",
        title="loss of owners inside the graph",
    ),
    Measure(
        "contagion_index",
        "100 · Σ_{j≠i} ℓ(j|i) / Σ_{j≠i} K_j",
        "%",
        "after Espinosa-Vega & Solé (2010), IMF WP/10/105, capital impairment averaged with "
        "capital weights; ℓ capped at K_j",
        denominator="capital of the others",
    ),
    Measure(
        "vulnerability_index",
        "100 · Σ_{j≠i} ℓ(i|j) / ((N − 1) · K_i)",
        "%",
        "after the bank-contagion annexes of IMF FSAPs; ℓ capped at K_i",
        denominator="own capital, mean over triggers",
        about="vulnerability",
    ),
    Measure(
        "induced_defaults",
        "#{j ≠ i : j defaults | i defaults}",
        "nodes",
        "count of further defaults, nodes insolvent before left out",
    ),
    Measure(
        "hazard",
        "100 · #{j ≠ i : i defaults | j defaults} / (N − 1)",
        "%",
        "share of single defaults that make the node default",
        title="hazard rate",
        denominator="the N − 1 triggers",
        about="vulnerability",
    ),
    Measure(
        "debtrank",
        "Σ_{j≠i} v_j h_j",
        "share",
        "Battiston et al. (2012), Sci. Rep. 2:541 (v_j the share in all lending), Bardoscia et al. "
        "(2015), PLoS ONE 10(6) (in all equity); the trigger's own loss is left out",
        title="DebtRank",
        denominator="equity of all nodes, or the total of the weights",
    ),
    Measure(
        "loss_suffered",
        "Σ_{j≠i} ℓ(i|j)",
        "money",
        "loss of i by the default of each other node, summed; ℓ capped at K_i",
        about="vulnerability",
    ),
    Measure(
        "contagion_index_uncapped",
        "100 · Σ_{j≠i} g(j|i) / Σ_{j≠i} K_j",
        "%",
        "after Espinosa-Vega & Solé (2010), IMF WP/10/105; g(j|i) is the loss of j before the cap "
        "at its capital, so the index can exceed 100",
        title="contagion index, uncapped",
        denominator="capital of the others",
    ),
    Measure(
        "vulnerability_index_uncapped",
        "100 · Σ_{j≠i} g(i|j) / ((N − 1) · K_i)",
        "%",
        "after the bank-contagion annexes of IMF FSAPs; g before the cap at K_i",
        title="vulnerability index, uncapped",
        denominator="own capital, mean over triggers",
        about="vulnerability",
    ),
    Measure(
        "direct_impact",
        "Σ_{j≠i} min(K_j, (1 − ρ) X_ji)",
        "money",
        "loss of the creditors of i on i alone, ρ the recovery; net of their losses before",
    ),
    Measure(
        "cascade_impact",
        "Σ_{j≠i} ℓ(j|i) − direct impact",
        "money",
        "indirect part of the default impact: by further losses and defaults",
    ),
    Measure(
        "amplification",
        "cascade impact / direct impact",
        "ratio",
        "cascade over direct loss; 0 where no node passes a loss on, undefined without direct loss",
        denominator="direct impact",
    ),
    Measure(
        "socialized_caused",
        "Σ_j (c(j|i) + e(j|i))",
        "money",
        "contagion of the default of i: all losses it causes except the immediate loss of the "
        "owners of i; c of owners that are not nodes, e of external creditors, also those of i",
        title="socialized loss caused",
    ),
    Measure(
        "socialized_suffered",
        "Σ_{j≠i} (c(i|j) + e(i|j))",
        "money",
        "loss of the owners and external creditors of i by each other default, summed",
        title="socialized loss suffered",
        about="vulnerability",
    ),
    Measure(
        "rounds_of_contagion",
        "max round of a default induced by i",
        "rounds",
        "waves of defaults after that of i, for clearing models each cleared to its fixed point",
    ),
)
