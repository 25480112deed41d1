"""Every rule of sharing a loss: on one venue, as segments, on a graph, and by its definition.

The definitions are in `reference.shared`, in exact numbers. What the rules promise in general
and what the textbook says is in `test_rules_properties.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
import reference
from conftest import others_slow

import contagion as ct
from contagion.kernels.ladder import Ladder
from contagion.rules import (
    Capped,
    Claims,
    EqualAwards,
    EqualLosses,
    FirstCome,
    Layer,
    Priority,
    ProRata,
    Queue,
    Rule,
    Talmud,
    Waterfall,
)
from contagion.rules import claims as tables

VENUES, LOSSES = 50, 20  # 1,000 cases a rule
SOME = range(0, VENUES, 4)  # 13 venues: amounts of all five kinds, weights of all three
OTHERS = tuple(seed for seed in range(VENUES) if seed not in SOME)
every_venue = pytest.mark.parametrize("seeds", others_slow([SOME, OTHERS]), ids=["some", "others"])
NEAR = 1e-12  # of all claims on the venue
LAYERS = ("adl", "fund", "rest")


def claims_of(seed: int, start: int = 0) -> pd.DataFrame:
    """Claims on one venue: single ones, ties, zeros and huge spreads take turns."""
    rng = np.random.default_rng(seed)
    k = 1 if seed % 7 == 0 else int(rng.integers(2, 11))
    amounts = {
        0: rng.lognormal(3, 1, k),
        1: rng.integers(1, 4, k).astype(float),  # ties
        2: rng.integers(0, 3, k).astype(float),  # zeros
        3: 10.0 ** rng.uniform(-6, 12, k),
        4: np.full(k, 0.1),
    }
    weights = {
        0: rng.lognormal(0, 1, k),
        1: rng.integers(0, 3, k).astype(float),
        2: 10.0 ** rng.uniform(-6, 12, k),
    }
    amount = amounts[seed % 5]
    leaves = rng.integers(0, 4, k).astype(float)
    leaves[rng.random(k) < 0.3] = np.nan
    layer = rng.choice(np.array([*LAYERS, None], object), k)
    return pd.DataFrame(
        {
            "claimant": [f"c{start + i}" for i in range(k)],
            "amount": amount,
            "weight": weights[seed % 3],
            "profit": rng.normal(0, 10, k),
            "tier": rng.integers(1, 4, k),
            "rank": rng.integers(0, 3, k).astype(float),
            "score": rng.permutation(k).astype(float),
            "exit": leaves,
            "cap": amount * rng.choice([0.0, 0.3, 0.7, 1.5], k),
            "layer": layer,
        }
    )


def losses_on(total: float, seed: int) -> np.ndarray:
    """From nothing to everything."""
    rng = np.random.default_rng(seed)
    part = np.concatenate([[0, 1e-9, 0.5, 1 - 1e-9, 1], rng.random(LOSSES - 5)])
    return np.sort(part) * total


def waterfall(claims: pd.DataFrame) -> Waterfall:
    """The layers that have claims, each by another rule; some take less than their claims."""
    inner: dict[str, Rule] = {"adl": Queue("score"), "fund": ProRata("weight"), "rest": Talmud()}
    size = claims.groupby("layer")["amount"].sum().to_dict()
    parts = {"adl": None, "fund": 0.6, "rest": 0.8}
    layers = [
        Layer(name, inner[name], None if part is None else part * size[name])
        for name, part in parts.items()
        if name in size
    ]
    return Waterfall(layers or [Layer("nobody", capacity=0.0)])


def with_own_money(claims: pd.DataFrame) -> Waterfall:
    own = Layer("till", capacity=float(claims["amount"].sum()) / 8, owner="the venue")
    return Waterfall([own, *waterfall(claims).layers_])


def nested(claims: pd.DataFrame) -> Waterfall:
    deep: dict[str, Rule] = {
        "adl": Priority(within=Capped(EqualLosses(), by="cap"), tiers={2: Talmud()}),
        "fund": Capped(Queue("rank", first="lowest"), share=0.5),
        "rest": Capped(Priority(within=EqualAwards()), share=0.9),
    }
    return Waterfall([Layer(x.name, deep.get(x.name, x.rule), x.capacity) for x in layers(claims)])


def layers(claims: pd.DataFrame) -> tuple[Layer, ...]:
    return waterfall(claims).layers_


def always(rule: Rule) -> Callable[[pd.DataFrame], Rule]:
    return lambda claims: rule


RULES: dict[str, Callable[[pd.DataFrame], Rule]] = {
    "pro rata": always(ProRata()),
    "pro rata by weight": always(ProRata("weight")),
    "pro rata by profit": always(ProRata("profit", negative="zero")),
    "priority": always(Priority()),
    "priority of rules": always(
        Priority(within=Talmud(), tiers={2: Queue(), 3: ProRata("weight")})
    ),
    "queue": always(Queue()),
    "queue, lowest first": always(Queue("score", first="lowest", ties="error")),
    "first come": always(FirstCome()),
    "equal awards": always(EqualAwards()),
    "equal losses": always(EqualLosses()),
    "talmud": always(Talmud()),
    "capped by share": always(Capped(share=0.3)),
    "capped by column": always(Capped(ProRata("weight"), by="cap")),
    "capped awards": always(Capped(EqualAwards(), by="cap")),
    "capped tiers": always(Capped(Priority(within=Queue("score")), share=0.6)),
    "waterfall": waterfall,
    "waterfall with own money": with_own_money,
    "nested": nested,
}


class Case(NamedTuple):
    rule: Rule
    claims: pd.DataFrame
    losses: np.ndarray  # (L,)
    want: np.ndarray  # (L, K + own layers) by the definition

    @property
    def total(self) -> float:
        return float(self.claims["amount"].sum())

    @property
    def own(self) -> float:
        """Own money of the venue in the rule."""
        if not isinstance(self.rule, Waterfall):
            return 0.0
        named = set(self.claims["layer"])
        return sum(x.capacity or 0.0 for x in self.rule.layers_ if x.name not in named)


@lru_cache
def cases(name: str, seeds: Sequence[int]) -> list[Case]:
    out, start = [], 0
    for seed in seeds:
        claims = claims_of(seed, start)
        rule = RULES[name](claims)
        case = Case(rule, claims, np.zeros(0), np.zeros(0))
        losses = losses_on(case.total + case.own, seed)
        rows = claims.to_dict("records")
        want = [[float(x) for x in reference.shared(rule, Fraction(m), rows)] for m in losses]
        out.append(case._replace(losses=losses, want=np.array(want)))
        start += len(claims)
    return out


def dense(ladder: Ladder, short: np.ndarray, count: int) -> np.ndarray:
    """`loss_k = Σ_s σ_sk clip(x − W_s, 0, w_s)`, written out segment by segment."""
    share, before = ladder.shares.explicit().toarray(), np.zeros(len(short))
    lost = np.zeros(count)
    for s, (owner, width) in enumerate(zip(ladder.owner, ladder.width, strict=True)):
        lost += share[s] * np.clip(short[owner] - before[owner], 0.0, width)
        before[owner] += width
    return lost


# -- allocate = segments = clearing = definition ----------------------------------------------


@pytest.mark.parametrize("name", RULES)
@every_venue
def test_allocate_is_the_definition(name, seeds):
    for case in cases(name, seeds):
        for loss, want in zip(case.losses, case.want, strict=True):
            got = case.rule.allocate(loss, case.claims)
            room = NEAR * (case.total + case.own)
            np.testing.assert_allclose(got.table["loss"], want, rtol=0, atol=room)


@pytest.mark.parametrize("name", RULES)
@every_venue
def test_segments_are_the_definition(name, seeds):
    for case in cases(name, seeds):
        claims = case.rule.prepared(*tables.read(case.claims))[1]
        ladder = case.rule.segments(claims)
        assert np.allclose(ladder.shares.totals(), 1, rtol=0, atol=1e-14)
        for loss, want in zip(case.losses[::3], case.want[::3], strict=True):
            lost = dense(ladder, np.array([loss]), len(claims))
            np.testing.assert_allclose(lost, want, rtol=0, atol=NEAR * (case.total + case.own))


@pytest.mark.parametrize(
    "name", [name for name in RULES if RULES[name](claims_of(1)).word != "waterfall"]
)
@every_venue
def test_segments_of_many_venues_at_once_are_those_of_each(name, seeds):
    found = cases(name, seeds)
    whole = pd.concat([case.claims for case in found], ignore_index=True)
    owner = np.repeat(np.arange(len(found)), [len(case.claims) for case in found])
    columns = {c: whole[c].to_numpy() for c in whole if c not in ("claimant", "amount")}
    claims = Claims(owner, whole["amount"].to_numpy(), columns)
    ladder = found[0].rule.segments(claims)
    assert (np.diff(ladder.owner) >= 0).all()
    for number in range(LOSSES):
        short = np.array([case.losses[number] for case in found])
        lost = ladder.shares.spread(ladder.taken(short))
        for at, case in enumerate(found):
            want = case.want[number]
            np.testing.assert_allclose(lost[owner == at], want, rtol=0, atol=NEAR * case.total)


def star(found: list[Case]) -> ct.ExposureNetwork:
    """Every venue owes its claims to nodes of their own; what it has is what it owes and its own
    money, so a loss of external assets is the loss that is shared."""
    venues = [f"venue{i}" for i in range(len(found))]
    claims = pd.concat(
        [case.claims.assign(debtor=v) for v, case in zip(venues, found, strict=True)],
        ignore_index=True,
    ).rename(columns={"claimant": "creditor"})
    assets = [case.total + case.own for case in found] + [1.0] * len(claims)
    nodes = pd.DataFrame({"node": [*venues, *claims["creditor"]], "external_assets": assets})
    net = ct.ExposureNetwork(nodes, claims)
    return net.with_rules({v: case.rule for v, case in zip(venues, found, strict=True)})


@pytest.mark.parametrize("name", RULES)
@every_venue
def test_clearing_a_star_is_the_definition(name, seeds):
    """All venues in one network, all losses in one batch of scenarios.

    On a graph nothing stays uncovered: what is left of the claims bears the rest pro rata.
    """
    found = cases(name, seeds)
    net = star(found)
    losses = np.zeros((LOSSES, len(net)))
    losses[:, : len(found)] = np.array([case.losses for case in found]).T
    outcome = ct.EisenbergNoe().solve(net, losses)
    assert outcome.converged.all()
    lost = net.segments.to_claims(outcome.unpaid)
    for at, case in enumerate(found):
        mine = lost[:, net.debtor == at]
        rows = case.claims.to_dict("records")
        for number, loss in enumerate(case.losses):
            want = [float(x) for x in reference.settled(case.rule, Fraction(loss), rows)]
            room = NEAR * (case.total + case.own)
            np.testing.assert_allclose(mine[number], want, rtol=0, atol=room)


def test_one_waterfall_for_many_venues():
    """The same rule object at 50 venues: capacities count for each of them alone."""
    inner = (Queue("score"), Priority(within=EqualAwards()), Talmud())
    parts = [Layer(name, rule, 20.0) for name, rule in zip(LAYERS, inner, strict=True)]
    rule = Waterfall([Layer("till", capacity=5.0), *parts])
    found, start = [], 0
    for seed in range(VENUES):
        claims = claims_of(seed, start)
        start += 3 * len(claims)
        three = [
            claims.assign(layer=name, claimant=claims["claimant"] + name, score=claims["score"] + k)
            for k, name in enumerate(LAYERS)
        ]
        case = Case(rule, pd.concat(three, ignore_index=True), np.zeros(0), np.zeros(0))
        found.append(case._replace(losses=losses_on(case.total + case.own, seed)))
    net = star(found)
    losses = np.zeros((LOSSES, len(net)))
    losses[:, :VENUES] = np.array([case.losses for case in found]).T
    lost = net.segments.to_claims(ct.EisenbergNoe().solve(net, losses).unpaid)
    for at, case in enumerate(found):
        rows = case.claims.to_dict("records")
        for number, loss in enumerate(case.losses):
            want = [float(x) for x in reference.settled(rule, Fraction(loss), rows)]
            got = lost[number, net.debtor == at]
            np.testing.assert_allclose(got, want, rtol=0, atol=NEAR * (case.total + case.own))
