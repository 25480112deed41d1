"""What the catalogue of venues refuses, and what it says then."""

from __future__ import annotations

import pytest

from contagion import rules, venues
from contagion.errors import ContagionError, RuleError


def test_a_venue_inside_a_rule():
    """A venue without layers can stand in a layer; one with layers cannot stand in a rule."""
    assert rules.from_dict("venue:bitfinex_2016") == rules.ProRata()
    layer = {"name": "customers", "rule": {"venue": "bitfinex_2016", "perimeter": "inside"}}
    rule = rules.from_dict({"rule": "waterfall", "layers": [layer]})
    assert rule.layer("customers").rule == rules.Capped(rules.ProRata("inside"), by="inside")
    with pytest.raises(RuleError, match="cannot hold a waterfall"):
        rules.from_dict({"rule": "capped", "share": 0.5, "of": {"venue": "okex_2018"}})


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"venue": "bitmx"}, "Unknown venue 'bitmx'. Did you mean 'bitmex'?"),
        ({"venue": "bitmex", "found": 3}, "bitmex: Unknown parameter 'found'. Did you mean 'fund'"),
        ({"venue": "bitmex", "fund": -3}, "fund=-3: it is money"),
        ({"venue": "bitmex", "fund": float("inf")}, "fund=inf: it is money"),
        ({"venue": "bitmex", "fund": "much"}, "fund='much' is not a number"),
        ({"venue": "okx"}, "okx needs fund; there is no default"),
        ({"venue": "gmx_v2"}, "gmx_v2 needs pool and max_pnl_factor"),
        ({"venue": "gmx_v2", "pool": 10, "max_pnl_factor": 0}, "it has to be > 0"),
        (
            {"venue": "bybit", "pool": "share"},
            "pool='share': choose 'isolated' or 'shared'.",
        ),
        ({"venue": "bybit", "pool": "shared"}, "needs fund"),
        ({"venue": "bybit", "fund": 5, "peak": 9}, 'add pool="shared"'),
        ({"venue": "bybit", "fund": 5, "pool": "shared", "trigger": 2}, "trigger=2"),
        ({"venue": "hyperliquid", "vault": 5, "hip3": True}, "have no vault"),
        ({"venue": "hyperliquid", "vault": -5}, "vault=-5: it is money"),
        ({"venue": "dydx_v4", "fills": [5]}, "fills need fund"),
        ({"venue": "dydx_v4", "fund": 9, "fills": [5, -1]}, "fills=-1: it is money"),
    ],
)
def test_errors(data, says):
    with pytest.raises(ContagionError) as error:
        rules.from_dict(data)
    assert says in str(error.value)


def test_claims_without_the_columns_are_refused():
    claims = {"claimant": ["a"], "amount": [1.0], "layer": "adl", "scor": [1]}
    with pytest.raises(RuleError, match="Did you mean 'scor'"):
        venues.bitmex.rule(fund=0).allocate(1, claims)
    with pytest.raises(RuleError, match="but not 'adll'"):
        venues.bitmex.rule(fund=0).allocate(1, {**claims, "layer": "adll", "score": [1]})
    with pytest.raises(RuleError, match="below 0"):
        venues.drift.perp(0, 0, 0).allocate(
            1, {**claims, "layer": "open interest", "open_interest": [-3]}
        )
