"""A clearing problem as arrays: a network for the package, plain numbers for the judge."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from clearing_reference import System

import contagion as ct


@dataclass
class Case:
    """A network as arrays, scenarios and a model.

    debtor, creditor, amount, tier, rank : (m,). assets, external, external_tier, rule,
    can_fail : (n,). losses : (B, n) of external assets. pins : (B, n) recoveries, nan elsewhere.
    """

    debtor: np.ndarray
    creditor: np.ndarray
    amount: np.ndarray
    assets: np.ndarray
    external: np.ndarray
    losses: np.ndarray
    external_tier: np.ndarray
    tier: np.ndarray | None = None
    rank: np.ndarray | None = None
    rule: np.ndarray | None = None
    can_fail: np.ndarray | None = None
    pins: np.ndarray | None = None
    guarantees: list[dict] | None = None
    model: ct.models.Model = field(default_factory=ct.EisenbergNoe)

    @property
    def is_ring(self) -> bool:
        """Node i owes node i + 1, behind creditors outside: there is a closed form."""
        n = len(self.assets)
        simple = len(self.debtor) == n and self.pins is None and self.rule is None
        simple = simple and getattr(self.model, "alpha", 1.0) == 1 and self.can_fail is None
        return bool(
            simple
            and (self.debtor == np.arange(n)).all()
            and (self.creditor == (self.debtor + 1) % n).all()
            and (self.external_tier == 0).all()
        )

    def network(self) -> ct.ExposureNetwork:
        n, m = len(self.assets), len(self.debtor)
        names = np.array([f"n{i}" for i in range(n)])
        nodes = pd.DataFrame(
            {
                "node": names,
                "external_assets": self.assets,
                "external_liabilities": self.external,
                "external_tier": self.external_tier,
            }
        )
        if self.rule is not None:
            nodes["rule"] = self.rule
        if self.can_fail is not None:
            nodes["can_fail"] = self.can_fail
        owed = pd.DataFrame(
            {
                "creditor": names[self.creditor],
                "debtor": names[self.debtor],
                "amount": self.amount,
                "tier": np.ones(m, int) if self.tier is None else self.tier,
                "rank": np.zeros(m, int) if self.rank is None else self.rank,
            }
        )
        promises = None
        if self.guarantees is not None:
            promises = pd.DataFrame(self.guarantees)
            for column in ("guarantor", "debtor", "creditor"):
                at = [row[column] for row in self.guarantees]
                promises[column] = [None if k is None else names[k] for k in at]
        return ct.ExposureNetwork(nodes, owed, duplicates="keep", guarantees=promises)

    def system(self, k: int) -> System:
        """Scenario k in plain numbers. External creditors of tier 0 are ahead of all claims."""
        n, m = len(self.assets), len(self.debtor)
        tier = np.ones(m) if self.tier is None else self.tier
        rank = np.zeros(m) if self.rank is None else self.rank
        rule = ["priority"] * n if self.rule is None else self.rule
        debts = []
        for i, j, amount, t, r in zip(
            self.debtor, self.creditor, self.amount, tier, rank, strict=True
        ):
            order = {"priority": t, "queue": r, "pro_rata": 1}[rule[i]]
            debts.append((int(i), int(j), float(amount), float(order)))
        for i in range(n):
            level = -1 if self.external_tier[i] == 0 else self.external_tier[i]
            order = 1 if rule[i] == "pro_rata" and level > 0 else level
            debts.append((i, -1, float(self.external[i]), float(order)))
        rate = np.full(n, np.nan) if self.pins is None else self.pins[k]
        pins = {int(i): float(rate[i]) for i in np.flatnonzero(~np.isnan(rate))}
        firm = () if self.can_fail is None else np.flatnonzero(~self.can_fail)
        return System(
            [float(x) for x in self.assets - self.losses[k]],
            debts,
            pins,
            frozenset(map(int, firm)),
            getattr(self.model, "alpha", 1.0),
            getattr(self.model, "beta", 1.0),
            getattr(self.model, "which", None) == "least",
        )
