"""Attribution of system loss: Shapley, Aumann–Shapley, one left out, against plain references."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from conftest import from_liabilities, random_network, random_shock
from hypothesis import given
from hypothesis import strategies as st

import contagion as ct
from contagion import measures
from contagion.kernels import shapley as kernel
from contagion.measures import SystemLoss
from contagion.measures.attribution import coalition_losses, triggers_of

EN = ct.EisenbergNoe()


def bits(masks: np.ndarray) -> np.ndarray:
    return masks @ (1 << np.arange(masks.shape[1]))


def by_orders(worth: dict[frozenset[int], float], k: int) -> list[float]:
    """Plain reference: what each player adds, over every order."""
    found, orders = [0.0] * k, list(permutations(range(k)))
    for order in orders:
        inside: set[int] = set()
        for player in order:
            before = worth[frozenset(inside)]
            inside.add(player)
            found[player] += (worth[frozenset(inside)] - before) / len(orders)
    return found


def table_of(worth: np.ndarray, k: int) -> dict[frozenset[int], float]:
    return {
        frozenset(i for i in range(k) if number >> i & 1): float(worth[number])
        for number in range(1 << k)
    }


@pytest.fixture
def fan() -> ct.ExposureNetwork:
    """d (capital 5) holds 2 on a, 3 on b and 4 on c, whose capital is 1 each."""
    return ct.ExposureNetwork.from_matrix(
        [[0, 0, 0, 2], [0, 0, 0, 3], [0, 0, 0, 4], [0, 0, 0, 0]],
        list("abcd"),
        orientation="debtor->creditor",
        equity=[1, 1, 1, 5],
        unit="EUR mn",
    )


# -- the kernel ------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 6])
def test_exact_values_are_the_mean_over_all_orders(k):
    worth = np.random.default_rng(k).normal(size=1 << k)
    np.testing.assert_allclose(kernel.exact(worth), by_orders(table_of(worth, k), k), atol=1e-12)


def test_exact_values_of_many_games_at_once():
    worth = np.random.default_rng(0).normal(size=(8, 2, 5))
    together = kernel.exact(worth)
    assert together.shape == (3, 2, 5)
    np.testing.assert_allclose(together[:, 1, 3], kernel.exact(worth[:, 1, 3]), atol=1e-14)


def test_a_number_of_worths_that_is_no_power_of_two():
    with pytest.raises(ValueError, match=r"6 worths: all coalitions of k players are 2\^k"):
        kernel.exact(np.zeros(6))


@given(st.integers(0, 10_000), st.integers(2, 7))
def test_axioms(seed, k):
    """Efficiency, a dummy, symmetric players, additivity."""
    rng = np.random.default_rng(seed)
    masks = kernel.coalitions(0, 1 << k, k)
    one, two = rng.normal(size=(2, 1 << k))
    values = kernel.exact(one)
    assert values.sum() == pytest.approx(one[-1] - one[0], abs=1e-12)
    np.testing.assert_allclose(
        kernel.exact(one + 2 * two), values + 2 * kernel.exact(two), atol=1e-11
    )
    dummy = one[bits(np.where(np.arange(k) == 0, False, masks))] + 3.0 * masks[:, 0]
    assert kernel.exact(dummy)[0] == pytest.approx(3.0, abs=1e-12)
    swapped = masks.copy()
    swapped[:, [0, 1]] = masks[:, [1, 0]]
    same = kernel.exact(one + one[bits(swapped)])
    assert same[0] == pytest.approx(same[1], abs=1e-12)


def test_every_block_is_uniform_and_visits_each_place_with_its_mirror():
    rng = np.random.default_rng(1)
    block = kernel.block(6, rng)
    assert block.shape == (4, 6)
    assert (np.sort(block, axis=1) == np.arange(6)).all()
    np.testing.assert_array_equal(block[2:], block[:2, ::-1])
    assert np.abs(np.argsort(block, axis=1)[1] - np.argsort(block, axis=1)[0]).min() == 3
    places = np.stack([np.argsort(kernel.block(3, rng), axis=1)[:, 0] for _ in range(6_000)])
    for row in places.T:
        np.testing.assert_allclose(np.bincount(row, minlength=3) / 6_000, 1 / 3, atol=0.03)


def test_errors_of_sampled_values_are_honest():
    """Unbiased, and off by more than two standard errors in about one case of twenty."""
    k, runs = 8, 150
    worth = np.random.default_rng(5).normal(size=1 << k) + np.arange(1 << k) ** 0.5
    truth = kernel.exact(worth)
    scores, spread = [], []
    for seed in range(runs):
        found = kernel.sampled(
            lambda masks: worth[bits(masks)], k, target=9, most=10_000,
            rng=np.random.default_rng(seed),
        )  # fmt: skip
        assert found.values.sum() == pytest.approx(worth[-1] - worth[0], abs=1e-9)
        assert found.evaluations == 2 + 30 * 4 * (k - 1) and found.reached
        scores.append((found.values - truth) / found.errors)
        spread.append(found.values)
    scores = np.array(scores)
    assert np.abs(scores.mean(axis=0)).max() < 4 / np.sqrt(runs)
    assert 0.9 < (np.abs(scores) < 2.05).mean() < 0.98


def test_pairs_of_orders_are_worth_more_than_single_ones():
    """For a game of pairs reversed orders cancel: the error is rounding."""
    k = 9
    pair = np.random.default_rng(2).normal(size=(k, k))
    found = kernel.sampled(
        lambda s: np.einsum("bi,ij,bj->b", s, pair, s), k, target=0.01, most=5_000,
        rng=np.random.default_rng(0),
    )  # fmt: skip
    np.testing.assert_allclose(found.values, (pair + pair.T).sum(axis=1) / 2, atol=1e-9)
    assert found.errors.max() < 1e-12


def test_sampling_stops_at_the_target_or_at_the_limit():
    worth = np.random.default_rng(7).normal(size=1 << 8)
    worth[-1] = 30.0

    def run(target: float, most: int) -> kernel.Sampled:
        return kernel.sampled(
            lambda m: worth[bits(m)], 8, target=target, most=most, rng=np.random.default_rng(0)
        )

    fine = run(0.002, 10**6)
    assert fine.reached and fine.errors.max() <= 0.002 * 30.5
    assert fine.evaluations > run(0.02, 10**6).evaluations
    cut = run(1e-9, 3_000)
    assert not cut.reached and 2_900 < cut.evaluations <= 3_000
    with pytest.raises(ValueError, match="800 evaluations are too few for 8 players: 842 are"):
        run(0.1, 800)


# -- shapley ---------------------------------------------------------------------------------


def glove(masks: np.ndarray) -> np.ndarray:
    """Pairs of gloves: two left hands, one right."""
    return np.minimum(masks[:, :2].sum(axis=1), masks[:, 2]).astype(float)


def test_glove_game_by_hand():
    found = measures.shapley(glove, ["l1", "l2", "r"])
    assert found.values.tolist() == pytest.approx([1 / 6, 1 / 6, 2 / 3])
    assert found.exact and found.reached and found.evaluations == 8 and found.total == 1
    assert found.standard_errors.tolist() == [0, 0, 0]
    assert found.table.index[0] == "r" and found.table["share"].sum() == pytest.approx(1)


def test_record_reads_well():
    text = repr(measures.shapley(lambda s: 3e6 * glove(s), ["l1", "l2", "r"], unit="EUR"))
    assert text.splitlines() == [
        "Shapley: 3 m EUR, 8 evaluations, exact",
        "  r: 2 m EUR (66.7%)",
        "  l1: 0.5 m EUR (16.7%)",
        "  l2: 0.5 m EUR (16.7%)",
    ]
    many = repr(measures.shapley(lambda s: s[:, 0] * 0.0, range(10)))
    assert "and 2 more" in many and "%" not in many
    sampled = repr(
        measures.shapley(lambda s: (s.sum(1) > 5) * 1.0, range(10), exact_up_to=4, rng=0,
                         max_evaluations=1_500)
    )  # fmt: skip
    assert "standard errors up to 0.0" in sampled and "not reached" in sampled


def test_large_games_are_streamed():
    """2^16 coalitions in a few calls, none of them large."""
    seen = []

    def value(masks: np.ndarray) -> np.ndarray:
        seen.append(len(masks))
        return masks @ np.arange(16.0)

    found = measures.shapley(value, range(16))
    np.testing.assert_allclose(found.values, np.arange(16.0), atol=1e-12)
    assert sum(seen) == 2**16 and max(seen) <= 2**18 // 16 and len(seen) == 4


def test_sampled_values_do_not_depend_on_the_order_of_the_players():
    weight = {name: float(i) for i, name in enumerate("abcdefgh")}

    def run(names: str) -> pd.Series:
        w = np.array([weight[name] for name in names])
        return measures.shapley(
            lambda s: np.sqrt(s @ w), list(names), exact_up_to=3, rng=4, target_error=0.1
        ).values

    found = run("abcdefgh")
    pd.testing.assert_series_equal(found, run("hgabfedc").reindex(found.index), rtol=1e-12)
    assert (found.diff().dropna() > 0).all()


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: measures.shapley(glove, []), "at least one name"),
        (lambda: measures.shapley(glove, ["a", "a", "b"]), "each of them once"),
        (lambda: measures.shapley(glove, "abc", exact_up_to=30), "at most 24"),
        (lambda: measures.shapley(glove, range(30), max_evaluations=105), "too few for 30 players"),
    ],
)
def test_games_that_cannot_be_played(call, text):
    with pytest.raises(ValueError, match=text):
        call()


# -- losses of the system --------------------------------------------------------------------


MIXED = [
    set(),
    {"unknown", "unfailing", "insolvent"},
    {"insolvent", "tiers"},
    {"pari_passu", "queues"},
]


@pytest.mark.parametrize("features", MIXED, ids=lambda f: "-".join(sorted(f)) or "plain")
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("model", [EN, ct.DebtRank(), ct.models.Furfine()], ids=repr)
def test_loss_of_owners_is_that_of_a_result(features, seed, model):
    net = random_network(seed, n=7, features=features)
    shock = random_shock(net, seed, pinned=seed % 2 == 0)
    _, losses, pins = triggers_of(net, shock, model)
    result = model.propagate(net, shock, baseline="cleared")
    found = SystemLoss(net, model)(losses[None], pins[None])[0]
    assert found == pytest.approx(result.loss.sum(), rel=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_losses_of_others_are_what_is_socialized(seed):
    net = random_network(seed, n=7)
    shock = random_shock(net, seed, pinned=seed % 2 == 0)
    hit, losses, pins = triggers_of(net, shock, EN)
    result = EN.propagate(net, shock, baseline="cleared")

    def of(whose):
        return SystemLoss(net, EN, whose)(losses[None], pins[None])[0]

    assert of("socialized") == pytest.approx(result.socialization.socialized, abs=1e-9)
    assert of("external creditors") == pytest.approx(result.outside_losses.sum(), abs=1e-9)
    assert of("everybody") == pytest.approx(of("owners") + of("external creditors"), rel=1e-12)
    assert of("everybody") == pytest.approx(result.socialization.borne, rel=1e-9)
    assert set(net.names[hit]) == set(net.names[result.triggers])


def test_losses_with_guarantees_are_those_of_a_result():
    net = from_liabilities([[0, 10, 0], [0, 0, 0], [0, 0, 0]], [2, 5, 20], [0, 0, 2])
    net = net.with_guarantees({"guarantor": ["c"], "debtor": ["a"], "amount": [6.0]})
    for shock in (ct.Shock.default("a", recovery=0.0), ct.Shock.default("c", recovery=0.2)):
        _, losses, pins = triggers_of(net, shock, EN)
        result = EN.propagate(net, shock, baseline="cleared")
        found = SystemLoss(net, EN)(losses[None], pins[None])[0]
        assert found == pytest.approx(result.borne[0].sum(), rel=1e-9)


def test_what_an_unknown_guarantor_passes_on_is_not_its_loss():
    """c, whose books are not known, fails and pays nothing of the 6 that it is called for.

    It loses its claim of 8 on a, which has nothing left; the 6 are lost by b alone.
    """
    nodes = pd.DataFrame({"node": list("abc"), "external_assets": [20.0, 5.0, np.nan],
                          "external_liabilities": [0.0, 0.0, np.nan]})  # fmt: skip
    owed = pd.DataFrame({"creditor": ["b", "c"], "debtor": ["a", "a"], "amount": [10.0, 8.0]})
    net = ct.ExposureNetwork(nodes, owed, missing_equity="external").with_guarantees(
        {"guarantor": ["c"], "debtor": ["a"], "creditor": ["b"], "amount": [6.0]}
    )
    shock = ct.Shock.loss({"a": 20}) + ct.Shock.default("c")
    _, losses, pins = triggers_of(net, shock, EN)
    result = EN.propagate(net, shock, baseline="cleared")
    assert result.loss.tolist() == [2, 10, 8]
    assert SystemLoss(net, EN)(losses[None], pins[None])[0] == pytest.approx(20)


def test_shares_held_by_nodes_count_once():
    """b owns half of a: of the 4 that a loses, b bears 2 and the others 2: 4 in all."""
    net = from_liabilities([[0, 0], [0, 0]], [10, 10])
    net = net.with_shareholdings({"owner": ["b"], "company": ["a"], "fraction": [0.5]})
    loss = SystemLoss(net, ct.models.CrossHoldings())
    assert loss(np.array([[4.0, 0.0]]))[0] == pytest.approx(4.0)
    assert ct.models.CrossHoldings().propagate(net, ct.Shock.loss({"a": 4})).loss.sum() == 6


def test_what_a_model_does_not_compute(fan):
    with pytest.raises(ct.ModelError, match="DebtRank does not compute losses of 'socialized'"):
        SystemLoss(fan, ct.DebtRank(), "socialized")
    with pytest.raises(ValueError, match="choose 'owners', 'external creditors'"):
        SystemLoss(fan, EN, "nobody")


def test_scenarios_that_do_not_converge_are_an_error():
    net = random_network(1, n=8, degree=4)
    with pytest.raises(ct.ConvergenceError, match=r"did not converge in 1 of 1 scenarios"):
        SystemLoss(net, ct.models.NetworkValuation("linear-debtrank", max_rounds=1))(
            net.book.external_assets[None] * 0.2
        )


# -- defaults --------------------------------------------------------------------------------


def test_shapley_of_defaults_by_hand(fan):
    """v: 3 for a, 4 for b, 5 for c alone (own capital and d); pairs 2 + min(5, ·); all 3 + 5."""
    found = measures.shapley_of_defaults(fan, EN, ["a", "b", "c"])
    worth = {(): 0, (0,): 3, (1,): 4, (2,): 5, (0, 1): 7, (0, 2): 7, (1, 2): 7, (0, 1, 2): 8}
    want = by_orders({frozenset(key): value for key, value in worth.items()}, 3)
    assert found.values.tolist() == pytest.approx(want)
    assert found.total == 8 and found.unit == "EUR mn" and "owners" in found.method


def test_a_second_trigger_that_destroys_nothing_changes_no_part(fan):
    """d fails and pays all the same: a costs d 2, whether d is hit for nothing itself or not."""
    shock = ct.Shock.default("a") + ct.Shock.default("d", recovery=1.0)
    found = measures.shapley_of_defaults(fan, EN, shock, of="socialized")
    assert found.values.to_dict() == {"a": 2.0, "d": 0.0} and found.total == 2


@pytest.mark.parametrize("seed", range(3))
def test_shapley_of_defaults_is_that_of_single_runs(seed):
    """Every coalition as a propagation of its own; losses and defaults together."""
    net = random_network(seed, n=7)
    shock = random_shock(net, seed, pinned=True)
    hit, losses, pins = triggers_of(net, shock, EN)
    k = len(hit)
    worth = np.zeros(1 << k)
    for number in range(1, 1 << k):
        part = ct.Shock()
        for at in (i for i in range(k) if number >> i & 1):
            name = net.names[hit[at]]
            if np.isnan(pins[hit[at]]):
                part += ct.Shock.loss({name: losses[hit[at]]})
            else:
                part += ct.Shock.default(name, recovery=pins[hit[at]])
        worth[number] = EN.propagate(net, part, baseline="cleared").loss.sum()
    found = measures.shapley_of_defaults(net, EN, shock)
    np.testing.assert_allclose(found.values, by_orders(table_of(worth, k), k), rtol=1e-9, atol=1e-9)
    assert list(found.values.index) == list(net.names[hit])


def test_sampled_shares_of_defaults_are_near_the_exact_ones():
    net = random_network(11, n=14, degree=3)
    exact = measures.shapley_of_defaults(net, EN, net.names)
    found = measures.shapley_of_defaults(
        net, EN, net.names, exact_up_to=5, target_error=0.002, rng=3
    )
    assert exact.exact and not found.exact and found.reached
    assert found.total == pytest.approx(exact.total, rel=1e-12)
    gap = (found.values - exact.values).abs()
    assert gap.max() < 4 * 0.002 * exact.total
    again = measures.shapley_of_defaults(
        net, EN, net.names[::-1], exact_up_to=5, target_error=0.002, rng=3
    )
    pd.testing.assert_series_equal(again.values.reindex(found.values.index), found.values)


def test_chunks_do_not_change_anything(fan, monkeypatch):
    hit, losses, pins = triggers_of(fan, ["a", "b", "c"], EN)
    masks = kernel.coalitions(0, 8, 3)
    whole = coalition_losses(SystemLoss(fan, EN), hit, losses, pins, masks)
    monkeypatch.setattr("contagion.measures.attribution.CHUNK", 12)
    np.testing.assert_array_equal(
        coalition_losses(SystemLoss(fan, EN), hit, losses, pins, masks), whole
    )


def test_nobody_is_hit(fan):
    with pytest.raises(ct.ShockError, match="hits no node"):
        measures.shapley_of_defaults(fan, EN, ct.Shock())
    with pytest.raises(ct.UnknownNameError, match="Did you mean 'a'"):
        measures.shapley_of_defaults(fan, EN, ["A"])


def test_progress_is_shown_and_changes_nothing(fan, capsys):
    quiet = measures.shapley_of_defaults(fan, EN, ["a", "b"])
    loud = measures.shapley_of_defaults(fan, EN, ["a", "b"], progress=True)
    assert loud.values.equals(quiet.values)
    assert "4/4" in capsys.readouterr().err


# -- the risk of scenarios -------------------------------------------------------------------


def test_shapley_of_risk_against_every_order():
    net = random_network(2, n=4, degree=2)
    draws = np.random.default_rng(0).random((40, 4)) * net.book.external_assets
    draws[:, 3] = 0.0  # not a player
    worth = np.zeros(8)
    for number in range(8):
        inside = [number >> i & 1 for i in range(3)] + [0]
        lost = sorted(
            float(EN.propagate(net, ct.Shock.loss(dict(zip(net.names, row, strict=True))),
                               baseline="cleared").loss.sum())
            for row in draws * inside
        )  # fmt: skip
        worth[number] = sum(lost[-10:]) / 10  # the worst quarter of 40
    found = measures.shapley_of_risk(net, EN, draws, level=0.75)
    np.testing.assert_allclose(found.values, by_orders(table_of(worth, 3), 3), rtol=1e-9)
    assert list(found.values.index) == list(net.names[:3])


def test_scenarios_that_do_not_fit(fan):
    with pytest.raises(ct.ShockError, match=r"have to be \(scenarios, 4\)"):
        measures.shapley_of_risk(fan, EN, np.ones((5, 3)))
    with pytest.raises(ct.ShockError, match="finite"):
        measures.shapley_of_risk(fan, EN, -np.ones((5, 4)))
    with pytest.raises(ct.ShockError, match="hit no node"):
        measures.shapley_of_risk(fan, EN, np.zeros((5, 4)))


# -- one left out ----------------------------------------------------------------------------


def test_leave_one_out_by_hand(fan):
    found = measures.leave_one_out(fan, EN, ["a", "b", "c"])
    assert found["total"].tolist() == [8, 8, 8]
    assert found["without"].to_dict() == {"a": 7, "b": 7, "c": 7}
    assert found["averted"].to_dict() == {"a": 1, "b": 1, "c": 1}
    assert found["alone"].to_dict() == {"a": 3, "b": 4, "c": 5}


def test_leave_one_out_of_losses_and_other_bearers(chain):
    """a loses 12 of 12 and pays b nothing; b's own loss of 1 is nothing beside it."""
    shock = ct.Shock.loss({"a": 12, "b": 1})
    found = measures.leave_one_out(chain, EN, shock, of="socialized")
    for name, rest in (("a", {"b": 1}), ("b", {"a": 12})):
        part = EN.propagate(chain, ct.Shock.loss(rest)).socialization.socialized
        assert found.loc[name, "without"] == pytest.approx(part)
    assert found.index[0] == "a"


def test_protection_by_hand(chain):
    """a fails, pays nothing. b (capital 3, 11 of assets) has 1 left for c, c then 1 for d."""
    found = measures.protection(chain, EN, ["a"])
    assert list(found.index) == ["a", "b", "c"]
    result = EN.propagate(chain, ct.Shock.default("a"))
    assert result.loss.tolist() == [2, 3, 4, 3]
    assert found["averted"].to_dict() == {"a": 10.0, "b": 7.0, "c": 3.0}
    assert found["cost"].to_dict() == {"a": 10.0, "b": 7.0, "c": 3.0}
    assert found["ratio"].to_dict() == {"a": 1.0, "b": 1.0, "c": 1.0}


def test_protection_of_chosen_nodes_and_of_a_node_that_needs_nothing(chain):
    found = measures.protection(chain, EN, ct.Shock.loss({"a": 1}), nodes=["d", "a"])
    assert found["averted"].tolist() == [0, 0] and found["cost"].tolist() == [0, 0]
    assert found["ratio"].isna().all()
    with pytest.raises(KeyError, match="Unknown node"):
        measures.protection(chain, EN, ["a"], nodes=["z"])


@pytest.mark.parametrize("seed", range(3))
def test_protection_counts_the_others_alone(seed):
    """Against runs of their own; in circles a node that is protected spares itself too."""
    net = random_network(seed, n=7, degree=3)
    shock = ct.Shock.relative(1.0, list(net.names[:3]))
    found = measures.protection(net, EN, shock)
    assert len(found) > 1
    before = EN.propagate(net, shock)
    for name, row in found.iterrows():
        after = EN.propagate(net.with_nodes(can_fail={name: False}), shock)
        others = net.names != name
        assert row["averted"] == pytest.approx((before.loss - after.loss)[others].sum())
        lacks = max(-after.table.loc[name, "equity_after"], 0)
        assert row["cost"] == pytest.approx(lacks)


def test_what_a_protected_node_spares_itself_does_not_count():
    """Losses before default go round a ring: with a paid in full, b, c and then a lose less.

    a loses 1 and half of what c loses, b half of what a loses, c half of what b loses.
    """
    net = from_liabilities([[0, 2, 0], [0, 0, 2], [2, 0, 0]], [6, 6, 6], [2, 2, 2])
    model, shock = ct.DebtRank(), ct.Shock.loss({"a": 1})
    found = measures.protection(net, model, shock, nodes=["a"])
    before = model.propagate(net, shock).loss
    assert before.tolist() == pytest.approx([8 / 7, 4 / 7, 2 / 7])
    assert found.loc["a", "averted"] == pytest.approx(6 / 7)


def test_protection_works_where_losses_come_before_default(chain):
    """DebtRank: a loses half of its capital of 2, b half of its claim of 10, more than it has."""
    model, shock = ct.DebtRank(), ct.Shock.loss({"a": 1})
    found = measures.protection(chain, model, shock)
    before = model.propagate(chain, shock).loss
    after = model.propagate(chain.with_nodes(can_fail={"a": False}), shock).loss
    assert found.loc["a", "averted"] == pytest.approx(before[1:].sum() - after[1:].sum())
    assert found.loc["a", "averted"] == pytest.approx(3 + 4 + 4)


# -- Aumann–Shapley --------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("model", [EN, ct.DebtRank()], ids=repr)
def test_prices_are_the_integral_of_a_fine_grid(model, seed):
    """Claims of at most a third of the capital of a creditor, so that DebtRank dies out."""
    rng = np.random.default_rng(seed)
    matrix = 0.4 * rng.random((5, 5)) * (1 - np.eye(5))
    net = from_liabilities(matrix, 4 + 4 * rng.random(5), [4, 3, 4, 4, 3])
    shock = ct.Shock.relative(0.8, list("abc"))
    found = measures.aumann_shapley(net, model, shock)
    x = shock.arrays(net)[0]
    steps = 1_000
    middle, want = (np.arange(steps) + 0.5) / steps, np.zeros(3)
    for i in range(3):
        up, down = np.outer(middle, x), np.outer(middle, x)
        up[:, i] += x[i] / (2 * steps)
        down[:, i] -= x[i] / (2 * steps)
        fall = np.maximum(model.solve(net, down).equity, 0) - np.maximum(
            model.solve(net, up).equity, 0
        )
        want[i] = fall.sum()
    np.testing.assert_allclose(found.values, want, atol=2e-3 * found.total)
    result = model.propagate(net, shock, baseline="cleared")
    assert found.total == pytest.approx(result.loss.sum(), rel=1e-9)
    assert found.values.sum() == pytest.approx(found.total, rel=1e-12)
    assert found.reached and (found.values >= -1e-9).all()


def test_prices_without_a_kink_are_exact():
    """a (equity 1 of 4) owes b 3: on the way to 3 lost it fails at a third; kinks at 1/3."""
    net = from_liabilities([[0, 3], [0, 0]], [4, 2])
    straight = measures.aumann_shapley(net, EN, ct.Shock.loss({"a": 0.8, "b": 0.4}))
    assert straight.values.tolist() == pytest.approx([0.8, 0.4], abs=1e-12)
    assert straight.exact and straight.evaluations == 9 + 8 * 5


def test_prices_of_a_kink():
    """The owners of c bear 5 at most. a and b lose 4 each, half of it passes to c at once."""
    net = from_liabilities(
        [[0, 0, 4], [0, 0, 2], [0, 0, 0]], [4, 2, 0], [0, 0, 1]
    )  # a, b have no capital, c 5
    found = measures.aumann_shapley(net, EN, ct.Shock.loss({"a": 4, "b": 2}))
    # c is gone at t = 5/6: until then each unit costs one, after that nothing
    assert found.values.tolist() == pytest.approx([4 * 5 / 6, 2 * 5 / 6], rel=1e-6)
    assert found.total == 5 and not found.exact and found.reached


def test_symmetric_nodes_pay_the_same_price(fan):
    net = from_liabilities([[0, 0, 4], [0, 0, 4], [0, 0, 0]], [5, 5, 0], [0, 0, 3])
    found = measures.aumann_shapley(net, EN, ct.Shock.loss({"a": 4, "b": 4}), of="everybody")
    assert found.values["a"] == pytest.approx(found.values["b"], rel=1e-9)
    assert found.total == pytest.approx(8)


def test_prices_for_others_leave_the_hit_owners_out_throughout():
    net = random_network(3, n=6)
    shock = ct.Shock.relative(0.5, list(net.names[:3]))
    found = measures.aumann_shapley(net, EN, shock, of="socialized")
    want = EN.propagate(net, shock).socialization.socialized
    assert found.total == pytest.approx(want, abs=1e-9)
    assert found.values.sum() == pytest.approx(want, abs=1e-9)


def test_a_jump_has_no_price():
    """Default costs: a fails at 1/3 of the shock with 9, of which b gets 4.5; of the next 2, one.

    All of it is the doing of a: 1 + 4.5 + 1. No price, but a Shapley value.
    """
    net = from_liabilities([[0, 9], [0, 0]], [10, 5])
    model = ct.models.RogersVeraart(0.5, 0.5, which="greatest")
    with pytest.raises(ct.ConvergenceError, match=r"jumps at 33\.33 % of the shock") as caught:
        measures.aumann_shapley(net, model, ct.Shock.loss({"a": 3}))
    assert not caught.value.partial.reached
    assert measures.shapley_of_defaults(net, model, ct.Shock.loss({"a": 3})).total == 6.5


def test_a_jump_that_charges_happen_to_explain_is_noticed():
    """A network that amplifies: any loss of a wipes out both. In DebtRank the loss jumps at 0."""
    net = from_liabilities([[0, 9], [9, 0]], [3, 3])
    with pytest.raises(ct.ConvergenceError, match=r"jumps at .* % of the shock"):
        measures.aumann_shapley(net, ct.DebtRank(), ct.Shock.loss({"a": 2, "b": 1}))


def test_a_default_has_no_half(fan):
    with pytest.raises(ct.ShockError, match="cannot be scaled"):
        measures.aumann_shapley(fan, EN, ct.Shock.default("a"))


def test_a_budget_that_ends_says_so():
    net = from_liabilities([[0, 0, 4], [0, 0, 2], [0, 0, 0]], [4, 2, 0], [0, 0, 1])
    shock = ct.Shock.loss({"a": 4, "b": 2})
    assert measures.aumann_shapley(net, EN, shock).evaluations > 100
    with pytest.raises(ct.ConvergenceError, match=r"99 runs were not enough .* Raise max"):
        measures.aumann_shapley(net, EN, shock, max_evaluations=105)


# -- the registry ----------------------------------------------------------------------------


def test_definitions_are_registered():
    for name in ("shapley", "aumann_shapley", "averted", "covar", "delta_covar", "mes", "ses"):
        definition = measures.MEASURES[name]
        assert definition.formula and definition.source and definition.unit == "money"
    assert measures.MEASURES["mes"].about == "vulnerability"
    assert callable(measures.shapley) and callable(measures.covar)
