"""Interventions one by one, and their comparison: by hand, with conservation, input untouched."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import from_liabilities, random_network, random_shock

import contagion as ct
from contagion.experiments import policy
from contagion.experiments.policy.runs import put_up
from contagion.experiments.policy.same import same_scenarios, same_shock
from contagion.experiments.stress.spec import network_digest

BOOK = ct.liquidation.MarginBook(
    {"X": 100.0},
    positions=[{"venue": "v", "holder": "h", "instrument": "X", "size": 10, "margin": 100}],
)


@pytest.fixture
def pair() -> ct.ExposureNetwork:
    """a owes b 10; a has 12 and equity 2, b has 20 and equity 30."""
    return from_liabilities([[0, 10], [0, 0]], [12, 20])


@pytest.fixture
def venues() -> ct.ExposureNetwork:
    return ct.datasets.load("three_venues")


EVERY = [
    policy.Capital(add=1.0),
    policy.Capital(ratio=0.3),
    policy.Capital(add={"b": 2.0}) + policy.Netting(),
    policy.InsuranceFund("a", 3.0),
    policy.Collateral(0.2),
    policy.ExposureLimit(0.25),
    policy.ExposureLimit(0.25, repaid="refinanced"),
    policy.Netting(),
    policy.Netting(pairs=(("a", "b"),)),
    policy.Compression(),
    policy.Compression("non_conservative"),
    policy.Novation("d"),
    policy.RuleChange({"a": "equal_losses"}),
]
RAISES = (policy.Capital, policy.InsuranceFund)


@pytest.mark.parametrize("one", EVERY, ids=repr)
def test_the_input_stays_and_equity_moves_only_where_money_is_put_up(one):
    net = from_liabilities(
        [[0, 10, 4, 0], [6, 0, 5, 0], [3, 7, 0, 2], [0, 1, 0, 0]], [20, 20, 20, 9], [3, 4, 5, 2]
    )
    before, equity = network_digest(net), net.book.equity.copy()
    after = one.apply(net)
    assert network_digest(net) == before and (net.book.equity == equity).all()
    assert list(after.names) == list(net.names)
    rise = after.book.equity - equity
    parts = one.parts if isinstance(one, policy.Combination) else (one,)
    raised = any(isinstance(part, RAISES) for part in parts)
    assert rise.sum() == pytest.approx(one.cost(net) if raised else 0.0, abs=1e-9)
    assert (rise > -1e-9).all()
    assert put_up(net, after).sum() == pytest.approx(rise.sum(), abs=1e-9)


# -- by hand ---------------------------------------------------------------------------------


def test_capital(pair):
    one = policy.Capital(add={"a": 3.0}, price=0.1)
    assert one.apply(pair).balance_sheet["equity"].tolist() == [5.0, 30.0]
    assert one.cost(pair) == pytest.approx(0.3)
    assert policy.Capital(add=1.5).cost(pair) == 3.0  # both nodes
    ratio = policy.Capital(ratio={"a": 0.5})
    sheet = ratio.apply(pair).balance_sheet.loc["a"]
    assert sheet["equity"] / (sheet["external_assets"] + sheet["claims"]) == pytest.approx(0.5)
    assert policy.Capital(ratio=0.5, nodes=["b"]).cost(pair) == 0.0  # it has 30 of 30
    assert policy.Capital(ratio=0.5, nodes="b").apply(pair) is pair


def test_collateral_is_settled_ahead(pair):
    after = policy.Collateral(0.4).apply(pair)
    assert after.amount.tolist() == [6.0]
    assert after.balance_sheet["external_assets"].tolist() == [8.0, 24.0]
    assert set(after.changes["what"]) == {"collateral settled"}
    assert policy.Collateral(0.4, nodes=["b"]).apply(pair) is pair
    assert policy.Collateral(0.4, price=0.02).cost(pair) == pytest.approx(0.08)


def test_collateral_tops_up_what_is_pledged():
    nodes = {"node": ["a", "b"], "external_assets": [5, 20]}
    owed = {"creditor": ["a"], "debtor": ["b"], "amount": [10], "collateral": [3]}
    net = ct.ExposureNetwork(nodes, owed, collateral="ignore")
    one = policy.Collateral(0.5)
    assert one.cost(net) == 2.0 and one.apply(net).amount.tolist() == [5.0]
    assert policy.Collateral(0.2).cost(net) == 0.0


def test_an_exposure_limit(pair):
    """b may hold 0.1 · 30 = 3 of a; 7 are repaid, out of the 12 that a has or by a new lender."""
    cash = policy.ExposureLimit(0.1).apply(pair)
    assert cash.amount.tolist() == [3.0]
    assert cash.balance_sheet["external_assets"].tolist() == pytest.approx([5.0, 27.0])
    other = policy.ExposureLimit(0.1, repaid="refinanced").apply(pair).balance_sheet
    assert other["external_assets"].tolist() == [12.0, 27.0]
    assert other["external_liabilities"].tolist() == [7.0, 0.0]
    assert policy.ExposureLimit(0.1).cost(pair) == 0.0
    assert policy.ExposureLimit(0.1, price=0.5).cost(pair) == pytest.approx(3.5)
    assert policy.ExposureLimit(0.1, nodes=["a"]).apply(pair) is pair


def test_an_exposure_limit_counts_all_claims_of_a_pair():
    nodes = {"node": ["a", "b"], "external_assets": [50, 0], "equity": [35, 10]}
    owed = {"creditor": ["b", "b"], "debtor": ["a", "a"], "amount": [10, 5], "tier": [1, 2]}
    net = ct.ExposureNetwork(nodes, owed, duplicates="keep")
    limited = policy.ExposureLimit(0.3).apply(net)
    assert limited.amount.tolist() == pytest.approx([2.0, 1.0])
    found = ct.measures.scorecards.large_exposures(net, limit=0.3)["excess"]
    assert found.tolist() == pytest.approx([policy.ExposureLimit(0.3).cut(net).sum()])


def test_a_combination_is_applied_in_order(pair):
    """Capital at 50 % of assets costs less after half of a's debts are paid."""
    half, ratio = policy.Collateral(0.5), policy.Capital(ratio=0.5, nodes=["a"])
    assert ratio.cost(pair) == pytest.approx((6 - 2) / 0.5)
    assert (half + ratio).cost(pair) == pytest.approx(5 + (3.5 - 2) / 0.5)
    assert (ratio + half).cost(pair) == pytest.approx(8 + 5)
    both = (half + ratio) + policy.Netting()
    assert len(both.parts) == 3
    assert repr(both).startswith("Collateral(share=0.5) + Capital(")


def test_what_does_not_apply_says_so(pair, venues):
    halt = policy.CircuitBreaker(ct.liquidation.Halt())
    with pytest.raises(ct.PolicyError, match="acts on a market"):
        halt.apply(pair)
    with pytest.raises(ct.PolicyError, match="acts on an ExposureNetwork"):
        policy.Netting().market(BOOK, ct.liquidation.LiquidationCascade())
    with pytest.raises(ct.UnknownNameError, match="Did you mean 'exchange'"):
        policy.InsuranceFund("exchnge", 3.0).apply(venues)
    with pytest.raises(ct.PolicyError, match=r"'a' would post 9 and has external assets of 8"):
        policy.Collateral(0.9).apply(from_liabilities([[0, 10], [0, 0]], [8, 1]))
    owned = pair.with_shareholdings([{"owner": "b", "company": "a", "fraction": 0.5}])
    with pytest.raises(ct.PolicyError, match="shareholdings"):
        policy.Capital(add=1.0).apply(owned)
    blank = ct.ExposureNetwork(
        None, {"creditor": ["x"], "debtor": ["y"], "amount": [3]}, missing_equity="external"
    )
    with pytest.raises(ct.PolicyError, match="balance sheet of 'y' is not known"):
        policy.Capital(add={"y": 1.0}).apply(blank)
    assert policy.Capital(add=1.0).cost(blank) == 0.0


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: policy.Capital(), "one of them"),
        (lambda: policy.Capital(add=1, ratio=0.1), "one of them"),
        (lambda: policy.Capital(add=-1), "add has to be >= 0"),
        (lambda: policy.Capital(ratio=1.0), "below 1"),
        (lambda: policy.Capital(add={"a": float("nan")}), "finite"),
        (lambda: policy.InsuranceFund("a", float("inf")), "finite"),
        (lambda: policy.Collateral(1.2), "0 to 1"),
        (lambda: policy.ExposureLimit(repaid="gold"), "cash"),
        (lambda: policy.Netting(pairs=(("a", "b"),), sets="s"), "not both"),
        (lambda: policy.RuleChange({}), "nothing changes"),
        (lambda: policy.Netting(price=-1.0), "price has to be >= 0"),
    ],
)
def test_bad_parameters(make, words):
    with pytest.raises(ct.ContagionError, match=words):
        make()


def test_a_mapping_has_to_name_every_node(pair):
    with pytest.raises(ct.PolicyError, match="'b'"):
        policy.Capital(add={"a": 1.0}, nodes=["a", "b"]).apply(pair)


# -- one shock -------------------------------------------------------------------------------


def test_a_fund_by_hand(pair):
    """a loses 9 of 12 and pays 3: its owners bear 2 and b 7. A fund of 5 takes 5 of that."""
    found = policy.compare(
        pair,
        ct.EisenbergNoe(),
        ct.Shock.loss({"a": 9.0}),
        {
            "fund": policy.InsuranceFund("a", 5.0),
            "too large": policy.InsuranceFund("a", 10.0),
            "of b": policy.Capital(add={"b": 5.0}),
        },
    )
    table = found.table
    assert table["loss"].tolist() == [9.0, 4.0, 2.0, 9.0]
    assert table["funded"].tolist() == [0.0, 5.0, 7.0, 0.0]
    assert table["socialized"].tolist() == [7.0, 2.0, 0.0, 7.0]
    assert table["shortfall"].tolist() == [7.0, 2.0, 0.0, 7.0]
    assert table["defaults"].tolist() == [1.0, 1.0, 0.0, 1.0]
    assert table["avoided"].tolist() == [0.0, 5.0, 7.0, 0.0]
    assert table["avoided_per_cost"].tolist()[1:] == [1.0, 0.7, 0.0]
    assert np.isnan(table["avoided_per_cost"].iloc[0])
    assert table.reasons == {"avoided_per_cost": {"as given": "costs nothing"}}
    assert found.nodes.loc["b"].tolist() == [7.0, 2.0, 0.0, 7.0]


def test_money_of_a_bystander_comes_after_its_equity():
    """b loses 10 and has equity 4: 6 fall on its creditors, of which capital of 3 takes 3."""
    net = from_liabilities([[0, 10], [0, 0]], [12, 6], [0, 12])
    found = policy.compare(
        net,
        ct.EisenbergNoe(),
        ct.Shock.loss({"a": 12.0}),
        {"capital": policy.Capital(add={"b": 3.0}), "more": policy.Capital(add={"b": 9.0})},
    ).table
    assert found["loss"].tolist() == [12.0, 9.0, 6.0]
    assert found["owners_loss"].tolist() == [6.0, 6.0, 6.0]  # 2 of a, 4 of b
    assert found["external_loss"].tolist() == [6.0, 3.0, 0.0]
    assert found["funded"].tolist() == [0.0, 3.0, 6.0]
    assert found["socialized"].tolist() == [10.0, 7.0, 4.0]


def test_the_shock_is_the_same_money(pair):
    """Half of a's assets are 6, whatever cash it raises, and 4 where it has only 4 left."""
    shock = ct.Shock.relative(0.5, ["a"])
    rich = policy.Capital(add={"a": 100.0}).apply(pair)
    assert same_shock(shock, pair, rich) == ct.Shock.loss({"a": 6.0})
    assert same_shock(shock, pair, policy.Collateral(0.8).apply(pair)) == ct.Shock.loss({"a": 4.0})
    pinned = ct.Shock.default("a", recovery=0.3)
    assert same_shock(pinned, pair, rich) == pinned
    found = policy.compare(pair, ct.EisenbergNoe(), shock, {"all": policy.Collateral(0.8)})
    assert found.table["initial_loss"].tolist() == [6.0, 4.0]
    assert "all: the shock destroys 2 less" in repr(found)


def test_without_effect_is_as_given(venues):
    found = policy.compare(
        venues,
        ct.EisenbergNoe(),
        ct.Shock.default("desk"),
        {"nothing": policy.RuleChange({"exchange": venues.rules["exchange"]})},
        baseline="cleared",
    ).table
    assert (
        found.loc["nothing"]
        .drop("avoided_per_cost")
        .equals(found.loc["as given"].drop("avoided_per_cost"))
    )
    assert found.loc["as given", "initial_loss"] == pytest.approx(100.0)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("baseline", ["book", "cleared"])
def test_value_is_conserved_and_money_avoids_at_most_itself(seed, baseline):
    """Losses + funds = initial + missing + deadweight + relief, from the tables."""
    net = random_network(seed, 9, 2.5, {"insolvent"} if seed % 2 else set())
    shock, rng = random_shock(net, seed), np.random.default_rng(seed)
    scale = float(np.abs(net.book.external_assets).sum())
    sums = {name: float(x) for name, x in zip(net.names, rng.exponential(5.0, 9), strict=True)}
    names = {f"{k}": policy.Capital(add={n: k * x for n, x in sums.items()}) for k in (0.5, 1, 2)}
    for model in (ct.EisenbergNoe(), ct.models.RogersVeraart(0.8, 0.7, which="greatest")):
        found = policy.compare(net, model, shock, names, baseline=baseline)
        table = found.table
        for name, result in found.results.items():
            s, row = result.socialization, table.loc[name]
            right = s.initial_loss + s.missing_before + s.deadweight + s.relief
            left = row["loss"] + row["funded"]
            assert left == pytest.approx(right, abs=1e-9 * scale)
            assert row["funded"] <= table.loc[name, "cost"] * (1 + 1e-12)
            assert row["loss"] == row["owners_loss"] + row["external_loss"]
        if baseline == "book":  # else more is there to be lost after capital has mended it
            for of in ("owners_loss", "external_loss", "shortfall", "loss"):
                assert (np.diff(table[of]) <= 1e-8 * scale).all(), of
        assert (np.diff(table["defaults"]) <= 0).all()
        if model == ct.EisenbergNoe():
            avoided = table["loss"].iloc[0] - table["loss"]
            assert (avoided <= table["cost"] + 1e-8 * scale).all()


def test_models_that_do_not_settle_have_losses_only(venues):
    net = venues.with_guarantees(None)
    found = policy.compare(
        net, ct.DebtRank(), ct.Shock.default("desk"), {"bank": policy.Capital(add={"bank_1": 9.0})}
    )
    assert list(found.table)[:3] == ["loss", "funded", "defaults"]
    assert found.of == "loss" and repr(found)
    with pytest.raises(ct.UnknownNameError, match="Unknown measure 'socialized'"):
        policy.compare(net, ct.DebtRank(), ct.Shock(), {"net": policy.Netting()}, of="socialized")


def test_nothing_to_compare(pair):
    model, shock = ct.EisenbergNoe(), ct.Shock()
    with pytest.raises(ct.PolicyError, match="Nothing to compare"):
        policy.compare(pair, model, shock, {})
    with pytest.raises(ct.PolicyError, match="is the unchanged network"):
        policy.compare(pair, model, shock, {"as given": policy.Netting()})
    with pytest.raises(ct.PolicyError, match="'x' is a float"):
        policy.compare(pair, model, shock, {"x": 1.0})
    with pytest.raises(ct.UnknownNameError, match="Did you mean 'defaults'"):
        policy.compare(pair, model, shock, {"x": policy.Netting()}, of="default")


def test_tables_fit_into_80_columns(venues):
    found = policy.compare(
        venues,
        ct.EisenbergNoe(),
        ct.Shock.default("desk"),
        {
            "a fund of the exchange with a long name": policy.InsuranceFund("exchange", 20.0),
            "limit": policy.ExposureLimit(),
            "pro rata": policy.RuleChange({"exchange": "pro_rata"}),
        },
        baseline="cleared",
    )
    text = repr(found).splitlines()
    assert max(map(len, text)) <= 79
    assert text[3].split()[-6:] == ["80", "80", "0", "20", "20", "2"] or "…" in text[3]
    assert "in USD m" in text[0]
    big = ct.datasets.load("cefi_credit_2022")
    shown = policy.compare(
        big,
        ct.EisenbergNoe(),
        ct.Shock.default("three_arrows"),
        {"genesis": policy.Capital(add={"genesis": 1e9})},
        baseline="cleared",
    )
    assert max(map(len, repr(shown).splitlines())) <= 79 and "in USD m" in repr(shown)
    assert shown.table.loc["genesis", "avoided"] == pytest.approx(1e9)


# -- scenarios -------------------------------------------------------------------------------


def test_scenarios_by_hand(pair):
    """a loses 9, 6 or nothing: 7, 4 and 0 are socialized; with a fund of 5 that is 2, 0 and 0."""
    shocks = [ct.Shock.loss({"a": 9.0}), ct.Shock.loss({"a": 6.0}), ct.Shock()]
    scenarios = ct.scenarios.from_shocks(pair, shocks)
    found = policy.compare(
        pair, ct.EisenbergNoe(), scenarios, {"fund": policy.InsuranceFund("a", 5.0)}, levels=(0.5,)
    )
    assert found.values("fund", "socialized").tolist() == [2.0, 0.0, 0.0]
    assert found.values("fund", "funded").tolist() == [5.0, 4.0, 0.0]
    assert found.values("fund", "loss").tolist() == [4.0, 2.0, 0.0]
    mean = found.differences().loc["fund"]
    assert mean[["before", "after", "difference"]].tolist() == pytest.approx([11 / 3, 2 / 3, -3.0])
    errors = ["standard_error", "low", "high", "independent_error"]
    assert mean[errors].isna().all() and "a list" in found.differences().reasons["low"]["fund"]
    assert "±" not in repr(found) and "a list of scenarios, not a sample" in repr(found)
    assert mean["avoided_per_cost"] == pytest.approx(0.6)
    var = found.differences(statistic="value_at_risk", level=0.5).loc["fund"]
    assert var[["before", "after"]].tolist() == [4.0, 0.0]
    rows = found.table.index.tolist()
    assert rows[0] == ("fund", "socialized", "mean") and len(rows) == 6
    assert ("fund", "loss", "ES 0.5") in rows


def test_scenarios_say_what_one_shock_at_a_time_says(venues):
    """Also for money of bystanders, whom the scenario does not hit, and for less to destroy."""
    rng = np.random.default_rng(5)
    shocks = [ct.Shock.loss({"desk": float(x)}) for x in rng.uniform(20, 100, 6)]
    shocks += [ct.Shock.loss({"bank_1": float(x)}) for x in rng.uniform(20, 140, 3)]
    shocks.append(ct.Shock.default("exchange", recovery=0.2))
    scenarios = ct.scenarios.from_shocks(venues, shocks)
    names = {
        "fund": policy.InsuranceFund("exchange", 20.0),
        "desk": policy.Collateral(0.6, nodes=["desk"]),
        "both": policy.Capital(add=3.0) + policy.Collateral(0.2, nodes=["desk"]),
    }
    many = policy.compare(venues, ct.EisenbergNoe(), scenarios, names, baseline="cleared")
    for at, shock in enumerate(shocks):
        one = policy.compare(venues, ct.EisenbergNoe(), shock, names, baseline="cleared").table
        for name in one.index:
            for of in ("initial_loss", "socialized", "loss", "external_loss", "funded"):
                got = many.values(name, of)[at]
                assert got == pytest.approx(one.loc[name, of], abs=1e-6), (at, name, of)
    assert "desk: the scenarios destroy" in repr(many)
    assert max(map(len, repr(many).splitlines())) <= 79


def test_nothing_less_is_not_said(venues):
    """The desk posts all that it has, but the scenarios never hit it."""
    shocks = [ct.Shock.loss({"bank_1": x}) for x in (20.1, 30.7, 40.3)]
    names = {"desk": policy.Collateral(0.6, nodes=["desk"])}
    scenarios = ct.scenarios.from_shocks(venues, shocks)
    found = policy.compare(venues, ct.EisenbergNoe(), scenarios, names)
    assert "within" in found.tests["desk"].spec["scenarios"]
    assert "less on average" not in repr(found)
    hit = ct.scenarios.from_shocks(venues, [ct.Shock.relative(0.9, ["desk"]), *shocks])
    assert "less on average" in repr(policy.compare(venues, ct.EisenbergNoe(), hit, names))


def test_scenarios_within_what_is_left(venues):
    base = ct.scenarios.common_factor(
        venues,
        volatility=0.6,
        correlation=0.3,
        scenarios=3000,
        sampling=ct.scenarios.Sampling(antithetic=True),
        rng=3,
    )
    assert same_scenarios(base, policy.Capital(add=1.0).apply(venues)) is base
    after = policy.Collateral(0.6, nodes=["desk"]).apply(venues)
    cut = same_scenarios(base, after)
    want = np.minimum(base.draw(0, 3000).losses, np.nan_to_num(after.book.external_assets))
    assert (cut.draw(0, 3000).losses == want).all() and (want < base.draw(0, 3000).losses).any()
    assert (cut.draw(700, 1500).losses == want[700:1500]).all()
    assert (cut.groups == base.groups).all() and (cut.group(4, 9) == base.group(4, 9)).all()
    assert cut.unit_weights and not cut.pins and cut.labels.equals(base.labels)
    assert cut.digest() != base.digest() and "within" in cut.spec()
    with pytest.raises(ct.PolicyError, match="other nodes"):
        same_scenarios(base, from_liabilities([[0, 1], [0, 0]], [1, 1]))


def test_pairing_pays(venues):
    scenarios = ct.scenarios.common_factor(
        venues, volatility=0.3, correlation=0.4, scenarios=2000, rng=7
    )
    names = {
        "fund": policy.InsuranceFund("exchange", 20.0),
        "banks": policy.Capital(ratio=0.2, nodes=["bank_1", "bank_2", "bank_3", "bank_4"]),
        "rule": policy.RuleChange({"exchange": "pro_rata"}),
    }
    found = policy.compare(venues, ct.EisenbergNoe(), scenarios, names, baseline="cleared")
    table = found.table
    assert (table["standard_error"] < 0.5 * table["independent_error"]).all()
    assert (table["low"] <= table["difference"]).all()
    assert (table["difference"] <= table["high"]).all()
    assert (table.loc[["fund", "banks"], "difference"] <= 1e-9).all()
    again = policy.compare(venues, ct.EisenbergNoe(), scenarios, names, baseline="cleared")
    pd.testing.assert_frame_equal(table, again.table)
    with pytest.raises(ct.UnknownNameError, match="intervention"):
        found.values("fnd", "loss")
    with pytest.raises(ct.UnknownNameError, match="measure"):
        found.values("fund", "socialised")


def test_likelihood_ratios_are_honoured(venues):
    scenarios = ct.scenarios.common_factor(
        venues,
        volatility=0.3,
        correlation=0.4,
        scenarios=1000,
        sampling=ct.scenarios.Sampling(tilt=1.5),
        rng=7,
    )
    weight = scenarios.draw(0, 1000).weights
    found = policy.compare(
        venues, ct.EisenbergNoe(), scenarios, {"fund": policy.InsuranceFund("exchange", 20.0)}
    )
    change = found.values("fund", "loss") - found.values("as given", "loss")
    mean = found.differences("loss").loc["fund"]
    assert mean["difference"] == pytest.approx((weight * change).mean())
    assert mean["standard_error"] == pytest.approx((weight * change).std(ddof=1) / 1000**0.5)
    assert mean["before"] == pytest.approx(found.tests["as given"].mean().value)
    for statistic in ("value_at_risk", "expected_shortfall"):
        row = found.differences("loss", statistic, level=0.95).loc["fund"]
        assert row["before"] == pytest.approx(
            getattr(found.tests["as given"], statistic)(0.95).value
        )
        assert 0 < row["standard_error"] < row["independent_error"]


def test_without_convergence_there_is_no_error(pair):
    shocks = [ct.Shock.loss({"a": float(x)}) for x in (9, 6, 3)]
    scenarios = ct.scenarios.from_shocks(pair, shocks)
    found = policy.compare(
        pair, ct.EisenbergNoe(), scenarios, {"fund": policy.InsuranceFund("a", 5.0)}
    )
    test, used = found.runs["fund"]
    columns = {**test.columns, "converged": np.array([[True, False, True]])}
    runs = {**found.runs, "fund": (replace(test, columns=columns), used)}
    open_ = replace(found, runs=runs).differences()
    assert open_.loc["fund", "difference"] == found.differences().loc["fund", "difference"]
    assert open_[["standard_error", "low", "high"]].isna().all(axis=None)
    assert open_.reasons["low"] == {"fund": "1 scenario did not converge"}


def test_scenarios_of_a_model_that_does_not_settle(pair):
    scenarios = ct.scenarios.common_factor(
        pair, volatility=0.5, correlation=0.4, scenarios=200, rng=1
    )
    found = policy.compare(pair, ct.DebtRank(), scenarios, {"c": policy.Capital(add=5.0)})
    assert found.of == "loss" and set(found.table.index.get_level_values("measure")) == {"loss"}
    assert "loss" in repr(found)


# -- cascades --------------------------------------------------------------------------------


def test_circuit_breakers():
    """A sale of 10 at a depth of 100 costs 5 % of 88; halves of it cost less at the start only."""
    cascade = ct.liquidation.LiquidationCascade(impact=ct.liquidation.Linear(depth=100))
    names = {
        "throttle": policy.CircuitBreaker(ct.liquidation.Throttle(4.0), price=2.0),
        "freeze": policy.CircuitBreaker((ct.liquidation.Freeze((0,)),)),
        "both": policy.CircuitBreaker(ct.liquidation.Throttle(4.0), price=2.0)
        + policy.CircuitBreaker(ct.liquidation.Freeze((0,)), price=1.0),
    }
    found = policy.compare_cascades(BOOK, cascade, {"X": -0.12}, names)
    assert found["loss"].round(6).tolist()[0] == 164.0
    assert found.loc["freeze", ["loss", "deficits", "latent", "liquidated"]].tolist() == [
        120.0,
        0.0,
        20.0,
        0.0,
    ]
    assert found["cost"].tolist() == [0.0, 2.0, 0.0, 3.0]
    assert found.loc["both", "loss"] == 120.0
    assert found.loc["both", "avoided_per_cost"] == pytest.approx(44 / 3)
    assert found.loc["throttle", "rounds"] > found.loc["as given", "rounds"]
    assert cascade.breakers == ()
    _, kept = policy.CircuitBreaker(ct.liquidation.Halt()).market(
        BOOK, ct.liquidation.LiquidationCascade(breakers=(ct.liquidation.Throttle(1.0),))
    )
    assert [type(one).__name__ for one in kept.breakers] == ["Throttle", "Halt"]
    with pytest.raises(ct.PolicyError, match="acts on an ExposureNetwork"):
        policy.compare_cascades(BOOK, cascade, {"X": -0.12}, {"x": policy.Netting()})
    with pytest.raises(ct.PolicyError, match="Nothing"):
        policy.compare_cascades(BOOK, cascade, {"X": -0.12}, {})
    with pytest.raises(ct.PolicyError, match="is the unchanged cascade"):
        policy.compare_cascades(BOOK, cascade, {"X": -0.12}, {"as given": names["freeze"]})
