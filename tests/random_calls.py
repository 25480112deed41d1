"""Random small networks with contingent claims of every kind; the same seed, the same tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

import contagion as ct
from contagion import rules
from contagion.errors import ShockError

RULES = (
    rules.Priority(),
    rules.ProRata(),
    rules.Queue(),
    rules.EqualLosses(),
    rules.EqualAwards(),
    rules.ProRata("weight"),
)


def tables(seed: int) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """Nodes, exposures and options; guarantees and rules are among the options."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 9))
    names = [f"n{i}" for i in range(n)]
    pairs = [(i, j) for i in range(n) for j in range(n) if i != j]
    rows = [pairs[k] for k in rng.choice(len(pairs), int(rng.integers(n - 1, 2 * n)), False)]
    rows += [rows[k] for k in rng.integers(0, len(rows), int(rng.integers(0, 4)))]
    m = len(rows)
    owed = pd.DataFrame(
        {
            "creditor": [names[i] for i, _ in rows],
            "debtor": [names[j] for _, j in rows],
            "amount": rng.lognormal(2.0, 1.0, m),
            "tier": rng.integers(1, 4, m) if rng.random() < 0.5 else 1,
            "rank": rng.integers(0, 4, m),
            "weight": np.where(rng.random(m) < 0.2, 0.0, rng.random(m)),
            "layer": None,
        }
    )
    rule = {name: RULES[k] for name, k in zip(names, rng.choice(6, n, p=_WEIGHTS), strict=True)}
    tier = rng.integers(0, 3, n) if rng.random() < 0.5 else np.full(n, rng.integers(0, 2))
    falls = [name for name in names if rng.random() < 0.3]
    layer = owed["layer"].to_numpy(object, copy=True)
    for name in falls:
        at = np.flatnonzero(owed["debtor"] == name)
        layer[at] = rng.choice(np.array(["fund", "gains", None], object), len(at))
    owed["layer"] = layer
    owed.loc[owed["debtor"].isin(falls), "tier"] = 1
    promises = _guarantees(rng, names, owed, falls)
    for name in falls:
        rule[name] = _waterfall(rng, name, owed, promises)
    for name in names:
        if rule[name] == rules.ProRata("weight"):
            tier[names.index(name)] = 0
    promises["ranking"] = [
        _ranking(rng, rule[g], owed[owed["debtor"] == g], tier[names.index(g)])
        for g in promises["guarantor"]
    ]
    claims, debts = (owed.groupby(s)["amount"].sum() for s in ("creditor", "debtor"))
    claims, debts = (x.reindex(names, fill_value=0.0).to_numpy() for x in (claims, debts))
    liabilities = np.where(rng.random(n) < 0.7, rng.lognormal(1.5, 1.0, n), 0.0)
    capital = rng.choice([-0.2, 0.02, 0.2], n, p=[0.2, 0.4, 0.4]) * rng.random(n)
    total = claims + debts + liabilities + 0.1
    assets = np.maximum(debts + liabilities - claims + capital * total, 0.03 * total)
    nodes = pd.DataFrame(
        {
            "node": names,
            "external_assets": assets,
            "external_liabilities": liabilities,
            "external_tier": tier,
            "can_fail": rng.random(n) > (0.2 if rng.random() < 0.4 else 0.0),
        }
    )
    options: dict[str, Any] = {"duplicates": "keep", "rules": rule, "guarantees": promises}
    if rng.random() < 0.3:
        blank = rng.random(n) < 0.3
        nodes.loc[blank, ["external_assets", "external_liabilities"]] = np.nan
        options["missing_equity"] = "external"
    return nodes, owed, options


_WEIGHTS = [0.35, 0.35, 0.1, 0.08, 0.06, 0.06]


def _guarantees(rng, names, owed, falls) -> pd.DataFrame:
    """Covers of claims and support, with caps below and above, some of nothing."""
    found: list[dict[str, Any]] = []
    while not found:
        for _ in range(int(rng.integers(1, 6))):
            row = owed.iloc[int(rng.integers(len(owed)))]
            debtor, creditor = row["debtor"], row["creditor"]
            if rng.random() < 0.45:
                creditor = None
            at = [g for g in names if g not in (debtor, creditor)]
            part = float(rng.choice([0.0, 0.1, 0.5, 1.0, 3.0], p=[0.05, 0.25, 0.3, 0.2, 0.2]))
            layer = "assessments" if creditor is None and debtor in falls else None
            found.append(
                {
                    "guarantor": str(rng.choice(at)),
                    "debtor": debtor,
                    "creditor": creditor,
                    "amount": part * float(row["amount"]) * float(rng.choice([1.0, rng.random()])),
                    "layer": layer if rng.random() < 0.8 else None,
                }
            )
    table = pd.DataFrame(found)
    table["layer"] = table["layer"].astype(object).where(table["layer"].notna(), None)
    return table


def _waterfall(rng, name, owed, promises) -> rules.Waterfall:
    """Fund, assessments, gains in any order; capacities only where somebody has a claim."""
    mine = set(owed.loc[owed["debtor"] == name, "layer"])
    mine |= set(promises.loc[promises["debtor"] == name, "layer"])
    layers = []
    for layer in rng.permutation(["fund", "assessments", "gains"]):
        cap = float(rng.lognormal(1.0, 1.0)) if layer in mine and rng.random() < 0.4 else None
        inner = rules.Queue() if layer == "gains" and rng.random() < 0.5 else rules.ProRata()
        layers.append(rules.Layer(str(layer), inner, cap))
    return rules.Waterfall(layers)


def _ranking(rng, rule, claims, outside) -> str:
    """Any rank; pari passu only where the guarantor has one pro rata tier."""
    tiers = set(claims["tier"]) | ({outside} if outside > 0 else set())
    one = rule == rules.ProRata() or (rule == rules.Priority() and len(tiers) <= 1)
    words = ["senior", "junior", "pari_passu", "pari_passu"] if one else ["senior", "junior"]
    return str(rng.choice(words))


def network(seed: int) -> ct.ExposureNetwork:
    """The network of a seed."""
    nodes, owed, options = tables(seed)
    return ct.ExposureNetwork(nodes, owed, **options)


def shock(net: ct.ExposureNetwork, seed: int) -> ct.Shock:
    """Losses on some nodes; two of five pin one or two defaults, guarantors more often.

    A pinned node pays its recovery where it has that much left, and nothing otherwise. A node
    whose balance sheet nobody knows is not pinned while it is a guarantor, see the test of that.
    """
    rng = np.random.default_rng(seed + 10**6)
    assets = np.nan_to_num(net.book.external_assets)
    guarantors = list(net.guarantees["guarantor"])
    pinned: dict[Any, float] = {}
    if rng.random() < 0.4:
        blind = set(net.names[~net.book.known]) & set(guarantors)
        pool = [name for name in [*net.names, *guarantors, *guarantors] if name not in blind]
        for _ in range(int(rng.integers(1, 3))):
            pinned[str(rng.choice(pool))] = float(rng.choice([0.0, 0.0, 0.3, 0.6]))
    hit = [i for i in rng.choice(len(net), 3, False) if assets[i] > 0]
    losses = {net.names[i]: float(rng.random() * assets[i]) for i in hit}
    found = ct.Shock.loss({name: x for name, x in losses.items() if name not in pinned})
    whole, none = found, found
    for name, recovery in pinned.items():
        whole = whole + ct.Shock.default(name, recovery=recovery)
        none = none + ct.Shock.default(name, recovery=0.0)
    try:
        ct.EisenbergNoe().propagate(net, whole)
    except ShockError:
        return none
    return whole
