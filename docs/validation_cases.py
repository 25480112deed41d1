"""The cases of docs/validation.md: published figures, and those that the package computes now.

A case is a function that yields (quantity, published, ours) and, where it is not that of the case,
the tolerance. Published figures come from the packaged datasets or from the tests, ours from a run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import test_published as literature
import test_published_bounds as bounds
import test_published_firesale as firesale
import test_published_funding as funding
import test_published_netting as netting
import test_published_ownership as ownership
import test_published_structure as structure
import test_published_valuation as valuation
import test_random_cascades as cascades

import contagion as ct
from contagion import datasets, measures, randomgraphs
from contagion.network.netting import efficiency

RECOMPUTED = "closed form, recomputed"


@dataclass(frozen=True)
class Between:
    """Published is only that a figure lies in a range."""

    low: float
    high: float


@dataclass(frozen=True)
class Row:
    """One figure, or a few that belong together; the tolerance is of max(1, |published|)."""

    case: str
    source: str
    quantity: str
    published: Any
    ours: Any
    evidence: str
    tolerance: float

    @property
    def difference(self) -> float:
        """The largest difference over max(1, |published|); infinite for other words or lengths."""
        want, got = self.published, self.ours
        if isinstance(want, str | bool):
            return 0.0 if got == want else np.inf
        if isinstance(want, Between):
            return max(want.low - got, got - want.high, 0.0) / max(1.0, abs(want.low))
        want, got = np.atleast_1d(np.asarray(want, float)), np.atleast_1d(np.asarray(got, float))
        if want.shape != got.shape or not (np.isfinite(want) & np.isfinite(got)).all():
            return np.inf
        return float((np.abs(got - want) / np.maximum(1.0, np.abs(want))).max())


CASES: list[Callable[[], list[Row]]] = []


def case(title: str, source: str = "", evidence: str = "", tolerance: float = 1e-9, data: str = ""):
    """Turn a generator into a case of the page; `data`: source and evidence from its card."""
    if data:
        card = datasets.card(data)
        title = f"{title} (`{data}`)"
        source, evidence = source or card.source, evidence or card.evidence
        source = source.replace("[sources]", f"[sources](../datasets/{data}/dataset.toml)")

    def keep(function: Callable[[], Iterator[tuple]]) -> Callable[[], list[Row]]:
        def rows() -> list[Row]:
            made = []
            for quantity, published, ours, *own in function():
                room = own[0] if own else tolerance
                made.append(Row(title, source, quantity, published, ours, evidence, room))
            return made

        CASES.append(rows)
        return rows

    return keep


def answers(name: str) -> Iterator[tuple[str, str, pd.Series]]:
    """The published figures of a dataset, by quantity and run: node -> value."""
    for (what, run), rows in datasets.outcomes(name).groupby(["what", "run"], sort=False):
        yield what, run, rows.set_index("node")["value"]


def sets(groups: list) -> str:
    """Rounds of failures in words: a, b / c"""
    return " / ".join(", ".join(str(name) for name in group) for group in groups)


# -- valuation and clearing ------------------------------------------------------------------


@case("Network valuation: a ring of three banks", data="neva_ring3")
def neva():
    net = datasets.load("neva_ring3")
    for what, run, want in answers("neva_ring3"):
        function = valuation.FUNCTIONS[valuation.WORDS[what.removeprefix("equity, ")]]
        shock = ct.Shock.relative(float(run.split()[-2]) / 100)
        result = ct.models.NetworkValuation(function).propagate(net, shock)
        yield f"{what}, {run}", want, result.table["equity_after"].loc[want.index]


@case("Eisenberg and Noe, linear DebtRank: exercise 3", data="eisenberg_noe_3")
def exercise():
    net, shock = datasets.load("eisenberg_noe_3"), ct.Shock.relative(0.1)
    clearing = ct.EisenbergNoe().propagate(net, shock)
    ours = {
        "equity before the shock": net.balance_sheet["equity"],
        "equity, Eisenberg-Noe": clearing.table["equity_after"],
        "payment on debts in the graph, Eisenberg-Noe": pd.Series(clearing.payments, net.names),
        "equity, linear DebtRank": ct.DebtRank().propagate(net, shock).table["equity_after"],
    }
    for what, run, want in answers("eisenberg_noe_3"):
        yield f"{what}, {run}", want, ours[what].loc[want.index]


@case("Rogers and Veraart: the greatest clearing vector", data="rogers_veraart_3")
def greatest_vector():
    net = datasets.load("rogers_veraart_3")
    runs = {"a1": net, "a2": net.with_nodes(external_assets=net.nodes["external_assets_a2"])}
    for what, run, want in answers("rogers_veraart_3"):
        model = ct.models.RogersVeraart(1.0, 1.0, which="greatest")
        result = model.propagate(runs[run])
        step = int(what.split()[-4]) if "step" in what else -1
        ours = literature.payments_by_round(result)[step] if step >= 0 else result.payments
        yield f"{what}, external assets {run}", want, pd.Series(ours, net.names).loc[want.index]


@case("Seniority against pari passu", literature.SENIORITY.citation, data="seniority_3")
def seniority():
    net = datasets.load("seniority_3")
    alike = net.with_rules({name: ct.rules.ProRata() for name in net.names})
    runs = {"by seniority": net, "pari passu": alike}
    for what, run, want in answers("seniority_3"):
        result = ct.EisenbergNoe().propagate(runs[run])
        flows, table = result.flows.assign(tier=net.exposures["tier"]), result.table
        if what.startswith("payment"):
            tiers = {"senior": [1], "junior": [2]}.get(what.split()[2], [1, 2])
            paid = flows[flows["tier"].isin(tiers)].groupby("debtor")["paid"].sum()
            ours = paid.reindex(want.index, fill_value=0.0)
        else:
            ours = table["defaulted"] if what == "failed" else table["equity_after"].clip(lower=0)
        yield f"{what}, {run}", want, ours.loc[want.index]


@case("DebtRank, single hit and linear", literature.DEBTRANK.citation, literature.DEBTRANK.evidence)
def debtrank():
    for variant, (distress, importance) in literature.DEBTRANK_RING.items():
        model = ct.DebtRank(variant=variant)
        result = model.propagate(literature.debtrank_ring(), ct.Shock.loss({0: 0.2}))
        ours = result.table["loss"].to_numpy()
        yield f"distress, {variant}", distress, ours
        yield f"DebtRank without the shock, {variant}", importance, ours.mean() - 0.2 / 3


@case(
    "Ring against complete network",
    literature.AOT.citation,
    f"{literature.AOT.evidence}; assets and senior debt are larger than in the paper by the same "
    "amount, only their difference matters",
)
def ring_and_complete():
    for (shape, shock), want in literature.AOT_DEFAULTS.items():
        net = literature.ring_or_complete(shape)
        result = ct.EisenbergNoe().propagate(net, ct.Shock.loss({0: shock}))
        yield f"failures, {shape}, shock {shock}", want, int(result.table["defaulted"].sum())


@case(
    "Pathways towards instability",
    literature.PATHWAYS.citation,
    literature.PATHWAYS.evidence,
    literature.PATHWAYS.tolerance,
)
def pathways():
    for name, (matrix, want) in literature.LEVERAGE.items():
        net = ct.ExposureNetwork.from_matrix(
            matrix, range(len(matrix)), orientation="creditor->debtor", equity=np.ones(len(matrix))
        )
        found = measures.leverage_stability(net)
        yield f"largest eigenvalue of the leverage matrix, {name}", want, found.radius
        yield f"verdict, {name}", structure.VERDICTS[name], found.verdict


# -- funding, fire sales ---------------------------------------------------------------------


@case(
    "Credit and funding shocks: three systems",
    "After Espinosa-Vega & Solé (2010), Cross-border financial surveillance: a network "
    "perspective, IMF WP/10/105",
    f"{RECOMPUTED}; λ, ρ and δ from memory, the matrix is not one of the paper",
    funding.TOLERANCE,
)
def credit_and_funding():
    net = funding.three_systems()
    for word, rho, table in (
        ("credit", 0.0, funding.CREDIT),
        ("credit and funding", funding.RHO, funding.BOTH),
    ):
        for first, want in table.items():
            result = ct.models.CreditFunding(1.0, rho, 1.0).propagate(net, ct.Shock.default(first))
            yield f"rounds after {first}, {word}", sets(want), sets(funding.rounds(result))
    alone = measures.each_default(net, ct.models.CreditFunding(0.0, funding.RHO, 1.0), recovery=1.0)
    for column, want in funding.ALONE.items():
        yield f"{column.replace('_', ' ')}, funding alone, %", want, alone[column]


@case(
    "Sovereign bonds of 51 banks, 2016",
    "Breuer, Summer & Urosevic (2021), Systemic loss evaluation, OeNB WP 235; EBA stress test "
    "2016; table in the README of github.com/Martin-Summer-1090/syslosseval @ 2815e5c",
    "printed by the authors to three significant figures, recomputed independently; with two rows "
    "swapped as in their run, see above. The tables of the paper itself were not seen",
)
def sovereign_bonds():
    banks, markets = firesale.read_banks(), firesale.read_markets()
    for which, rounds in firesale.ROUNDS.items():
        sales = firesale.model(markets, swapped=True, which=which)
        fall = firesale.digits(sales.market(banks)["fall"][markets.index])
        for asset, want, got in zip(markets.index, markets["published_fall"], fall, strict=True):
            yield f"fall of {asset}, {which} equilibrium", want, got
        found = int(sales.propagate(banks).outcome.rounds) - 1
        yield f"rounds that change something, {which} equilibrium", rounds, found
    everything = ct.models.FireSale(1.0, impact=sales.impact, other_weight=1.0).market(banks)[
        "fall"
    ]
    want = markets["published_largest_fall"]
    for asset, got in zip(markets.index, firesale.digits(everything[markets.index]), strict=True):
        yield f"fall of {asset}, everything sold", want[asset], got


@case(
    "Three banks and one bond: several equilibria",
    "Breuer, Summer & Urosevic (2021), appendix A3; R/test_example_thomas.R of the package "
    "@ 6bed876",
    "printed by the authors to six figures, recomputed independently",
    5e-7,
)
def three_equilibria():
    for which, want in (("greatest", firesale.FALLS[0]), ("least", firesale.FALLS[-1])):
        market = firesale.three_model(which).market(firesale.three_banks())
        yield f"fall of the bond, {which} solution", want, float(market.loc["bond", "fall"])


@case(
    "Vulnerable banks: two banks, two assets",
    "Greenwood, Landier & Thesmar (2015), Vulnerable banks, JFE 115(3); the measures as in "
    "Vulnerable_Banks.m of github.com/domenicodigangi/MaximumEntropyNetworksErgmMatlab @ 92baff0",
    RECOMPUTED,
)
def vulnerable_banks():
    net, want = firesale.two_banks(), firesale.TWO_BANKS
    found = firesale.TWO_MODEL.vulnerability(net, firesale.TWO_SHOCK)
    sold = firesale.TWO_MODEL.market(net, firesale.TWO_SHOCK)["sold"]
    assets = net.balance_sheet["external_assets"]
    yield "direct loss over assets", want["direct"], found.table["direct_loss"] / assets
    yield "sold", want["sold"], sold
    for column in ("indirect_loss", "indirect_vulnerability", "connectedness", "systemicness"):
        yield column.replace("_", " "), want[column], found.table[column]
    yield "aggregate vulnerability", want["aggregate"], found.aggregate


@case(
    "Overlapping portfolios: a tenth of an asset is sold",
    "Caccioli, Shrestha, Moore & Farmer (2014), α = 1.0536",
    "α to four decimals, so the price to 1e-5",
    1e-5,
)
def overlapping():
    yield "price", firesale.TENTH_SOLD, firesale.price_with_a_tenth_sold()


# -- cross-holdings --------------------------------------------------------------------------


@case(
    "Two firms that hold each other's debt",
    "Karl & Fischer (2014), Cross-ownership as a structural explanation for over- and "
    "underestimation of default probability, Quantitative Finance 14(6)",
    RECOMPUTED,
)
def two_debtors():
    for assets, want in ownership.TWO_FIRMS:
        net = ownership.two_firms(assets, debt=ownership.W)
        result = ct.models.CrossHoldings().propagate(net)
        yield f"value of the debts, assets {assets}", want, ownership.debt_values(result.outcome)


@case("Two firms that hold each other's equity", "Suzuki (2002), four cases", "solved by hand")
def two_owners():
    for assets, want in ownership.TWO_OWNERS:
        result = ct.models.CrossHoldings().propagate(ownership.two_firms(assets, equity=0.5))
        yield f"equity, assets {assets}", want, result.table["equity_after"]


@case(
    "Waves of sovereign failures",
    "Elliott, Golub & Jackson (2014), Financial networks and contagion, AER 104(10), section on "
    "European debt cross-holdings",
    "published inputs; the waves are quoted from memory: weak",
)
def sovereign_waves():
    net = ownership.six_countries()
    for threshold, want in ownership.WAVES.items():
        yield f"waves at θ = {threshold}", sets(want), sets(ownership.waves(net, threshold))
    found = ownership.waves(net, 0.935)
    yield "first three waves at θ = 0.935", sets(ownership.AT_0935[:3]), sets(found[:3])


@case(
    "Contagion index of 87 banks, 2011",
    "Glasserman & Young (2015), How likely is contagion in financial networks?, Journal of Banking "
    "& Finance 50, on the EU-wide stress test of 2011",
    "published inputs; the figures are from an independent solver, and the paper keeps 76 banks",
)
def contagion_bounds():
    table = measures.glasserman_young(bounds.banks())
    for bank, index in bounds.INDEX.items():
        yield f"index of {bank}, EUR mn", index, table.loc[bank, "index"]


# -- netting, random graphs ------------------------------------------------------------------


@case(
    "Central clearing and netting",
    "Duffie & Zhu (2011), Does a central clearing counterparty reduce counterparty risk?, Review "
    "of Asset Pricing Studies 1(1)",
    "the paper's closed form, recomputed; not read from a table of it",
    netting.TOLERANCE,
)
def clearing_houses():
    for classes, want in netting.MIN_N.items():
        found = efficiency.fewest_participants(classes)
        yield f"fewest participants, {classes} classes", want, found
    for n, k in netting.PAIRS:
        ours = [efficiency.expected_exposure(n, k), efficiency.expected_exposure(n, k, [0])]
        quantity = f"exposure without and with a house, {n} participants, {k} classes"
        yield quantity, list(netting.exposures(n, k)), ours


@case(
    "The contagion window",
    "Gai & Kapadia (2010), Contagion in financial networks, Proceedings of the Royal Society A "
    "466; Watts (2002)",
    "roots recomputed, not read from the paper, whose figure depends on the convention, see above",
    cascades.TOLERANCE,
)
def window():
    for word, strict, want in (
        ("equality stands", True, cascades.STRICT),
        ("equality fails", False, cascades.WEAK),
    ):
        limits = randomgraphs.gai_kapadia_limits(strict=strict)
        yield f"average degree, from and to, {word}", want, limits
    yield "average degree, Watts, φ = 0.18", cascades.STRICT, randomgraphs.watts_limits(0.18)
