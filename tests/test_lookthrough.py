"""Look-through to base assets: hand examples, loops, identities, and who holds the bag."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from conftest import VENUES_TOO, random_network, random_tables
from numpy.testing import assert_allclose

import contagion as ct
from contagion.lookthrough import (
    blast_radius,
    look_through,
    rehypothecation,
    who_holds_the_bag,
)
from contagion.lookthrough.loops import gains

FEATURE_SETS = [
    frozenset(),
    frozenset(VENUES_TOO) - {"pinned"},
    frozenset({"insolvent", "unknown"}),
]


def network(nodes, owed, holdings=None, **options) -> ct.ExposureNetwork:
    """Nodes {name: (external assets, external liabilities)}, claims (creditor, debtor, amount)."""
    columns = {k: v for k, v in options.items() if isinstance(v, dict)}
    rest = {k: v for k, v in options.items() if k not in columns}
    table = pd.DataFrame(
        [(name, *sides) for name, sides in nodes.items()],
        columns=["node", "external_assets", "external_liabilities"],
    )
    for name, values in columns.items():
        table[name] = table["node"].map(values)
    claims = pd.DataFrame(owed, columns=["creditor", "debtor", "amount", "tier"][: len(owed[0])])
    held = None
    if holdings:
        held = pd.DataFrame(holdings, columns=["node", "asset", "value"])
    return ct.ExposureNetwork(table, claims, holdings=held, **rest)


@pytest.fixture
def wrappers() -> ct.ExposureNetwork:
    """ETH in a vault, its token in a lending market with capital and depositors, and a user."""
    return network(
        {"vault": (120, 10), "market": (20, 30), "user": (0, 0), "fund": (5, 0)},
        [
            ("market", "vault", 60, 2),
            ("user", "vault", 40, 1),
            ("user", "market", 30, 1),
            ("fund", "market", 10, 1),
        ],
        [("vault", "ETH", 100), ("market", "USD", 20)],
        oracle={"vault": "feed", "market": "feed; twap"},
        exit_liquidity={"vault": 25.0, "market": 100.0},
    )


@pytest.fixture
def halves() -> ct.ExposureNetwork:
    """Two nodes with 10 of an asset of their own; half of each belongs to the other."""
    return network(
        {"a": (10, 0), "b": (10, 0)},
        [("a", "b", 10), ("b", "a", 10)],
        [("a", "x", 10), ("b", "y", 10)],
    )


def dense(net: ct.ExposureNetwork) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Plain look-through: shares, base money (n,) and exposure (n,), matrix by matrix."""
    n = len(net)
    outside = np.nan_to_num(net.book.external_assets)
    owed = np.nan_to_num(net.book.external_liabilities)
    matrix = np.zeros((n, n))
    for i, j, amount in zip(net.creditor, net.debtor, net.amount, strict=True):
        matrix[i, j] += amount
    total = np.maximum(outside + matrix.sum(axis=1), owed + matrix.sum(axis=0))
    shares = matrix / np.where(total > 0, total, 1.0)
    return shares, outside, np.linalg.solve(np.eye(n) - shares, outside)


# -- look-through -------------------------------------------------------------------------------


def test_a_chain_by_hand(wrappers):
    """Of the vault's 120, 60 are the market's, 40 the user's, 10 outside, 10 the owners'."""
    found = look_through(wrappers)
    assert found.assets == ("ETH", "USD", "other")
    assert found.of("vault").tolist() == [100, 0, 20]
    assert found.of("market").tolist() == [50, 20, 10]
    assert_allclose(found.of("user"), [100 / 3 + 3 / 8 * 50, 3 / 8 * 20, 20 / 3 + 3 / 8 * 10])
    assert_allclose(found.of("fund"), [50 / 8, 20 / 8, 10 / 8 + 5])
    ends = found.ends.set_index(["node", "asset"])
    assert_allclose(ends.loc[("vault", "ETH")], [100 / 12, 100 / 12])
    assert_allclose(ends.loc[("market", "ETH")], [50 * 10 / 80, 50 * 30 / 80])
    assert not len(found.loops) and not found.cut.any() and not found.unknown
    assert_allclose(found.totals["base"], [100, 20, 25])


def test_the_table_has_a_row_where_there_is_any(wrappers):
    table = look_through(wrappers).table.set_index(["node", "asset"])
    assert ("vault", "USD") not in table.index and len(table) == 11
    assert table.loc[("market", "ETH"), "direct"] == 0
    assert table.loc[("market", "ETH"), "look_through"] == 50


def test_a_loop_with_gain_one_half_counts_twice(halves):
    """E = 10 + E/2: 20 = 10 / (1 − 0.5)."""
    found = look_through(halves)
    assert_allclose(found.exposure.sum(axis=1), [20, 20])
    row = found.loops.iloc[0]
    assert row["members"] == ("a", "b") and row["claims"] == 20
    assert row["gain"] == pytest.approx(0.5) and row["multiplier"] == pytest.approx(2)


def test_two_organizations_of_elliott_golub_jackson(halves):
    """Elliott, Golub & Jackson (2014), two organizations that own half of each other.

    Owners end up with 2/3 of their own organization's asset and 1/3 of the other's.
    """
    ends = look_through(halves).ends.pivot(index="node", columns="asset", values="owners")
    assert_allclose(ends.to_numpy() / 10, [[2 / 3, 1 / 3], [1 / 3, 2 / 3]])


def test_stream_and_elixir():
    net = ct.datasets.load("stream_elixir_2025")
    found = look_through(net)
    row = found.loops.iloc[0]
    assert row["members"] == ("elixir", "stream") and row["claims"] == 143e6
    gain = math.sqrt(75 / 83.33 * 68 / 444.9)
    assert row["gain"] == pytest.approx(gain) and gain == pytest.approx(0.3709, abs=1e-4)
    stream = (63 + 93 + 75 / 83.33 * 7.56) / (1 - gain**2)
    assert found.of("stream").sum() == pytest.approx(stream * 1e6)
    assert len(found.unknown) == 7  # final holders; the external manager has what it owes


def test_stream_and_elixir_without_the_manager_are_the_published_recoveries():
    """Everybody is short, so what stands behind a claim is what it is paid: 18.2 % and 23.9 %."""
    net = ct.datasets.load("stream_elixir_2025")
    net = net.with_nodes(external_assets={"external_manager": 0.0})
    found = look_through(net)
    known = ct.datasets.outcomes("stream_elixir_2025").set_index(["node", "what"])["value"]
    for node, debt in (("stream", 444.9e6), ("elixir", 83.33e6)):
        recovery = known[node, "recovery rate, pari passu, no set-off"]
        assert found.of(node).sum() / debt == pytest.approx(recovery, abs=5e-4)


@pytest.mark.parametrize("features", FEATURE_SETS, ids=["plain", "everything", "short"])
def test_money_is_neither_made_nor_lost(features):
    for seed in range(40):
        net = random_network(seed, n=4 + seed % 9, degree=1 + seed % 4, features=features)
        for loops in ("solve", "cut"):
            found = look_through(net, loops=loops)
            size = found.totals["base"].sum()
            assert (found.totals["gap"].abs() <= 1e-12 * size).all()
            owners, outsiders = found.ends["owners"].sum(), found.ends["external_creditors"].sum()
            assert owners + outsiders == pytest.approx(size, rel=1e-12)
            assert size == pytest.approx(np.nansum(net.book.external_assets))


@pytest.mark.parametrize("features", FEATURE_SETS, ids=["plain", "everything", "short"])
def test_the_sparse_solution_is_the_dense_one(features):
    for seed in range(40):
        net = random_network(seed, n=10, degree=2.5, features=features)
        found = look_through(net)
        shares, outside, exposure = dense(net)
        assert_allclose(found.shares.shares.toarray(), shares, atol=1e-14)
        assert_allclose(found.direct.sum(axis=1), outside)
        assert_allclose(found.exposure.sum(axis=1), exposure, rtol=1e-9)


def test_base_assets_are_kept_apart():
    """The sum over assets does not depend on how the external assets are called."""
    nodes, owed, options = random_tables(3, n=12)
    rng = np.random.default_rng(3)
    part = rng.random((12, 2)) * 0.5
    held = pd.concat(
        nodes[["node"]].assign(asset=asset, value=nodes["external_assets"] * part[:, k])
        for k, asset in enumerate(["eth", "btc"])
    )
    with_assets = look_through(ct.ExposureNetwork(nodes, owed, holdings=held, **options))
    plain = look_through(ct.ExposureNetwork(nodes, owed, **options))
    assert with_assets.assets == ("btc", "eth", "other")
    assert_allclose(with_assets.exposure.sum(axis=1), plain.exposure[:, 0])
    assert_allclose(with_assets.totals["gap"], 0, atol=1e-10)


def test_a_node_that_is_short_shares_what_it_has_by_face_value():
    net = network({"a": (30, 20), "b": (0, 0)}, [("b", "a", 40)])
    found = look_through(net)
    assert found.of("b").sum() == pytest.approx(20)  # 40/60 of 30
    assert found.ends.set_index("node").loc["a", "external_creditors"] == pytest.approx(10)


def test_nothing_stands_behind_a_closed_loop():
    net = network(
        {"a": (0, 0), "b": (0, 0), "c": (7, 0)}, [("a", "b", 5), ("b", "a", 5), ("a", "c", 0)]
    )
    for loops in ("solve", "cut"):
        found = look_through(net, loops=loops)
        assert found.exposure.ravel().tolist() == [0, 0, 7]
        assert found.loops.iloc[0]["gain"] == 1 and found.loops.iloc[0]["multiplier"] == math.inf
        assert found.totals["owners"].tolist() == [7]


def test_a_nearly_closed_loop_is_solved():
    """Gain 1 − 1e-6: what little leaves carries everything out."""
    net = network({"a": (1, 1), "b": (0, 0)}, [("a", "b", 1e6), ("b", "a", 1e6)])
    found = look_through(net)
    assert found.totals["external_creditors"].tolist() == pytest.approx([1])
    assert found.of("a").sum() == pytest.approx(1e6 + 1)


# -- loops --------------------------------------------------------------------------------------


def test_cutting_leaves_out_the_claim_that_closes_the_loop():
    """b holds most base assets: its claim on c leads back up."""
    net = network(
        {"a": (1, 0), "b": (80, 0), "c": (5, 0)}, [("a", "b", 50), ("c", "a", 40), ("b", "c", 8)]
    )
    found = look_through(net, loops="cut")
    assert found.cut_claims[["creditor", "debtor", "amount"]].values.tolist() == [["b", "c", 8]]
    assert found.of("b").sum() == 80 and found.of("a").sum() == pytest.approx(51)
    assert found.of("c").sum() == pytest.approx(5 + 40)
    assert len(found.loops) == 1 and "1 claim, 8" in repr(found)


def test_cut_is_the_network_without_those_claims():
    for seed in range(30):
        nodes, owed, options = random_tables(seed, n=14, degree=2.5)
        net = ct.ExposureNetwork(nodes, owed, **options)
        found = look_through(net, loops="cut")
        rest = ct.ExposureNetwork(nodes, owed[~found.cut].reset_index(drop=True), **options)
        again = look_through(rest)
        assert not len(again.loops)
        assert_allclose(found.exposure, again.exposure, rtol=1e-10)
        if len(look_through(net).loops):
            assert found.cut.any()


def test_without_loops_there_is_nothing_to_cut(wrappers):
    one, two = look_through(wrappers), look_through(wrappers, loops="cut")
    assert not two.cut.any() and not len(two.cut_claims)
    assert_allclose(one.exposure, two.exposure)


def test_the_order_of_rows_does_not_matter():
    for seed in range(10):
        nodes, owed, options = random_tables(seed, n=12, degree=3)
        nodes["oracle"] = np.where(np.arange(12) % 3, "x", "y")
        mixed = nodes.sample(frac=1, random_state=seed).reset_index(drop=True)
        turned = owed.sample(frac=1, random_state=seed).reset_index(drop=True)
        nets = (
            ct.ExposureNetwork(nodes, owed, **options),
            ct.ExposureNetwork(mixed, turned, **options),
        )
        cuts = []
        for net in nets:
            found = look_through(net, loops="cut")
            cuts.append(set(map(tuple, found.cut_claims[["creditor", "debtor"]].to_numpy())))
        assert cuts[0] == cuts[1]
        for what in (
            lambda net: look_through(net).table.sort_values(["node", "asset"], ignore_index=True),
            lambda net: look_through(net).loops,
            lambda net: who_holds_the_bag(net, "n003"),
            lambda net: rehypothecation(net, "token"),
            lambda net: rehypothecation(net, "component"),
            blast_radius,
        ):
            pd.testing.assert_frame_equal(what(nets[0]), what(nets[1]), rtol=1e-9)


def test_gains_are_spectral_radii():
    for seed in range(10):
        net = random_network(seed, n=15, degree=3)
        found = look_through(net)
        matrix = found.shares.shares.toarray()
        for row in found.loops.itertuples():
            at = [net.position(name) for name in row.members]
            radius = np.abs(np.linalg.eigvals(matrix[np.ix_(at, at)])).max()
            assert row.gain == pytest.approx(radius, rel=1e-9)


@pytest.mark.parametrize("size", [5, 60, 70, 700, 6000])
def test_the_gain_of_a_ring_is_the_root_of_the_product_of_its_shares(size):
    """Claims of 9 all round; with external assets of x the share is 9/(9 + x)."""
    names = [f"n{k:04d}" for k in range(size)]
    outside = np.random.default_rng(size).uniform(0.5, 9, size)
    nodes = {name: (x, 0) for name, x in zip(names, outside, strict=True)}
    net = network(nodes, [(names[k], names[k - 1], 9.0) for k in range(size)])
    found = look_through(net).loops
    gain = math.exp(np.log(9 / (9 + outside)).mean())
    assert len(found) == 1 and found["gain"][0] == pytest.approx(gain, rel=1e-8)
    assert found["multiplier"][0] == pytest.approx(1 / (1 - gain), rel=1e-7)


def test_gains_of_nothing(wrappers):
    found = look_through(wrappers)
    assert gains(found.shares.shares, np.arange(4)) == {}


def large(n: int, seed: int) -> ct.ExposureNetwork:
    rng = np.random.default_rng(seed)
    pairs = rng.integers(0, n, (3 * n, 2))
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    owed = pd.DataFrame(pairs, columns=["creditor", "debtor"]).drop_duplicates()
    owed["amount"] = rng.lognormal(0, 1, len(owed))
    nodes = pd.DataFrame(
        {
            "node": np.arange(n),
            "external_assets": rng.lognormal(0, 1, n),
            "external_liabilities": 0.1 * rng.lognormal(0, 1, n),
        }
    )
    return ct.ExposureNetwork(nodes, owed.reset_index(drop=True))


@pytest.mark.slow
def test_a_hundred_thousand_nodes():
    """Most of them in one loop: solved by iteration, and no money is lost."""
    net = large(100_000, 1)
    found = look_through(net)
    assert found.loops["size"].max() > 50_000
    gap, base = found.totals.loc["other", ["gap", "base"]]
    assert abs(gap) < 1e-11 * base
    residual = found.exposure - found.shares.shares @ found.exposure - found.direct
    assert np.abs(residual).max() < 1e-10 * found.exposure.max()
    cut = look_through(net, loops="cut")
    assert cut.cut.any() and abs(cut.totals.loc["other", "gap"]) < 1e-11 * base


def test_look_through_errors(wrappers):
    with pytest.raises(ValueError, match="loops='ignore': choose 'solve' or 'cut'"):
        look_through(wrappers, loops="ignore")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"asset called 'ETH'.*give other= another name"):
        look_through(wrappers, other="ETH")
    with pytest.raises(KeyError, match="Did you mean 'vault'"):
        look_through(wrappers).of("valt")


def test_look_through_is_frozen(wrappers):
    found = look_through(wrappers)
    with pytest.raises(ValueError, match="read-only"):
        found.exposure[0, 0] = 1
    with pytest.raises(AttributeError):
        found.mode = "cut"  # type: ignore[misc]


# -- depeg --------------------------------------------------------------------------------------


def test_a_depeg_is_a_price_move_or_a_default(wrappers):
    losses, pins, _ = ct.Shock.depeg("ETH", to=0.75).arrays(wrappers)
    assert losses.tolist() == [25, 0, 0, 0] and np.isnan(pins).all()
    losses, pins, _ = ct.Shock.depeg("vault", to=0.4).arrays(wrappers)
    assert losses.tolist() == [0] * 4 and pins[0] == 0.4 and np.isnan(pins[1:]).all()
    assert ct.Shock.depeg("vault").depegs == (("vault", 0.9),)
    for token in ("ETH", "vault"):
        losses, pins, _ = ct.Shock.depeg(token, to=1.0).arrays(wrappers)
        assert not losses.any() and np.isnan(pins).all()


def test_a_token_that_is_a_node_and_an_asset_depegs_as_both():
    net = network(
        {"coin": (10, 0), "bank": (8, 0), "user": (0, 0)},
        [("user", "coin", 10)],
        [("bank", "coin", 8)],
    )
    losses, pins, _ = ct.Shock.depeg("coin", to=0.5).arrays(net)
    assert losses.tolist() == [0, 4, 0] and pins[0] == 0.5
    bag = who_holds_the_bag(net, "coin", to=0.5).set_index("holder")
    assert bag.loc["bank", ["direct", "loss"]].tolist() == [8, 4]
    assert bag.loc["user", ["direct", "loss"]].tolist() == [10, 5]


def test_depeg_errors(wrappers, chain):
    for to in (-0.1, 1.1, math.nan):
        with pytest.raises(ct.ShockError, match=r"depeg of 'ETH' is to .* lie in \[0, 1\]"):
            ct.Shock.depeg("ETH", to=to)
    with pytest.raises(ct.UnknownNameError, match=r"Unknown token 'ETHH'. Did you mean 'ETH'"):
        ct.Shock.depeg("ETHH").arrays(wrappers)
    with pytest.raises(ct.UnknownNameError, match=r"Unknown token 'valt'. Did you mean 'vault'"):
        ct.Shock.depeg("valt").arrays(wrappers)
    with pytest.raises(ct.UnknownNameError, match="Unknown token 'zz'"):
        ct.Shock.depeg("zz").arrays(chain)
    with pytest.raises(ct.ShockError, match=r"'ETH' depegs twice, to 0.5 and to 0.6"):
        ct.Shock.depeg("ETH", 0.5) + ct.Shock.depeg("ETH", 0.6)
    both = ct.Shock.depeg("vault", 0.5) + ct.Shock.default("vault", 0.6)
    with pytest.raises(ct.ShockError, match="'vault' defaults twice"):
        both.arrays(wrappers)


def test_depegs_add_and_print(wrappers):
    shock = ct.Shock.depeg("ETH", 0.5) + ct.Shock.depeg("vault", 0.3) + ct.Shock.loss({"fund": 1.0})
    assert eval(repr(shock), {"Shock": ct.Shock}) == shock
    assert shock + ct.Shock.depeg("ETH", 0.5) == shock
    plain = shock.resolved(wrappers)
    assert plain == (
        ct.Shock.loss({"fund": 1.0})
        + ct.Shock.default("vault", 0.3)
        + ct.Shock.price({"ETH": -0.5})
    )
    assert plain.resolved(wrappers) is plain
    for one, two in zip(shock.arrays(wrappers), plain.arrays(wrappers), strict=True):
        np.testing.assert_array_equal(one, two)


# -- who holds the bag --------------------------------------------------------------------------


def test_the_bag_of_a_token(wrappers):
    """60 of the 100 of vault tokens sit in the market, whose balance sheet is 80."""
    bag = who_holds_the_bag(wrappers, "vault", to=0.5).set_index("holder")
    assert bag["direct"].to_dict() == {"user": 40, "market": 60, "fund": 0, "vault": 0}
    assert_allclose(bag.loc[["user", "market", "fund"], "look_through"], [62.5, 60, 7.5])
    assert_allclose(bag.loc[["user", "market", "fund"], "bag"], [62.5, 30, 7.5])
    assert bag["through"].to_dict() == {
        "user": "vault",
        "market": "vault",
        "fund": "market",
        "vault": None,
    }
    assert bag.loc[["user", "market", "fund"], "tier"].tolist() == [1, 2, 1]
    assert bag.loc["vault", "tier"] is pd.NA
    assert bag.loc["market", "oracle"] == "feed; twap"
    assert bag.loc[["user", "market", "fund"], "exit_liquidity"].tolist() == [25, 25, 100]
    assert_allclose(bag.loc[["user", "market", "fund"], "could_leave"], [25, 25, 7.5])
    # the market has 80, owes outsiders 30 first and 40 in the graph, and loses 30: 20 are left
    assert bag.loc["market", ["loss", "external_loss"]].tolist() == [10, 0]
    assert_allclose(bag.loc[["user", "fund"], "loss"], [20 + 15, 5])
    # the pinned default takes the equity of the vault too, and outsiders lose half of 10
    assert bag.loc["vault", ["loss", "external_loss"]].tolist() == [10, 5]


@pytest.mark.parametrize("what", ["vault", "ETH", "USD"])
def test_the_sums_of_the_bag(wrappers, what):
    bag = who_holds_the_bag(wrappers, what, to=0.6)
    sums = bag.sums
    assert sums["bag"] == pytest.approx(sums["direct"])
    assert sums["loss"] + sums["external_loss"] == pytest.approx(sums["initial_loss"])
    borne = (bag["loss"] + bag["external_loss"]).tolist()
    assert borne == sorted(borne, reverse=True)


def test_the_bag_of_an_asset(wrappers):
    bag = who_holds_the_bag(wrappers, "ETH", to=0.95).set_index("holder")
    found = look_through(wrappers)
    for node in wrappers.names:
        assert bag.loc[node, "look_through"] == pytest.approx(found.of(node)["ETH"])
    assert bag.loc["vault", "through"] == "ETH" and bag.loc["vault", "tier"] is pd.NA
    assert math.isnan(bag.loc["vault", "exit_liquidity"])
    assert bag.loc["market", "through"] == "vault" and bag.loc["market", "tier"] == 2
    assert bag["loss"].to_dict() == {"vault": 5, "market": 0, "user": 0, "fund": 0}


def test_columns_that_are_not_there_are_not_shown(chain):
    bag = who_holds_the_bag(chain, "c")
    assert not {"oracle", "exit_liquidity", "could_leave"} & set(bag)


def test_a_token_that_holds_itself_round_a_loop():
    net = ct.datasets.load("stream_elixir_2025")
    found = who_holds_the_bag(net, "stream")
    bag = found.set_index("holder")
    assert bag.loc["stream", "direct"] == 0
    assert bag.loc["stream", "bag"] == pytest.approx(68e6 * 75 / 83.33)
    assert bag.loc["elixir", ["direct", "bag"]].tolist() == pytest.approx([68e6, 0])
    assert found.sums["bag"] == pytest.approx(444.9e6)


def test_bags_of_random_networks_sum_up():
    for seed in range(25):
        net = random_network(seed, n=9, degree=2.5, features={"insolvent", "tiers", "pro_rata"})
        bag = who_holds_the_bag(net, net.names[seed % 9])
        sums = bag.sums
        assert sums["bag"] == pytest.approx(sums["direct"], abs=1e-9)
        assert sums["loss"] + sums["external_loss"] == pytest.approx(sums["initial_loss"])
        assert (bag["bag"] <= bag["look_through"] * (1 + 1e-9) + 1e-12).all()


def test_bag_errors(wrappers):
    with pytest.raises(ct.UnknownNameError, match=r"Unknown token 'vualt'. Did you mean 'vault'"):
        who_holds_the_bag(wrappers, "vualt")
    with pytest.raises(ct.ModelError, match="DebtRank does not compute"):
        who_holds_the_bag(wrappers, "vault", model=ct.DebtRank())
    with pytest.raises(ct.ShockError, match="more than it has left to pay with"):
        who_holds_the_bag(ct.datasets.load("stream_elixir_2025"), "stream", to=0.9)


# -- rehypothecation ----------------------------------------------------------------------------


def powers(net: ct.ExposureNetwork, terms: int = 400) -> tuple[float, float]:
    """Gross and average depth, summed power by power."""
    shares, wave, _ = dense(net)
    gross = steps = 0.0
    for k in range(terms):
        gross, steps, wave = gross + wave.sum(), steps + k * wave.sum(), shares @ wave
    return gross, steps / gross


def test_reuse_is_the_sum_of_powers():
    for seed in range(10):
        net = random_network(seed, n=9, degree=2)
        row = rehypothecation(net).loc["other"]
        gross, depth = powers(net)
        assert row["gross"] == pytest.approx(gross, rel=1e-9)
        assert row["depth"] == pytest.approx(depth, rel=1e-9)
        assert row["reuse"] == pytest.approx(gross / net.book.external_assets.sum())
        assert rehypothecation(net, "component")["gross"].sum() == pytest.approx(gross)


def test_reuse_of_the_wrappers(wrappers):
    eth = rehypothecation(wrappers).loc["ETH"]
    found = look_through(wrappers)
    assert eth["gross"] == pytest.approx(found.exposure[:, 0].sum())
    assert eth["longest_chain"] == 2 and eth["base"] == 100
    tokens = rehypothecation(wrappers, "token")
    assert tokens.index.tolist() == ["vault", "market"]
    # on the 100 of the vault: the market's 60 are half passed on, 30 and 10 of 80
    assert tokens.loc["vault", "gross"] == pytest.approx(40 + 60 * (1 + 0.5))
    assert tokens.loc["market", "reuse"] == pytest.approx(1)
    assert tokens["depth"].tolist() == pytest.approx([0, 60 / 80])
    assert tokens["longest_chain"].tolist() == [0, 1] and not tokens["in_loop"].any()


def test_reuse_in_a_loop(halves):
    row = rehypothecation(halves, "component").iloc[0]
    assert row["reuse"] == pytest.approx(2) and row["claims_per_base"] == 1
    assert row["depth"] == pytest.approx(1)  # Σ k/2^k / Σ 1/2^k
    assert row["longest_chain"] == 0 and row["first"] == "a"
    assert rehypothecation(halves, "token")["in_loop"].all()


def test_a_long_chain():
    names = [f"n{k:04d}" for k in range(2000)]
    nodes = {name: (1.0 if k == 0 else 0.0, 0.0) for k, name in enumerate(names)}
    net = network(nodes, [(names[k + 1], names[k], 1.0) for k in range(1999)])
    row = rehypothecation(net).loc["other"]
    assert row["longest_chain"] == 1999 and row["reuse"] == pytest.approx(2000)
    assert row["depth"] == pytest.approx(999.5)


def test_parts_of_a_network_are_told_apart():
    net = network(
        {"a": (9, 0), "b": (0, 0), "c": (2, 0), "d": (0, 0)}, [("b", "a", 6), ("d", "c", 1)]
    )
    parts = rehypothecation(net, "component")
    assert parts["first"].tolist() == ["a", "c"] and parts["base"].tolist() == [9, 2]
    assert parts["claims"].tolist() == [6, 1] and parts["nodes"].tolist() == [2, 2]
    assert parts["reuse"].tolist() == pytest.approx([15 / 9, 1.5])


def test_rehypothecation_errors(wrappers):
    with pytest.raises(ValueError, match="by='tokens': choose 'asset', 'token' or 'component'"):
        rehypothecation(wrappers, "tokens")  # type: ignore[arg-type]


# -- blast radius -------------------------------------------------------------------------------


def test_the_blast_radius_by_hand(wrappers):
    """feed: all 120 of the vault and the 20 of the market. twap: 20 and 60 of the vault's 120."""
    found = blast_radius(wrappers)
    assert found.index.tolist() == ["feed", "twap"]
    assert found["direct"].tolist() == [2, 1] and found["indirect"].tolist() == [2, 2]
    assert found["claims"].tolist() == [140, 40]
    assert found["at_stake"].tolist() == pytest.approx([140, 80])
    assert found["share"].tolist() == pytest.approx([140 / 145, 80 / 145])
    # of the feed: 20 stay with the vault, 40 of 80 with the market; the rest with user and fund
    assert found["ends_direct"].tolist() == pytest.approx([60, 40])
    assert found["ends_elsewhere"].tolist() == pytest.approx([80, 40])


def test_a_loop_through_the_oracle_counts_once(halves):
    net = network(
        {"a": (10, 0), "b": (10, 0)}, [("a", "b", 10), ("b", "a", 10)], bridge={"a": "wormhole"}
    )
    row = blast_radius(net, "bridge").loc["wormhole"]
    assert row["at_stake"] == pytest.approx(15)  # 10 of its own and half of the other
    assert row["ends_direct"] + row["ends_elsewhere"] == pytest.approx(15)
    assert row["ends_direct"] == pytest.approx(15 * 2 / 3)


def test_the_blast_radius_of_random_networks():
    for seed in range(20):
        nodes, owed, options = random_tables(seed, n=12, degree=2.5, features={"insolvent"})
        rng = np.random.default_rng(seed)
        nodes["chain"] = rng.choice(["l1", "l2", "l3", ""], 12)
        net = ct.ExposureNetwork(nodes, owed, **options)
        found = blast_radius(net, "chain")
        assert "" not in found.index and (found["share"] <= 1 + 1e-12).all()
        assert_allclose(found["ends_direct"] + found["ends_elsewhere"], found["at_stake"])
        everything = ct.ExposureNetwork(nodes.assign(chain="one"), owed, **options)
        row = blast_radius(everything, "chain").loc["one"]
        assert row["share"] == pytest.approx(1) and row["indirect"] == 0
        assert row["at_stake"] == pytest.approx(nodes["external_assets"].sum())


def test_blast_radius_errors(wrappers):
    with pytest.raises(ct.UnknownNameError, match=r"column of the nodes 'oracel'.*'oracle'"):
        blast_radius(wrappers, "oracel")


def test_nobody_depends_on_anything(chain):
    net = chain.with_nodes(oracle={"a": None})
    assert not len(blast_radius(net))


# -- edges --------------------------------------------------------------------------------------


def test_a_network_without_claims():
    nodes = pd.DataFrame({"node": ["a"], "external_assets": [3.0], "oracle": ["feed"]})
    net = ct.ExposureNetwork(nodes, pd.DataFrame({"creditor": [], "debtor": [], "amount": []}))
    assert look_through(net).of("a").tolist() == [3]
    assert look_through(net, loops="cut").totals["owners"].tolist() == [3]
    assert rehypothecation(net).loc["other", "reuse"] == 1
    assert not len(rehypothecation(net, "token"))
    assert rehypothecation(net, "component")["nodes"].tolist() == [1]
    assert blast_radius(net).loc["feed", "at_stake"] == 3


def test_every_packaged_dataset_can_be_looked_through():
    for name in ct.datasets.names():
        net = ct.datasets.load(name)
        found = look_through(net)
        assert (found.totals["gap"].abs() <= 1e-12 * found.totals["base"].sum()).all(), name
        assert repr(found).startswith("LookThrough of")
        for by in ("asset", "token", "component"):
            rehypothecation(net, by)


def test_it_is_loaded_on_use():
    assert ct.lookthrough.look_through is look_through
