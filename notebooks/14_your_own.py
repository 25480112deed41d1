# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Your own model, rule and measure, in one file
#
# **Question.** My model is not in the package. How do I run it with the scenarios, the ranking
# and the figures of the package? The model here stops after one round of default, the rule lets
# the youngest claims lose first, and the measure is the largest claim of a node. Each is a few
# lines.

# %%
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

import contagion as ct
from contagion.models import Model
from contagion.results import Outcome


@dataclass(frozen=True, repr=False)
class OneRound(Model):
    title: ClassVar[str] = "One round of default"
    source: ClassVar[str] = "Own example (2026)"
    settles: ClassVar[bool] = False

    severity: float = 0.6

    def run(self, network, losses, recoveries=None, prices=None, *, trace="none"):
        start = network.book.equity - losses
        hit = network.book.can_fail & (start < 0)
        rate = self.severity * hit
        if recoveries is not None:  # nodes that default for outside reasons
            rate = np.where(np.isnan(recoveries), rate, 1.0 - recoveries)
        lost = rate @ network.liabilities  # L[i, j]: i owes j
        equity = start - lost
        defaulted = (rate > 0) | (network.book.can_fail & (equity < 0))
        scenarios = losses.shape[:-1]
        return Outcome(
            equity=equity,
            claims_lost=lost,
            loss_rate=rate,
            defaulted=defaulted,
            default_round=np.where(defaulted, np.where(rate > 0, 0, 1), -1),
            rounds=np.ones(scenarios, int),
            residual=np.zeros(scenarios),
            converged=np.ones(scenarios, bool),
        )


net = ct.ExposureNetwork.from_matrix(
    [[0, 10, 0], [0, 0, 5], [0, 0, 0]],
    ["a", "b", "c"],
    orientation="debtor->creditor",
    equity=[2, 4, 1],
)
OneRound().propagate(net, ct.Shock.default("a", recovery=0.4)).table[["loss", "defaulted"]]

# %% [markdown]
# b is in default now, and in this model c loses nothing. The standard model, which iterates until
# nothing changes, gives c a loss too. The difference on a real network, for the default of every
# node:

# %%
import matplotlib.pyplot as plt

crypto = ct.datasets.load("cefi_credit_2022")
models = [OneRound(0.6), ct.models.Furfine(0.6)]
impact = ct.rank(crypto, models, measures=["default_impact"])
impact

# %%
columns = [name for name in impact.columns if str(name).startswith("default_impact")]
figure, ax = plt.subplots(figsize=(7, 3.6))
(impact[columns] / 1e9).plot.barh(ax=ax)
ax.set_xlabel("loss of owners of other nodes, bn USD")
figure.tight_layout()

# %% [markdown]
# ## Many scenarios through the model

# %%
scenarios = ct.scenarios.common_factor(crypto, scenarios=512, volatility=0.3, rng=7)
ct.stress_test(crypto, OneRound(0.6), scenarios).value_at_risk(0.95)

# %% [markdown]
# ## A rule

# %%
from contagion import rules


@dataclass(frozen=True, repr=False)
class YoungestFirst(rules.Rule):
    word: ClassVar[str] = "youngest_first"

    opened: str = "opened"

    def segments(self, claims):
        return rules.Queue(self.opened, first="highest").segments(claims)


claims = {"claimant": ["old", "new"], "amount": [10.0, 10.0], "opened": [2019, 2024]}
YoungestFirst().allocate(12, claims).table

# %% [markdown]
# The rule works on the network too, in one clearing with all others:

# %%
net = ct.datasets.load("three_venues").with_rule("bank_1", rules.EqualLosses())
ct.EisenbergNoe().propagate(net, ct.Shock.default("desk")).layers.head()

# %% [markdown]
# ## A measure

# %%

from contagion.measures import registry


def largest_claim(network):
    """The largest claim of a node over all its claims."""
    largest = np.zeros(len(network))
    np.maximum.at(largest, network.creditor, network.amount)
    total = network.book.claims
    with np.errstate(invalid="ignore"):
        share = largest / total
    return registry.scored("largest_claim", share, network.names, {"it has no claims": total == 0})


ct.measures.MEASURES["largest_claim"] = ct.measures.Measure(
    "largest_claim",
    "max_j X_ij / Σ_j X_ij",
    "share",
    "own example",
    denominator="claims of the node",
    about="vulnerability",
    of=largest_claim,
)
table = ct.rank(crypto, measures=["largest_claim"])
print(table.reasons)
table

# %% [markdown]
# **Answer.** A model is one method on arrays, a rule is one method on claims, a measure is one
# function and one definition. All other parts (scenarios, ranking, figures, report) work with them
# unchanged.
