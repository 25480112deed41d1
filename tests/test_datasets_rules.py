"""Every packaged dataset under every rule of the catalogue: nothing is lost and nothing is made.

The claims on the venue of a dataset are dealt out to the layers that a rule names, and the columns
that rules ask for are filled in: who loses is made up, what adds up is not.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import reference
from conftest import others_slow

import contagion as ct
from contagion import datasets, rules, venues

NAMES = datasets.names()
COLUMNS = ("score", "order", "exit", "profit", "open_interest", "stake")


def rule_of(name: str, money: float) -> rules.Rule:
    """The rule of a venue; what it needs, and every fund left open, is a part of the claims."""
    venue = venues.entry(name)
    given = dict.fromkeys(venue.required, 0.1 * money)
    if name == "gmx_v2":
        given["max_pnl_factor"] = 0.45
    if venue.file == "clearing_houses":
        given = {w: 1.0 if w.startswith("per") else 0.1 * money for w in venue.required}
    return venue(**given)


def venue_of(net: ct.ExposureNetwork, trigger: str) -> str:
    """The node that shares the loss: the largest creditor of the trigger with several claims."""
    count = net.exposures.groupby("debtor")["creditor"].nunique()
    owed = net.exposures.groupby("debtor")["amount"].sum()
    hit = net.exposures.loc[net.exposures["debtor"] == trigger, "creditor"]
    shares = [node for node in hit if count.get(node, 0) > 1]
    return max(shares, key=owed.get) if shares else trigger


def dealt(claims: pd.DataFrame, rule: rules.Rule, seed: int) -> pd.DataFrame:
    """The claims in turn in the layers of the rule, split so that every layer has one."""
    rng = np.random.default_rng(seed)
    names = rule.names if isinstance(rule, rules.Waterfall) else [None]
    parts = [claims.assign(layer=name, amount=claims["amount"] / len(names)) for name in names]
    table = pd.concat(parts, ignore_index=True)
    for column in COLUMNS:
        table[column] = rng.permutation(len(table)) + 1.0
    table["profit"] = table["amount"]
    return table


def cases(name: str) -> tuple[ct.ExposureNetwork, str, str, float]:
    card, net = datasets.card(name).default_run, datasets.load(name)
    return net, card["default"], venue_of(net, card["default"]), card["recovery"]


@pytest.mark.parametrize("known", venues.CATALOGUE)
def test_every_rule_of_the_catalogue_is_its_definition_in_plain_python(known):
    """Layer by layer and claim by claim, in exact numbers: `reference.shared`."""
    for seed in range(4):
        rng = np.random.default_rng(seed)
        amount = rng.lognormal(3, 1, 5).round(3)
        claims = pd.DataFrame({"claimant": list("abcde"), "amount": amount})
        money = float(amount.sum())
        rule = rule_of(known, money)
        table = dealt(claims, rule, seed)
        rows = table.to_dict("records")
        for part in (0.05, 0.4, 0.8, 1.2):
            want = [float(x) for x in reference.shared(rule, Fraction(part * money), rows)]
            got = rule.allocate(part * money, table).table["loss"]
            np.testing.assert_allclose(got, want, rtol=0, atol=1e-11 * money)


@pytest.mark.parametrize("name", others_slow(NAMES))
def test_a_loss_is_conserved_under_every_rule(name):
    net, _, venue, _ = cases(name)
    claims = net.exposures.loc[net.exposures["debtor"] == venue, ["creditor", "amount"]]
    claims = claims.rename(columns={"creditor": "claimant"})
    money = float(claims["amount"].sum())
    for seed, known in enumerate(venues.CATALOGUE):
        rule = rule_of(known, money)
        table = dealt(claims, rule, seed)
        for part in (0.3, 1.5):
            done = rule.allocate(part * money, table)
            borne = done.table["loss"].sum() + done.uncovered
            assert borne == pytest.approx(part * money, rel=1e-9), (known, part)
            assert (done.table["loss"] >= 0).all()
            assert (done.table["loss"] <= done.table["amount"] * (1 + 1e-9)).all()
            layers = done.layers
            assert layers["absorbed"].sum() == pytest.approx(done.table["loss"].sum(), rel=1e-9)


def on_the_graph(name: str, known: str, seed: int) -> None:
    net, trigger, venue, recovery = cases(name)
    table = net.exposures
    at = table["debtor"] == venue
    claims = table.loc[at, ["creditor", "debtor", "amount"]]
    rule = rule_of(known, float(claims["amount"].sum()))
    rest = table.loc[~at, ["creditor", "debtor", "amount"]].assign(layer=None)
    nodes, assumed = net.nodes, datasets.card(name).assume_equity.items()
    graph = ct.ExposureNetwork(
        nodes,
        pd.concat([dealt(claims, rule, seed), rest], ignore_index=True),
        unit=net.unit,
        assume_equity={node: equity for node, equity in assumed if node in set(nodes["node"])},
        missing_equity="external",
        duplicates="keep",
        loops="solve",
    ).with_rules({venue: rule})
    result = ct.EisenbergNoe().propagate(graph, ct.Shock.default(trigger, recovery=recovery))
    told = result.socialization
    assert told.borne == pytest.approx(told.initial_loss + told.deadweight, rel=1e-9, abs=1e-6)
    flows = result.flows
    np.testing.assert_allclose(flows["amount"] - flows["paid"], flows["loss"], rtol=1e-9, atol=1e-6)
    assert result.audit()["ok"].all()


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_money_is_conserved_on_the_graph_under_every_rule(name):
    for seed, known in enumerate(venues.CATALOGUE):
        on_the_graph(name, known, seed)


@pytest.mark.parametrize(
    "name", ["okex_2018", "drift_2026", "kelp_aave_2026", "nasdaq_clearing_2018"]
)
@pytest.mark.parametrize(
    "known", ["bitmex", "aave_v3", "eurex", "liquity_v1", "morpho_blue", "dydx_v4"]
)
def test_money_is_conserved_on_the_graph(name, known):
    on_the_graph(name, known, 0)
