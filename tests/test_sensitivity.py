"""The gradient of a system loss: by hand, and against differences of whole runs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import (
    FEATURES,
    VENUES_TOO,
    from_liabilities,
    others_slow,
    random_network,
    random_shock,
    random_tables,
)
from reference_adjoint import TOTALS, Differences, losses_of, result_of
from scipy.sparse import csr_array

import contagion as ct
from contagion.kernels import adjoint
from contagion.measures import gradient

H = 1e-5
EN, RV = (
    ct.EisenbergNoe(tolerance=1e-13),
    ct.models.RogersVeraart(0.7, 0.8, "greatest", tolerance=1e-13),
)
DR = ct.DebtRank(tolerance=1e-13)


@pytest.fixture
def chain() -> tuple[ct.ExposureNetwork, ct.Shock]:
    """a owes b 10 and has 6 left; b owes c 8 and has 1 + 6; c owes 3 outside and has 5 + 7."""
    net = from_liabilities([[0, 10, 0], [0, 0, 8], [0, 0, 0]], [12, 1, 5], [0, 0, 3])
    return net, ct.Shock.loss({"a": 6})


# -- by hand --------------------------------------------------------------------------------------


def test_chain_by_hand(chain):
    """Owners: a loses its 2, b its 3, c 1 of 10. One unit less at a is one less for c's owners."""
    net, shock = chain
    found = gradient(net, EN, shock)
    assert found.value == pytest.approx(2 + 3 + 1)
    assert found.losses.tolist() == pytest.approx([1, 1, 1])
    # one unit more on the book of a is lost by its owners, and saves one at c
    assert found.external_assets.tolist() == pytest.approx([1 - 1, 1 - 1, 0])
    assert found.kinks == 0


def test_chain_shortfall_by_hand(chain):
    """A unit lost at a is missing at a and again at b; one lost at c at nobody."""
    found = gradient(*chain[:1], EN, chain[1], of="shortfall")
    assert found.value == pytest.approx(4 + 1)
    assert found.losses.tolist() == pytest.approx([2, 1, 0])
    assert found.external_assets.tolist() == pytest.approx([-2, -1, 0])
    # nobody but c owes outside; a and b would: senior, so that capital is worth the same
    assert found.capital.tolist() == pytest.approx([-2, -1, 0])
    # claim a→b: a owes one more and has no more: it is missing once; b claims more, gets no more
    # claim b→c: one more is missing at b
    assert found.exposures["gradient"].tolist() == pytest.approx([1, 1])
    # lent out of the assets of b: a pays 1 more of 1 more, b has the same: nothing changes
    # lent by c to b: b has 1 more and owes 1 more: nothing changes
    assert found.exposures["funded"].tolist() == pytest.approx([0, 0])


def test_pro_rata_shares_move_with_the_amount():
    """a has 6 and owes b 10, c 2: the shares of b and c are 5/6 and 1/6.

    One unit more owed to b: b gets 6 · 11/13, c 6 · 2/13. Only b's owners count here, who have
    capital 10 + 1: they have one more to lose and get `6 · 11/13 − 5`, in the limit 6 · 2/144.
    """
    net = from_liabilities([[0, 10, 2], [0, 0, 0], [0, 0, 0]], [12, 1, 1])
    found = gradient(net, EN, ct.Shock.loss({"a": 6}), of={"b": 1.0})
    assert found.of == "weighted"
    assert found.value == pytest.approx(5)
    assert found.exposures["gradient"].tolist() == pytest.approx([1 - 6 * 2 / 144, 6 * 10 / 144])


def test_debtrank_by_hand():
    """a (equity 6) loses 1: rate 1/6. b (equity 10) holds 4 of a and loses 4/6.

    By the loss at a: 1 + 4/6. By its equity: the rate falls by 1/36, so b loses 4/36 less.
    """
    net = from_liabilities([[0, 4], [0, 0]], [10, 6])
    found = gradient(net, DR, ct.Shock.loss({"a": 1}))
    assert found.value == pytest.approx(1 + 4 / 6)
    assert found.losses.tolist() == pytest.approx([1 + 4 / 6, 1])
    assert found.external_assets.tolist() == pytest.approx([-4 / 36, 0])
    assert found.capital.tolist() == found.external_assets.tolist()
    assert found.exposures["funded"].tolist() == pytest.approx([1 / 6])
    assert found.exposures["gradient"].tolist() == pytest.approx([1 / 6 + 4 / 36])


def test_default_costs_by_hand():
    """a (9 left, 12 due) realizes 0.5 of its assets; a unit of them reaches b by half."""
    net = from_liabilities([[0, 12], [0, 0]], [13, 1])
    model = ct.models.RogersVeraart(0.5, 0.9)
    found = gradient(net, model, ct.Shock.loss({"a": 4}), of="shortfall")
    assert found.value == pytest.approx(12 - 4.5)
    assert found.losses.tolist() == pytest.approx([0.5, 0])


def test_socialized_by_hand(chain):
    """6 destroyed, 2 borne by the owners of a: 4 socialized; one more lost is one more."""
    net, shock = chain
    found = gradient(net, EN, shock, of="socialized")
    assert found.value == pytest.approx(4)
    assert found.losses["a"] == pytest.approx(1)
    assert found.losses.tolist() == pytest.approx([1, 0, 0])  # owners of b and c have room
    assert found.external_assets.tolist() == pytest.approx([-1, 0, 0])


def test_what_the_owners_absorb_does_not_spread(chain):
    net, _ = chain
    for of in ("socialized", "shortfall", "external"):
        found = gradient(net, EN, ct.Shock.loss({"a": 1}), of=of)
        assert found.value == pytest.approx(0)
        assert found.external_assets.tolist() == pytest.approx([0, 0, 0])


def test_triggers_that_bear_more_than_they_lost(chain):
    """b is hit for 0.01 as well, and its owners lose by a far more than that: contagion too."""
    net = from_liabilities([[0, 10, 0], [0, 0, 0], [0, 0, 0]], [10.5, 90, 5])
    shock = ct.Shock.loss({"a": 6, "b": 0.01})
    found = gradient(net, EN, shock, of="socialized")
    assert found.value == pytest.approx(
        result_of(net, EN, shock).socialization.socialized, abs=1e-9
    )
    assert found.value == pytest.approx(5.5)
    assert found.external_assets.tolist() == pytest.approx([-1, 0, 0])


def test_external_creditors_who_would_share():
    """a has 6 of the 10 that it owes b. Who lends it 1 from outside takes 6/11 of it, or all 6/10.

    Pari passu b gets 6 · 10/11; in the limit 6/10 less for one unit. Senior it is the whole unit.
    With tiers the table does not say which of them would share, as nobody has lent.
    """
    for rank, worth in (("pari_passu", -0.6), ("senior", -1.0)):
        net = from_liabilities([[0, 10], [0, 0]], [12, 1], external_creditors=rank)
        found = gradient(net, EN, ct.Shock.loss({"a": 6}), of={"b": 1.0})
        assert found.capital["a"] == pytest.approx(worth)
    owed = {"creditor": ["b", "b"], "debtor": ["a", "a"], "amount": [4, 6], "tier": [1, 2]}
    nodes = {"node": ["a", "b"], "external_assets": [12, 1]}
    net = ct.ExposureNetwork(nodes, owed, external_creditors="pari_passu", duplicates="keep")
    found = gradient(net, EN, ct.Shock.loss({"a": 6}), of={"b": 1.0})
    assert np.isnan(found.capital["a"])
    assert "rank of the external creditors" in found.capital.reasons["a"]


def test_layers_share_losses_without_default_costs():
    """The fund layer of a takes 2 of its 5: no default, no costs, one unit less is one less for b.

    With 7 missing a is in default and realizes half of its assets.
    """
    rule = ct.rules.Waterfall([ct.rules.Layer("fund")])
    owed = {"creditor": ["b", "c"], "debtor": ["a", "a"], "amount": [5, 5], "layer": ["fund", None]}
    nodes = {"node": ["a", "b", "c"], "external_assets": [10, 9, 9]}
    net = ct.ExposureNetwork(nodes, owed, rules={"a": rule})
    model = ct.models.RogersVeraart(0.5, 0.5)
    found = gradient(net, model, ct.Shock.loss({"a": 2}))
    assert found.value == pytest.approx(2)
    assert found.losses["a"] == pytest.approx(1)
    hit = gradient(net, model, ct.Shock.loss({"a": 7}), of="shortfall")
    assert (hit.value, hit.losses["a"]) == (pytest.approx(8.5), pytest.approx(0.5))


def test_an_unknown_node_that_is_pinned():
    """a, unknown, lost 15 on c and passes 0.6 of its debts of 10 on to b: 9 are its own loss.

    A larger debt passes 0.6 more on; a larger claim on c, which has nothing more, is lost.
    """
    nodes = {"node": ["a", "b", "c"], "external_assets": [None, 9, 5]}
    owed = {"creditor": ["b", "a"], "debtor": ["a", "c"], "amount": [10, 20]}
    net = ct.ExposureNetwork(nodes, owed, missing_equity="external")
    found = gradient(net, EN, ct.Shock.default("a", recovery=0.4), of={"a": 1.0})
    assert found.value == pytest.approx(9)
    assert found.exposures["gradient"].tolist() == pytest.approx([-0.6, 1])
    assert found.losses.tolist() == pytest.approx([0, 0, 1])


def test_triggers_that_were_short_before():
    """a owes b 5 more than it has; the shock takes 0.01 of b, who bears more than that."""
    net = from_liabilities([[0, 10], [0, 0]], [5, 90])
    found = gradient(net, EN, ct.Shock.loss({"b": 0.01}), of="socialized")
    assert found.value == pytest.approx(0, abs=1e-12)
    assert found.external_assets.tolist() == [0, 0]
    assert gradient(net, EN, ct.Shock.loss({"b": 0.01})).external_assets.tolist() == [-1, 0]


def test_what_an_unknown_trigger_destroys():
    """As before, but c lacks 2, before the shock too: a destroys the 6 that b does not get."""
    nodes = {"node": ["a", "b", "c"], "external_assets": [None, 9, 18]}
    owed = {"creditor": ["b", "a"], "debtor": ["a", "c"], "amount": [10, 20]}
    net = ct.ExposureNetwork(nodes, owed, missing_equity="external")
    found = gradient(net, EN, ct.Shock.default("a", recovery=0.4), of="socialized")
    assert found.value == pytest.approx(6)
    assert found.external_assets.iloc[1:].tolist() == pytest.approx([0, 0])
    assert found.exposures["gradient"].tolist() == pytest.approx([0.6, 0])


def test_nothing_left_to_lose():
    """a has lost all 12: more owed is more missing, a unit lost nothing, a unit found saves one."""
    net, shock = from_liabilities([[0, 10], [0, 0]], [12, 1]), ct.Shock.loss({"a": 12})
    found = gradient(net, EN, shock, of="shortfall")
    assert (found.losses["a"], found.kinks) == (0, 1)
    assert found.exposures["gradient"].tolist() == [1]
    assert gradient(net, EN, shock, of="shortfall", side="gain").losses["a"] == 1


# -- against differences --------------------------------------------------------------------------


def compare(differences: dict, values: np.ndarray, name: str, least: int = 0) -> None:
    """A gradient against differences, key by key; undefined ones apart."""
    checked = 0
    for key, slopes in differences.items():
        if not np.isnan(values[key]):
            assert values[key] == pytest.approx(slopes[name], rel=2e-5, abs=2e-5), (key, name)
            checked += 1
    assert checked >= least


@pytest.mark.parametrize("seed", others_slow(range(24), keep=12))
def test_gradient_against_central_differences(seed):
    """Every feature of the tables, three models, five losses; no node within h of a kink."""
    rng = np.random.default_rng(seed)
    model = (EN, EN, RV)[seed % 3]
    chosen = VENUES_TOO if seed % 2 else FEATURES
    features = frozenset(f for f in chosen if rng.random() < 0.4)
    tables = random_tables(seed, 6, 1.7, features)
    nodes, exposures, options = tables
    net = ct.ExposureNetwork(nodes, exposures, **options)
    shock = random_shock(net, seed, pinned="pinned" in features)
    weights = rng.normal(size=len(net))
    runs = Differences(*tables, model, shock, weights, (H, -H))
    assets, owed = runs.nodes("external_assets"), runs.nodes("external_liabilities")
    shocks, claims, funded = runs.losses(), runs.claims(funded=False), runs.claims(funded=True)
    value = {name: total[0] for name, total in losses_of(net, model, shock, weights).items()}
    for of in (*TOTALS, weights):
        name = of if isinstance(of, str) else "weighted"
        found = gradient(net, model, shock, of=of)
        assert found.kinks == 0
        assert found.value == pytest.approx(value[name], rel=1e-9, abs=1e-9)
        compare(assets, found.external_assets.to_numpy(), name, int(net.book.known.sum()))
        compare(shocks, found.losses.to_numpy(), name)
        compare(owed, -found.capital.to_numpy(), name)
        compare(claims, found.exposures["gradient"].to_numpy(), name)
        compare(funded, found.exposures["funded"].to_numpy(), name)
        blank = found.exposures["gradient"].isna()
        assert not blank.any() or "venues" in features
        assert found.external_assets.isna().tolist() == (~net.book.known).tolist()
        hard = found.capital.isna() & net.book.known
        assert not hard.any() or features & {"external_tiers", "pari_passu"}


@pytest.mark.parametrize("seed", range(9))
def test_debtrank_against_differences(seed):
    """Every node is hit, so that no node stands at the kink of nothing lost."""
    features = frozenset({"parallel", *(("insolvent", "unknown", "unfailing")[: seed % 4])})
    tables = random_tables(seed, 6, 1.7, features)
    net = ct.ExposureNetwork(*tables[:2], **tables[2])
    part = {n: 0.01 * e for n, e in net.balance_sheet["external_assets"].items() if e > 0}
    shock = ct.Shock.loss(part)
    if seed % 3 == 0:
        shock = ct.Shock.loss(dict(list(part.items())[1:])) + ct.Shock.default(net.names[0], 0.3)
    weights = np.random.default_rng(seed).normal(size=len(net))
    runs = Differences(*tables, DR, shock, weights, (H, -H))
    nodes = {c: runs.nodes(c) for c in ("external_assets", "external_liabilities")}
    shocks, claims = runs.losses(), {kept: runs.claims(funded=kept) for kept in (False, True)}
    for of in ("owners", "shortfall", weights):
        name = of if isinstance(of, str) else "weighted"
        found = gradient(net, DR, shock, of=of)
        assert found.kinks <= 1  # the node that is pinned
        for column, values in (
            ("external_assets", found.external_assets.to_numpy()),
            ("external_liabilities", -found.capital.to_numpy()),
        ):
            compare(nodes[column], values, name, 1)
        compare(shocks, found.losses.to_numpy(), name, 2)
        for kept, column in ((False, "gradient"), (True, "funded")):
            compare(claims[kept], found.exposures[column].to_numpy(), name, 1)


# -- kinks ----------------------------------------------------------------------------------------


def test_a_node_that_just_stands_by_hand():
    """a has exactly the 10 that it owes: one unit less is missing, one more is not needed."""
    net = from_liabilities([[0, 10], [0, 0]], [12, 1])
    shock = ct.Shock.loss({"a": 2})
    less = gradient(net, EN, shock, of="shortfall", side="loss")
    more = gradient(net, EN, shock, of="shortfall", side="gain")
    assert (less.kinks, more.kinks) == (1, 1)
    assert less.losses.tolist() == [1, 0]
    assert more.losses.tolist() == [0, 0]
    assert gradient(net, EN, shock, side="gain").losses["a"] == 1
    assert gradient(net, EN, shock, side="loss").losses["a"] == 1  # b's owners lose it instead


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("side", "steps"), [("loss", (H, 0.0)), ("gain", (0.0, -H))])
def test_one_sided_at_kinks(seed, side, steps):
    """The assets of a node are moved so that it just meets what is due after the shock."""
    features = frozenset({"tiers", "external_tiers", "queues"} if seed % 2 else {"parallel"})
    nodes, exposures, options = random_tables(seed, 6, 1.7, features)
    net = ct.ExposureNetwork(nodes, exposures, **options)
    assets = nodes["external_assets"].to_numpy()
    shock = ct.Shock.loss({n: 0.4 * e for n, e in zip(net.names, assets, strict=True)})
    for _ in range(2):  # two nodes, one after the other
        level = result_of(net, EN, shock).outcome.equity
        at = int(np.argmax(np.where((level < -1e-9) & (net.book.debts > 0), level, -np.inf)))
        nodes.loc[at, "external_assets"] -= level[at]
        net = ct.ExposureNetwork(nodes, exposures, **options)
    weights = np.random.default_rng(seed).normal(size=6)
    runs = Differences(nodes, exposures, options, EN, shock, weights, steps)
    slopes = runs.losses()
    for of in ("owners", "shortfall", "external", weights):
        found = gradient(net, EN, shock, of=of, side=side)
        assert found.kinks >= 1
        name = of if isinstance(of, str) else "weighted"
        compare(slopes, found.losses.to_numpy(), name, 5)


def test_segments_that_just_fill_are_kinks():
    """a owes 4 senior to b and 6 junior to c and has 4: c has lost all, b nothing."""
    exposures = {"creditor": ["b", "c"], "debtor": ["a", "a"], "amount": [4, 6], "tier": [1, 2]}
    nodes = {"node": ["a", "b", "c"], "external_assets": [10, 1, 1]}
    net = ct.ExposureNetwork(nodes, exposures)
    shock = ct.Shock.loss({"a": 6})
    less = gradient(net, EN, shock, of={"b": 1.0})
    more = gradient(net, EN, shock, of={"b": 1.0}, side="gain")
    assert (less.losses["a"], more.losses["a"]) == (1, 0)
    assert gradient(net, EN, shock, of={"c": 1.0}).losses["a"] == 0
    assert gradient(net, EN, shock, of={"c": 1.0}, side="gain").losses["a"] == 1
    assert less.kinks == 1


@pytest.mark.parametrize("seed", range(6))
def test_untouched_nodes_of_debtrank(seed):
    """Towards losses an untouched node passes on; towards gains there is nothing to give back."""
    net = random_network(seed, 6, 1.2)
    hit = net.names[int(np.argmax(net.book.debts))]
    shock = ct.Shock.loss({hit: 0.01 * net.balance_sheet.loc[hit, "external_assets"]})
    found, back = gradient(net, DR, shock), gradient(net, DR, shock, side="gain")
    weights = np.ones(len(net))
    base = losses_of(net, DR, shock, weights)["owners"][0]
    for name in net.names.drop(hit):
        more = losses_of(net, DR, shock + ct.Shock.loss({name: 1e-7}), weights)["owners"][0]
        slope = (more - base) / 1e-7
        if np.isnan(found.losses[name]):
            assert slope > 1e4
        else:
            assert found.losses[name] == pytest.approx(slope, rel=1e-5)
    untouched = result_of(net, DR, shock).loss == 0
    assert found.kinks == untouched.sum()
    assert (back.losses[untouched] == 1).all()


@pytest.mark.parametrize("capital", [5, 10])
def test_a_first_loss_that_grows_without_end(capital):
    """Two nodes hold 10 of each other: with leverage 2, or just 1, any loss fails both."""
    net = ct.ExposureNetwork.from_matrix(
        [[0, 10, 0], [10, 0, 0], [0, 0, 0]],
        list("abc"),
        orientation="debtor->creditor",
        equity=[capital, capital, 5],
    )
    found = gradient(net, DR)
    assert found.losses.isna().tolist() == [True, True, True]
    assert "without limit" in found.losses.reasons["a"]
    assert gradient(net, DR, side="gain").losses.tolist() == [1, 1, 1]
    hit = gradient(net, DR, ct.Shock.loss({"a": 1}))  # both have failed
    assert hit.losses.tolist() == [0, 0, 1]


def test_no_derivative_where_default_costs_jump():
    net = from_liabilities([[0, 10], [0, 0]], [12, 1])
    shock, model = ct.Shock.loss({"a": 2}), ct.models.RogersVeraart(0.5, 0.5)
    with pytest.raises(ct.ModelError, match=r"(?s)RogersVeraart .*boundary of default \('a'\)"):
        gradient(net, model, shock)
    assert gradient(net, model, shock, of="shortfall", side="gain").losses["a"] == 0
    weak = ct.models.RogersVeraart(0.5, 0.5, strict=False)
    assert gradient(net, weak, shock, of="shortfall").losses["a"] == 0.5
    with pytest.raises(ct.ModelError, match="boundary of default"):
        gradient(net, weak, shock, side="gain")
    assert gradient(net, ct.models.RogersVeraart(1, 1), shock, of="shortfall").losses["a"] == 1


# -- what has to hold -----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(10))
def test_a_unit_lost_is_borne_once(seed):
    """Clearing conserves value: owners and external creditors together bear every unit."""
    net = random_network(seed, 9, 2.0, {"tiers", "queues", "external_tiers", "venues", "insolvent"})
    shock = random_shock(net, seed)
    parts = [gradient(net, EN, shock, of=of).losses for of in ("owners", "external")]
    assert (parts[0] + parts[1]).tolist() == pytest.approx([1.0] * 9)


def test_order_of_rows_does_not_matter():
    nodes, exposures, options = random_tables(3, 8, 2.0, {"tiers", "external_tiers"})
    net = ct.ExposureNetwork(nodes, exposures, **options)
    shock, order = random_shock(net, 3), np.random.default_rng(0).permutation(len(exposures))
    other = ct.ExposureNetwork(nodes.iloc[::-1], exposures.iloc[order], **options)
    one, two = (gradient(n, EN, shock, of="shortfall") for n in (net, other))
    pd.testing.assert_series_equal(
        one.losses.values, two.losses.reindex(net.names), check_names=False
    )
    moved = one.exposures["gradient"].to_numpy()[order]
    assert two.exposures["gradient"].tolist() == pytest.approx(moved.tolist())


def test_parallel_claims_and_the_pinned():
    """What a pinned node pays is fixed: its cash saves nothing, its debts lose what is pinned."""
    net = from_liabilities([[0, 10], [0, 0]], [12, 1])
    shock = ct.Shock.default("a", recovery=0.4)
    found = gradient(net, EN, shock, of="shortfall")
    assert (found.value, found.losses["a"]) == (pytest.approx(6), 0)
    assert found.exposures["gradient"].tolist() == pytest.approx([0.6])
    assert gradient(net, EN, shock, of={"b": 1.0}).exposures["gradient"].tolist() == [0.6]
    # 12 less the 4 paid, 2 of it the owners'; one more owed: 0.4 more paid, 1 less of theirs
    spread = gradient(net, EN, shock, of="socialized")
    assert spread.value == pytest.approx(6)
    assert spread.exposures["gradient"].tolist() == pytest.approx([0.6])


def test_cash_that_goes_round_has_no_derivative():
    closed = csr_array(np.array([[0.0, 1.0], [1.0, 0.0]]))
    assert not adjoint.reaches_an_end(closed)
    net = from_liabilities([[0, 10], [10, 0]], [0, 0])
    with pytest.raises(ct.ConvergenceError, match="in a closed cycle"):
        gradient(net, EN, of="shortfall")
    assert gradient(net, EN, of="shortfall", side="gain").losses.tolist() == [0, 0]


# -- reasons and errors ---------------------------------------------------------------------------


def test_unknown_balance_sheets_and_rules_without_closed_form():
    nodes = {"node": ["a", "b", "c"], "external_assets": [12.0, 1.0, None]}
    owed = {"creditor": ["b", "c"], "debtor": ["a", "a"], "amount": [10, 2]}
    net = ct.ExposureNetwork(nodes, owed, missing_equity="external").with_rule("a", "equal_awards")
    for rule in (ct.rules.Priority(within=ct.rules.EqualLosses()), ct.rules.ProRata("weight")):
        other = ct.ExposureNetwork(
            nodes,
            {**owed, "amount": [6, 6], "weight": [1, 1]},
            missing_equity="external",
            rules={"a": rule},
        )
        found = gradient(other, EN, ct.Shock.loss({"a": 3}))
        assert found.exposures["gradient"].isna().all()
    found = gradient(net, EN, ct.Shock.loss({"a": 6}))
    assert found.losses.tolist() == pytest.approx([1, 1, 1])
    assert found.external_assets.reasons == {"c": "balance sheet not known"}
    assert found.capital.isna().tolist() == [False, False, True]
    assert found.exposures["gradient"].isna().all()
    assert "closed form" in found.exposures.reasons["gradient"][0]


def test_models_and_losses_that_have_none():
    net = from_liabilities([[0, 10], [0, 0]], [12, 1])
    for model in (ct.models.Furfine(), ct.models.GaiKapadia(), ct.DebtRank("single-hit")):
        with pytest.raises(ct.ModelError, match=type(model).__name__):
            gradient(net, model)
    for model in (EN, RV, DR):
        with pytest.raises(ct.ModelError, match="guarantees"):
            gradient(
                net.with_guarantees({"guarantor": ["b"], "debtor": ["a"], "amount": [1.0]}), model
            )
        with pytest.raises(ct.ModelError, match="shareholdings"):
            gradient(
                net.with_shareholdings({"owner": ["b"], "company": ["a"], "fraction": [0.1]}), model
            )
    with pytest.raises(ct.ModelError, match="DebtRank does not compute the loss 'socialized'"):
        gradient(net, DR, of="socialized")
    with pytest.raises(ValueError, match="choose 'owners'"):
        gradient(net, EN, of="everything")
    with pytest.raises(ValueError, match="side='up'"):
        gradient(net, EN, side="up")
    with pytest.raises(ct.ModelError, match="one finite number a node, 2 in all"):
        gradient(net, EN, of=np.ones(3))
    with pytest.raises(KeyError, match="Did you mean"):
        gradient(net, EN, of={"aa": 1.0})
    with pytest.raises(ct.ShockError, match="more than it has left to pay with"):
        gradient(from_liabilities([[0, 10], [0, 0]], [5, 1]), EN, ct.Shock.default("a", 1.0))


def test_it_reads(chain):
    net, shock = chain
    text = repr(gradient(net, EN, shock, of="shortfall"))
    assert "a 2, b 1" in text
    assert "0 nodes at a kink" in text
    series = pd.Series({"a": 0.0, "b": 0.0, "c": 2.0})
    assert gradient(net, EN, shock, of=series).value == pytest.approx(2)


def test_debtrank_has_no_derivative_where_the_first_loss_is_passed_on_whole():
    """a owes the vault 10, the vault owes b 10 and has no equity: the loss of b jumps by 10."""
    chain = np.diag([10.0, 10.0], 1)
    net = ct.ExposureNetwork.from_matrix(
        chain, ["a", "vault", "b"], orientation="debtor->creditor", external_assets=[14, 0, 30]
    )
    first = ct.measures.gradient(net, ct.DebtRank()).losses
    assert np.isnan(first["a"]) and np.isnan(first["vault"]) and first["b"] == 1.0
    assert "without limit" in first.reasons["a"]
    assert ct.measures.gradient(net, ct.DebtRank(), side="gain").losses.notna().all()
    moved = ct.measures.gradient(net, ct.DebtRank(), ct.Shock.loss({"a": 1.0}))
    assert moved.losses.tolist() == [1.0, 0.0, 1.0]  # b has lost the 10 whatever a loses more
