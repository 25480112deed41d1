"""Lending protocols and stablecoins in the catalogue of venues, and what all venues keep to.

Worked numbers of clearing houses are in test_venues_clearing.py.
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest

import contagion as ct
from contagion import rules, venues
from contagion.errors import ContagionError, RuleError

OWN = {
    "aave_v3": "offset",
    "compound_v3": "reserves",
    "maker": "surplus",
    "fluid": "treasury",
    "venus": "risk_fund",
    "crvusd": "treasury",
    "sky": "prime",
    "ethena": "reserve",
    "lido": "cover",
    "rocket_pool": "bond",
}
LAYERS = {
    "aave_v3": ["stakers", "suppliers"],
    "aave_v2_safety_module": ["stakers", "suppliers"],
    "compound_v3": ["suppliers"],
    "morpho_blue": [],
    "metamorpho_v1_0": [],
    "metamorpho_v1_1": [],
    "euler_v2": [],
    "liquity_v1": ["stability pool", "troves"],
    "maker": ["mkr", "dai"],
    "morpho_vault_v2": [],
    "liquity_v2": ["stability pool", "troves"],
    "fluid": ["suppliers"],
    "kamino": [],
    "venus": ["suppliers"],
    "llamalend": [],
    "crvusd": ["crvusd"],
    "sky": ["surplus", "genesis capital", "sky", "usds"],
    "ethena": ["usde"],
    "lido": ["steth"],
    "eigenlayer": [],
    "rocket_pool": ["reth"],
    "ccp": [
        "defaulter margin",
        "defaulter contribution",
        "own capital before the fund",
        "default fund",
        "assessments",
        "gains haircut",
    ],
}
LAYERS["ccp_emir"] = LAYERS["ccp"]
# parameters that reach every branch, beside those that name own money
VARIANTS = [
    ("aave_v3", {}),
    ("aave_v3", {"stake": 40.0, "fee": 0.1}),
    ("aave_v3", {"stake": 0.0}),
    ("aave_v2_safety_module", {}),
    ("aave_v2_safety_module", {"slash": 0.5, "stake": 30.0}),
    ("compound_v3", {}),
    ("morpho_blue", {}),
    ("metamorpho_v1_0", {}),
    ("metamorpho_v1_1", {}),
    ("euler_v2", {}),
    ("euler_v2", {"socialize": False}),
    ("liquity_v1", {}),
    ("liquity_v1", {"mode": "recovery"}),
    ("liquity_v1", {"collateral_ratio": 0.9}),
    ("morpho_vault_v2", {}),
    ("liquity_v2", {}),
    ("fluid", {}),
    ("kamino", {}),
    ("kamino", {"socialized": False}),
    ("venus", {"incentive": 0.0}),
    ("llamalend", {}),
    ("crvusd", {}),
    ("sky", {}),
    ("ethena", {}),
    ("lido", {}),
    ("eigenlayer", {}),
    ("rocket_pool", {}),
    ("maker", {}),
    ("maker", {"mkr": 15.0}),
    ("ccp", {}),
    ("ccp", {"haircut": 0.6, "default_fund": 25.0}),
    ("ccp", {"tear_up": True}),
    ("ccp_emir", {"capital": 40.0}),
    ("ccp_emir", {"capital": 40.0, "second_share": 0.25, "haircut": 0.9}),
]
NAMES = list(dict.fromkeys(name for name, _ in VARIANTS))


def absorbed(done: rules.Allocation) -> list[float]:
    return done.layers["absorbed"].round(9).tolist()


def losses(done: rules.Allocation) -> list[float]:
    return done.table["loss"].round(9).tolist()


def random_claims(rng: np.random.Generator, layers: list[str]) -> pd.DataFrame:
    """Four to nine claims in every layer; half of the claims have an exit."""
    counts = rng.integers(4, 10, max(len(layers), 1))
    k = int(counts.sum())
    table = pd.DataFrame(
        {
            "claimant": [f"c{i}" for i in rng.integers(0, max(3, k // 2), k)],
            "amount": rng.lognormal(1.5, 0.8, k),
            "exit": np.where(rng.random(k) < 0.5, rng.integers(1, 4, k), np.nan),
            "stake": rng.lognormal(3.0, 0.5, k),
        }
    )
    return table.assign(layer=np.repeat(layers, counts)) if layers else table


# -- the registry ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_venue_is_in_the_catalogue_with_its_source_and_a_worked_number(name: str):
    record = venues.entry(name)
    assert record in sys.modules[record.build.__module__].CATALOGUE  # beside its rule
    assert record.status == "verified" or "unverified" in record.help.lower()
    assert "Source:" in record.help and ">>>" in record.help
    assert "Claims:" in record.help and record.source and record.as_of
    assert isinstance(rules.from_dict(f"venue:{name}"), rules.Rule)


@pytest.mark.parametrize(("name", "parameters"), VARIANTS)
def test_a_rule_survives_toml(name: str, parameters: dict):
    import tomli_w

    text = tomli_w.dumps({"venue": name, **parameters})
    rule = rules.loads(text)
    assert rule == venues.entry(name).build(**parameters) == venues.venue(name, **parameters)
    assert rules.loads(rules.dumps(rule)) == rule


@pytest.mark.parametrize(
    ("name", "parameters", "says"),
    [
        ("aave_v3", {"stak": 3}, "stake"),
        ("aave_v3", {"fee": 1.5}, "fee"),
        ("aave_v3", {"stake": -1}, "stake=-1"),
        ("aave_v3", {"offset": "many"}, "offset='many'"),
        ("aave_v2_safety_module", {"slash": -0.1}, "slash"),
        ("compound_v3", {"reserves": -3}, "reserves=-3"),
        ("euler_v2", {"socialize": "no"}, "socialize='no'"),
        ("morpho_blue", {"by": "exit"}, "by"),
        ("liquity_v1", {"mode": "recovry"}, "recovery"),
        ("liquity_v1", {"collateral_ratio": 1.05}, "collateral_ratio"),
        ("maker", {"mkr": float("nan")}, "mkr=nan"),
        ("ccp", {"haircut": 2}, "haircut"),
        ("ccp", {"before": float("inf")}, "before=inf"),
        ("ccp_emir", {"second_share": 0.1}, "capital="),
        ("ccp_emri", {}, "ccp_emir"),
    ],
)
def test_parameters_that_cannot_be_are_refused(name: str, parameters: dict, says: str):
    with pytest.raises(ContagionError, match=says):
        venues.venue(name, **parameters)


@pytest.mark.parametrize("name", ["aave_v3", "compound_v3", "maker", "ccp"])
def test_a_layer_of_which_nothing_is_known_is_no_empty_layer(name: str):
    with pytest.raises(RuleError, match="0 says that it is empty"):
        venues.venue(name).allocate(1, {"claimant": ["a"], "amount": [9.0]})


def test_who_does_not_say_when_it_exits_is_asked():
    claims = {"claimant": ["a"], "amount": [9.0], "layer": "suppliers"}
    with pytest.raises(RuleError, match="'exit'"):
        venues.compound.v3(reserves=0).allocate(1, claims)


# -- allocation, and clearing on a star ------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("name", "parameters"), VARIANTS)
def test_allocation_is_clearing_on_a_star(name: str, parameters: dict, seed: int):
    rng = np.random.default_rng(seed)
    layers = list(LAYERS[name])
    if parameters.get("tear_up"):
        layers.append("tear-up")
    if "second_share" in parameters:
        layers.insert(4, "own capital after the fund")
    claims = random_claims(rng, layers)
    own = {OWN[name]: float(rng.uniform(1, 20))} if name in OWN else {}
    rule = venues.venue(name, **parameters, **own)
    total = sum(own.values())
    room = float(rule.allocate(0, claims).layers["capacity"].sum())
    nodes = pd.DataFrame({"node": ["venue", *claims["claimant"].unique()]})
    nodes["external_assets"] = np.where(
        nodes["node"] == "venue", claims["amount"].sum() + total, 1.0
    )
    exposures = claims.rename(columns={"claimant": "creditor"}).assign(debtor="venue")
    net = ct.ExposureNetwork(nodes, exposures, duplicates="keep").with_rule("venue", rule)
    for part in (0.05, 0.3, 0.6, 0.9, 1.0):
        done = rule.allocate(part * room, claims)
        table = done.table.iloc[: len(claims)]
        result = ct.EisenbergNoe().propagate(net, ct.Shock.loss({"venue": part * room}))
        flows = result.flows
        assert flows["amount"].tolist() == claims["amount"].tolist()  # same rows, same order
        np.testing.assert_allclose(flows["loss"], table["loss"], atol=1e-9 * room)
        assert done.uncovered == 0
        assert done.layers["absorbed"].sum() == pytest.approx(part * room, rel=1e-12)
        assert (table["loss"] <= claims["amount"]).all()


@pytest.mark.parametrize(("name", "parameters"), VARIANTS)
def test_a_larger_loss_hurts_nobody_less(name: str, parameters: dict):
    rng = np.random.default_rng(5)
    layers = LAYERS[name] + ["tear-up"] * ("tear_up" in parameters)
    own = {OWN[name]: 7.0} if name in OWN else {}
    claims, rule = random_claims(rng, layers), venues.venue(name, **parameters, **own)
    total = claims["amount"].sum() + 100
    path = np.array([rule.allocate(x, claims).table["loss"] for x in np.linspace(0, total, 40)])
    assert (np.diff(path, axis=0) >= -1e-12).all()
    assert not path[0].any()


# -- lending, worked numbers ------------------------------------------------------------------


SUPPLIERS = {
    "claimant": ["a", "b", "c"],
    "amount": [500.0, 300.0, 200.0],
    "layer": "suppliers",
    "exit": [1.0, 2.0, None],
}


def test_aave_covers_what_umbrella_covers():
    """Notes on mechanisms, C1: deficit 1,000, offset 100, stake 600."""
    done = venues.aave.v3(offset=100, stake=600).allocate(1_000, SUPPLIERS)
    assert absorbed(done) == [100.0, 600.0, 300.0]
    assert losses(done) == [0.0, 100.0, 200.0, 100.0, 600.0]
    assert done.table["claimant"].tolist()[3:] == ["DAO", "stakers"]
    for fee in (0.0, 0.1, 1.0):
        cover = venues.aave.umbrella_slash(1_000, 600, offset=100, fee=fee)
        done = venues.aave.v3(offset=100, stake=600, fee=fee).allocate(1_000, SUPPLIERS)
        assert absorbed(done)[1:] == pytest.approx([cover.covered, cover.uncovered])


def test_stakers_of_aave_as_nodes_lose_the_same_as_a_lump_sum():
    stakers = pd.DataFrame({"claimant": ["s", "t"], "amount": [400.0, 200.0], "layer": "stakers"})
    claims = pd.concat([pd.DataFrame(SUPPLIERS), stakers])
    done = venues.aave.v3(offset=100, fee=0.1).allocate(1_000, claims)
    assert losses(done)[3:5] == pytest.approx([400 / 1.1, 200 / 1.1])
    assert absorbed(done) == pytest.approx(
        absorbed(venues.aave.v3(offset=100, stake=600, fee=0.1).allocate(1_000, SUPPLIERS))
    )


def test_a_deficit_of_aave_without_cover_is_a_run():
    """Notes on mechanisms, C1: collateral 8,000, debt 9,000, bonus 1.05: deficit 1,380.95."""
    deficit = 9_000 - 8_000 / 1.05
    claims = {**SUPPLIERS, "amount": [5_000.0, 3_000.0, 1_000.0]}
    done = venues.aave.v3(offset=0, stake=0).allocate(deficit, claims)
    assert losses(done)[:3] == pytest.approx([0.0, 380.952380952, 1_000.0])


def test_safety_module_stops_at_its_share():
    done = venues.aave.v2_safety_module(stake=1_000).allocate(500, SUPPLIERS)
    assert absorbed(done) == [300.0, 200.0]


def test_compound_pays_from_reserves_and_then_runs():
    """Notes on mechanisms, C6: paid 98, sold at 95, reserves −3."""
    taken = venues.compound.absorb(
        100, 98, liquidate_factor=0.9, liquidation_factor=0.93, sold_at=0.95
    )
    loss = -float(taken.reserves)
    assert loss == pytest.approx(3)
    assert absorbed(venues.compound.v3(reserves=0).allocate(loss, SUPPLIERS)) == [0.0, 3.0]
    done = venues.compound.v3(reserves=2).allocate(loss, SUPPLIERS)
    assert absorbed(done) == [2.0, 1.0] and losses(done)[:3] == [0.0, 0.0, 1.0]


def test_morpho_cuts_all_suppliers_of_a_market_alike():
    """Notes on mechanisms, C2: collateral 80, debt 100, LLTV 0.86; 2.336 % of 1,000 supplied."""
    bad = float(venues.morpho.liquidation(80, 100, lltv=0.86).bad_debt)
    done = venues.morpho.blue().allocate(bad, SUPPLIERS)
    assert (done.table["loss"] / done.table["amount"]).tolist() == pytest.approx([0.02336] * 3)


def test_two_vaults_on_one_market_that_realize_losses_differently():
    """Notes on mechanisms, C2: the same graph, two different loss distributions."""
    nodes = pd.DataFrame(
        {"node": ["market", "vault", "direct", "a", "b"], "external_assets": [100.0, 0, 0, 0, 0]}
    )
    exposures = pd.DataFrame(
        [
            ("vault", "market", 60.0, None),
            ("direct", "market", 40.0, None),
            ("a", "vault", 30.0, 1.0),
            ("b", "vault", 30.0, None),
        ],
        columns=["creditor", "debtor", "amount", "exit"],
    )
    net = ct.ExposureNetwork(nodes, exposures).with_rule("market", venues.morpho.blue())

    def lost(rule: rules.Rule) -> list[float]:
        done = ct.EisenbergNoe().propagate(
            net.with_rule("vault", rule), ct.Shock.loss({"market": 10})
        )
        return done.table.loc[["direct", "a", "b"], "loss"].round(9).tolist()

    assert lost(venues.morpho.metamorpho_v1_0()) == [4.0, 3.0, 3.0]
    assert lost(venues.morpho.metamorpho_v1_1()) == [4.0, 0.0, 6.0]


def test_euler_socializes_or_not():
    """Notes on mechanisms, C3: collateral 80, debt 90, LTV 0.85, largest discount 15 %: 22."""
    bad = float(venues.euler.liquidation(80, 90, ltv=0.85, max_discount=0.15).bad_debt)
    assert bad == pytest.approx(22)
    assert losses(venues.euler.v2().allocate(bad, SUPPLIERS)) == pytest.approx([11, 6.6, 4.4])
    left = venues.euler.v2(socialize=False).allocate(bad, SUPPLIERS)
    assert losses(left) == pytest.approx([0, 0, 22])


# -- stablecoins ------------------------------------------------------------------------------


TROVES = {
    "claimant": ["a", "b", "x", "y"],
    "amount": [100.0, 300.0, 900.0, 2_000.0],
    "layer": ["stability pool"] * 2 + ["troves"] * 2,
    "stake": [None, None, 1_000.0, 3_000.0],
}


def test_liquity_shares_debt_as_the_contract_does():
    """Notes on mechanisms, C4 with the formulas of TroveManager."""
    trove = venues.liquity.liquidation(1_050, 1_000, pool=400)
    debt = venues.liquity.redistributed(trove.debt_redistributed, [1_000, 3_000])
    done = venues.liquity.v1().allocate(1_000, TROVES)
    assert absorbed(done) == [trove.offset, trove.debt_redistributed]
    assert losses(done)[2:] == debt.tolist()
    trove = venues.liquity.liquidation(990, 1_000, pool=400, mode="recovery", total_ratio=1.4)
    done = venues.liquity.v1("recovery").allocate(1_000, TROVES)
    assert absorbed(done) == [trove.offset, trove.debt_redistributed] == [0.0, 1_000.0]


def test_liquity_net_of_collateral_has_the_same_parts():
    gross = venues.liquity.v1().allocate(1_000, TROVES).table["loss"]
    net = venues.liquity.v1(collateral_ratio=0.8).allocate(200, TROVES).table["loss"]
    np.testing.assert_allclose(net, 0.2 * gross)


def test_maker_heals_dilutes_and_then_hits_dai():
    claims = {
        "claimant": ["m", "n", "d"],
        "amount": [60.0, 20.0, 100.0],
        "layer": ["mkr", "mkr", "dai"],
    }
    assert absorbed(venues.maker.rule(surplus=10).allocate(50, claims)) == [10.0, 40.0, 0.0]
    assert absorbed(venues.maker.rule(surplus=10).allocate(120, claims)) == [10.0, 80.0, 30.0]
    assert absorbed(venues.maker.rule(surplus=10, mkr=5).allocate(50, claims)) == [10.0, 5.0, 35.0]


def test_what_maker_raises_is_minted_as_in_march_2020():
    """Notes on mechanisms, C5: 5.3m DAI for 20,980 MKR at 252.6 (figures unverified)."""
    claims = {"claimant": ["m", "d"], "amount": [250e6, 100e6], "layer": ["mkr", "dai"]}
    done = venues.maker.rule(surplus=0.5e6).allocate(5.8e6, claims)
    raised = done.layers.set_index("layer").loc["mkr", "absorbed"]
    assert raised == 5.3e6
    assert venues.maker.dilution(raised, 252.6, 1e6).minted == pytest.approx(20_980, rel=2e-4)
    assert venues.maker.flop_lot(250, bids=3) == pytest.approx(215.96, abs=0.005)


def test_a_pool_that_covers_everything_needs_no_other_layer():
    """Layers may be absent: no troves, no stakers, no gains haircut."""
    alone = {"claimant": ["a", "b"], "amount": [300.0, 100.0], "layer": "stability pool"}
    for rule in (venues.liquity.v1(troves=0), venues.liquity.v2(troves=0)):
        assert absorbed(rule.allocate(200, alone)) == [200.0, 0.0]
        assert rule.allocate(450, alone).uncovered == pytest.approx(50)
    house = venues.ccp.DefaultManager(before=10, haircut=0, per_event=0)
    assert house.rule().names[-1] == "assessments"
    run = house.run({"member": ["d", "a"], "loss": [50, 0], "contribution": [0, 60]}, "d")
    assert run.uncovered == 0.0
