"""Margins: what is taken in, what cannot be met and why, and what an ensemble gives out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import random_network

import contagion as ct
from contagion.synthetic.reconstruct import Margins, maximum_entropy


def abc(claims, debts, **options) -> Margins:
    return Margins(["a", "b", "c"], claims, debts, unit="EUR mn", **options)


def refused(*args, **options) -> str:
    with pytest.raises(ct.NetworkError) as caught:
        abc(*args, **options)
    return str(caught.value)


# -- what cannot be met -----------------------------------------------------------------------


def test_totals_that_differ():
    said = refused([9, 2, 1], [1, 2, 3])
    assert "12 m EUR" in said and "6 m EUR of the claims" in said and "residual=" in said
    said = refused([1, 2, 3], [9, 2, 1])
    assert "6 m EUR of the debts" in said


def test_a_node_as_large_as_all_others_and_one_larger():
    """a claims 4 and the others owe 4: met, with nothing between b and c. 5 is too much."""
    net = maximum_entropy(abc([4, 0.5, 0.5], [1, 2, 2])).mean()
    assert net.loc["a"].tolist() == [0, 2, 2]
    assert net.loc["b", "c"] == net.loc["c", "b"] == 0
    said = refused([5, 0.5, 0.5], [2, 2, 2])
    assert "'a' has claims of 5 m EUR" in said
    assert "owe 4 m EUR ('b', 'c'): 1 m EUR cannot be placed" in said


def test_a_debtor_that_owes_more_than_the_others_claim():
    said = refused([2, 1, 3], [1, 0, 5])
    assert "'c' has debts of 5 m EUR" in said or "'c' has claims of 3 m EUR" in said
    assert "2 m EUR cannot be placed" in said


def test_forbidden_cells():
    """c may borrow from nobody but b then, whose claims are 2."""
    forbidden = [("a", "c")]
    assert refused([3, 2, 1], [1, 2, 3], forbidden=forbidden) == (
        "'a' has claims of 3 m EUR, but all nodes that it may lend to owe 2 m EUR ('b'): "
        '1 m EUR cannot be placed. Fix: residual="rest of the world" adds an external node that '
        "takes the remainder, or correct the figures, or allow more cells."
    )
    net = maximum_entropy(abc([3, 2, 1], [1, 3, 2], forbidden=forbidden)).mean()
    assert net.to_numpy().tolist() == [[0, 3, 0], [0, 0, 2], [1, 0, 0]]


def test_condition_of_hall_over_two_nodes():
    """a and b may lend to c and d only, which owe 5; both claim 3."""
    names, forbidden = list("abcde"), [("a", "b"), ("b", "a"), ("a", "e"), ("b", "e")]
    with pytest.raises(ct.NetworkError) as caught:
        Margins(names, [3, 3, 1, 1, 2], [2, 1, 3, 2, 2], forbidden=forbidden)
    assert "'a', 'b' have claims of 6, but" in str(caught.value)
    assert "owe 5 ('c', 'd'): 1 cannot be placed" in str(caught.value)


def test_the_condition_is_said_from_the_shorter_side():
    """d and e may borrow from a only; four others have claims that they must not hold on them."""
    names = list("abcdefg")
    forbidden = [(x, y) for x in "bcfg" for y in "de"] + [("d", "e"), ("e", "d")]
    with pytest.raises(ct.NetworkError) as caught:
        Margins(names, [2, 1, 1, 0, 0, 1, 1], [1, 1, 1, 1, 2, 0, 0], forbidden=forbidden)
    assert (
        "'d', 'e' have debts of 3, but all nodes that they may borrow from have claims of 2 ('a'): "
        "1 cannot be placed"
    ) in str(caught.value)


def test_residual_takes_the_smallest_amounts():
    more = abc([9, 2, 1], [1, 2, 3], residual="world")
    assert more.table.loc["world"].tolist() == [0, 6]
    # a has 6 for b and c, which owe 4: 2 of claims are left, and 2 of debts of a
    both = abc([6, 0, 1], [3, 3, 1], residual="world")
    assert both.table.loc["world"].tolist() == [2, 2]
    barred = abc([3, 2, 1], [1, 2, 3], forbidden=[("a", "c")], residual="world")
    assert barred.table.loc["world"].tolist() == pytest.approx([1, 1])
    none = abc([3, 2, 1], [1, 2, 3], residual="world")
    assert none.table.loc["world"].tolist() == [0, 0]
    assert maximum_entropy(both).margin_errors[0] < 1e-12


def test_residual_never_fails_and_has_no_balance_sheet():
    nodes = {"node": ["a", "b"], "external_assets": [9.0, 9.0], "interbank_assets": [5.0, 1.0]}
    margins = Margins.from_table({**nodes, "interbank_liabilities": [1.0, 3.0]}, residual="world")
    net = maximum_entropy(margins).network
    assert net.book.can_fail.tolist() == [True, True, False]
    assert net.balance_sheet.loc["a", "equity"] == 13
    assert np.isnan(net.balance_sheet.loc["world", "equity"])
    with pytest.raises(ct.NetworkError, match="already a node"):
        Margins.from_table({**nodes, "interbank_liabilities": [1.0, 3.0]}, residual="a")


# -- known cells --------------------------------------------------------------------------------


def test_known_cells_are_exact_and_the_rest_follows():
    """Three nodes have one degree of freedom: a known claim fixes everything."""
    net = maximum_entropy(abc([3, 2, 1], [1, 2, 3], known={("a", "b"): 1.25})).mean()
    assert net.loc["a", "b"] == 1.25
    assert np.allclose(net, [[0, 1.25, 1.75], [0.75, 0, 1.25], [0.25, 0.75, 0]], rtol=1e-12)


def test_known_zero_is_a_forbidden_cell():
    one = maximum_entropy(abc([3, 2, 1], [1, 3, 2], known={("a", "c"): 0}))
    two = maximum_entropy(abc([3, 2, 1], [1, 3, 2], forbidden=[("a", "c")]))
    assert one.mean().equals(two.mean())
    assert one.links.tolist() == [3]


def test_known_cells_that_cannot_be():
    assert "'a' has 4 m EUR of known claims and 3 m EUR in all" in refused(
        [3, 2, 1], [1, 2, 3], known={("a", "b"): 2, ("a", "c"): 2}
    )
    assert "known debts" in refused([3, 2, 1], [1, 2, 3], known={("b", "a"): 2})
    assert "beyond the known ones" in refused([3, 2, 1], [1, 2, 3], known={("a", "c"): 2.5})
    assert "both known and forbidden" in refused(
        [3, 2, 1], [1, 2, 3], known={("a", "b"): 1}, forbidden=[("a", "b")]
    )
    assert "no claim on itself" in refused([3, 2, 1], [1, 2, 3], known={("a", "a"): 1})
    assert "not numbers" in refused([3, 2, 1], [1, 2, 3], known={("a", "b"): -1})
    with pytest.raises(ct.UnknownNameError, match="Did you mean 'c'"):
        Margins(["a", "b", "c"], [3, 2, 1], [1, 2, 3], forbidden=[("a", "C")])


def test_partial_takes_the_large_ones_and_adds_up_pairs():
    table = pd.DataFrame(
        {"creditor": ["a", "a", "b"], "debtor": ["c", "c", "a"], "amount": [1.0, 0.5, 0.25]}
    )
    margins = abc([3, 2, 1], [1, 2, 3], known={("c", "a"): 0.5})
    assert margins.partial(table, at_least=1).known == {("c", "a"): 0.5, ("a", "c"): 1.5}
    assert margins.unit == margins.partial(table, at_least=1).unit
    with pytest.raises(ct.NetworkError, match="'debtor'"):
        margins.partial(table[["creditor", "amount"]])


def test_everything_known_leaves_nothing_to_place():
    net = random_network(3, 6, 2.0)
    table = net.exposures.groupby(["creditor", "debtor"])["amount"].sum()
    margins = Margins.from_network(net, known=dict(table))
    for made in (
        maximum_entropy(margins),
        ct.synthetic.reconstruct.minimum_density(margins, exact=True),
    ):
        assert made.links.tolist() == [len(table)]
        for pair, amount in table.items():
            assert made.mean().loc[pair] == amount


# -- ways in ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "debts", "said"),
    [
        ([3, np.nan, 1], [1, 2, 3], "claims of 1 node are not numbers ≥ 0: 'b'"),
        ([3, 2, 1], [1, -2, 3], "debts of 1 node"),
        ([3, 2], [1, 2, 3], "claims has 2 entries for 3 nodes"),
        ([3, "x", 1], [1, 2, 3], "'b'"),
    ],
)
def test_margins_that_are_not_numbers(claims, debts, said):
    assert said in refused(claims, debts)


def test_names_stand_once_and_rounding_is_mended():
    with pytest.raises(ct.NetworkError, match="more than once: 'a'"):
        Margins(["a", "a"], [1, 1], [1, 1])
    margins = abc([3, 2, 1], [1, 2, 3 + 3e-9])
    assert maximum_entropy(margins).margin_errors[0] < 1e-9
    assert "cannot be placed" in refused([3, 2, 1], [1, 2, 3 + 3e-8])


def test_margins_by_name():
    margins = Margins(["b", "a"], claims={"a": 1, "b": 2}, debts={"b": 1, "a": 2})
    assert margins.table["claims"].tolist() == [2, 1]
    assert not margins.claims.flags.writeable
    assert repr(margins) == "Margins of 2 nodes, 3"
    with pytest.raises(AttributeError):
        margins.unit = "USD"


def test_from_table_names_what_is_missing():
    with pytest.raises(ct.NetworkError, match="names 'assets'; the table has 'node'"):
        Margins.from_table({"node": ["a"], "interbank_liabilities": [0]}, claims="assets")
    with pytest.raises(ct.NetworkError, match="1 row for 2 nodes; 'b'"):
        Margins(["a", "b"], [1, 1], [1, 1], nodes=pd.DataFrame({"node": ["a"]}))


def test_from_table_hands_on_choices():
    nodes = {"node": ["a", "b"], "claims": [4, 1], "debts": [1, 4], "external_assets": [9, None]}
    margins = Margins.from_table(
        nodes, claims="claims", debts="debts", unit="USD", name="two", assume_equity={"b": 2.0}
    )
    net = maximum_entropy(margins).network
    assert (net.unit, net.name) == ("USD", "two")
    assert net.balance_sheet["equity"].tolist() == [12, 2]
    assert "assumed" in net.assumptions[0]


def test_balance_sheets_go_over():
    net = random_network(7, 8, 2.0, {"unfailing", "pari_passu", "pro_rata"})
    made = maximum_entropy(Margins.from_network(net)).network
    assert np.allclose(made.balance_sheet, net.balance_sheet, rtol=1e-12)
    assert made.book.can_fail.tolist() == net.book.can_fail.tolist()
    assert made.external_creditors == "pari_passu"
    assert made._nodes["rule"].tolist() == net._nodes["rule"].tolist()
    assert made.unit == net.unit


def test_networks_without_balance_sheets_say_so():
    net = maximum_entropy(abc([3, 2, 1], [1, 2, 3])).network
    assert not net.book.can_fail.any() and len(net.book.assumptions) == 1


def test_guarantees_are_not_dropped_in_silence():
    net = random_network(1, 5, 2.0)
    promised = {"guarantor": [net.names[0]], "debtor": [net.names[1]], "amount": [1.0]}
    with pytest.raises(ct.NetworkError, match=r"with_guarantees\(None\)"):
        Margins.from_network(net.with_guarantees(promised))


@pytest.mark.parametrize("name", ["cefi_credit_2022", "bis_cbs_2022q4", "eisenberg_noe_3"])
def test_real_networks(name):
    net = ct.datasets.load(name)
    made = maximum_entropy(Margins.from_network(net))
    assert made.margin_errors[0] < 1e-9
    again, scale = made.network, 1e-9 * net.amount.sum()
    assert np.allclose(again.book.equity, net.book.equity, atol=scale, equal_nan=True)
    assert again.book.can_fail.tolist() == (net.book.can_fail & net.book.known).tolist()
    assert ct.EisenbergNoe().propagate(again).audit()["ok"].all()


# -- the ensemble -------------------------------------------------------------------------------


def test_ensemble_is_a_sequence_of_networks():
    margins = abc([3, 2, 1], [1, 2, 3])
    draws = ct.synthetic.reconstruct.fitness(margins, links=4.5, samples=6, rng=1)
    assert len(draws) == 6 and len(list(draws)) == 6
    assert [len(net.amount) for net in draws] == draws.links.tolist()
    assert draws.density.tolist() == (draws.links / 6).tolist()
    part = draws[1:4]
    assert isinstance(part, ct.synthetic.reconstruct.Ensemble) and len(part) == 3
    assert part[0].exposures.equals(draws[1].exposures)
    assert draws[-1].exposures.equals(draws[5].exposures)
    assert len(draws[6:]) == 0
    with pytest.raises(IndexError):
        draws[6]
    with pytest.raises(ValueError, match="6 networks"):
        draws.network  # noqa: B018


def test_means_are_means():
    margins = abc([3, 2, 1], [1, 2, 3])
    draws = ct.synthetic.reconstruct.fitness(margins, links=4.5, samples=6, rng=1)
    tables = [draws.matrix(k).toarray() for k in range(6)]
    assert np.allclose(draws.mean(), np.mean(tables, axis=0))
    assert np.allclose(draws.link_probability(), np.mean([t > 0 for t in tables], axis=0))
    assert draws.mean().index.name == "creditor" and draws.mean().columns.name == "debtor"
    net = draws[2]
    assert np.allclose(net.liabilities.toarray().T, tables[2])


def test_margin_errors_are_what_they_say():
    margins = abc([3, 2, 1], [1, 2, 3])
    loose = ct.synthetic.reconstruct.fitness(
        margins, links=4, samples=5, exact_margins=False, rng=1
    )
    for k, error in enumerate(loose.margin_errors):
        table = loose.matrix(k).toarray()
        worst = max(
            *np.abs(table.sum(1) - margins.claims) / margins.claims,
            *np.abs(table.sum(0) - margins.debts) / margins.debts,
        )
        assert error == pytest.approx(worst)
    assert loose.margin_errors.max() > 0.1
    assert "margins on average" in repr(loose)


def test_trivial_margins():
    with pytest.raises(ct.NetworkError, match="nothing to reconstruct"):
        Margins([], [], [])
    for n in (1, 2):
        margins = Margins(list("ab")[:n], [0.0] * n, [0.0] * n)
        assert maximum_entropy(margins).links.tolist() == [0]
        assert ct.synthetic.reconstruct.minimum_density(margins).links.tolist() == [0]
        assert ct.synthetic.reconstruct.configuration(margins, stubs=3).links.tolist() == [0]
    assert np.isnan(maximum_entropy(Margins(["a"], [0], [0])).density).all()
