"""The loss given default of a claim goes before the parameter, in every model that takes one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import contagion as ct

v = ct.models.valuations
TAKERS = {
    "furfine": lambda rate: ct.models.Furfine(rate),
    "credit funding": lambda rate: ct.models.CreditFunding(rate, 0.0),
    "overlapping portfolios": lambda rate: ct.models.OverlappingPortfolios(loss_given_default=rate),
    "valuation": lambda rate: ct.models.NetworkValuation(v.Furfine(1 - np.array(rate))),
}
every = pytest.mark.parametrize("make", TAKERS.values(), ids=TAKERS.keys())


def chain(*rates: float, equity: float = 5.0) -> ct.ExposureNetwork:
    """a owes b 10, b owes c 10."""
    nodes = pd.DataFrame({"node": list("abc"), "equity": [1.0, equity, 20.0]})
    owed = pd.DataFrame({"creditor": ["b", "c"], "debtor": ["a", "b"], "amount": 10.0})
    return ct.ExposureNetwork(nodes, owed.assign(lgd=list(rates)) if rates else owed)


@every
def test_the_column_goes_before_the_parameter(make):
    """Furfine(.9) and lgd .2 on the claim of c: it loses 2, not 9."""
    for shock, first in ((ct.Shock.default("a", recovery=0.25), 7.5), (ct.Shock.loss({"a": 2}), 9)):
        result = make(0.9).propagate(chain(np.nan, 0.2), shock)
        assert result.outcome.claims_lost.tolist() == pytest.approx([0, first, 2])
        assert result.flows["loss"].tolist() == pytest.approx([first, 2])
        assert result.table["loss"].tolist() == pytest.approx([1, 5, 2])
        assert result.audit()["ok"].all()


@every
def test_it_holds_whatever_a_pinned_default_recovers(make):
    for recovery in (0.0, 0.5, 1.0):
        shock = ct.Shock.default("a", recovery=recovery)
        result = make(0.9).propagate(chain(0.3, np.nan), shock)
        assert result.outcome.claims_lost.tolist() == pytest.approx([0, 3, 0])
        assert result.outcome.defaulted.tolist() == [True, False, False]


@every
def test_a_small_rate_stops_the_cascade_and_a_large_one_starts_it(make):
    stops = make(0.9).propagate(chain(0.4, np.nan), ct.Shock.loss({"a": 2}))
    starts = make(0.1).propagate(chain(0.6, 1.0), ct.Shock.loss({"a": 2}))
    assert stops.outcome.claims_lost.tolist() == pytest.approx([0, 4, 0])
    assert starts.outcome.claims_lost.tolist() == pytest.approx([0, 6, 10])


@every
def test_all_rates_equal_is_the_parameter_and_a_batch_is_its_scenarios(make):
    own, plain = chain(0.6, 0.6), chain()
    losses = np.array([[2.0, 0, 0], [0, 6, 0], [0, 0, 0]])
    one, two = make(0.1).solve(own, losses), make(0.6).solve(plain, losses)
    np.testing.assert_allclose(one.claims_lost, two.claims_lost)
    np.testing.assert_allclose(one.equity, two.equity)
    for k, loss in enumerate(losses):
        np.testing.assert_allclose(make(0.1).solve(own, loss).equity, one.equity[k])


def test_rates_above_one_are_refused():
    with pytest.raises(ct.NetworkError, match="column lgd: 1 cell in row 0 is not a number from"):
        chain(20.0, np.nan)


def test_a_model_without_recovery_says_so():
    for rates in ((np.nan, np.nan), (1.0, np.nan)):
        ct.models.GaiKapadia().propagate(chain(*rates), ct.Shock.default("a"))
    with pytest.raises(ct.ModelError, match=r"1 claims have an lgd below 1\. Use Furfine\(1\.0"):
        ct.models.GaiKapadia().propagate(chain(0.5, np.nan), ct.Shock.default("a"))


def test_a_network_with_rates_says_who_uses_them():
    found = chain(0.5, np.nan).check().set_index("code")
    assert "1 claim has an lgd. Furfine, CreditFunding" in found.loc["W015", "message"]
    assert "W015" not in set(chain(np.nan, np.nan).check()["code"])
