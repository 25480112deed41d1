"""Slow plain references for sensitivities: differences of whole runs, and sums over all sets."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd

import contagion as ct

TOTALS = ("owners", "shortfall", "external", "socialized")


def result_of(
    net: ct.ExposureNetwork, model: ct.models.Model, shock: ct.Shock
) -> ct.results.PropagationResult:
    """A run without its rounds."""
    hit = shock.arrays(net)
    return ct.results.PropagationResult(net, model, shock, hit, model.solve(net, *hit), "book")


def losses_of(
    net: ct.ExposureNetwork,
    model: ct.models.Model,
    shock: ct.Shock,
    weights: np.ndarray,
    copies: int = 1,
) -> dict[str, np.ndarray]:
    """Every loss that has a gradient, of each of several copies side by side, from the result."""
    result = result_of(net, model, shock)

    def total(values: np.ndarray) -> np.ndarray:
        return np.asarray(values).reshape(copies, -1).sum(axis=1)

    found = {
        "owners": total(result.loss),
        "shortfall": total(result.table["shortfall"]),
        "weighted": total(np.tile(weights, copies) * result.loss),
    }
    if model.settles:
        found["external"] = total(result.outside_losses)
        lost, had = result.caused.loss, np.maximum(np.nan_to_num(result.reference.equity), 0.0)
        at_once = np.minimum(destroyed(result), np.where(result.limited, had, np.inf))
        at_once = np.clip(at_once, 0.0, lost)
        found["socialized"] = total(lost - at_once + result.caused.outside_losses)
    return found


def destroyed(result: ct.results.PropagationResult) -> np.ndarray:
    """What the shock destroys: losses; for a pinned node what it has less what it pays."""
    sheet, pins = result.network.balance_sheet, result.hit.pins
    owes = np.nan_to_num(sheet["external_liabilities"]) + sheet["debts"]
    lost = result.outcome.claims_lost
    known = sheet["external_assets"] + sheet["claims"] - lost - np.nan_to_num(pins) * owes
    unknown = np.maximum((1 - np.nan_to_num(pins)) * owes - lost, 0.0)
    pinned = np.where(np.isnan(known), unknown, known)
    return np.where(np.isnan(pins), result.hit.losses, pinned)


class Differences:
    """Differences of whole runs; all runs are disconnected copies in one network.

    `steps` are the two points: (h, −h) central, (h, 0) and (0, −h) one-sided. Each method gives
    {number: {loss: slope}}, without those that would leave what is possible.
    """

    def __init__(self, nodes, exposures, options, model, shock, weights, steps):
        self.tables, self.options = (nodes, exposures), options
        self.model, self.shock, self.weights, self.steps = model, shock, weights, steps

    def nodes(self, column: str):
        """By `external_assets` or `external_liabilities` of every node."""
        n = len(self.tables[0])
        return self._slopes({i: [(column, {i: s}, {}, {}) for s in self.steps] for i in range(n)})

    def claims(self, *, funded: bool):
        """By the amount of every claim; `funded`: external assets pay for it."""
        place = {name: i for i, name in enumerate(self.tables[0]["node"])}
        pairs = self.tables[1][["creditor", "debtor"]].to_numpy()
        changes = {}
        for k, (creditor, debtor) in enumerate(pairs):
            changes[k] = [
                (
                    "external_assets",
                    {place[creditor]: -s, place[debtor]: s} if funded else {},
                    {k: s},
                    {},
                )
                for s in self.steps
            ]
        return self._slopes(changes)

    def losses(self):
        """By the loss of external assets of every node in the shock, where it is not pinned."""
        pinned, changes = dict(self.shock.defaults), {}
        for i, name in enumerate(self.tables[0]["node"]):
            if name not in pinned:
                changes[i] = [("external_assets", {}, {}, {name: s}) for s in self.steps]
        return self._slopes(changes)

    def _slopes(self, changes):
        runs, good = [], []
        for key, pair in changes.items():
            made = [self._changed(*change) for change in pair]
            if all(run is not None for run in made):
                good.append(key)
                runs += made
        if not runs:
            return {}
        nodes, exposures, shock, rules = [], [], ct.Shock(), {}
        for number, (node, owed, losses) in enumerate(runs):

            def call(name, number=number):
                return f"{number}/{name}"

            nodes.append(node.assign(node=node["node"].map(call)))
            sides = {side: owed[side].map(call) for side in ("creditor", "debtor")}
            exposures.append(owed.assign(**sides))
            shock += ct.Shock.loss({call(name): loss for name, loss in losses.items()})
            for name, rate in self.shock.defaults:
                shock += ct.Shock.default(call(name), rate)
            rules |= {call(name): rule for name, rule in self.options.get("rules", {}).items()}
        options = {**self.options, "rules": rules}
        net = ct.ExposureNetwork(
            pd.concat(nodes, ignore_index=True), pd.concat(exposures, ignore_index=True), **options
        )
        found = losses_of(net, self.model, shock, self.weights, len(runs))
        step = self.steps[0] - self.steps[1]
        return {
            key: {name: (value[2 * k] - value[2 * k + 1]) / step for name, value in found.items()}
            for k, key in enumerate(good)
        }

    def _changed(self, column, change, amounts, more):
        nodes, exposures = (table.copy() for table in self.tables)
        losses = dict(self.shock.losses)
        for i, step in change.items():
            nodes.loc[i, column] += step
            if not nodes.loc[i, column] >= 0:
                return None
        for k, step in amounts.items():
            exposures.loc[k, "amount"] += step
        for name, step in more.items():
            losses[name] = losses.get(name, 0.0) + step
            has = float(nodes.loc[nodes["node"] == name, "external_assets"].iloc[0])
            if not 0 <= losses[name] <= has:
                return None
        return nodes, exposures, losses


def threat(net: ct.ExposureNetwork, failed: set[str]) -> dict[str, float]:
    """`μ_i = 1 + Σ_{j in failed} π_ij μ_j` by rounds, from the tables; pro rata."""
    owed = net.exposures.groupby(["debtor", "creditor"])["amount"].sum()
    total = net.exposures.groupby("debtor")["amount"].sum()
    mu = dict.fromkeys(net.names, 0.0)
    for _ in range(3000):
        new = dict.fromkeys(net.names, 0.0)
        for i in failed:
            new[i] = 1.0
            for (debtor, creditor), amount in owed.items():
                if debtor == i and creditor in failed:
                    new[i] += amount / total[i] * mu[creditor]
        mu = new
    return mu


def expected_loss(
    net: ct.ExposureNetwork, model: ct.models.Model, p: dict[str, float], recovery: float = 0.0
) -> float:
    """`Σ_S P(S) L_S`, set by set and node by node; every balance sheet is known."""
    total = 0.0
    for failing in product([False, True], repeat=len(net)):
        chance, shock = 1.0, ct.Shock()
        for name, fails in zip(net.names, failing, strict=True):
            chance *= p[name] if fails else 1.0 - p[name]
            if fails:
                shock = shock + ct.Shock.default(name, recovery)
        if chance > 0:
            before, after = (
                pd.Series(result_of(net, model, s).outcome.equity, net.names)
                for s in (ct.Shock(), shock)
            )
            for name, fails in zip(net.names, failing, strict=True):
                if not fails:
                    total += chance * (max(before[name], 0.0) - max(after[name], 0.0))
    return total
