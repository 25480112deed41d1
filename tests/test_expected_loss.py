"""Expected systemic loss and what exposures add: by hand, by enumeration and by sampling."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import Hasty, from_liabilities, random_network
from reference_adjoint import expected_loss

import contagion as ct
from contagion.measures import (
    MEASURES,
    default_impact,
    expected_systemic_loss,
    marginal_systemic_risk,
)
from contagion.measures.expected import draw_several


@pytest.fixture
def three() -> ct.ExposureNetwork:
    """a owes b 10, b owes c 6; capital 1, 3 and 4."""
    return ct.ExposureNetwork.from_matrix(
        [[0, 10, 0], [0, 0, 6], [0, 0, 0]],
        list("abc"),
        orientation="debtor->creditor",
        equity=[1, 3, 4],
    )


def random_p(net: ct.ExposureNetwork, seed: int, most: float = 0.4) -> dict[str, float]:
    draws = np.random.default_rng(seed).random(len(net))
    return {name: float(most * p) for name, p in zip(net.names, draws, strict=True)}


def test_single_defaults_by_hand(three):
    """a fails: 3 + 4 lost by others; b fails: 4. At 1 % and 10 %: 0.07 + 0.4."""
    found = expected_systemic_loss(three, ct.models.GaiKapadia(), {"a": 0.01, "b": 0.1, "c": 0.5})
    assert found.value == pytest.approx(0.47)
    assert found.table["loss"].tolist() == [7, 4, 0]
    assert found.table["contribution"].tolist() == pytest.approx([0.07, 0.4, 0])
    assert (found.error, found.method, found.known) == (0, "single", pytest.approx(0.47))
    assert "0.47 (single)" in repr(found)


def test_enumeration_by_hand(three):
    """a alone (0.01 · 0.9): 7; b alone (0.99 · 0.1): 4; both: 4. c never fails."""
    p = np.array([0.01, 0.1, 0.0])
    found = expected_systemic_loss(three, ct.models.GaiKapadia(), p, method="exact")
    assert found.value == pytest.approx(0.009 * 7 + 0.099 * 4 + 0.001 * 4)


def test_losses_are_default_impacts(three):
    for model in (ct.EisenbergNoe(), ct.DebtRank(), ct.models.Furfine(0.4)):
        found = expected_systemic_loss(three, model, np.full(3, 0.1), recovery=0.3)
        impact = default_impact(three, model, recovery=0.3)
        assert found.table["loss"].tolist() == pytest.approx(impact.tolist())
    short = random_network(3, 8, 2.0, {"insolvent", "unknown", "unfailing"})
    found = expected_systemic_loss(short, ct.EisenbergNoe(), np.full(8, 0.1), recovery=0.3)
    impact = default_impact(short, ct.EisenbergNoe(), recovery=0.3)
    assert found.table["loss"].tolist() == pytest.approx(impact.tolist())


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("model", [ct.EisenbergNoe(), ct.DebtRank()], ids=["clearing", "debtrank"])
def test_enumeration_against_the_plain_sum(seed, model):
    net = random_network(seed, 5, 2.0)
    p = random_p(net, seed)
    found = expected_systemic_loss(net, model, p, method="exact", recovery=0.2)
    assert found.value == pytest.approx(expected_loss(net, model, p, 0.2), rel=1e-9)
    assert found.error == 0


def test_single_is_the_first_order_in_the_probabilities():
    net, model = random_network(2, 6, 2.0), ct.EisenbergNoe()
    p = pd.Series(random_p(net, 2))
    gaps = []
    for scale in (1e-2, 1e-3):
        one, whole = (
            expected_systemic_loss(net, model, scale * p, method=m).value
            for m in ("single", "exact")
        )
        gaps.append(abs(one - whole) / whole)
    assert gaps[0] > 1e-4  # the sets of two are there
    assert gaps[1] == pytest.approx(gaps[0] / 10, rel=0.05)


@pytest.mark.parametrize("most", [0.5, 0.02])
def test_sampling_meets_the_enumeration(most):
    """Within four standard errors, also where two defaults are rare; the error is not idle."""
    net, model = random_network(4, 8, 2.0), ct.EisenbergNoe()
    p = random_p(net, 4, most)
    whole = expected_systemic_loss(net, model, p, method="exact").value
    found = expected_systemic_loss(net, model, p, method="sampled", samples=4000, rng=5)
    assert 0 < found.error < 0.02 * whole
    assert abs(found.value - whole) < 4 * found.error
    again = expected_systemic_loss(net, model, p, method="sampled", samples=4000, rng=5)
    assert again.value == found.value
    assert expected_systemic_loss(net, model, p, method="sampled", rng=6).value != found.value


def test_the_standard_error_is_the_spread_of_repeated_samples():
    net, model = random_network(4, 6, 2.0), ct.EisenbergNoe()
    runs = [
        expected_systemic_loss(
            net, model, random_p(net, 4), method="sampled", samples=200, rng=seed
        )
        for seed in range(60)
    ]
    spread = np.std([run.value for run in runs], ddof=1)
    assert np.mean([run.error for run in runs]) == pytest.approx(spread, rel=0.25)


def test_sets_of_two_and_more_have_their_probability():
    """Against all sets of four nodes, one of which fails for sure and one never."""
    p = np.array([0.3, 0.0, 1.0, 0.1, 0.6])
    sets = (np.arange(32)[:, None] >> np.arange(5)) & 1
    chance = np.where(sets, p, 1 - p).prod(axis=1)
    chance[sets.sum(axis=1) < 2] = 0.0
    chance /= chance.sum()
    drawn = draw_several(p, 40_000, np.random.default_rng(0)) @ (1 << np.arange(5))
    seen = np.bincount(drawn, minlength=32) / 40_000
    assert (seen[chance == 0] == 0).all()
    assert np.abs(seen - chance).max() < 5 * np.sqrt(0.25 / 40_000)


def test_when_only_one_can_fail_nothing_is_drawn(three):
    found = expected_systemic_loss(
        three, ct.models.GaiKapadia(), {"a": 0.5, "b": 0, "c": 0}, method="sampled"
    )
    assert (found.value, found.error) == (pytest.approx(3.5), 0)


def test_unknown_probabilities_are_not_zero(three):
    for method in ("single", "exact", "sampled"):
        found = expected_systemic_loss(
            three, ct.models.GaiKapadia(), {"a": 0.01, "c": 0}, method=method
        )
        assert np.isnan(found.value)
        assert found.known == pytest.approx(0.07)
        assert found.table["reason"].tolist() == ["", "probability not known", ""]
        assert np.isnan(found.table.loc["b", "contribution"])
        assert "without 1 node of unknown probability" in repr(found)
    table = marginal_systemic_risk(three, ct.DebtRank(), {"a": 0.01})
    assert table["exact"].isna().all()
    assert set(table["reason"]) == {"probability not known"}


def test_what_it_refuses(three):
    model = ct.models.GaiKapadia()
    with pytest.raises(ct.ModelError, match=r"'b' lies outside \[0, 1\] \(1.5\)"):
        expected_systemic_loss(three, model, {"a": 0.1, "b": 1.5})
    with pytest.raises(KeyError, match="Unknown node"):
        expected_systemic_loss(three, model, {"z": 0.1})
    with pytest.raises(ct.ModelError, match="3 in all"):
        expected_systemic_loss(three, model, np.ones(4))
    with pytest.raises(ValueError, match="choose 'single'"):
        expected_systemic_loss(three, model, np.ones(3), method="all")
    with pytest.raises(ValueError, match="at least 2"):
        expected_systemic_loss(three, model, np.full(3, 0.1), method="sampled", samples=1)
    many = random_network(0, 17, 1.0)
    with pytest.raises(ct.ModelError, match="method='sampled'"):
        expected_systemic_loss(many, model, np.full(17, 0.1), method="exact")
    slow = from_liabilities([[0, 10, 0], [10, 0, 1], [0, 0, 0]], [1, 1, 1], [2, 2, 0])
    with pytest.raises(ct.ConvergenceError, match="did not converge"):
        expected_systemic_loss(slow, Hasty(), np.full(3, 0.1))


# -- what an exposure adds ------------------------------------------------------------------------


def test_exposures_by_hand(three):
    """Without a→b nobody fails by a: 0.01 · 7. Without b→c neither of them costs c.

    That is 0.01 · 4 + 0.1 · 4 = 0.44.
    """
    table = marginal_systemic_risk(
        three, ct.models.GaiKapadia(), {"a": 0.01, "b": 0.1, "c": 0.5}, exposures=[0, 1]
    )
    assert table["exact"].tolist() == pytest.approx([0.07, 0.44])
    assert table["first_order"].isna().all()
    assert "GaiKapadia has no gradient" in table["reason"][0]


def test_first_order_by_hand():
    """DebtRank: b (equity 4, holds 2 of a) loses 2 when a fails, c (holds 1 of b, equity 5) 1/2.

    a→b adds 2 + 1/2, b→c adds 1/2 when a fails and 1 when b does; no cap binds, so the first
    order is exact for single claims: what they add is in proportion to them.
    """
    net = ct.ExposureNetwork.from_matrix(
        [[0, 2, 0], [0, 0, 1], [0, 0, 0]],
        list("abc"),
        orientation="debtor->creditor",
        equity=[5, 4, 5],
    )
    table = marginal_systemic_risk(net, ct.DebtRank(), {"a": 0.1, "b": 0.2, "c": 0.0})
    assert table["first_order"].tolist() == pytest.approx([0.25, 0.05 + 0.2])
    assert table["exact"].tolist() == pytest.approx([0.25, 0.25])
    assert (table["reason"] == "").all()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("model", [ct.EisenbergNoe(), ct.DebtRank()], ids=["clearing", "debtrank"])
def test_exact_is_the_difference_of_two_sums(seed, model):
    """Against the plain sum of both networks; equities are those of before."""
    net = random_network(seed, 6, 2.0, {"tiers", "insolvent"} if seed % 2 else set())
    p = pd.Series(random_p(net, seed))
    table = marginal_systemic_risk(net, model, p, recovery=0.1, exact=3)
    done = table["exact"].notna()
    assert done.sum() == 3
    assert (table["reason"] == "only the largest first-order effects were run").tolist() == (
        ~done
    ).tolist()
    assert table["first_order"][done].abs().min() >= table["first_order"][~done].abs().max()
    row = int(np.flatnonzero(done)[0])
    amount = net.amount.copy()
    amount[row] = 0
    other = net.with_amounts(amount, keep="equity")
    assert other.book.equity == pytest.approx(net.book.equity)
    both = [expected_systemic_loss(n, model, p, recovery=0.1).value for n in (net, other)]
    assert table["exact"][row] == pytest.approx(both[0] - both[1], abs=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_first_order_is_the_slope_at_the_network(seed):
    """A claim a millionth smaller changes the sum by a millionth of its first order."""
    model = (ct.EisenbergNoe(tolerance=1e-13), ct.DebtRank(tolerance=1e-13))[seed % 2]
    net = random_network(seed, 6, 2.0, {"insolvent", "unfailing", "unknown"} if seed > 2 else set())
    p = pd.Series(random_p(net, seed))
    table = marginal_systemic_risk(net, model, p, recovery=0.1, exact=0)
    whole = expected_systemic_loss(net, model, p, recovery=0.1).value
    for row in range(0, len(net.amount), 2):
        amount = net.amount.copy()
        amount[row] *= 1 - 1e-6
        other = net.with_amounts(amount, keep="equity")
        change = (whole - expected_systemic_loss(other, model, p, recovery=0.1).value) / 1e-6
        assert table["first_order"][row] == pytest.approx(change, rel=1e-4, abs=1e-4 * whole)


def test_what_the_failing_node_loses_itself_is_left_out():
    """a, unknown, lost 15 on c before anything happens; when it fails b loses 0.6 of 10."""
    nodes = {"node": ["a", "b", "c"], "external_assets": [None, 9, 5]}
    owed = {"creditor": ["b", "a"], "debtor": ["a", "c"], "amount": [10, 20]}
    net = ct.ExposureNetwork(nodes, owed, missing_equity="external")
    p = {"a": 0.5, "b": 0, "c": 0}
    table = marginal_systemic_risk(net, ct.EisenbergNoe(), p, recovery=0.4)
    assert table["first_order"].tolist() == pytest.approx([3, 0])
    assert table["exact"].tolist() == pytest.approx([3, 0])


def test_rules_without_closed_form_are_run():
    net = random_network(3, 6, 2.0, {"venues"})
    table = marginal_systemic_risk(net, ct.EisenbergNoe(), np.full(6, 0.1), exact=50)
    assert table["first_order"].isna().any()
    assert table["exact"].notna().all()
    assert table["reason"][table["first_order"].isna()].str.startswith("no closed form").all()


def test_what_exposures_refuse(three):
    p = np.full(3, 0.1)
    with pytest.raises(ct.ModelError, match="does not compute a gradient"):
        marginal_systemic_risk(three, ct.models.GaiKapadia(), p)
    with pytest.raises(ct.ModelError, match=r"no exposure 7: .* 0 to 1"):
        marginal_systemic_risk(three, ct.DebtRank(), p, exposures=[7])


def test_definitions():
    assert MEASURES["expected_systemic_loss"].scope == "system"
    assert MEASURES["marginal_systemic_risk"].scope == "exposure"
