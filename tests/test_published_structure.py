"""Published structure: centrality of the BIS countries, leverage, and paths of default."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from test_published import LEVERAGE, PATHWAYS, Case

import contagion as ct
from contagion import measures

# -- centrality of 16 countries ---------------------------------------------------------------

CENTRALITY = Case(
    "Sargent & Stachurski (2024), Economic Networks, chapter 1, notebook ch_intro; data of the BIS "
    "consolidated banking statistics, Q4 2022, 16 countries",
    "published inputs; output from an independent solver",
    2e-8,
)
KATZ_B = 1 / 1_700_000
RADIUS = 1636698.1024426713
# Creditors in rows; eigenvectors sum to 1. In the order of the table of the notebook:
COUNTRIES = ("AU", "CL", "PT", "TR", "US", "AT", "BE", "CH", "DE", "ES", "FR", "GB", "IE", "IT",
             "JP", "SE")  # fmt: skip
HUB = [
    0.0272557044233434, 0.0014442440848881292, 0.002855190821156424, 0.0010531109875719588,
    0.1474039356203987, 0.006838771313282924, 0.007605757297911259, 0.07427913641325411,
    0.07860416128513513, 0.08973122945882352, 0.12590632348296452, 0.17305265192410316,
    0.007120816162692839, 0.033530262464390996, 0.21384878056144563, 0.00946992369863739,
]  # fmt: skip
AUTHORITY = [
    0.04173574992680103, 0.005013169917564171, 0.0048275481136953406, 0.007007190391681186,
    0.2973624817224589, 0.009444280045887663, 0.028082999468468445, 0.025889518210680137,
    0.1177989046559904, 0.02459282264235792, 0.10258673263207374, 0.13212583530896538,
    0.0366158910619756, 0.043201666719486054, 0.11363132074753608, 0.010083888434377917,
]  # fmt: skip
KATZ_HUB = [
    6.790654020392663, 1.3071692821340177, 1.623419489722508, 1.224931466886584,
    32.57785029445432, 2.4875619094916686, 2.635970182261513, 16.861760276353028,
    17.925384962092053, 20.320186724219838, 28.24133322004725, 38.03105104455908,
    2.514239587165631, 8.318095947507029, 46.75024592534703, 3.02018395593174,
]  # fmt: skip


def centralities() -> dict[str, pd.Series]:
    """What is published, by the names of the outcomes of the dataset."""
    net = ct.datasets.load("bis_cbs_2022q4")
    return {
        "hub centrality": measures.eigenvector(net, side="creditor"),
        "authority centrality": measures.eigenvector(net, side="debtor"),
        "Katz hub centrality": measures.katz(net, side="creditor", b=KATZ_B),
    }


@pytest.mark.parametrize(
    ("what", "want"),
    [
        ("hub centrality", HUB),
        ("authority centrality", AUTHORITY),
        ("Katz hub centrality", KATZ_HUB),
    ],
)
def test_centrality_of_the_bis_countries(what, want):
    found = centralities()[what]
    assert tuple(found.index) == COUNTRIES
    CENTRALITY.same(found, want)
    outcomes = ct.datasets.outcomes("bis_cbs_2022q4")
    rows = outcomes[outcomes["what"] == what].set_index("node")["value"]
    CENTRALITY.same(found.loc[rows.index], rows)


def test_spectral_radius_of_the_claims():
    net = ct.datasets.load("bis_cbs_2022q4")
    for side in ("creditor", "debtor"):
        root = measures.eigenvector(net, side=side).root
        assert abs(root / RADIUS - 1) < CENTRALITY.tolerance
    with pytest.raises(ValueError, match=r"below 1/r = 6\.10986e-07"):
        measures.katz(net, side="creditor", b=1.0001 / RADIUS)


# -- the leverage matrix ----------------------------------------------------------------------

VERDICTS = {"dag3": "stable", "ring4_1p1": "unstable", "two_bank": "unstable"}


def leverage_network(matrix) -> ct.ExposureNetwork:
    """Everybody has equity 1, so that claims are leverage."""
    return ct.ExposureNetwork.from_matrix(
        matrix, range(len(matrix)), orientation="creditor->debtor", equity=np.ones(len(matrix))
    )


@pytest.mark.parametrize("name", LEVERAGE)
def test_stability_of_the_leverage_matrix(name):
    matrix, want = LEVERAGE[name]
    found = measures.leverage_stability(leverage_network(matrix))
    PATHWAYS.same(found.radius, want)
    assert found.verdict == VERDICTS[name]
    assert found.left_out == ()


def test_an_edge_more_makes_the_chain_unstable():
    """dag3 and a claim of the third bank on the first: r³ = 4.5 r/3 + 4.5 by hand."""
    found = measures.leverage_stability(leverage_network([[0, 3, 3], [0, 0, 3], [0.5, 0, 0]]))
    assert found.verdict == "unstable"
    assert found.radius**3 == pytest.approx(1.5 * found.radius + 4.5)


# -- paths of default -------------------------------------------------------------------------

PATHS = Case(
    "After Silva, Souza & Tabak (2017), Monitoring vulnerability and impact diffusion in financial "
    "networks, Journal of Economic Dynamics and Control 76; test of the R package "
    "NetworkRiskMeasures",
    "test figures of the released package; susceptibility by hand from its matrix of paths",
)
PATHS_BANKS = ("A", "B", "C", "E", "F", "D")
PATHS_EQUITY = [10, 2, 2, 1, 10, 4]
PATHS_OWED = [  # rows owe columns
    [0, 5, 0, 0, 10, 2],
    [0, 0, 3, 0, 2, 0],
    [0, 0, 0, 4, 0, 0],
    [0, 0, 0, 0, 0, 0],
    [0, 0, 2, 5, 0, 0],
    [0, 2, 2, 0, 0, 0],
]
PATHS_EXP = [  # exp(V), the communicability that the test of the package expects
    [1, 1, 1, 0.833333333333333, 1, 0],
    [0, 1, 1, 0.5, 0, 0],
    [0, 0, 1, 1, 0, 0],
    [0, 0, 0, 1, 0, 0],
    [0, 0, 1, 1.5, 1, 0],
    [0, 1, 1.5, 0.666666666666667, 0, 1],
]
# (1 + 1) / 2, (1 + 1 + 1 + 1.5) / 3, 4.5 / 2, 1 / 1; no default hits A and D
PATHS_SUSCEPTIBILITY = {"B": 1.0, "C": 1.5, "E": 2.25, "F": 1.0}
PATHS_FLUIDITY = 5.75 / 6
# F brings down C and E: 1 + 1.5 paths begin at F, and of A's 1/2 + 1/2 + 1/6 lead through it
PATHS_DIFFUSION = {"F": (1.25, 7 / 12)}


def paths_network() -> ct.ExposureNetwork:
    """Without the 5 that F owes itself in the package: 5 of 10 is no default."""
    return ct.ExposureNetwork.from_matrix(
        PATHS_OWED, PATHS_BANKS, orientation="debtor->creditor", equity=PATHS_EQUITY
    )


def test_paths_of_default():
    net = paths_network()
    found = measures.impact_susceptibility(net).dropna()
    assert list(found.index) == list(PATHS_SUSCEPTIBILITY)
    PATHS.same(found, list(PATHS_SUSCEPTIBILITY.values()))
    impact = measures.impact_matrix(net).toarray()
    paths = np.array(PATHS_EXP) - np.eye(6)
    PATHS.same(paths.sum(axis=0)[impact.any(axis=0)] / impact.sum(axis=0)[[1, 2, 3, 4]], found)
    PATHS.same(measures.impact_fluidity(net), PATHS_FLUIDITY)
    for bank, want in PATHS_DIFFUSION.items():
        table = measures.impact_diffusion(net)
        PATHS.same(table.loc[bank, ["start", "intermediate"]], want)


@pytest.mark.parametrize("case", [CENTRALITY, PATHS])
def test_a_wrong_number_would_be_noticed(case):
    with pytest.raises(AssertionError, match="instead of"):
        case.same([1.0, 2.0], [1.0, 2.0 + 3 * case.tolerance])
