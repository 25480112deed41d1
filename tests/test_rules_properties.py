"""What every rule promises, what the textbook says of some, lots, own money, many claims."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import others_slow
from test_rules import NEAR, RULES, SOME, Case, cases, claims_of

import contagion as ct
from contagion import RuleError
from contagion.rules import EqualAwards, EqualLosses, Layer, ProRata, Queue, Rule, Talmud, Waterfall
from contagion.rules import claims as tables

every_rule = pytest.mark.parametrize("name", RULES)
MISHNA = {"claimant": ["a", "b", "c"], "amount": [100.0, 200.0, 300.0]}


def some(name: str) -> list[Case]:
    return cases(name, SOME)


def losses_of(rule: Rule, claims: pd.DataFrame, losses: np.ndarray) -> np.ndarray:
    """(L, K) from one ladder, all losses at once."""
    _, found = rule.prepared(*tables.read(claims))
    ladder = rule.segments(found)
    return np.array([ladder.shares.spread(ladder.taken(np.array([loss]))) for loss in losses])


# -- promises of every rule ---------------------------------------------------------------------


@every_rule
def test_what_is_lost_adds_up(name):
    """Claims and what is uncovered, layers and what is uncovered: both are the loss."""
    for case in some(name):
        whole = case.total + case.own
        for loss in [*case.losses[::5], 1.5 * whole + 1.0]:
            done = case.rule.allocate(loss, case.claims)
            room = NEAR * max(whole, loss)
            assert done.table["loss"].sum() + done.uncovered == pytest.approx(loss, abs=room)
            assert done.layers["absorbed"].sum() + done.uncovered == pytest.approx(loss, abs=room)
            assert (done.layers["absorbed"] <= done.layers["capacity"] + room).all()
            assert done.uncovered >= -room
            if loss > whole:
                assert done.uncovered >= loss - whole - room
        assert case.rule.allocate(0.0, case.claims).table["loss"].eq(0).all()


@every_rule
def test_no_claim_loses_less_than_nothing_or_more_than_itself(name):
    for case in some(name):
        for loss in [*case.losses[::5], 2 * case.total + 1.0]:
            table = case.rule.allocate(loss, case.claims).table
            assert table["loss"].between(0, table["amount"]).all()
            assert (table["paid"] == table["amount"] - table["loss"]).all()


@every_rule
def test_a_larger_loss_is_no_smaller_for_anybody(name):
    for case in some(name):
        steps = np.linspace(0, 1.1 * (case.total + case.own), 60)
        rise = np.diff(losses_of(case.rule, case.claims, steps), axis=0)
        room = NEAR * (case.total + case.own)
        assert (rise >= -room).all()
        assert (rise.sum(axis=1) <= np.diff(steps) + room).all()


@every_rule
@pytest.mark.parametrize("unit", others_slow([1000.0, 2.0**-20, 1e9]))
def test_the_unit_of_money_does_not_matter(name, unit):
    for case in some(name):
        other = case.claims.assign(
            amount=case.claims["amount"] * unit, cap=case.claims["cap"] * unit
        )
        same = losses_of(case.rule, case.claims, case.losses)
        scaled = losses_of(RULES[name](other), other, case.losses * unit)
        room = NEAR * (case.total + case.own)
        np.testing.assert_allclose(scaled / unit, same, rtol=0, atol=room)


@every_rule
def test_the_order_of_rows_does_not_matter(name):
    rng = np.random.default_rng(0)
    for case in some(name):
        order = rng.permutation(len(case.claims))
        moved = case.claims.iloc[order]
        loss = float(case.losses[9])
        one = case.rule.allocate(loss, case.claims).table.set_index("claimant")["loss"]
        two = case.rule.allocate(loss, moved).table.set_index("claimant")["loss"]
        room = NEAR * (case.total + case.own)
        np.testing.assert_allclose(two[one.index], one, rtol=0, atol=room)


@every_rule
def test_the_table_of_claims_is_left_as_it_was(name):
    case = cases(name, SOME)[1]
    before = case.claims.copy()
    case.rule.allocate(float(case.losses[9]), case.claims)
    pd.testing.assert_frame_equal(case.claims, before)


@pytest.mark.parametrize("rule", [ProRata(), ProRata("weight")])
def test_pro_rata_does_not_care_about_split_accounts(rule):
    rng = np.random.default_rng(1)
    for seed in range(20):
        claims = claims_of(seed)
        part = rng.random(len(claims))
        halves = [
            claims.assign(amount=claims["amount"] * p, weight=claims["weight"] * p)
            for p in (part, 1 - part)
        ]
        loss = 0.4 * claims["amount"].sum()
        whole = rule.allocate(loss, claims).table["loss"]
        split = rule.allocate(loss, pd.concat(halves)).table["loss"].to_numpy()
        together = split[: len(claims)] + split[len(claims) :]
        room = NEAR * claims["amount"].sum()
        np.testing.assert_allclose(together, whole, rtol=0, atol=room)


def test_a_queue_by_size_cares_about_split_accounts():
    """10 stands before 6 and bears the 8; as two of 5 it stands behind and bears 2."""
    rule = Queue("size")
    one = pd.DataFrame({"claimant": ["a", "b"], "amount": [10.0, 6.0], "size": [10.0, 6.0]})
    two = pd.DataFrame(
        {"claimant": ["a", "a", "b"], "amount": [5.0, 5.0, 6.0], "size": [5.0, 5.0, 6.0]}
    )
    assert rule.allocate(8, one).table.groupby("claimant")["loss"].sum().to_dict() == {
        "a": 8.0,
        "b": 0.0,
    }
    assert rule.allocate(8, two).table.groupby("claimant")["loss"].sum().to_dict() == {
        "a": 2.0,
        "b": 6.0,
    }


def test_equal_losses_care_about_split_accounts():
    """A loss of 8 is 4 each on two claims; in three claims of two holders it is 8/3 each."""
    one = {"claimant": ["a", "b"], "amount": [10.0, 6.0]}
    two = {"claimant": ["a", "a", "b"], "amount": [5.0, 5.0, 6.0]}
    assert EqualLosses().allocate(8, one).table["loss"].tolist() == [4.0, 4.0]
    split = EqualLosses().allocate(8, two).table["loss"]
    np.testing.assert_allclose(split, 8 / 3, rtol=1e-15)


# -- the textbook -------------------------------------------------------------------------------

TEXTBOOK = {  # payments on claims of 100, 200, 300 out of estates of 100, 200, 300
    Talmud(): [(100 / 3,) * 3, (50, 75, 75), (50, 100, 150)],
    EqualAwards(): [(100 / 3,) * 3, (200 / 3,) * 3, (100, 100, 100)],
    EqualLosses(): [(0, 0, 100), (0, 50, 150), (0, 100, 200)],
    ProRata(): [(50 / 3, 100 / 3, 50), (100 / 3, 200 / 3, 100), (50, 100, 150)],
}


@pytest.mark.parametrize("rule", TEXTBOOK, ids=repr)
@pytest.mark.parametrize("number", range(3))
def test_estates_of_the_textbook(rule, number):
    """The marriage contract of the Mishna: Aumann & Maschler (1985), table 1, for the Talmud;
    the others by the definitions in Thomson (2003)."""
    estate = 100.0 * (number + 1)
    paid = rule.allocate(600 - estate, MISHNA).table["paid"]
    np.testing.assert_allclose(paid, TEXTBOOK[rule][number], rtol=0, atol=1e-12)


def paid_and_lost(one: Rule, two: Rule, claims: pd.DataFrame, part: float):
    total = claims["amount"].sum()
    return (
        one.allocate((1 - part) * total, claims).table["paid"].to_numpy(),
        two.allocate(part * total, claims).table["loss"].to_numpy(),
    )


DUALS = [(Talmud(), Talmud()), (ProRata(), ProRata()), (EqualAwards(), EqualLosses())]


@pytest.mark.parametrize("pair", DUALS, ids=repr)
def test_an_estate_is_paid_as_a_loss_of_its_size_is_lost(pair):
    """Talmud and pro rata are self-dual, equal awards and equal losses each other's dual."""
    for seed in range(30):
        claims = claims_of(seed)
        room = NEAR * claims["amount"].sum()
        for part in (0.0, 0.2, 0.5, 0.7, 1.0):
            paid, lost = paid_and_lost(*pair, claims, part)
            np.testing.assert_allclose(paid, lost, rtol=0, atol=room)
            paid, lost = paid_and_lost(*pair[::-1], claims, part)
            np.testing.assert_allclose(paid, lost, rtol=0, atol=room)


def test_talmud_is_the_contested_garment_for_every_pair():
    """Aumann & Maschler (1985), theorem A: any two share what they got together by the garment."""
    for seed in range(1, 30):
        claims = claims_of(seed)
        c = claims["amount"].to_numpy()
        for part in (0.2, 0.5, 0.8):
            x = Talmud().allocate((1 - part) * c.sum(), claims).table["paid"].to_numpy()
            for i in range(len(c)):
                for j in range(i):
                    both = x[i] + x[j]
                    mine, other = max(both - c[j], 0.0), max(both - c[i], 0.0)
                    want = mine + (both - mine - other) / 2
                    assert x[i] == pytest.approx(want, abs=NEAR * c.sum())


# -- own money, on the graph --------------------------------------------------------------------


def test_own_money_may_stand_anywhere_on_one_venue():
    """Winners of 40, then 30 of the venue, then a pool of 50: a loss of 80 takes 40, 30 and 10."""
    rule = Waterfall([Layer("winners"), Layer("till", capacity=30.0, owner="venue"), Layer("pool")])
    claims = pd.DataFrame(
        {"claimant": ["w", "p"], "amount": [40.0, 50.0], "layer": ["winners", "pool"]}
    )
    done = rule.allocate(80, claims)
    assert done.table["claimant"].tolist() == ["w", "p", "venue"]
    assert done.table["loss"].tolist() == [40.0, 10.0, 30.0]
    assert done.layers["absorbed"].tolist() == [40.0, 30.0, 10.0]
    assert done.uncovered == 0


def graph(claims: list[tuple[str, float, str | None]], assets: float) -> ct.ExposureNetwork:
    table = pd.DataFrame(claims, columns=["creditor", "amount", "layer"]).assign(debtor="venue")
    nodes = pd.DataFrame(
        {"node": ["venue", *table["creditor"]], "external_assets": [assets] + [1.0] * len(table)}
    )
    return ct.ExposureNetwork(nodes, table)


def test_own_money_behind_claims_has_to_be_a_node():
    rule = Waterfall([Layer("winners"), Layer("till", capacity=30.0), Layer("pool")])
    net = graph([("w", 40.0, "winners"), ("p", 50.0, "pool")], 90.0)
    with pytest.raises(RuleError, match=r"Layer 'till' .* own funds of the node"):
        net.with_rule("venue", rule)
    net = graph([("w", 40.0, "winners"), ("t", 30.0, "till"), ("p", 50.0, "pool")], 120.0)
    done = ct.EisenbergNoe().propagate(net.with_rule("venue", rule), ct.Shock.loss({"venue": 80.0}))
    assert done.flows["loss"].tolist() == [40.0, 30.0, 10.0]


def test_claims_in_no_layer_lose_last_on_a_graph_and_never_by_the_rule():
    rule = Waterfall([Layer("pool")])
    claims = [("p", 50.0, "pool"), ("q", 30.0, None), ("r", 10.0, None)]
    net = graph(claims, 90.0).with_rule("venue", rule)
    done = ct.EisenbergNoe().propagate(net, ct.Shock.loss({"venue": 70.0}))
    assert done.flows["loss"].tolist() == [50.0, 15.0, 5.0]
    alone = rule.allocate(70, pd.DataFrame(claims, columns=["claimant", "amount", "layer"]))
    assert alone.table["loss"].tolist() == [50.0, 0.0, 0.0]
    assert alone.uncovered == 20.0
    assert alone.table["layer"].tolist() == ["pool", "no layer", "no layer"]


# -- lots ---------------------------------------------------------------------------------------


@every_rule
@pytest.mark.parametrize("part", others_slow([0.07, 0.003]))
def test_whole_lots(name, part):
    """Down leaves less than a lot on every claim; the largest remainders leave less than a lot in
    a layer, unless every claim that could take one more has taken it."""
    for case in some(name):
        lot = part * case.total
        if lot == 0:
            continue
        loss = float(case.losses[12])
        exact = case.rule.allocate(loss, case.claims).table
        down = case.rule.allocate(loss, case.claims, lot=lot)
        left = exact["loss"] - down.table["loss"]
        assert left.between(-1e-8 * lot, lot * (1 + 1e-8)).all()
        most = case.rule.allocate(loss, case.claims, lot=lot, rounding="largest_remainder")
        for done in (down, most):
            lots = done.table["loss"] / lot
            whole = np.isclose(lots, lots.round(), rtol=0, atol=1e-8)
            assert (whole | (done.table["loss"] == done.table["amount"])).all()
            assert done.table["loss"].sum() + done.uncovered == pytest.approx(loss, rel=1e-12)
            assert (done.table["loss"] <= done.table["amount"]).all()
        more = (most.table["loss"] - down.table["loss"]) / lot
        assert more.round(6).isin([0.0, 1.0]).all()
        could = (left > 1e-6 * lot) & (down.table["loss"] + lot <= exact["amount"] * (1 + 1e-12))
        for layer, rows in exact.groupby("layer").groups.items():
            residual = (exact["loss"] - most.table["loss"])[rows].sum()
            assert residual >= -1e-6 * lot, layer
            assert residual < lot * (1 + 1e-6) or (more[rows].round(6) == could[rows]).all(), layer


def test_lots_by_hand():
    claims = {"claimant": ["a", "b", "c"], "amount": [30.0, 20.0, 10.0]}
    down = ProRata().allocate(10, claims, lot=1)  # 5, 3.33, 1.67
    assert down.table["loss"].tolist() == [5.0, 3.0, 1.0]
    assert down.uncovered == 1.0
    best = ProRata().allocate(10, claims, lot=1, rounding="largest_remainder")
    assert best.table["loss"].tolist() == [5.0, 3.0, 2.0]
    assert best.uncovered == 0.0


def test_a_remainder_goes_to_nobody_who_cannot_take_it():
    """1.5 and 1.4 on claims of 1.5 and 3: the first has no room for a second lot."""
    rule = ProRata("w")
    claims = {"claimant": ["a", "b"], "amount": [1.5, 3.0], "w": [15.0, 14.0]}
    best = rule.allocate(2.9, claims, lot=1, rounding="largest_remainder")
    assert best.table["loss"].tolist() == [1.0, 1.0]
    assert best.uncovered == pytest.approx(0.9)


def test_a_whole_number_of_lots_stays_whole():
    """Satoshis: 37,300,000,001 × 1e-8 over 1e-8 is not a whole number in floating point."""
    rng = np.random.default_rng(0)
    for lots in rng.integers(1, 4 * 10**11, 300):
        loss = float(lots) * 1e-8
        done = ProRata().allocate(loss, {"claimant": ["a"], "amount": [2 * loss]}, lot=1e-8)
        assert round(done.table["loss"][0] / 1e-8) == lots


# -- large --------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("rule", [ProRata("weight"), EqualAwards(), Talmud()], ids=repr)
def test_two_hundred_thousand_different_claims(rule):
    """K log K entries, not the K²/2 that a row of shares a breakpoint would take."""
    k = 200_000
    rng = np.random.default_rng(0)
    claims = pd.DataFrame(
        {
            "claimant": np.arange(k),
            "amount": rng.lognormal(3, 2, k),
            "weight": rng.lognormal(0, 1, k),
        }
    )
    ladder = rule.segments(tables.read(claims)[1])
    assert len(ladder.owner) >= k - 10
    assert ladder.shares.nnz <= 2 * 2 * k * np.ceil(np.log2(k))
    total = claims["amount"].sum()
    done = rule.allocate(0.37 * total, claims)
    assert done.uncovered == pytest.approx(0, abs=1e-9 * total)
    lost = done.table["loss"].to_numpy()
    amount = claims["amount"].to_numpy()
    if isinstance(rule, ProRata):
        below, level = lost < amount * (1 - 1e-9), lost / claims["weight"].to_numpy()
    elif isinstance(rule, EqualAwards):
        below, level = lost > 1e-9 * amount, amount - lost
    else:
        below, level = lost < amount / 2 * (1 - 1e-9), lost
    assert 0.01 < below.mean() < 0.99
    assert np.ptp(level[below]) <= 1e-9 * level[below].mean(), "one level for all who are not full"
