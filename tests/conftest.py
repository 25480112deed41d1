"""Named little networks, and random ones with every feature of the tables."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace

# One thread of linear algebra in each process: tests run in parallel, and so do the processes that
# some of them start. Before numpy is loaded; the workers inherit it.
os.environ["OMP_NUM_THREADS"] = os.environ.get("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, settings

import contagion as ct

for profile, examples_of_a_hundred in {"some": 25, "all": 100}.items():
    settings.register_profile(
        profile,
        max_examples=examples_of_a_hundred,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile("some")  # .ci/run has the others too: --hypothesis-profile all


def examples(count: int) -> settings:
    """So many examples with the profile `all`, a quarter of them (five at least) by default."""
    return settings(max_examples=max(min(count, 5), count * settings().max_examples // 100))


def others_slow(values: Iterable, keep: int = 1) -> list:
    """Parameters of a test of which all but the first are slow."""
    values = list(values)
    return values[:keep] + [pytest.param(each, marks=pytest.mark.slow) for each in values[keep:]]


FEATURES = (
    "insolvent",  # some nodes owe more than they have before any shock
    "pari_passu",  # external creditors share with tier 1
    "external_tiers",  # node by node
    "tiers",
    "pro_rata",
    "queues",
    "unknown",  # nodes that hold claims and whose balance sheet nobody knows
    "unfailing",  # can_fail = false with a known balance sheet
    "parallel",  # two claims between the same nodes
    "pinned",  # the shock fails a node for outside reasons
)
VENUES_TOO = (*FEATURES, "venues")  # rules as objects: waterfalls, weights, equal losses, exits

VENUES = (  # rules that share with external creditors only when those are paid first
    ct.rules.EqualAwards(),
    ct.rules.EqualLosses(),
    ct.rules.Talmud(),
    ct.rules.FirstCome("exit"),
    ct.rules.Capped(ct.rules.EqualLosses(), share=0.6),
    ct.rules.Waterfall(
        [
            ct.rules.Layer("x", ct.rules.ProRata("weight"), capacity=9.0),
            ct.rules.Layer("y", ct.rules.FirstCome("exit")),
            ct.rules.Layer("z", ct.rules.Talmud()),
        ]
    ),
)


def random_tables(
    seed: int, n: int = 8, degree: float = 2.0, features: frozenset[str] | set[str] = frozenset()
) -> tuple[pd.DataFrame, pd.DataFrame, dict]:
    """Nodes, exposures and options of a random network; the same seed gives the same tables."""
    rng = np.random.default_rng(seed)
    names = [f"n{i:03d}" for i in range(n)]
    pairs = [(i, j) for i in range(n) for j in range(n) if i != j]
    m = min(max(int(degree * n), 1), len(pairs))
    rows = [pairs[k] for k in rng.choice(len(pairs), m, replace=False)]
    if "parallel" in features:
        rows += rows[: max(1, m // 3)]
    exposures = pd.DataFrame(
        {
            "creditor": [names[i] for i, _ in rows],
            "debtor": [names[j] for _, j in rows],
            "amount": rng.lognormal(2.0, 1.0, len(rows)),
        }
    )
    if "tiers" in features:
        exposures["tier"] = rng.integers(1, 4, len(rows))
    if "queues" in features:
        exposures["rank"] = rng.integers(0, 4, len(rows))
    claims = np.bincount([i for i, _ in rows], exposures["amount"], n)
    debts = np.bincount([j for _, j in rows], exposures["amount"], n)
    liabilities = np.where(rng.random(n) < 0.7, rng.lognormal(2.0, 1.0, n), 0.0)
    capital = 0.02 + 0.3 * rng.random(n)
    if "insolvent" in features:
        capital = np.where(rng.random(n) < 0.5, -capital, capital)
    total = claims + debts + liabilities + 0.1
    assets = np.maximum(debts + liabilities - claims + capital * total, 0.05 * total)
    nodes = pd.DataFrame(
        {"node": names, "external_assets": assets, "external_liabilities": liabilities}
    )
    options: dict = {"duplicates": "keep", "unit": "EUR mn"}
    if "pari_passu" in features:
        options["external_creditors"] = "pari_passu"
    if "external_tiers" in features:
        nodes["external_tier"] = rng.integers(0, 4, n)
    rules = np.full(n, "priority", object)
    if "pro_rata" in features:
        rules[rng.random(n) < 0.4] = "pro_rata"
    if "queues" in features:
        rules[rng.random(n) < 0.5] = "queue"
    if features & {"pro_rata", "queues"}:
        nodes["rule"] = rules
    if "unfailing" in features:
        nodes["can_fail"] = rng.random(n) > 0.25
    if "unknown" in features:
        blank = rng.random(n) < 0.3
        nodes.loc[blank, ["external_assets", "external_liabilities"]] = np.nan
        options["missing_equity"] = "external"
    if "venues" in features:
        exposures["weight"] = rng.lognormal(0.0, 1.0, len(exposures)) * (
            rng.random(len(rows)) < 0.8
        )
        exposures["exit"] = np.where(rng.random(len(rows)) < 0.6, rng.random(len(rows)), np.nan)
        exposures["layer"] = rng.choice(["x", "y", "z"], len(rows))
        exposures.loc[rng.random(len(rows)) < 0.2, "layer"] = None
        options["rules"] = {
            name: VENUES[k] for name, k in zip(names, rng.integers(0, 8, n), strict=True) if k < 6
        }
    return nodes, exposures, options


def random_network(
    seed: int, n: int = 8, degree: float = 2.0, features: frozenset[str] | set[str] = frozenset()
) -> ct.ExposureNetwork:
    """A random network; see :func:`random_tables`."""
    nodes, exposures, options = random_tables(seed, n, degree, features)
    return ct.ExposureNetwork(nodes, exposures, **options)


def random_shock(
    net: ct.ExposureNetwork, seed: int, *, pinned: bool = False, scale: float = 1.0
) -> ct.Shock:
    """Losses on up to three nodes, and one outside default when `pinned`."""
    rng = np.random.default_rng(seed)
    assets = np.nan_to_num(net.book.external_assets)
    hit = rng.choice(len(net), min(3, len(net)), replace=False)
    shock = ct.Shock.loss(
        {net.names[i]: scale * float(rng.random() * assets[i]) for i in hit if assets[i] > 0}
    )
    if pinned:
        at = int(rng.integers(len(net)))
        rest = {name: money for name, money in shock.losses if name != net.names[at]}
        shock = ct.Shock.loss(rest) + ct.Shock.default(net.names[at], recovery=0.0)
    return shock


def from_liabilities(matrix, assets, liabilities=None, **options) -> ct.ExposureNetwork:
    """Nodes a, b, c ...; `matrix[i][j]` is what i owes j."""
    names = [chr(ord("a") + i) for i in range(len(matrix))]
    return ct.ExposureNetwork.from_matrix(
        matrix,
        names,
        orientation="debtor->creditor",
        external_assets=assets,
        external_liabilities=liabilities,
        **options,
    )


@pytest.fixture
def chain() -> ct.ExposureNetwork:
    """a owes b 10, b owes c 8, c owes d 4; capital 2, 3, 4 and 5."""
    return from_liabilities(
        [[0, 10, 0, 0], [0, 0, 8, 0], [0, 0, 0, 4], [0, 0, 0, 0]], [12, 1, 0, 1], name="chain"
    )


@pytest.fixture
def ring() -> ct.ExposureNetwork:
    """Three nodes that owe each other 10 in a circle; 4 of external assets, 2 owed outside."""
    return from_liabilities([[0, 10, 0], [0, 0, 10], [10, 0, 0]], [4, 4, 4], [2, 2, 2], name="ring")


@pytest.fixture
def star() -> ct.ExposureNetwork:
    """A hub that owes 4 to each of five; everybody has capital 2."""
    matrix = np.zeros((6, 6))
    matrix[0, 1:] = 4
    return from_liabilities(matrix, [22, 0, 0, 0, 0, 0], [0, 2, 2, 2, 2, 2], name="star")


@pytest.fixture
def two_solutions() -> ct.ExposureNetwork:
    """Two nodes owe each other 10 with 1 each outside: with default costs both solutions hold."""
    return from_liabilities([[0, 10], [10, 0]], [1, 1], [0.5, 0.5], name="two solutions")


@pytest.fixture
def narrow(monkeypatch):
    """A terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def cli(capsys):
    """Run a command: exit code, stdout, stderr."""
    from contagion.cli import run

    def call(*words: object) -> tuple[int, str, str]:
        code = run(list(map(str, words)))
        out = capsys.readouterr()
        return code, out.out, out.err

    return call


MONEY = ("equity", "claims_lost", "payments", "external_paid", "unpaid", "defaulted")


@dataclass(frozen=True, repr=False)
class Hasty(ct.EisenbergNoe):
    """Gives up too early where anybody defaults: most of the shock is left out."""

    def run(self, network, losses, recoveries=None, prices=None, *, trace="none"):
        done = super().run(network, losses, recoveries, trace=trace)
        early = super().run(network, 0.1 * losses, recoveries, trace=trace)
        open_ = done.defaulted.any(axis=-1)
        mixed = {
            name: np.where(open_[..., None], getattr(early, name), getattr(done, name))
            for name in (
                "equity",
                "claims_lost",
                "payments",
                "external_paid",
                "unpaid",
                "defaulted",
            )
        }
        return replace(done, converged=~open_, **mixed)
