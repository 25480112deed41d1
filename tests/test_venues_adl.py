"""Rules of auto-deleveraging compared in research, and the measures of what the winners keep."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from contagion import rules, venues
from contagion.errors import RuleError, UnknownNameError
from contagion.venues import adl_research


def winners(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    k = int(rng.integers(2, 12))
    w = rng.lognormal(3, 1, k)
    return pd.DataFrame(
        {
            "claimant": [f"w{i}" for i in range(k)],
            "amount": w,
            "score": w,  # the largest winner first, as the theorem needs
            "profit": w,
            "cap": w * rng.uniform(0.1, 1, k),
            "weighted_profit": w * rng.uniform(1, 40, k),
            "contracts": rng.integers(1, 100, k),
        }
    )


def test_capped_pro_rata_fills_up_haircuts():
    """h_i = min(η, β_i): haircuts are equal wherever the cap does not bind, as in the algorithm."""
    for seed in range(50):
        claims = winners(seed)
        budget = 0.7 * claims["cap"].sum()
        done = adl_research.policies()["capped_pro_rata"].allocate(budget, claims).table["loss"]
        haircut, beta = done / claims["profit"], claims["cap"] / claims["profit"]
        eta = haircut[haircut < beta - 1e-9]
        assert np.ptp(eta) < 1e-9
        assert (haircut <= beta + 1e-12).all()
        assert (haircut[haircut >= beta - 1e-9] <= eta.max() + 1e-9).all()
        assert done.sum() == pytest.approx(budget)


@pytest.mark.parametrize("name", ["leverage_pro_rata", "risk_aware", "contract_pro_rata"])
def test_weighted_policies_raise_the_budget(name):
    """x_i = B v_i w_i / Σ v w below the caps; the printed formula misses the budget."""
    column = "contracts" if name == "contract_pro_rata" else "weighted_profit"
    for seed in range(50):
        claims = winners(seed)
        top = claims["cap"] if name == "risk_aware" else claims["amount"]
        small = 0.5 * (top / claims[column]).min() * claims[column].sum()
        policy = adl_research.policies()[name]
        done = policy.allocate(small, claims).table["loss"]
        np.testing.assert_allclose(done, small * claims[column] / claims[column].sum(), rtol=1e-12)
        large = policy.allocate(0.9 * top.sum(), claims)
        assert large.table["loss"].sum() == pytest.approx(0.9 * top.sum())
        assert (large.table["loss"] <= top * (1 + 1e-12)).all()


def test_whole_contracts_undershoot():
    """Pro rata on contracts, rounded down: what is missing is uncovered."""
    claims = {"claimant": ["a", "b", "c"], "amount": [7, 2, 1]}
    done = rules.ProRata().allocate(5, claims, lot=1)
    assert done.table["loss"].tolist() == [3, 1, 0]
    assert done.uncovered == 1


def test_gap_between_pro_rata_and_queue():
    """υ_PR − υ_queue = H (1 − υ/U) while H does not use up the top winner."""
    for seed in range(50):
        claims = winners(seed)
        top, total = claims["amount"].max(), claims["amount"].sum()
        others = claims["amount"].sort_values().iloc[-2]
        budget = 0.9 * (top - others)  # so the largest stays the largest in the queue
        policies = adl_research.policies()
        after = {k: policies[k].allocate(budget, claims) for k in ("queue", "wealth_pro_rata")}
        gap = adl_research.ptsr(after["wealth_pro_rata"]) - adl_research.ptsr(after["queue"])
        assert gap == pytest.approx(1 - top / total, abs=1e-9)
        assert adl_research.ptsr(after["queue"]) == pytest.approx((top - budget) / budget)


def test_measures_count_the_winners_alone():
    """A fund in front is not in the budget: 36 of 60 survive 40 pro rata, whatever came before."""
    claims = {"claimant": ["a", "b", "c"], "layer": "clawback", "amount": [60.0, 30.0, 10.0]}
    claims["profit"] = claims["amount"]
    done = venues.okx.okex_2018(fund=500).allocate(540, claims)
    assert adl_research.ptsr(done, layer="clawback") == 0.9
    assert adl_research.pmr(done, largest=18, layer="clawback") == 2.0
    assert adl_research.pmr(done, largest=36, theta=0.5, layer="clawback") == 2.0
    assert np.isnan(
        adl_research.ptsr(venues.okx.okex_2018(fund=500).allocate(0, claims), layer="clawback")
    )
    with pytest.raises(RuleError, match="Say whose profits count"):
        adl_research.ptsr(done)
    with pytest.raises(UnknownNameError, match="Did you mean 'clawback'"):
        adl_research.ptsr(done, layer="clawbak")
    with pytest.raises(RuleError, match="largest"):
        adl_research.pmr(done, largest=0, layer="clawback")
