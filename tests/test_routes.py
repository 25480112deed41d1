"""Routes of channels: exactly which nodes are linked, where a hop alone would not tell."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array
from test_hops import LINEAR, network, two_markets

import contagion as ct
from contagion.models.channels import Funding, Marking, Prices
from contagion.models.routes import through_assets

DEEP = ct.liquidation.Linear(50_000)


def linked(result: ct.results.PropagationResult, route: int = 0) -> list[str]:
    """Pairs of nodes that a route links, such as "a→b"."""
    whole, *rest = result.model.routes(result)[route]
    for links in rest:
        whole = whole @ links
    names = result.network.names
    pairs = zip(*whole.tocoo().coords, strict=True)
    return sorted({f"{names[i]}→{names[j]}" for i, j in pairs if i != j})


def test_only_holders_who_lose_are_reached():
    out, into = through_assets(
        csr_array([[1.0], [1.0], [1.0]]),
        np.array([True, False, False]),
        np.array([True]),
        np.array([True, False, True]),
    )
    assert (out @ into).toarray().tolist() == [[1, 0, 1], [0, 0, 0], [0, 0, 0]]


def test_who_sells_everything_in_any_case_is_no_source():
    """b is insolvent and sells all with or without the shock; a sells more because of it."""
    sale, shock = ct.models.FireSale(0.11, impact=DEEP), ct.Shock.loss({"a": 2.0})
    net = two_markets(owed=101.0)
    assert linked(sale.propagate(net, shock, baseline="cleared")) == ["a→b"]
    assert linked(sale.propagate(net, shock, baseline="book")) == ["a→b"]


def test_prices_that_fell_before_are_no_links():
    """b sells Y in either run, a sells X only because of the shock: Y falls no further."""
    net = network(
        {"a": 50, "b": 50, "c": 20, "e": 20},
        {"a": 40, "b": 48},
        {("a", "X"): 50, ("b", "Y"): 50, ("c", "X"): 20, ("e", "Y"): 20},
    )
    sale = ct.models.FireSale(0.1, impact=DEEP)
    result = sale.propagate(net, ct.Shock.loss({"a": 8.0}), baseline="cleared")
    out = result.model.routes(result)[0][0].toarray()
    assert out.tolist() == [[1, 0], [0, 0], [0, 0], [0, 0]]


def one_market() -> ct.ExposureNetwork:
    """a, b, c and d hold X; b has 100 against 90, d 1 against 0.922, c owes nothing."""
    return network(
        {"a": 50, "b": 100, "c": 20, "d": 1},
        {"a": 45, "b": 90, "d": 0.922},
        {("a", "X"): 50, ("b", "X"): 50, ("c", "X"): 20, ("d", "X"): 1},
    )


@pytest.mark.parametrize(
    ("limit", "rounds", "pairs"),
    [
        # once a has sold, X is 4.8 % lower: b has 97.6 over 7.6, 12.8 times
        (12.83, None, ["a→b", "a→c", "b→c"]),
        (12.7, 1, ["a→b", "a→c"]),
        (13.0, None, ["a→b", "a→c"]),  # 100 over 7.6 would be 13.1 times, and d sells in round 2
    ],
)
def test_deleveraging_knows_who_has_sold(limit, rounds, pairs):
    model = ct.models.ThresholdDeleveraging(limit, depth=1020, rounds=rounds)
    result = model.propagate(one_market(), ct.Shock.default("a"))
    assert [pair for pair in linked(result) if "d" not in pair] == pairs
    assert rounds or "d→c" in linked(result)


def test_insolvent_nodes_that_hold_are_no_source():
    """a sells X; b has lost its capital of 10 and is asked to hold."""
    shock = ct.Shock.default("a") + ct.Shock.loss({"b": 12.0})
    for word, pairs in (("sell", ["a→b", "a→c", "b→c"]), ("hold", ["a→b", "a→c"])):
        model = ct.models.ThresholdDeleveraging(11.0, depth=5000, insolvent=word)
        found = linked(model.propagate(one_market(), shock))
        assert [pair for pair in found if "d" not in pair] == pairs


def lenders(**columns) -> ct.ExposureNetwork:
    """b owes a, f and g 10 each, h owes a 10.

    a is insolvent before the shock, f fails by it and g stands.
    """
    net = ct.ExposureNetwork.from_matrix(
        [[0] * 5, [10, 0, 10, 10, 0], [0] * 5, [0] * 5, [10, 0, 0, 0, 0]],
        list("abfgh"),
        orientation="debtor->creditor",
        external_assets=[0, 60, 5, 5, 40],
        external_liabilities=[40, 0, 12, 0, 0],
    )
    return net.with_nodes(**columns) if columns else net


SHOCK = ct.Shock.loss({"f": 4.0, "g": 1.0})


def test_only_lenders_who_fail_because_of_the_shock_withdraw_by_it():
    model = ct.models.JointModel(funding=Funding(0.5, 0.2))
    assert linked(model.propagate(lenders(), SHOCK, baseline="cleared")) == ["f→b"]
    assert linked(model.propagate(lenders(), SHOCK, baseline="book")) == ["f→b"]
    # with 6 to sell b has lost all it can lose on that to a alone
    most = lenders(sellable_assets=[np.nan, 6.0, np.nan, np.nan, np.nan])
    assert linked(model.propagate(most, SHOCK, baseline="cleared")) == []


def test_sellers_for_funding_are_those_of_whom_more_is_asked():
    """b and h are asked for 5 by a in any case, and b for 5 more by f."""
    market = ct.models.CreditFunding(1.0, 0.5, 0.2, price_impact=1.0)
    for shock, pairs in ((SHOCK, ["f→b"]), (ct.Shock.loss({"g": 1.0}), [])):
        result = market.propagate(lenders(), shock, baseline="cleared")
        assert linked(result, 0) == pairs
        assert linked(result, 1) == (["b→g", "b→h"] if pairs else [])


def test_marks_from_before_are_no_links():
    """b holds claims on a and f; by Merton both are below face before, a more by the shock."""
    net = network(
        {"a": 14, "f": 14, "b": 10},
        {"a": 0, "f": 0, "b": 20},
        {("b", "X"): 10},
        {("b", "a"): 10, ("b", "f"): 10},
    )
    model = ct.models.JointModel(Prices(0.35, LINEAR), valuation=Marking("merton:volatility=0.3"))
    shock = ct.Shock.loss({"a": 2.0})
    assert linked(model.propagate(net, shock, baseline="cleared"), 1) == ["a→b"]
    assert linked(model.propagate(net, shock, baseline="book"), 1) == ["a→b"]


def test_marks_follow_what_prices_take():
    """t sells X, which a holds: b marks a down for it and sells Y, which c holds."""
    net = network(
        {"t": 50, "a": 50, "b": 10, "c": 10},
        {"t": 40, "a": 30, "b": 10},
        {("t", "X"): 50, ("a", "X"): 50, ("b", "Y"): 10, ("c", "Y"): 10},
        {("b", "a"): 10},
    )
    model = ct.models.JointModel(Prices(0.15, LINEAR), valuation=Marking())
    result = model.propagate(net, ct.Shock.default("t"))
    assert result.payments["a"] == 10
    assert result.hops.tolist() == [0, 1, 2, 3]
