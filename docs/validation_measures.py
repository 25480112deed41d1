"""The cases about measures, scorecards and reconstruction."""

from __future__ import annotations

import numpy as np
import test_published_reconstruct as partial
import test_published_scorecards as cards
import test_published_structure as structure
from validation_cases import RECOMPUTED, case

from contagion import datasets, measures
from contagion.measures import scorecards
from contagion.synthetic import reconstruct


@case(
    "Centrality of 16 countries",
    structure.CENTRALITY.citation,
    tolerance=structure.CENTRALITY.tolerance,
    data="bis_cbs_2022q4",
)
def centrality():
    found = structure.centralities()
    for what, rows in datasets.outcomes("bis_cbs_2022q4").groupby("what", sort=False):
        yield what, rows["value"], found[what].loc[rows["node"]]
    net = datasets.load("bis_cbs_2022q4")
    root = measures.eigenvector(net, side="creditor").root
    yield "largest eigenvalue of the claims", structure.RADIUS, root


@case("Paths of default", structure.PATHS.citation, structure.PATHS.evidence)
def paths_of_default():
    net = structure.paths_network()
    want = structure.PATHS_SUSCEPTIBILITY
    found = measures.impact_susceptibility(net)
    yield "impact susceptibility", list(want.values()), found.loc[list(want)]
    yield "impact fluidity", structure.PATHS_FLUIDITY, measures.impact_fluidity(net)
    for bank, parts in structure.PATHS_DIFFUSION.items():
        table = measures.impact_diffusion(net)
        row = table.loc[bank, ["start", "intermediate"]].astype(float)
        yield f"impact diffusion of {bank}, start and intermediate", parts, row


@case(
    "G-SIB scores: a share of every denominator, and method 2",
    "Basel Committee (2017), denominators of end-2016; Federal Reserve (2015), 12 CFR 217.405",
    RECOMPUTED,
)
def gsib():
    over = scorecards.denominators(2016)
    billions = [rounded for _, rounded in cards.EUR_2016.values()]
    yield "denominators, EUR bn", billions, over[list(cards.EUR_2016)].round().to_numpy()
    found = scorecards.bcbs_gsib(cards.bank(cards.SHARE), year=2016, unit="EUR")
    yield "score of 2 % of everything, bp", cards.SCORE, found.table.loc["bank", "score"]
    yield "method 2 of USD 100 bn of each, bp", cards.SCORE_2, cards.method_2(100.0)


@case(
    "ΔCoVaR of jointly normal losses",
    "Adrian & Brunnermeier (2016), American Economic Review 106(7): definition",
    RECOMPUTED,
    tolerance=5e-3,
)
def normal_covar():
    yield "ΔCoVaR at 0.9, correlation 0.6", cards.NORMAL["delta_covar"], cards.delta_covar()


@case(
    "Seven banks from their margins",
    "Anand, Craig & von Peter (2015), Quantitative Finance 15(4), example; outputs of the authors' "
    "package",
    "output of the authors' package, recomputed; the minimum is proven by HiGHS",
    tolerance=partial.DIGITS,
)
def seven_banks():
    margins = partial.banks()
    found = reconstruct.maximum_entropy(margins).mean().to_numpy()
    yield "maximum entropy, claims of the first bank", partial.MAXIMUM_ENTROPY[0], found[0]
    yield "maximum entropy, all claims", np.ravel(partial.MAXIMUM_ENTROPY), found.ravel()
    fewest = reconstruct.minimum_density(margins, exact=True)
    yield "fewest links that carry the margins", 7, int(fewest.links[0])


@case(
    "Fitness model: six of twelve links between equals",
    "Cimini, Squartini, Garlaschelli & Gabrielli (2015), Scientific Reports 5:15758",
    RECOMPUTED,
)
def equal_fitness():
    model = reconstruct.link_model(reconstruct.Margins(list("abcd"), [1.0] * 4, [1.0] * 4), links=6)
    yield "z", 1.0, model.z
    yield "expected links", 6.0, model.expected_links
