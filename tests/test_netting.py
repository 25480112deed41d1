"""Set-off, close-out netting and settled collateral, and the record of what they changed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import FEATURES, random_network

import contagion as ct
from contagion import datasets

CLAIMS = pd.DataFrame(
    [
        ("a", "b", 10.0, "swap", "isda", 1),
        ("a", "b", 6.0, "swap", "isda", 2),
        ("b", "a", 4.0, "swap", "isda", 1),
        ("b", "a", 5.0, "repo", "gmra", 1),
        ("a", "c", 3.0, "loan", "", 1),
        ("c", "a", 2.0, "loan", "", 1),
    ],
    columns=["creditor", "debtor", "amount", "instrument", "netting_set", "tier"],
)
NODES = pd.DataFrame({"node": ["a", "b", "c"], "external_assets": [20.0, 30.0, 10.0]})


@pytest.fixture
def net() -> ct.ExposureNetwork:
    return ct.ExposureNetwork(NODES, CLAIMS, unit="USD mn", duplicates="keep")


def gross(net: ct.ExposureNetwork) -> dict[tuple[str, str], float]:
    return net.exposures.groupby(["creditor", "debtor"])["amount"].sum().to_dict()


def rows(net: ct.ExposureNetwork, *columns: str) -> list[list]:
    return net.changes[list(columns)].to_numpy().tolist()


# -- close-out netting ----------------------------------------------------------------------


def test_each_set_nets_by_itself_and_the_rest_stays_gross(net):
    netted = net.close_out("netting_set")
    # isda: 16 − 4 = 12, spread 10 : 6; gmra has claims of one side only; no set: 3 and 2 stay
    assert netted.exposures[["creditor", "debtor", "amount", "tier"]].to_numpy().tolist() == [
        ["a", "b", 7.5, 1],
        ["a", "b", 4.5, 2],
        ["b", "a", 5.0, 1],
        ["a", "c", 3.0, 1],
        ["c", "a", 2.0, 1],
    ]
    assert netted.exposures["instrument"].tolist() == ["swap", "swap", "repo", "loan", "loan"]
    np.testing.assert_allclose(netted.book.equity, net.book.equity, rtol=0, atol=1e-12)
    sheet, before = netted.balance_sheet, net.balance_sheet
    assert (before["claims"] - sheet["claims"]).tolist() == [4.0, 4.0, 0.0]
    assert (before["debts"] - sheet["debts"]).tolist() == [4.0, 4.0, 0.0]
    assert sheet["external_assets"].tolist() == before["external_assets"].tolist()


@pytest.mark.parametrize(
    ("declared", "left"),
    [
        ({"x": {"parties": ("a", "b")}}, {("a", "b"): 7.0, ("a", "c"): 3.0, ("c", "a"): 2.0}),
        (
            {"x": {"parties": ("b", "a"), "instrument": "swap"}, "y": {"parties": ["a", "c"]}},
            {("a", "b"): 12.0, ("b", "a"): 5.0, ("a", "c"): 1.0},
        ),
        (
            {"x": {"parties": ("a", "b"), "instrument": ["swap", "repo"], "tier": 1}},
            {("a", "b"): 7.0, ("a", "c"): 3.0, ("c", "a"): 2.0},
        ),
        (  # a netting set where the other side has no claim
            {"x": {"parties": ("a", "b"), "tier": 2}},
            {("a", "b"): 16.0, ("b", "a"): 9.0, ("a", "c"): 3.0, ("c", "a"): 2.0},
        ),
    ],
)
def test_declared_sets(net, declared, left):
    assert gross(net.close_out(declared)) == pytest.approx(left)


def test_a_column_says_the_same_as_declared_sets(net):
    declared = net.close_out(
        {
            "gmra": {"parties": ("a", "b"), "netting_set": "gmra"},
            "isda": {"parties": ("a", "b"), "netting_set": "isda"},
        }
    )
    pd.testing.assert_frame_equal(declared.exposures, net.close_out("netting_set").exposures)
    pd.testing.assert_frame_equal(declared.changes, net.close_out("netting_set").changes)


def test_an_empty_tier_is_the_default_of_the_schema():
    claims = CLAIMS.assign(tier=[None, 2, None, None, None, None])
    net = ct.ExposureNetwork(NODES, claims, duplicates="keep")
    assert gross(net.close_out({"x": {"parties": ("a", "b"), "tier": 1}})) == pytest.approx(
        {("a", "b"): 7.0, ("a", "c"): 3.0, ("c", "a"): 2.0}
    )


@pytest.mark.parametrize("back", [0.1 + 0.2, 0.3])
def test_equal_sides_leave_nothing_not_even_a_rounding(back):
    owed = {"creditor": ["a", "a", "b"], "debtor": ["b", "b", "a"], "amount": [0.1, 0.2, back]}
    net = ct.ExposureNetwork(NODES, owed, duplicates="keep")
    assert len(net.set_off(("a", "b")).exposures) == 0


def test_claims_of_nothing_stay(net):
    owed = pd.concat([CLAIMS, CLAIMS.iloc[:1].assign(amount=0.0)])
    zero = ct.ExposureNetwork(NODES, owed, duplicates="keep")
    assert zero.set_off().amount.tolist() == [*net.set_off().amount.tolist(), 0.0]


# -- set-off is close-out of everything between two -----------------------------------------


def test_set_off_is_close_out_of_all_claims_between_two(net):
    one, other = net.set_off(("a", "b")), net.close_out({"": {"parties": ("a", "b")}})
    pd.testing.assert_frame_equal(one.exposures, other.exposures)
    both = net.set_off()
    every = net.close_out({"1": {"parties": ("a", "b")}, "2": {"parties": ("a", "c")}})
    pd.testing.assert_frame_equal(both.exposures, every.exposures)
    sides = ["creditor", "debtor", "before", "after"]
    pd.testing.assert_frame_equal(both.changes[sides], every.changes[sides])


def test_voyager_and_alameda():
    net = datasets.load("cefi_credit_2022").set_off(("voyager", "alameda"))
    assert rows(net, "creditor", "debtor", "before", "after") == [
        ["voyager", "alameda", 376.8e6, pytest.approx(301.8e6)],
        ["alameda", "voyager", 75e6, 0.0],
    ]


def test_blockfi_and_the_ftx_group_legal_entities_decide():
    """1,026 gross; 751 where the group counts as one entity; between the entities nothing nets."""
    net = datasets.load("cefi_credit_2022", period="2022-11")
    group = ["alameda", "ftx_com", "ftx_us"]

    def owes(net, debtors):
        claims = net.exposures
        ours = claims["creditor"].eq("blockfi") & claims["debtor"].isin(debtors)
        return claims.loc[ours, "amount"].sum()

    pairs = {f"with {name}": {"parties": ("blockfi", name)} for name in group}
    apart = net.close_out(pairs)
    assert owes(net, group) == owes(apart, group) == 1026e6
    assert len(apart.changes) == 0
    with pytest.raises(
        ct.NetworkError,
        match="Netting set 'group' has 4 parties: 'blockfi', 'alameda', 'ftx_com', 'ftx_us'",
    ):
        net.close_out({"group": {"parties": ["blockfi", *group]}})
    one = net.exposures.replace({"creditor": group, "debtor": group}, "ftx_group")
    one = one[one["creditor"] != one["debtor"]]
    merged = ct.ExposureNetwork(None, one, missing_equity="external", duplicates="keep")
    assert owes(merged.set_off(("blockfi", "ftx_group")), ["ftx_group"]) == pytest.approx(751e6)


def test_stream_and_elixir():
    net = datasets.load("stream_elixir_2025")
    netted = net.close_out({"loan and deUSD": {"parties": ("stream", "elixir")}})
    assert rows(netted, "creditor", "debtor", "before", "after", "note") == [
        ["stream", "elixir", 75e6, pytest.approx(7e6), "loan and deUSD"],
        ["elixir", "stream", 68e6, 0.0, "loan and deUSD"],
    ]
    shock = ct.Shock.default("external_manager", recovery=0.0)
    table = ct.EisenbergNoe().propagate(netted, shock).table
    assert table.loc["elixir", "recovery_rate"] == pytest.approx(7.56 / 15.33)  # 49.3 %


# -- on random networks ---------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_netting_keeps_equity_and_twice_is_once(seed):
    net = random_network(seed, n=8, degree=4.0, features=set(FEATURES))
    rng = np.random.default_rng(seed)
    number = np.minimum(net.creditor, net.debtor) * 10 + np.maximum(net.creditor, net.debtor)
    claims = net.exposures
    labels = pd.Series(number).map(str) + rng.choice(["x", "y"], len(number))
    claims["netting_set"] = labels.mask(rng.random(len(number)) < 0.2)
    net = ct.ExposureNetwork(
        net.nodes, claims, duplicates="keep", missing_equity="external", unit=net.unit
    )
    total = net.balance_sheet[["external_assets", "claims"]].sum().sum()
    for once in (net.close_out("netting_set"), net.set_off()):
        assert len(once.changes) > 0
        np.testing.assert_allclose(once.book.equity, net.book.equity, rtol=0, atol=1e-12 * total)
        assert once.book.claims.sum() == pytest.approx(once.book.debts.sum())
        assert (once.book.claims <= net.book.claims * (1 + 1e-12)).all()
        kept = net.book.can_fail
        np.testing.assert_array_equal(once.book.can_fail, kept)
    once = net.close_out("netting_set")
    twice = once.close_out("netting_set")
    np.testing.assert_array_equal(twice.exposures["amount"], once.exposures["amount"])
    pd.testing.assert_frame_equal(twice.changes, once.changes)
    fallen = once.changes["before"].sum() - once.changes["after"].sum()
    assert net.amount.sum() - once.amount.sum() == pytest.approx(fallen)
    # every set is left with one direction, max(0, gross − gross the other way)
    was = claims.groupby(["netting_set", "creditor", "debtor"])["amount"].sum()
    left = once.exposures.groupby(["netting_set", "creditor", "debtor"])["amount"].sum()
    for (name, creditor, debtor), amount in was.items():
        expected = max(0.0, amount - was.get((name, debtor, creditor), 0.0))
        assert left.get((name, creditor, debtor), 0.0) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_rows_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    claims = CLAIMS.assign(collateral=[1.0, 2.0, 3.0, 0.0, 1.0, 5.0])
    options = {"duplicates": "keep", "collateral": "ignore"}
    straight = ct.ExposureNetwork(NODES, claims, **options)
    mixed = ct.ExposureNetwork(NODES, claims.iloc[rng.permutation(len(claims))], **options)
    for change in (
        lambda net: net.set_off(),
        lambda net: net.close_out("netting_set"),
        lambda net: net.settle_collateral(haircut=0.1),
    ):
        one, other = change(straight), change(mixed)
        pd.testing.assert_frame_equal(one.changes, other.changes)
        pd.testing.assert_frame_equal(one.balance_sheet, other.balance_sheet)
        assert gross(one) == pytest.approx(gross(other))


def test_no_loop_over_claims():
    """A hundred thousand pledged claims take a tenth of a second where a Python loop would not."""
    rng = np.random.default_rng(1)
    n, m = 1_000, 100_000
    creditor, debtor = rng.integers(0, n, m), rng.integers(0, n, m)
    debtor = np.where(creditor == debtor, (debtor + 1) % n, debtor)
    amount = rng.lognormal(size=m)
    low, high = np.minimum(creditor, debtor), np.maximum(creditor, debtor)
    owed = pd.DataFrame({"creditor": creditor, "debtor": debtor, "amount": amount})
    owed = owed.assign(netting_set=low * n + high, collateral=amount / 2)
    nodes = pd.DataFrame({"node": range(n), "external_assets": 1e4})
    net = ct.ExposureNetwork(nodes, owed, duplicates="keep", collateral="ignore")
    netted = net.close_out("netting_set")
    settled = net.settle_collateral()
    assert len(netted.changes) > 9_000 and len(settled.changes) == m
    np.testing.assert_allclose(netted.book.equity, net.book.equity, atol=1e-6)
    pd.testing.assert_frame_equal(netted.exposures, net.set_off().exposures)


# -- collateral -----------------------------------------------------------------------------


PLEDGED = pd.DataFrame(
    [
        ("a", "b", 10.0, 8.0, "loan"),  # a gap of 2
        ("c", "b", 5.0, 9.0, "repo"),  # an excess of 4
        ("b", "c", 3.0, np.nan, "loan"),
        ("a", "c", 4.0, 4.0, "loan"),
    ],
    columns=["creditor", "debtor", "amount", "collateral", "instrument"],
)


@pytest.fixture
def pledged() -> ct.ExposureNetwork:
    return ct.ExposureNetwork(NODES, PLEDGED, collateral="ignore", unit="EUR mn")


def test_a_gap_stays_and_an_excess_goes_back(pledged):
    settled = pledged.settle_collateral()
    columns = ["creditor", "debtor", "amount"]
    assert settled.exposures[columns].to_numpy().tolist() == [["a", "b", 2.0], ["b", "c", 3.0]]
    assert settled.exposures["collateral"].fillna(-1).tolist() == [0.0, -1.0]
    # a: 20 + 8 + 4; b: 30 − 8 − 5; c: 10 + 5 − 4
    assert settled.balance_sheet["external_assets"].tolist() == [32.0, 17.0, 11.0]
    assert settled.book.equity.tolist() == pledged.book.equity.tolist()
    assert rows(settled, "what", "creditor", "debtor", "before", "after", "note") == [
        ["collateral settled", "a", "b", 10.0, 2.0, ""],
        ["collateral settled", "a", "c", 4.0, 0.0, ""],
        ["collateral settled", "c", "b", 5.0, 0.0, ""],
    ]
    again = settled.settle_collateral()
    pd.testing.assert_frame_equal(again.exposures, settled.exposures)
    pd.testing.assert_frame_equal(again.changes, settled.changes)


def test_settling_later_is_settling_at_construction(pledged):
    early = ct.ExposureNetwork(NODES, PLEDGED, collateral="settle")
    pd.testing.assert_frame_equal(early.balance_sheet, pledged.settle_collateral().balance_sheet)
    assert len(early.changes) == 0


def test_a_haircut_is_lost_by_the_debtor(pledged):
    settled = pledged.settle_collateral({"instrument": ["loan"]}, haircut=0.25)
    # 8 → 6 of 10 paid, 4 → 3 of 4 paid; the repo is not touched
    assert gross(settled) == {("a", "b"): 4.0, ("c", "b"): 5.0, ("b", "c"): 3.0, ("a", "c"): 1.0}
    assert (settled.book.equity - pledged.book.equity).tolist() == [0.0, -2.0, -1.0]
    assert settled.balance_sheet["external_assets"].tolist() == [29.0, 22.0, 6.0]
    assert rows(settled, "what", "creditor", "debtor", "before", "after", "note") == [
        ["pledge revalued", "a", "b", 8.0, 6.0, "haircut 25 %"],
        ["pledge revalued", "a", "c", 4.0, 3.0, "haircut 25 %"],
        ["collateral settled", "a", "b", 10.0, 4.0, "haircut 25 %"],
        ["collateral settled", "a", "c", 4.0, 1.0, "haircut 25 %"],
    ]
    excess = pledged.settle_collateral({"creditor": "c"}, haircut=1 / 3)  # 9 → 6, 5 paid
    assert excess.balance_sheet.loc["b", "external_assets"] == pytest.approx(30 - 5 - 3)
    lost = pledged.settle_collateral({"creditor": "c"}, haircut=1.0)
    assert gross(lost) == gross(pledged)
    assert lost.balance_sheet.loc["b", "equity"] == pledged.balance_sheet.loc["b", "equity"] - 9.0


def test_netting_first_leaves_less_to_settle():
    owed = pd.DataFrame(
        {"creditor": ["a", "b"], "debtor": ["b", "a"], "amount": [10.0, 6.0]}
    ).assign(collateral=[5.0, 2.0])
    net = ct.ExposureNetwork(NODES, owed, collateral="ignore")
    netted = net.set_off(("a", "b"))
    assert netted.exposures["collateral"].tolist() == [5.0]  # the pledge stays whole
    done = netted.settle_collateral()
    assert len(done.exposures) == 0
    assert done.balance_sheet["external_assets"].tolist() == [24.0, 26.0, 10.0]
    np.testing.assert_allclose(done.book.equity, net.book.equity)


def test_nothing_pledged_nothing_settled(net):
    settled = net.settle_collateral()
    pd.testing.assert_frame_equal(settled.exposures, net.exposures)
    assert len(settled.changes) == 0


def test_an_unknown_balance_sheet_may_pledge():
    owed = {"creditor": ["a"], "debtor": ["b"], "amount": [10.0], "collateral": [4.0]}
    net = ct.ExposureNetwork(None, owed, collateral="ignore", missing_equity="external")
    settled = net.settle_collateral()
    assert settled.amount.tolist() == [6.0]
    assert np.isnan(settled.book.external_assets).all()


def test_pledges_that_are_not_there(pledged):
    poor = pledged.with_nodes(external_assets={"b": 16.0})  # 8 + 9 pledged
    with pytest.raises(ct.NetworkError, match="it has: 'b' pledged 17 m EUR and has 16 m EUR"):
        poor.settle_collateral()
    assert len(poor.settle_collateral({"creditor": "a"}).exposures) == 3


def test_holdings_stay_with_the_debtor():
    held = {"node": ["b", "a"], "asset": ["eth", "eth"], "value": [20.0, 1.0]}
    net = ct.ExposureNetwork(NODES, PLEDGED, collateral="ignore", holdings=held)
    with pytest.raises(ct.NetworkError, match="'b' keeps external assets of 17 and holds 20"):
        net.settle_collateral()
    settled = net.settle_collateral({"instrument": "loan"})  # b keeps 22
    pd.testing.assert_frame_equal(settled.holdings, net.holdings)


# -- the record -----------------------------------------------------------------------------


def test_a_network_as_it_was_read_has_no_changes(net):
    assert net.changes.columns.tolist() == [
        "step",
        "what",
        "creditor",
        "debtor",
        "before",
        "after",
        "note",
    ]
    assert len(net.changes) == 0
    assert "changed" not in repr(net)


def test_changes_add_up_over_steps(pledged):
    mutual = pd.concat([PLEDGED, PLEDGED.iloc[2:3].assign(creditor="c", debtor="b", amount=1.0)])
    net = ct.ExposureNetwork(NODES, mutual, collateral="ignore", unit="EUR mn")
    done = net.set_off(("b", "c")).with_nodes(external_assets={"a": 50.0}).settle_collateral()
    assert rows(done, "step", "what", "creditor", "debtor", "before", "after") == [
        [1, "set-off", "b", "c", 3.0, 0.0],
        [1, "set-off", "c", "b", 6.0, 3.0],
        [2, "collateral settled", "a", "b", 10.0, 2.0],
        [2, "collateral settled", "a", "c", 4.0, 0.0],
        [2, "collateral settled", "c", "b", 2.5, 0.0],
    ]
    assert len(net.changes) == 0  # the old network stays as it was
    copy = done.changes
    copy.loc[0, "after"] = 99.0
    assert done.changes.loc[0, "after"] == 0.0


def test_the_repr_says_what_changed(net):
    lines = repr(net.close_out("netting_set")).splitlines()
    assert "  changed: close-out netting of 1 set; 8 m USD less owed (see .changes)" in lines
    both = net.set_off(("a", "b")).set_off(("a", "c"))
    assert "changed: set-off of 2 pairs; 22 m USD less owed" in repr(both)


def test_a_haircut_is_not_counted_as_debt(pledged):
    settled = pledged.settle_collateral({"creditor": "a"}, haircut=0.5)
    assert "changed: collateral settled on 2 claims; 6 m EUR less owed" in repr(settled)


# -- refusals -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        (lambda n: n.close_out("neting_set"), ct.UnknownNameError, "Did you mean 'netting_set'"),
        (lambda n: n.close_out("instrument"), ct.NetworkError, "'loan' has 3 parties: 'a', 'b'"),
        (lambda n: n.close_out(["netting_set"]), TypeError, "not a list"),
        (lambda n: n.close_out({"x": ("a", "b")}), TypeError, "Netting set 'x' has no parties"),
        (lambda n: n.close_out({"x": {"parties": "ab"}}), TypeError, "needs two parties"),
        (lambda n: n.close_out({"x": {"parties": ("a", "a")}}), ValueError, "two different part"),
        (lambda n: n.close_out({"x": {"parties": ("a", "z")}}), KeyError, "Unknown node 'z'"),
        (
            lambda n: n.close_out({"x": {"parties": ("a", "b", "c")}}),
            ct.NetworkError,
            "Netting set 'x' has 3 parties: 'a', 'b', 'c'.*clearing house",
        ),
        (
            lambda n: n.close_out({"x": {"parties": ("a", "b"), "instrument": "swop"}}),
            ct.UnknownNameError,
            "Unknown instrument of a claim 'swop'. Did you mean 'swap'",
        ),
        (
            lambda n: n.close_out({"x": {"parties": ("a", "b"), "instrumnt": "swap"}}),
            ct.UnknownNameError,
            "Unknown exposure column 'instrumnt'. Did you mean 'instrument'",
        ),
        (
            lambda n: n.close_out(
                {"x": {"parties": ("a", "b")}, "y": {"parties": ("b", "a"), "tier": 1}}
            ),
            ct.NetworkError,
            "3 claims between 'b' and 'a' .19 m USD. would be in the netting sets 'x' and 'y'",
        ),
        (lambda n: n.set_off(("a", "b", "c")), ct.NetworkError, "A set-off has 3 parties"),
        (lambda n: n.set_off(("a", "a")), ValueError, "A set-off needs two different parties"),
        (lambda n: n.set_off("ab"), TypeError, "A set-off needs two parties"),
        (lambda n: n.settle_collateral("b"), TypeError, "claims is .*not a str"),
        (lambda n: n.settle_collateral(haircut=25), ValueError, "haircut=25"),
        (lambda n: n.settle_collateral(haircut=float("nan")), ValueError, "haircut=nan"),
        (lambda n: n.settle_collateral({"debtr": "b"}), KeyError, "Did you mean 'debtor'"),
        (lambda n: n.settle_collateral({"debtor": "z"}), KeyError, "Unknown debtor of a claim"),
    ],
)
def test_refusals(change, error, says):
    claims = pd.concat([CLAIMS, CLAIMS.iloc[4:5].assign(creditor="b")])
    net = ct.ExposureNetwork(NODES, claims, unit="USD mn", duplicates="keep")
    with pytest.raises(error, match=says):
        change(net)
