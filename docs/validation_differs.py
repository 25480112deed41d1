"""Where published figures differ: from each other, from their own rule, or by a convention."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import test_published_firesale as firesale
import test_published_ownership as ownership
import test_published_reconstruct as partial
from test_venue_datasets_a import claims
from validation_cases import sets
from validation_venues import (
    cents,
    claims_on,
    first_run,
    hyperliquid_waves,
    published,
    repeated_loser,
    shares_of_capacity,
)

import contagion as ct
from contagion import datasets, randomgraphs
from contagion.synthetic import reconstruct


@dataclass(frozen=True)
class Remark:
    """A convention or an error, in words and figures: rows of quantity and one figure a column."""

    title: str
    text: str
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]] = field(default_factory=list)


def note(name: str, node: str, what: str, run: str) -> str:
    """The note of the dataset about one of its figures."""
    rows = datasets.outcomes(name).query("node == @node and what == @what and run == @run")
    return str(rows["note"].item())


def equality() -> Remark:
    """A loss that is exactly the capital."""
    rows: list[tuple[Any, ...]] = [
        (
            "Gai & Kapadia (2010): window of average degrees",
            list(randomgraphs.gai_kapadia_limits(strict=True)),
            list(randomgraphs.gai_kapadia_limits(strict=False)),
        ),
        (
            "the same: failed debtors that fail a bank with five (first round)",
            *(
                int(randomgraphs.failures_needed(np.array([5]), 0.04, 0.2, strict=strict)[0])
                for strict in (True, False)
            ),
        ),
    ]
    net = datasets.load("neva_ring3")
    equities = [
        ct.models.Furfine(strict=strict)
        .propagate(net, ct.Shock.relative(0.1))
        .table["equity_after"]
        for strict in (True, False)
    ]
    rows.append(("Barucca et al. (2020), Furfine, shock of 10 %: equity of A, B, C", *equities))
    wider = rows[0][2][1] - rows[0][1][1]
    return Remark(
        "Strict or weak: does a loss that equals the capital fail a bank?",
        "Sources differ, and this matters not only in borderline cases. With capital of 4 % and "
        "interbank assets of 20 %, a bank with five debtors loses exactly its capital if the first "
        "of them defaults. The first round then depends on the convention, and in a floating-point "
        "program on the order of a division. The upper end of the window moves by "
        f"{wider:.1f} debtors. The condition for solvency in the paper is a strict inequality, so "
        "`GaiKapadia()` counts equality as default; the option `strict` changes this, and "
        "comparisons use a tolerance, so that rounding errors do not decide. The authors of the "
        "ring of three banks count an equity of exactly zero as default: the equity of bank A is "
        "zero at 10 %, and bank C bears the loss.",
        ("equality stands (strict)", "equality fails (weak)"),
        rows,
    )


def ranking() -> Remark:
    """External creditors before, or with, those in the graph."""
    rows = []
    for name, drop, text in (
        ("neva_ring3", 0.3, "Barucca et al. (2020), shock of 30 % (published: pari passu)"),
        ("eisenberg_noe_3", 0.1, "exercise 3, shock of 10 % (published: senior)"),
    ):
        both = []
        for order in ("senior", "pari_passu"):
            net = datasets.load(name, external_creditors=order)
            result = ct.EisenbergNoe().propagate(net, ct.Shock.relative(drop))
            both.append(result.table["equity_after"])
        rows.append((f"{text}: equity by Eisenberg and Noe", *both))
    return Remark(
        "Senior or pari passu: where external creditors rank",
        "Eisenberg and Noe have only debts in the graph. A user who adds external deposits or "
        "bonds has to state whether they are paid first or rank equally with the debts in the "
        "graph. Both are used in the literature, often without a statement. Here it is an option "
        "(`external_creditors`, or node by node); each case on this page follows its source.",
        ("external creditors senior", "pari passu"),
        rows,
    )


def swapped_rows() -> Remark:
    """The published equilibrium needs two rows in the wrong place."""
    banks, markets = firesale.read_banks(), firesale.read_markets()
    falls = [
        pd.Series(
            firesale.digits(
                firesale.model(markets, swapped=swapped).market(banks)["fall"][markets.index]
            ),
            markets.index,
        )
        for swapped in (True, False)
    ]
    rows = [
        (f"fall of {asset}", want, falls[0][asset], falls[1][asset])
        for asset, want in markets["published_fall"].items()
    ]
    moved = int((falls[0] != falls[1]).sum())
    return Remark(
        "Two swapped rows: the sovereign-bond equilibrium of 2016",
        "The authors' package sorts the table of volatilities and volumes by name and attaches the "
        "volumes sold by position. `US` and `Rest_of_the_world` trade places, and the published "
        "table is reproduced only with the swapped rows. With the rows in their correct place "
        f"{moved} of {len(rows)} falls differ, most of all those of the two classes. The authors "
        "count rounds up to the last one with a change; the package also counts the final round "
        "without a change.",
        ("published", "ours, rows swapped", "ours, rows in place"),
        rows,
    )


def several_solutions() -> Remark:
    """Which of three equilibria is the answer."""
    falls = [
        float(firesale.three_model(which).market(firesale.three_banks()).loc["bond", "fall"])
        for which in ("greatest", "least")
    ]
    return Remark(
        "Several solutions: which one is the answer?",
        "Three fixed points are published for three banks that hold one bond. Iteration from above "
        "converges to the best, iteration from below to the worst; the one between them is "
        "unstable. A single figure from one run hides this; the package raises an error until one "
        "is chosen (`which`).",
        ("greatest", "least"),
        [("fall of the bond", *falls)],
    )


def waves() -> Remark:
    """France and Germany at θ = 0.935."""
    found = ownership.waves(ownership.six_countries(), 0.935)
    return Remark(
        "Rounding: the last waves of the sovereign failures at θ = 0.935",
        "The table has France and Germany fail together. Computed exactly, France fails one wave "
        "before Germany: both are within 0.001 of the threshold, and a matrix rounded to two "
        "decimals, as it is printed, moves them. The table itself is quoted from memory. The test "
        "that demands the published order is kept as an expected failure.",
        ("published", "ours"),
        [("waves", sets(ownership.AT_0935), sets(found))],
    )


def deleveraging() -> Remark:
    """Hyperliquid: sums and texts that do not fit their own table."""
    name, node = "hyperliquid_adl_2025", "hyperliquid"
    again, once = repeated_loser()
    needed = hyperliquid_waves("needed").sum()
    rows: list[tuple[Any, ...]] = [
        (
            f"deficit of the losers: one of them counts in {again} waves",
            published(name, node, "deficit of the losers"),
            once,
        )
    ]
    for run in ("contract pro rata", "integer programme"):
        removed = published(name, node, "removed", run)
        text = note(name, node, "overshoot", run)
        want = published(name, node, "overshoot", run)
        rows.append((f"overshoot, {run}: {text}", want, cents(removed - needed)))
    largest = hyperliquid_waves("largest share of equity taken from one winner", "pro rata")
    share = shares_of_capacity()
    for wave in largest.index[~np.isclose(largest, share[largest.index], rtol=1e-6)]:
        quantity = f"largest share taken from one winner, wave {wave}, pro rata"
        rows.append((quantity, largest[wave], share[wave]))
    return Remark(
        "Hyperliquid: one loser in many sums, two texts, and shares of equity",
        "The published deficit adds waves in which the same account occurs repeatedly, with the "
        "same amount to the cent. Two figures in the text of the paper differ from its table; the "
        "table adds up. In some waves the published largest share is lower than the share of "
        "capacity that pro rata takes from a winner: it is measured on equity, and in these waves "
        "the profit of every winner is below its equity.",
        ("published", "ours"),
        rows,
    )


def okex_with_a_fund_of_10() -> float:
    """Share of the profits that the clawback takes if nothing had been injected."""
    name = "okex_2018"
    lost = claims_on(first_run(name), "okex")["loss"].sum()
    table = claims(name, "okex")
    before = published(name, "insurance_fund", "balance before")
    table.loc[table["claimant"] == "insurance_fund", "amount"] = before
    rule = datasets.load(name).rules["okex"]
    taken = rule.allocate(lost, table).table.set_index("claimant").loc["profitable_accounts"]
    return float(taken["loss"] / taken["amount"])


def reports() -> Remark:
    """Reports about venues that no table fits."""
    okex, maker, fluid, kelp = "okex_2018", "maker_2020", "resolv_usr_2026", "kelp_aave_2026"
    alike, apart = "all holders, risk report", "layer 2 only, risk report"
    minted = published(maker, "mkr_holders", "MKR minted", "as it happened")
    raised = published(maker, "mkr_holders", "raised by debt auction")
    rate = 1 - published(kelp, "kelp_rseth", "haircut", alike)
    everybody, layer_2, november = (
        ct.EisenbergNoe().propagate(net, shock).table
        for net, shock in (
            (datasets.load(kelp), ct.Shock.default("kelp_rseth", recovery=rate)),
            (datasets.load(kelp), ct.Shock.default("rseth_l2", recovery=0.0)),
            (
                datasets.load("cefi_credit_2022", period="2022-11"),
                ct.Shock.default("alameda", recovery=0.0),
            ),
        )
    )
    rows = [
        (
            'OKEx: share of profits taken without the injection (reported: "up to")',
            published(
                okex, "profitable_accounts", "share of profit taken", "fund of 10, as reported"
            ),
            okex_with_a_fund_of_10(),
        ),
        (
            "Maker: borne by holders of MKR, DAI",
            raised,
            first_run(maker).table.loc["mkr_holders", "loss"],
        ),
        (
            "Maker: price of the auctions, DAI",
            published(maker, "mkr_holders", "price of the auctions as reported"),
            raised / minted,
        ),
        (
            "Resolv and Fluid: loss of suppliers, USD",
            published(fluid, "fluid_suppliers", "loss", "what happened"),
            first_run(fluid).table.loc["fluid_suppliers", "loss"],
        ),
        (
            f"Kelp: bad debt on Aave, {alike}, USD",
            published(kelp, "kelp_rseth", "bad debt on Aave", alike),
            everybody.loc[["borrowers_core", "borrowers_l2"], "shortfall"].sum(),
        ),
        (
            f"Kelp: bad debt, {apart}, USD",
            published(kelp, "aave_l2", "bad debt", apart),
            layer_2.loc["aave_l2", "shortfall"],
        ),
        (
            "Credit chain: Genesis failed after Alameda, in January 2023 (1 = yes)",
            published("cefi_credit_2022", "genesis", "failed"),
            float(november.loc["genesis", "defaulted"]),
        ),
    ]
    return Remark(
        "Venues: reports that do not close",
        "OKEx: the reported share does not agree with the rule and the profits that the other "
        "reports imply. Maker: surplus, bad debt and auctions are of different dates, and the "
        "reported price does not agree with the reported amounts. Resolv: the named covers leave a "
        "part of the bad debt unallocated, although suppliers are reported to lose nothing. Kelp: "
        "the risk report uses positions that are not published, the tables use one loan-to-value "
        "ratio of an analyst for all. Genesis failed for lack of cash, which the clearing of "
        "balance sheets does not include.",
        ("published", "ours"),
        rows,
    )


def fewest_links() -> Remark:
    """A heuristic answer that is not the minimum."""
    margins = partial.banks()
    best = reconstruct.minimum_density(margins, exact=True)
    several = reconstruct.minimum_density(margins, samples=50, rng=192).links
    rows = [
        ("links of the published network", int((np.array(partial.MINIMUM_DENSITY) > 0).sum()), ""),
        ("proven minimum", "", int(best.links[0])),
        ("the heuristic here, 50 draws, fewest and most", "", [several.min(), several.max()]),
    ]
    return Remark(
        "Minimum density: nine links published, seven suffice",
        "Anand, Craig & von Peter (2015): the networks that the authors' package prints for their "
        "example of seven banks meet the margins with nine links. This is the result of the "
        "heuristic; the minimum, proven by a mixed-integer programme, is seven.",
        ("published", "ours"),
        rows,
    )


REMARKS = (
    equality,
    ranking,
    swapped_rows,
    several_solutions,
    waves,
    deleveraging,
    reports,
    fewest_links,
)
