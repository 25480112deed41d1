"""Scenario files, and what is refused: every message names the key, the nodes or the fix."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import contagion as ct
from contagion import scenarios as sc

NODES = pd.DataFrame({"node": ["a", "b"], "external_assets": [50.0, 100.0], "pd": [0.1, 0.2]})
OWED = pd.DataFrame({"creditor": ["a"], "debtor": ["b"], "amount": [4.0]})
HELD = pd.DataFrame({"node": ["a", "b"], "asset": ["ETH", "BTC"], "value": [40.0, 20.0]})
NET = ct.ExposureNetwork(NODES, OWED, holdings=HELD)
BARE = ct.ExposureNetwork(NODES, OWED)


def test_a_file_is_the_call(tmp_path):
    file = tmp_path / "stress.toml"
    file.write_text(
        'kind = "common_factor"\nscenarios = 200\ncorrelation = 0.3\nseed = 7\n'
        "[volatility]\na = 0.1\nb = 0.3\n"
    )
    drawn = sc.read_scenarios(file, NET)
    call = sc.common_factor(
        NET, scenarios=200, correlation=0.3, volatility={"a": 0.1, "b": 0.3}, rng=7
    )
    assert drawn.digest() == call.digest()


def test_a_file_of_shocks():
    drawn = sc.from_toml(
        """
        kind = "from_shocks"
        [[shocks]]
        name = "market"
        relative = 0.1
        price = {ETH = -0.5}
        [[shocks]]
        relative = {"*" = 0.1, b = 0.2}
        default = ["a"]
        [[shocks]]
        default = "b"
        depeg = {BTC = 0.25}
        """,
        NET,
    )
    shocks = [
        ct.Shock.relative(0.1) + ct.Shock.price({"ETH": -0.5}),
        ct.Shock.relative(0.1) + ct.Shock.relative(0.2, ["b"]) + ct.Shock.default("a"),
        ct.Shock.default("b") + ct.Shock.depeg("BTC", to=0.25),
    ]
    assert drawn.labels.tolist() == ["market", "1", "2"]
    for k, shock in enumerate(shocks):
        losses, recoveries, _ = shock.arrays(NET)
        batch = drawn.draw(k, k + 1)
        assert np.allclose(batch.losses[0], losses)
        assert np.array_equal(batch.recoveries[0], recoveries, equal_nan=True)


def test_returns_in_a_file_beside(tmp_path):
    past = pd.DataFrame({"a": [-0.1, -0.2, 0.1], "b": [0.0, -0.3, -0.1]}, list("xyz"))
    past.to_csv(tmp_path / "returns.csv", index_label="day")
    file = tmp_path / "past.toml"
    file.write_text('kind = "historical"\nreturns = "returns.csv"\nscenarios = 50\nseed = 1\n')
    assert (
        sc.read_scenarios(file, BARE).digest()
        == sc.historical(BARE, past, scenarios=50, rng=1).digest()
    )
    file.write_text('kind = "historical"\nreturns = "../returns.csv"\n')
    with pytest.raises(ct.ShockError, match=r"past.toml: returns: there is no file"):
        sc.read_scenarios(file, BARE)


def test_a_distribution_by_name():
    text = (
        'kind = "gaussian_copula"\ncorrelation = 0.5\nscenarios = 20\nseed = 3\n'
        'marginals = {distribution = "beta", a = 2, b = 5}\n'
    )
    drawn = sc.from_toml(text, NET).draw(0, 20)
    call = sc.gaussian_copula(NET, stats.beta(2, 5), 0.5, scenarios=20, rng=3).draw(0, 20)
    assert np.array_equal(drawn.losses, call.losses)


TEXTS = {
    'kind = "common_facto"': r"Unknown kind 'common_facto'. Did you mean 'common_factor'",
    "volatility = 0.1": r"need a key kind, one of common_factor, factors",
    'kind = "defaults"\nprobability = 0.1': r"Unknown key 'probability'.*'probabilities'",
    'kind = "defaults"\nrng = 3\nprobabilities = 0.1': r"Unknown key 'rng'",
    'kind = "defaults"': r"defaults needs 'probabilities'",
    'kind = "defaults"\nprobabilities = {a = 0.1, c = 0.2}': r"probabilities: Unknown node 'c'",
    'kind = "defaults"\nprobabilities = {a = 0.1}': r"no value for 1 node: 'b'",
    'kind = "defaults"\nprobabilities = "pb"': r"Unknown column of the nodes 'pb'.*'pd'",
    'kind = "defaults"\nprobabilities = 0.1\nseed = 1.5': r"seed = 1.5: give a whole number",
    'kind = "defaults"\nprobabilities = 0.1\nseed = true': r"seed = True: give a whole number",
    'kind = "common_factor"\nsobol = "yes"': r"sobol='yes': choose True or False",
    'kind = "common_factor"\nscenarios = 10.5': r"scenarios=10.5: give a whole number",
    'kind = "prices"\nvolatility = {ETH = 0.1, BCT = 0.2}': r"Unknown asset 'BCT'.*'BTC'",
    'kind = "from_shocks"\n[[shocks]]\nlos = {a = 1}': r"number 0: A shock: .*'los'.*'loss'",
    'kind = "from_shocks"\n[[shocks]]\nloss = {c = 1}': r"loss: Unknown name 'c'",
    'kind = "from_shocks"\n[[shocks]]\nloss = {a = "1"}': r"loss.a = '1': this is not a number",
    'kind = "from_shocks"\n[[shocks]]\nloss = 3': r"loss = 3: give a table",
    'kind = "from_shocks"\n[[shocks]]\nname = "x"\n[[shocks]]\nname = "x"': r"two shocks are",
    'kind = "from_shocks"\nshocks = 3': r"shocks: give a list of tables, \[\[shocks\]\]",
    'kind = "grid"\naxes = 3': r"axes: give a table of lists",
    'kind = "grid"\n[[axes.m]]\nloss = {a = 99}': r"m, 0: 'a' has external assets of 50",
    'kind = "historical"\nreturns = "x.csv"': r"returns = 'x.csv': give a table",
    'kind = "t_copula"\ncorrelation=0\ndegrees=3\nmarginals = {distribution = "bta", a = 1}': (
        r"Unknown distribution 'bta'. Did you mean 'beta'"
    ),
    'kind = "t_copula"\ncorrelation=0\ndegrees=3\nmarginals = {distribution = "beta", q = 1}': (
        r"the parameters do not fit 'beta'"
    ),
    "kind = ": r"The scenarios are not TOML",
}


@pytest.mark.parametrize(("text", "message"), TEXTS.items(), ids=range(len(TEXTS)))
def test_a_file_that_is_wrong_says_where(text, message):
    with pytest.raises(ct.ContagionError, match=f"(?s){message}"):
        sc.from_toml(text, NET)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file"):
        sc.read_scenarios(tmp_path / "x.toml", NET)


def test_a_set_of_ones_own_has_no_words():
    class Own(type(sc.common_factor(NET, scenarios=4, rng=1))):
        pass

    drawn = sc.common_factor(NET, scenarios=4, rng=1)
    own = Own(
        drawn.names, drawn.assets, 4, drawn.words | {"kind": "own"}, (), drawn.field,
        drawn.volatility, drawn.mean,
    )  # fmt: skip
    with pytest.raises(ct.ShockError, match="'own' have no form in words"):
        sc.to_toml(own)


L = {"scenarios": 8, "rng": 1}
PAST = pd.DataFrame({"a": [-0.1, 0.2], "b": [0.0, 0.1]})
WRONG = [
    (lambda: sc.common_factor(NET, volatility=-0.1), r"volatility of 'a' is -0.1.*2 such nodes"),
    (lambda: sc.common_factor(NET, volatility=np.nan), r"volatility of 'a' is nan"),
    (lambda: sc.common_factor(NET, volatility=[1, 2, 3]), r"shape \(3,\); give one number, or 2"),
    (lambda: sc.common_factor(NET, volatility=["x", "y"]), r"these are not numbers"),
    (lambda: sc.common_factor(NET, correlation=1.2), r"correlation of 'a' is 1.2"),
    (lambda: sc.common_factor(NET, correlation=np.eye(2)), r"one factor.*gaussian_copula"),
    (lambda: sc.common_factor(NET, mean=-1.5), r"mean of 'a' is -1.5"),
    (lambda: sc.common_factor(NET, degrees=2), r"more than 2 degrees"),
    (lambda: sc.common_factor(NET, degrees=1), r"degrees=1: it has to lie"),
    (lambda: sc.common_factor(NET, scenarios=0), r"scenarios=0"),
    (lambda: sc.common_factor(NET, scenarios=True), r"scenarios=True"),
    (lambda: sc.common_factor(NET, sampling=sc.Sampling(tilt=np.inf)), r"tilt=inf"),
    (
        lambda: sc.common_factor(NET, sampling=sc.Sampling(tilt="x")),
        r"tilt='x': this is not a number",
    ),
    (
        lambda: sc.common_factor(NET, sampling=sc.Sampling(tilt=(1, 2))),
        r"tilt has 2 numbers; give one, or 1",
    ),
    (lambda: sc.common_factor(NET, sampling=sc.Sampling(tilt=1, plain=1)), r"plain=1"),
    (
        lambda: sc.common_factor(NET, sampling=sc.Sampling(tilt=1), correlation=0),
        r"nothing loads on them",
    ),
    (
        lambda: sc.common_factor(NET, sampling=sc.Sampling(sobol=True, antithetic=True)),
        r"exclude each other",
    ),
    (lambda: sc.common_factor(NET, sampling=sc.Sampling(sobol=True)), r"scenarios=8192 or 16384"),
    (
        lambda: sc.common_factor(NET, scenarios=8, sampling=sc.Sampling(sobol=True)),
        r"powers of two.*16 or 32",
    ),
    (
        lambda: sc.common_factor(NET, sampling=sc.Sampling(sobol=True, replicates=0)),
        r"replicates=0",
    ),
    (lambda: sc.factors(NET, [[1, 1], [0, 0]]), r"squared loadings of 'a' is 2"),
    (lambda: sc.factors(NET, [[1, 1]]), r"one row for each of 2 nodes"),
    (lambda: sc.factors(NET, pd.DataFrame({0: [0.1]}, ["a"])), r"no value for 1 node: 'b'"),
    (lambda: sc.gaussian_copula(NET, "beta", 0.1), r"give a frozen distribution"),
    (lambda: sc.gaussian_copula(NET, stats.beta, 0.1), r"is not a frozen distribution"),
    (lambda: sc.gaussian_copula(NET, stats.beta(-1, 2), 0.1), r"has no quantiles"),
    (lambda: sc.gaussian_copula(NET, {"a": stats.beta(1, 2)}, 0.1), r"no value for 1 node"),
    (lambda: sc.gaussian_copula(NET, [0.1], 0.1), r"shape \(1,\)"),
    (lambda: sc.gaussian_copula(NET, [0.2, 0.1], 0.1), r"must not fall"),
    (lambda: sc.gaussian_copula(NET, [0, 1], np.eye(3)), r"has to be \(2, 2\)"),
    (lambda: sc.gaussian_copula(NET, [0, 1], [[1, 0.5], [0.4, 1]]), r"symmetric"),
    (lambda: sc.gaussian_copula(NET, [0, 1], [[1, 2], [2, 1]]), r"negative eigenvalue"),
    (lambda: sc.clayton_copula(NET, [0, 1], 0), r"theta=0"),
    (lambda: sc.historical(NET, PAST.to_numpy()), r"give a DataFrame"),
    (lambda: sc.historical(NET, PAST.iloc[:0]), r"empty"),
    (lambda: sc.historical(NET, PAST.assign(a=np.nan)), r"2 cells not a number.*'a' in row 0"),
    (lambda: sc.historical(NET, PAST.assign(b=["x", "y"])), r"not of numbers. Make time the index"),
    (lambda: sc.historical(NET, PAST - 1), r"-1.1 of 'a' in row 0"),
    (lambda: sc.historical(NET, PAST.rename(columns={"a": "aa"})), r"Unknown node 'aa'"),
    (lambda: sc.historical(NET, PAST, by="asset"), r"Unknown asset 'a'"),
    (lambda: sc.historical(NET, PAST, by="x"), r"by='x'"),
    (lambda: sc.historical(NET, PAST, horizon=0), r"horizon=0"),
    (lambda: sc.historical(NET, PAST, length=0.5), r"length=0.5"),
    (lambda: sc.historical(NET, PAST, length=3, stationary=False), r"up to the 2"),
    (lambda: sc.historical(NET, PAST, length=1.5, stationary=False), r"whole number of rows"),
    (lambda: sc.prices(BARE, 0.2), r"no table of holdings"),
    (lambda: sc.prices(NET, {"ETH": 0.2}), r"no value for 1 asset: 'BTC'. Name every asset"),
    (lambda: sc.prices(NET, 0.2, horizon=0), r"horizon=0"),
    (lambda: sc.jumps(NET, 0.2, rate=-1, jump_mean=0), r"rate=-1"),
    (lambda: sc.defaults(NET, 1.5), r"probabilities of 'a' is 1.5"),
    (lambda: sc.defaults(NET, "pd", recovery=2), r"recovery of 'a' is 2"),
    (lambda: sc.defaults(NET, pd.Series([0.1, 0.1], ["a", "a"])), r"names 'a' twice"),
    (lambda: sc.defaults(NET, "pd", target=2), r"target=2.*sum to 2"),
    (lambda: sc.defaults(NET, {"a": 0.1, "b": 0}, target=1), r"sum to 1"),
    (lambda: sc.defaults(NET, "pd", correlation=1, target=1), r"the factors fix all defaults"),
    (lambda: sc.single_defaults(NET, ["aa"]), r"Unknown node 'aa'"),
    (lambda: sc.single_defaults(NET, []), r"no node that could default"),
    (lambda: sc.from_shocks(NET, []), r"list of shocks is empty"),
    (lambda: sc.from_shocks(NET, [3]), r"shocks, 0: 3 is not a Shock"),
    (lambda: sc.from_shocks(NET, {"x": ct.Shock.default("z")}), r"shocks, x: Unknown node 'z'"),
    (lambda: sc.grid(NET, {}), r"at least one axis"),
    (
        lambda: sc.grid(
            NET, {"m": [ct.Shock.relative(0.7)], "n": [ct.Shock(), ct.Shock.loss({"b": 40.0})]}
        ),
        r"'b' would lose 110 if the worst shocks of m, n are combined",
    ),
    (
        lambda: sc.grid(
            NET,
            {"m": [ct.Shock.default("a", recovery=0.1)], "n": [ct.Shock.default("a")]},
        ),
        r"'a' defaults on several axes with different recoveries, from 0 to 0.1",
    ),
]


@pytest.mark.parametrize(("call", "message"), WRONG, ids=range(len(WRONG)))
def test_what_is_refused(call, message):
    with pytest.raises(ct.ContagionError, match=f"(?s){message}"):
        call()


def test_a_network_with_nothing_to_lose():
    net = ct.ExposureNetwork(NODES[["node"]], OWED, missing_equity="external")
    for call in (
        lambda: sc.common_factor(net, **L),
        lambda: sc.clayton_copula(net, [0, 1], 1, **L),
        lambda: sc.historical(net, PAST, **L),
    ):
        with pytest.raises(ct.ShockError, match="No node has known external assets"):
            call()
    assert sc.defaults(net, 0.5, **L).draw(0, 8).recoveries.shape == (8, 2)


def test_names_that_are_nodes_and_assets_have_to_be_told_apart():
    held = pd.DataFrame({"node": ["a", "b"], "asset": ["b", "a"], "value": [40.0, 20.0]})
    net = ct.ExposureNetwork(NODES, OWED, holdings=held)
    with pytest.raises(ct.ShockError, match="set by='node' or 'asset'"):
        sc.historical(net, PAST, **L)
    fall = pd.DataFrame({"a": [-0.5], "b": [0.0]})
    assert sc.historical(net, fall, by="node", **L).draw(0, 1).losses.tolist() == [[25, 0]]
    assert sc.historical(net, fall, by="asset", **L).draw(0, 1).losses.tolist() == [[0, 10]]
