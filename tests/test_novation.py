"""Novation to clearing houses: positions, equity, the record, and what a loss does afterwards."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import FEATURES, random_network

import contagion as ct
from contagion import rules

CLAIMS = pd.DataFrame(
    [
        ("a", "b", 10.0, "swaps", 1),
        ("b", "c", 8.0, "swaps", 2),
        ("c", "a", 5.0, "swaps", 1),
        ("a", "c", 4.0, "repo", 1),
        ("c", "b", 4.0, "repo", 1),
        ("d", "a", 7.0, "swaps", 1),
        ("a", "house", 3.0, "fund", 1),
    ],
    columns=["creditor", "debtor", "amount", "layer", "tier"],
)
NODES = pd.DataFrame({"node": ["a", "b", "c", "d", "house", "second"], "equity": [2.0] * 6})


@pytest.fixture
def net() -> ct.ExposureNetwork:
    return ct.ExposureNetwork(NODES, CLAIMS, unit="USD mn")


def owed(net: ct.ExposureNetwork) -> dict[tuple[str, str], float]:
    return net.exposures.groupby(["creditor", "debtor"])["amount"].sum().to_dict()


def positions(net: ct.ExposureNetwork) -> np.ndarray:
    return net.book.claims - net.book.debts


def test_members_keep_one_net_position(net):
    cleared = net.novate("house", ["a", "b", "c"])
    # a: 10 + 4 − 5 = 9, b: 8 − 10 − 4 = −6, c: 5 + 4 − 8 − 4 = −3; d is no member, the fund stays
    assert cleared.exposures[["creditor", "debtor", "amount"]].to_numpy().tolist() == [
        ["d", "a", 7.0],
        ["a", "house", 3.0],
        ["a", "house", 9.0],
        ["house", "b", 6.0],
        ["house", "c", 3.0],
    ]
    assert cleared.book.equity.tolist() == net.book.equity.tolist()
    assert positions(cleared).tolist() == positions(net).tolist()


def test_without_members_everybody_but_the_house_is_one(net):
    # the claims on the house itself are not among its members
    assert owed(net.novate("house")) == {
        ("a", "house"): 3.0 + 2.0,
        ("house", "b"): 6.0,
        ("house", "c"): 3.0,
        ("d", "house"): 7.0,
    }


def test_a_house_a_product_nets_less_than_one_house(net):
    two = net.novate("house", claims={"layer": "swaps"}).novate("second", claims={"layer": "repo"})
    assert owed(two) == {
        ("a", "house"): 3.0,
        ("house", "a"): 2.0,  # 10 − 5 − 7
        ("house", "b"): 2.0,
        ("house", "c"): 3.0,
        ("d", "house"): 7.0,
        ("a", "second"): 4.0,
        ("second", "b"): 4.0,
    }
    one = net.novate("house", claims={"layer": ["swaps", "repo"]})
    assert one.amount.sum() == 3 + 18 and two.amount.sum() == 3 + 14 + 8
    assert two.changes["step"].unique().tolist() == [1, 2]
    assert set(two.changes.loc[two.changes["step"] == 2, "note"]) == {"second"}


def test_the_record_adds_up(net):
    cleared = net.novate("house", ["a", "b", "c"])
    changes = cleared.changes
    assert changes["what"].value_counts().to_dict() == {"novation": 5, "multilateral netting": 3}
    by = changes.groupby("what")[["before", "after"]].sum()
    assert by.loc["novation"].tolist() == [31.0, 0.0]
    assert by.loc["multilateral netting"].tolist() == [0.0, 18.0]
    less = (changes["before"] - changes["after"]).sum()
    assert less == net.amount.sum() - cleared.amount.sum() == 13.0
    line = "novation of 5 pairs, multilateral netting to 3 positions; 13 m USD less owed"
    assert line in " ".join(repr(cleared).split())


def test_new_claims_have_what_the_old_ones_share(net):
    swaps = net.novate("house", ["a", "b", "c"], claims={"layer": "swaps"})
    new = swaps.exposures.iloc[-3:]
    assert new["layer"].tolist() == ["swaps"] * 3
    assert new["tier"].isna().all()  # 1 and 2: the default of the schema
    assert net.novate("house").exposures.iloc[-4:]["layer"].isna().all()
    gains = net.novate("house", columns={"layer": "gains", "instrument": "cleared"})
    assert gains.exposures.iloc[-4:]["layer"].tolist() == ["gains"] * 4
    assert gains.exposures.iloc[-4:]["instrument"].tolist() == ["cleared"] * 4
    assert gains.exposures["instrument"].iloc[0] != gains.exposures["instrument"].iloc[0]  # empty


def test_a_pledge_belongs_to_the_claim_that_goes():
    nodes = NODES.assign(external_assets=50.0).drop(columns="equity")
    claims = CLAIMS.assign(collateral=[6.0, 0, 0, 0, 0, 0, 0], netting_set="isda")
    net = ct.ExposureNetwork(nodes, claims, collateral="ignore").novate("house")
    assert net.exposures["collateral"].fillna(0).sum() == 0
    assert net.exposures["netting_set"].iloc[1:].isna().all()


def test_claims_that_cancel_leave_no_dust():
    names, third = ["a", "b", "c", "house"], 0.1 + 0.2
    claims = {"creditor": ["a", "b", "c"], "debtor": ["b", "c", "a"], "amount": [0.3, third, 0.3]}
    net = ct.ExposureNetwork({"node": names, "equity": [1] * 4}, claims).novate("house")
    assert len(net.exposures) == 0


def test_nothing_to_novate_leaves_the_network_alone(net):
    same = net.novate("house", ["b", "d"])
    pd.testing.assert_frame_equal(same.exposures, net.exposures)
    assert same.changes.empty


def test_it_does_not_depend_on_the_order_of_rows(net):
    other = ct.ExposureNetwork(NODES, CLAIMS[::-1], unit="USD mn")
    assert owed(net.novate("house")) == owed(other.novate("house"))
    steps = [n.novate("house").changes for n in (net, other)]
    pd.testing.assert_frame_equal(*steps)


def test_two_claims_of_one_pair_survive_a_round_trip(net):
    cleared = net.novate("house")  # a has the fund and a position on the house
    again = ct.ExposureNetwork.from_networkx(cleared.to_networkx())
    assert owed(again) == owed(cleared)


# -- what a loss does afterwards ------------------------------------------------------------


def test_the_failure_of_a_member_goes_through_the_waterfall_of_the_house():
    """b owes 9 and has nothing: 2 of the house's equity, 3 of the fund, 4 of 9 gains."""
    claims = pd.DataFrame(
        {
            "creditor": ["a", "a", "c", "fund"],
            "debtor": ["b", "c", "b", "house"],
            "amount": [6.0, 3.0, 6.0, 3.0],
            "layer": ["swaps", "swaps", "swaps", "default fund"],
        }
    )
    nodes = {
        "node": ["a", "b", "c", "fund", "house"],
        "external_assets": [1.0, 12.0, 1.0, 0.0, 5.0],
    }
    net = ct.ExposureNetwork(nodes, claims)
    cleared = net.novate("house", ["a", "b", "c"], columns={"layer": "gains"}).with_rule(
        "house",
        rules.Waterfall([rules.Layer("default fund"), rules.Layer("gains")]),
    )
    assert cleared.book.equity.tolist() == net.book.equity.tolist()
    shock = ct.Shock.loss({"b": 9.0})
    result = ct.EisenbergNoe().propagate(cleared, shock)
    result.audit()
    # b has 3 for 12 to the house, which has equity 2, a fund of 3 and gains of 9 (a) and 3 (c)
    assert result.table["shortfall"]["b"] == pytest.approx(9.0)
    layers = result.layers.set_index("layer")["absorbed"]
    assert layers["default fund"] == pytest.approx(3.0)
    assert layers["gains"] == pytest.approx(4.0)
    lost = result.flows.set_index("creditor")["loss"]
    assert lost[["a", "c", "fund"]].tolist() == pytest.approx([3.0, 1.0, 3.0])


def test_netting_at_the_house_stops_a_chain(net):
    """Bilaterally b's failure takes its creditors along; through the house only the net counts."""
    shock = ct.Shock.default("b")
    before = ct.models.GaiKapadia().propagate(net, shock).table["defaulted"]
    after = (
        ct.models.GaiKapadia()
        .propagate(net.novate("house").with_nodes(equity={"house": 7.0}), shock)
        .table["defaulted"]
    )
    assert before[["a", "b", "c"]].all() and after.sum() == 1


# -- properties -----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_equity_and_net_positions_stay(seed):
    features = {FEATURES[seed % len(FEATURES)], FEATURES[(3 * seed + 1) % len(FEATURES)]}
    net = random_network(seed, n=9, degree=3.0, features=features - {"pinned"})
    house = net.names[seed % len(net)]
    cleared = net.novate(house)
    scale = net.amount.sum()
    np.testing.assert_allclose(cleared.book.equity, net.book.equity, rtol=0, atol=1e-12 * scale)
    np.testing.assert_allclose(positions(cleared), positions(net), rtol=0, atol=1e-12 * scale)
    at = net.position(house)
    assert ((cleared.creditor == at) | (cleared.debtor == at)).all()
    # one position a member, and the same in total on both sides of the house
    step = cleared.changes[cleared.changes["what"] == "multilateral netting"]
    assert not step.duplicated(["creditor", "debtor"]).any()
    long = step.loc[step["debtor"] == house, "after"].sum()
    assert long == pytest.approx(step.loc[step["creditor"] == house, "after"].sum(), rel=1e-12)


def test_several_houses_never_net_more_than_one():
    net = random_network(3, n=12, degree=4.0)
    names = [*net.names]
    layer = np.random.default_rng(1).choice(["x", "y", "z"], len(net.amount))
    nodes, claims = net.nodes, net.exposures.assign(layer=layer)
    nodes = pd.concat([nodes, pd.DataFrame({"node": ["p", "q", "r"], "equity": 1.0})])
    net = ct.ExposureNetwork(nodes, claims)
    one = net.novate("p", names)
    three = net
    for house, kind in zip("pqr", "xyz", strict=True):
        three = three.novate(house, names, claims={"layer": kind})
    assert one.amount.sum() < three.amount.sum() < 2 * net.amount.sum()
    np.testing.assert_allclose(positions(one)[:12], positions(three)[:12], atol=1e-9)


# -- errors ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (("hause",), KeyError, "Did you mean 'house'"),
        (("house", ["a", "x"]), KeyError, "x"),
        (("house", ["a", "house"]), ValueError, "no member of itself"),
        (("house", "abc"), TypeError, "list of nodes"),
        (("house", None, {"leyer": "swaps"}), ct.UnknownNameError, "Did you mean 'layer'"),
        (("house", None, {"layer": "swap"}), ct.UnknownNameError, "Did you mean 'swaps'"),
        (("house", None, ["layer"]), TypeError, "claims is"),
    ],
)
def test_errors_name_what_to_fix(net, arguments, error, text):
    house, *rest = arguments
    options = dict(zip(("members", "claims"), rest, strict=False))
    with pytest.raises(error, match=text):
        net.novate(house, **options)


def test_a_guarantee_of_a_claim_that_is_novated_is_refused(net):
    covered = net.with_guarantees(
        [{"guarantor": "d", "debtor": "b", "creditor": "a", "amount": 3.0}]
    )
    with pytest.raises(ct.NetworkError, match="no claim on the debtor"):
        covered.novate("house", ["a", "b"])
