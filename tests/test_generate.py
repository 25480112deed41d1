"""Random networks: the links have the law that was asked for, the balance sheets add up."""

from __future__ import annotations

import inspect

import numpy as np
import pandas as pd
import pytest
from conftest import others_slow

import contagion as ct
from contagion.synthetic import generate
from contagion.synthetic.generate import links

SMALL = {
    "block": {"sizes": {"a": 10, "b": 20}, "chance": [[0.3, 0.1], [0.0, 0.05]]},
    "complete": {"n": 6},
    "core-periphery": {"n": 30, "core": 5},
    "defi-stack": {"users": 20, "protocols": (5, 3)},
    "erdos-renyi": {"n": 30, "degree": 4},
    "fitness": {"n": 30, "degree": 4},
    "gai-kapadia": {"n": 30, "degree": 4},
    "ring": {"n": 7, "neighbours": 2},
    "scale-free": {"n": 30, "degree": 3},
    "star": {"n": 9},
}


def made(family: str, seed: int = 3, **options) -> ct.ExposureNetwork:
    make = generate.FAMILIES[family]
    seeded = {"rng": seed} if "rng" in inspect.signature(make).parameters else {}
    return make(**{**SMALL[family], **seeded, **options})


@pytest.mark.parametrize("family", generate.FAMILIES)
def test_balance_sheets_add_up(family):
    """Nothing negative, equity as asked, no finding of the input checks but missing units."""
    net = made(family)
    sheet = net.balance_sheet.to_numpy()
    assert np.isfinite(sheet).all()
    assert (net.balance_sheet.drop(columns="equity") >= 0).all(axis=None)
    total = net.book.external_assets + net.book.claims
    if family == "defi-stack":
        expected = 0.02 * net.book.debts + np.where(net.kinds == "users", net.book.claims, 0)
    else:
        expected = (0.04 if family == "gai-kapadia" else 0.05) * total
    np.testing.assert_allclose(net.book.equity, expected, atol=1e-9 * total.max())
    assert not net.check()["severity"].eq("error").any()
    result = ct.EisenbergNoe().propagate(net)
    assert not result.outcome.defaulted.any()


@pytest.mark.parametrize("family", generate.FAMILIES)
def test_the_seed_decides(family):
    one, same = made(family), made(family)
    pd.testing.assert_frame_equal(one.exposures, same.exposures)
    pd.testing.assert_frame_equal(one.nodes, same.nodes)
    if "rng" in inspect.signature(generate.FAMILIES[family]).parameters:
        other = made(family, seed=4)
        assert len(other.amount) != len(one.amount) or not np.array_equal(other.amount, one.amount)


@pytest.mark.parametrize("family", generate.FAMILIES)
def test_no_claim_on_oneself_and_none_twice(family):
    net = made(family)
    assert (net.creditor != net.debtor).all()
    assert not pd.DataFrame({"c": net.creditor, "d": net.debtor}).duplicated().any()


def within(count: float, trials: float, chance: float) -> bool:
    """A binomial count at most four standard deviations from its mean."""
    return abs(count - trials * chance) <= 4 * np.sqrt(trials * chance * (1 - chance))


def test_erdos_renyi_has_the_degree():
    net = generate.erdos_renyi(400, 5.0, rng=1)
    assert within(len(net.amount), 400 * 399, 5 / 399)


def test_blocks_have_their_densities():
    chance = pd.DataFrame([[0.2, 0.05], [0.01, 0.0]], ["x", "y"], ["x", "y"])
    net = generate.block({"y": 150, "x": 100}, chance, rng=2)  # in another order: read by labels
    x = net.kinds == "x"
    count = np.zeros((2, 2))
    np.add.at(count, ((~x[net.creditor]).astype(int), (~x[net.debtor]).astype(int)), 1)
    assert within(count[0, 0], 100 * 99, 0.2)
    assert within(count[0, 1], 100 * 150, 0.05)
    assert within(count[1, 0], 100 * 150, 0.01)
    assert count[1, 1] == 0


def test_core_periphery_has_no_claims_in_the_periphery():
    net = generate.tiered(60, 8, inside=1.0, across=0.5, rng=1)
    core = net.kinds == "core"
    both = core[net.creditor].astype(int) + core[net.debtor]
    assert (both == 2).sum() == 8 * 7 and (both == 0).sum() == 0
    assert within((both == 1).sum(), 2 * 8 * 52, 0.5)


@pytest.mark.parametrize("seed", others_slow(range(3)))
def test_thinned_links_have_the_chances(seed):
    """Each pair as often as its own chance says, over 3,000 draws of seven nodes."""
    rng = np.random.default_rng(seed)
    x, y = rng.pareto(1.2, 7), rng.pareto(1.2, 7)
    x[2] = 0.0
    want = np.minimum(1.0, 0.3 * np.outer(x, y))
    np.fill_diagonal(want, 0)
    count = np.zeros((7, 7))
    for _ in range(3000):
        i, j = links.thinned(x, y, lambda a, b: np.minimum(1.0, 0.3 * a * b), rng)
        assert len(np.unique(i * 7 + j)) == len(i)
        count[i, j] += 1
    error = np.sqrt(want * (1 - want) / 3000)
    assert (np.abs(count / 3000 - want) <= 4.5 * error).all()
    assert not count[2].any()


def test_scale_free_has_the_links_and_the_tail():
    """Few pairs are capped at 1 here, and the largest weight is n^(1/1.5) times the smallest."""
    net = generate.scale_free(3000, 4.0, exponent=2.5, rng=5)
    assert 0.93 * 12_000 < len(net.amount) < 12_000 + 4 * np.sqrt(12_000)
    degree = np.sort(np.bincount(net.creditor, minlength=3000))[::-1]
    # Hill estimate over the 150 largest: 1 / (exponent − 1) = 2/3
    hill = np.log(degree[:150] / degree[150]).mean()
    assert 0.5 < hill < 0.85


@pytest.mark.parametrize("seed", range(4))
def test_fitness_is_calibrated(seed):
    """The expected number of links, pair by pair, is the one asked for."""
    rng = np.random.default_rng(seed)
    x = 1 + rng.pareto(1.5, 300)
    z = links.calibrated(x, 2400.0)
    p = z * np.outer(x, x) / (1 + z * np.outer(x, x))
    assert p.sum() - np.trace(p) == pytest.approx(2400.0, rel=1e-5)


def test_fitness_gives_large_nodes_large_claims():
    net = generate.pareto_fitness(4000, 5.0, rng=3)
    assert within(len(net.amount), 4000 * 3999, 5 / 3999)
    degree = np.bincount(net.creditor, minlength=4000)
    mean = np.bincount(net.creditor, net.amount, 4000) / np.maximum(degree, 1)
    large = degree > np.quantile(degree, 0.99)
    assert mean[large].mean() > 3 * mean[degree > 0].mean()


def test_amounts():
    creditor = np.repeat(np.arange(2), [30_000, 10_000])
    rng = np.random.default_rng(1)
    drawn = generate.Amounts("lognormal", 5.0, 0.5).of(creditor, 2, rng=rng)
    assert abs(drawn.mean() / 5.0 - 1) < 4 * np.sqrt(np.expm1(0.25)) / 200
    assert np.log(drawn).std() == pytest.approx(0.5, rel=0.02)
    tail = generate.Amounts("pareto", 5.0, 0.25).of(creditor, 2, rng=rng)
    assert tail.min() >= 5.0 * 0.75 and abs(tail.mean() / 5.0 - 1) < 0.03
    assert set(generate.Amounts("even", 5.0).of(creditor, 2, rng=rng)) == {5.0}
    fixed = generate.Amounts("fixed share", 6.0).of(creditor, 2, rng=rng)
    np.testing.assert_allclose(np.bincount(creditor, fixed), 6.0)


def test_a_node_that_owes_much_gets_a_larger_balance_sheet():
    """Claims 1, debts 100: assets 100 / 0.9, equity a tenth, nothing owed outside."""
    sheets = generate.Sheets(interbank=0.5, capital=0.1)
    sheet = sheets.of(np.array([1.0]), np.array([100.0]), rng=0)
    assert sheet["external_assets"][0] == pytest.approx(100 / 0.9 - 1)
    assert sheet["external_liabilities"][0] == pytest.approx(0.0, abs=1e-12)


def test_capital_is_spread():
    net = generate.erdos_renyi(
        3000, 3, sheets=generate.Sheets(capital=0.1, spread=0.5, least=1.0), rng=1
    )
    ratio = net.book.equity / (net.book.external_assets + net.book.claims)
    assert ratio.min() >= 0.05 - 1e-9 and ratio.max() <= 0.15 + 1e-9
    assert ratio.std() == pytest.approx(0.1 / np.sqrt(12), rel=0.1)


def test_gai_kapadia_banks():
    """Claims 0.2 of assets of 1, capital 0.04, deposits the rest."""
    net = generate.gai_kapadia(500, 4.0, rng=3)
    sheet = net.balance_sheet
    usual = (sheet["claims"] > 0) & (sheet["debts"] < 0.95)
    assert usual.mean() > 0.9
    np.testing.assert_allclose(sheet.loc[usual, "claims"], 0.2)
    np.testing.assert_allclose(sheet.loc[usual, "external_assets"], 0.8)
    np.testing.assert_allclose(sheet.loc[usual, "equity"], 0.04)


def test_ring_star_complete():
    ring = generate.ring(5, amount=2.0, neighbours=2)
    pairs = set(zip(ring.creditor.tolist(), ring.debtor.tolist(), strict=True))
    assert pairs == {(i, (i + k) % 5) for i in range(5) for k in (1, 2)}
    out = generate.star(4, amount=3.0, inward=False)
    assert out.balance_sheet["claims"].tolist() == [9, 0, 0, 0]
    whole = generate.complete(5, amount=8.0)
    assert len(whole.amount) == 20 and set(whole.amount) == {2.0}


@pytest.mark.parametrize("circular", [0.0, 0.4])
def test_stack_deposits_and_holdings(circular):
    """Everything that users bring is held in assets; the treasuries come on top."""
    net = generate.defi_stack(
        40, (6, 4, 2), wealth=3.0, reinvest=0.5, treasury=0.1, circular=circular, rng=2
    )
    users = net.kinds == "users"
    brought, deposits = net.book.claims[users].sum(), net.book.debts.sum()
    held = net.book.external_assets.sum()
    assert held == pytest.approx(brought + 0.1 * deposits)
    last = deposits - brought * 1.5 if circular == 0 else None
    if last is not None:
        assert last == pytest.approx(brought * 0.25)
    else:
        assert deposits == pytest.approx(brought * (1.75 + 0.4 * 0.25))
    assert net.holdings["value"].sum() == pytest.approx(held)
    assert (net.book.debts[users] == 0).all()


def test_a_fall_of_the_assets_reaches_the_users():
    net = generate.defi_stack(40, (6, 4, 2), treasury=0.0, reinvest=0.5, rng=2)
    shock = ct.Shock.price(dict.fromkeys(generate.protocol_stack.ASSETS, -0.2))
    result = ct.EisenbergNoe().propagate(net, shock)
    users = net.kinds == "users"
    assert result.loss[users].sum() == pytest.approx(0.2 * net.book.external_assets.sum())


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: generate.erdos_renyi(5, 9), "degree is 9"),
        (lambda: generate.erdos_renyi(1, 0), "2 or more"),
        (lambda: generate.erdos_renyi(2.5, 1), "whole number"),
        (lambda: generate.tiered(5, 5), "core of 5 of 5"),
        (lambda: generate.block({"a": 3}, [[0.1, 0.2]]), "shape"),
        (lambda: generate.block({"a": 3}, [[1.2]]), "probabilities"),
        (lambda: generate.block({"a": 3}, pd.DataFrame([[1.0]], ["b"], ["b"])), "probabilities"),
        (lambda: generate.scale_free(9, 2, exponent=2.0), "exponent is 2.0"),
        (lambda: generate.pareto_fitness(9, 2, exponent=2.0), "exponent is 2.0"),
        (lambda: generate.pareto_fitness(9, 8), "degree is 8"),
        (lambda: generate.ring(4, neighbours=4), "between 1 and 3"),
        (lambda: generate.Amounts("normal"), "not 'normal'"),
        (lambda: generate.Amounts(mean=0), "above 0"),
        (lambda: generate.Amounts("pareto", dispersion=1.0), "between 0 and 1"),
        (lambda: generate.Amounts(dispersion=-1), "0 or more"),
        (lambda: generate.Sheets(interbank=0), "interbank = 0"),
        (lambda: generate.Sheets(capital=0.6, spread=0.8), "below 1"),
        (lambda: generate.defi_stack(5, ()), "one layer"),
        (lambda: generate.defi_stack(5, (2, 0)), "1 or more"),
        (lambda: generate.defi_stack(5, reinvest=1.0), "reinvest = 1.0"),
        (lambda: generate.defi_stack(5, treasury=-0.1), "treasury = -0.1"),
        (lambda: generate.defi_stack(5, circular=1.5), "circular = 1.5"),
        (lambda: generate.defi_stack(5, assets=("x", "x")), "each once"),
    ],
)
def test_errors_say_what_is_wrong(call, words):
    with pytest.raises(ct.NetworkError, match=words):
        call()
