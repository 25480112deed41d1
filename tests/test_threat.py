"""The threat index: by hand, against rounds of its formula, and as a gradient of repayments."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import VENUES_TOO, from_liabilities, random_network, random_shock
from reference_adjoint import result_of, threat

import contagion as ct
from contagion.measures import MEASURES, gradient, threat_index


def test_chain_by_hand(chain):
    """a owes b 10, b c 8, c d 4; all external assets of a are gone: a and b fail, c has 4 of 4 … 0.

    a has 2 left: b has 1 + 2 of 8, c 3 of 4. One unit at a is repaid by a, b and c.
    """
    index = threat_index(chain, ct.Shock.loss({"a": 10}))
    assert index.tolist() == [3, 2, 1, 0]
    assert index.name == "threat_index"


def test_ring_by_hand():
    """Each owes the next 10 and has nothing but a, who has 3 of 6: half of what a gets stays.

    b owes c 5 and d 5; d is solvent. μ_c = 1 + μ_a, μ_a = 1 + μ_b, μ_b = 1 + μ_c / 2.
    """
    net = from_liabilities([[0, 10, 0, 0], [0, 0, 5, 5], [10, 0, 0, 0], [0, 0, 0, 0]], [3, 0, 0, 9])
    index = threat_index(net)
    # μ_b = 1 + (1 + 1 + μ_b) / 2 = 4, μ_a = 5, μ_c = 6
    assert index.tolist() == pytest.approx([5, 4, 6, 0])


def test_a_solvent_network_has_none_and_a_node_that_just_stands_neither():
    net = from_liabilities([[0, 10], [0, 0]], [12, 1])
    assert threat_index(net).tolist() == [0, 0]
    assert threat_index(net, ct.Shock.loss({"a": 2})).tolist() == [0, 0]
    assert threat_index(net, ct.Shock.loss({"a": 2}), side="loss").tolist() == [1, 0]


def test_where_the_next_unit_goes():
    """a owes 4 outside first, b 4 senior and c 6 junior; b owes c 20 and has nothing else.

    With 3 left a unit goes outside; with 6 to b and on to c; with 10 to c alone.
    """
    owed = {
        "creditor": ["b", "c", "c"],
        "debtor": ["a", "a", "b"],
        "amount": [4, 6, 20],
        "tier": [1, 2, 1],
    }
    nodes = {
        "node": ["a", "b", "c"],
        "external_assets": [14, 0, 1],
        "external_liabilities": [4, 0, 0],
    }
    net = ct.ExposureNetwork(nodes, owed)
    for left, index in ((3, 1), (6, 2), (10, 1)):
        assert threat_index(net, ct.Shock.loss({"a": 14 - left}))["a"] == index


@pytest.mark.parametrize("seed", range(8))
def test_against_rounds_of_the_formula(seed):
    net = random_network(seed, 9, 2.5, {"insolvent", "parallel"})
    net = net.with_nodes(external_liabilities=np.zeros(9))
    shock = ct.Shock.relative(0.7)
    failed = result_of(net, ct.EisenbergNoe(), shock).outcome.defaulted
    expected = threat(net, set(net.names[failed]))
    found = threat_index(net, shock)
    assert failed.sum() > 1
    assert found.tolist() == pytest.approx([expected[name] for name in net.names], rel=1e-9)


@pytest.mark.parametrize("seed", range(12))
def test_it_is_the_gradient_of_repayments(seed):
    """Less shortfall is more repaid; the unit that is repaid is the cash that was not lost."""
    rng = np.random.default_rng(seed)
    features = {f for f in VENUES_TOO if rng.random() < 0.4}
    net = random_network(seed, 8, 2.0, features)
    shock = random_shock(net, seed, pinned="pinned" in features)
    slopes = gradient(net, ct.EisenbergNoe(), shock, of="shortfall", side="gain").losses
    index = threat_index(net, shock)
    known = net.book.known
    assert index.isna().tolist() == (~known).tolist()
    assert index[known].tolist() == pytest.approx(slopes[known].tolist())
    solvent = ~result_of(net, ct.EisenbergNoe(), shock).outcome.defaulted
    rules = np.asarray(net.segments.absorbing) == 0
    assert (index[solvent & rules & known] == 0).all()


def test_cash_repays_what_the_index_says(chain):
    """A unit of cash at a, after the shock: total repayments rise by 3."""
    model = ct.EisenbergNoe()
    paid = [model.propagate(chain, ct.Shock.loss({"a": 10 - x})).payments.sum() for x in (0, 0.5)]
    assert paid[1] - paid[0] == pytest.approx(
        0.5 * threat_index(chain, ct.Shock.loss({"a": 10}))["a"]
    )


def test_what_it_refuses():
    nodes = {"node": ["a", "b"], "external_assets": [12.0, None]}
    net = ct.ExposureNetwork(
        nodes, {"creditor": ["b"], "debtor": ["a"], "amount": [10]}, missing_equity="external"
    )
    index = threat_index(net, ct.Shock.loss({"a": 5}))
    assert index.reasons == {"b": "balance sheet not known"}
    assert threat_index(net, ct.Shock.default("a", recovery=0.1))["a"] == 0
    with pytest.raises(ValueError, match="side='both'"):
        threat_index(net, side="both")
    pair = from_liabilities([[0, 10], [0, 0]], [12, 1])
    for change in (
        pair.with_guarantees({"guarantor": ["b"], "debtor": ["a"], "amount": [1.0]}),
        pair.with_shareholdings({"owner": ["b"], "company": ["a"], "fraction": [0.1]}),
    ):
        with pytest.raises(ct.ModelError, match="guarantees and shareholdings"):
            threat_index(change)


def test_a_circle_that_pays_nothing_repays_outsiders():
    """Both have 1 for senior debts of 2: one unit more repays one unit of these."""
    pair = from_liabilities([[0, 10], [10, 0]], [1, 1], [2, 2])
    assert threat_index(pair).tolist() == [1.0, 1.0]


def test_definition():
    assert MEASURES["threat_index"].source.startswith("after Demange (2018)")
    assert MEASURES["threat_index"].about == "importance"
