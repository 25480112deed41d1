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
# # Partial data and uncertainty
#
# **Question.** Often only two numbers of each bank are known: its total claims on other banks and
# its total debts to them. The bilateral exposures are not known, and the shock is not known
# either. What can still be said, and how exact is it? This notebook goes from totals to networks,
# and from networks to thousands of scenarios, with the error of each step.
#
# - *Made up*: a system of 40 banks, drawn from a seed, so that the true network is known and the
#   reconstructions can be compared with it. Its amounts have no currency.
# - *Reconstructed*: the crypto-credit chain of 2022, for the reverse stress at the end.
# - *Assumed*: every volatility, correlation and cost of failure below.

# %%
import pandas as pd

import contagion as ct
from contagion.experiments import policy, reverse
from contagion.synthetic import reconstruct
from contagion import scenarios
from contagion.synthetic.generate import Sheets

# %% [markdown]
# ## What is known, and what is not
#
# Eight banks in the core lend to each other and to 32 at the periphery. A supervisor who has only
# the totals sees the margins.

# %%
truth = ct.synthetic.generate.tiered(40, 8, sheets=Sheets(interbank=0.3, capital=0.06), rng=1)
margins = reconstruct.Margins.from_network(truth)
print(truth)
margins.table.head(4).round(2)

# %% [markdown]
# Three ways to fill in the rest. *Maximum entropy* spreads claims as evenly as possible: nearly
# every bank lends to all others. *Minimum density* takes as few links as it can. The *fitness
# model* draws networks with a given number of links, large banks first; it needs the density,
# which we take from the truth. In practice it would be another assumption.

# %%
density = len(truth.amount) / (len(truth) * (len(truth) - 1))
even = reconstruct.maximum_entropy(margins)
sparse = reconstruct.minimum_density(margins, samples=20, rng=1)
drawn = reconstruct.fitness(margins, density=density, samples=20, rng=1)
for each in (even, sparse, drawn):
    print(each)

# %% [markdown]
# All of them meet the margins up to rounding errors. But they are different networks.

# %%
assert max(each.margin_errors.max() for each in (even, sparse, drawn)) < 1e-12
known = {"truth": truth, "maximum entropy": even.network, "minimum density": sparse[0]}
every = {
    "truth": truth,
    "maximum entropy": even.network,
    "minimum density, 20 networks": list(sparse),
    "fitness, 20 networks": list(drawn),
}
links = {name: len(net.amount) for name, net in known.items()}
links | {"fitness, mean": float(drawn.links.mean())}

# %% [markdown]
# ## Many shocks
#
# External assets fall together: one common factor, a correlation of 0.3, a volatility of 3 %. A
# set of scenarios is a recipe with a seed; the same set goes to every network.

# %%
shocks = scenarios.common_factor(truth, scenarios=4000, volatility=0.03, correlation=0.3, rng=7)
print(shocks)
shocks.summary()[["expected_loss", "largest_loss", "hit", "wiped_out"]].head(3).round(3)

# %% [markdown]
# **Assumption.** A bank in default recovers only 60 % of its assets (Rogers and Veraart). Without
# default costs losses only move between nodes, and the structure of the network has little effect
# on the total. Where two clearing vectors are possible we take the one with fewer defaults
# (`which="greatest"`).

# %%
model = ct.models.RogersVeraart(alpha=0.6, beta=0.6, which="greatest")
tests = {name: ct.stress_test(nets, model, shocks) for name, nets in every.items()}
tests["truth"]

# %% [markdown]
# Every number is an estimate with a confidence interval. The curve shows the probability that a
# loss is exceeded; a circle is the value at risk, a diamond the expected shortfall, bars are 95 %
# intervals. The curve falls steeply: either few banks default, or all do, and the owners lose all
# their equity. The value at risk at 99 % is at the edge of this fall.

# %%
ax = ct.plot.exceedance(tests["truth"])

# %% [markdown]
# ## How wrong is a reconstruction?
#
# The value destroyed by defaults (`deadweight`) and the number of defaults, for the same shocks.
# Maximum entropy underestimates both: where all banks have small claims on all others, no single
# default causes another one. Minimum density overestimates them in the mean of its networks, though
# a single network can be close to the truth. The fitness model is close, because it was given the
# density.


# %%
def short(found) -> str:
    return f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})"


pd.DataFrame(
    {
        name: {
            "mean loss": short(test.mean()),
            "deadweight": short(test.mean("deadweight")),
            "defaults": short(test.mean("defaults")),
        }
        for name, test in tests.items()
    }
).T

# %%
wasted = {name: test.mean("deadweight") for name, test in tests.items()}
assert wasted["maximum entropy"].high < wasted["truth"].low
assert wasted["minimum density, 20 networks"].value > 1.2 * wasted["truth"].value
assert wasted["fitness, 20 networks"].low < wasted["truth"].high

# %% [markdown]
# The same with one row per network: the number of other defaults that the default of one bank
# causes.

# %%
alone = {
    name: ct.rank(net, [model], measures=["induced_defaults"])["induced_defaults"]
    for name, net in known.items()
}
pd.DataFrame({name: column.describe() for name, column in alone.items()}).T[["mean", "max"]]

# %% [markdown]
# ## Two kinds of uncertainty
#
# An ensemble of networks and a set of scenarios: how much of the spread comes from each? The
# variance of the deadweight is split into a part explained by the networks, a part explained by the
# shocks, and their interaction. The choice of the network has little effect on the mean, and a
# large effect in a single scenario.

# %%
parts = tests["fitness, 20 networks"].variance("deadweight")
(parts / parts.sum()).round(3)

# %%
tests["fitness, 20 networks"].networks[["mean_loss", "es_0.99", "defaults"]].describe().round(3)

# %% [markdown]
# ## Rare events
#
# Now a calmer market, with a volatility of 2.2 %. How likely is it that more than 30 of the 40
# banks default? In 5,000 scenarios this happens so rarely that the interval is wide. Importance
# sampling draws the common factor around a bad state instead (`tilt`), and corrects for this by a
# weight for every scenario.

# %%
MANY = 30
calm = {"scenarios": 5000, "volatility": 0.022, "correlation": 0.3, "rng": 7}
plain = scenarios.common_factor(truth, **calm)
tilted = scenarios.common_factor(truth, sampling=scenarios.Sampling(tilt=2.0), **calm)
rare = pd.concat(
    [ct.stress_test(truth, model, each).exceedance([MANY], "defaults") for each in (plain, tilted)],
    keys=["plain", "importance sampling"],
    names=["sampling"],
)
rare.round(5)

# %% [markdown]
# The same number of scenarios, a much smaller error; the two intervals agree.

# %%
error, smaller = rare["standard_error"]
assert rare["low"].max() < rare["high"].min() and smaller < 0.4 * error
f"as exact as {(error / smaller) ** 2:.0f} times as many plain scenarios"

# %% [markdown]
# ## A phase diagram
#
# One event: the largest debtor defaults and pays 40 %, while all external assets fall by 2 %. Two
# assumptions are uncertain: capital, as a multiple of its value, and the share of external assets
# that a bank in default recovers (`alpha`). In a pale field few banks default, in a dark one nearly
# all. There are few cases in between, so near the edge a small error in the data decides.

# %%
largest = truth.balance_sheet["debts"].idxmax()
event = ct.Shock.default(largest, recovery=0.4) + ct.Shock.relative(0.02)
case = ct.experiments.Case(truth, ct.models.RogersVeraart(beta=0.6, which="greatest"), event)
axes = {
    "network.capital": [0.8, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0],
    "model.alpha": [0.5, 0.6, 0.7, 0.8, 0.9, 1.0],
}
grid = ct.sweep(case, axes)
ax = ct.plot.phase_diagram(grid, "defaulted_share", "network.capital", "model.alpha")

# %% [markdown]
# ## What would help?
#
# Interventions on the same scenarios, so that their effects can be distinguished even where each
# single run is uncertain. Netting and limits cost nothing here, which is also an assumption; the
# cost of capital is the amount raised.

# %%
ideas = {
    "more capital": policy.Capital(ratio=0.07),
    "netting": policy.Netting(),
    "limit of 25 %": policy.ExposureLimit(0.25),
}
compared = policy.compare(truth, model, shocks, ideas, of="deadweight")
compared

# %%
difference = compared.differences(rng=0)
columns = ["before", "after", "difference", "standard_error", "independent_error", "cost"]
difference[columns].round(3)

# %% [markdown]
# The error of a difference is smaller than if the runs had not shared their scenarios
# (`independent_error`), for netting by a factor of four: without pairing its effect would not be
# significantly different from 0.

# %%
assert (difference["standard_error"] < difference["independent_error"]).all()
netting = difference.loc["netting"]
assert netting["high"] < 0 < netting["difference"] + 2 * netting["independent_error"]

# %% [markdown]
# ## Reverse stress test
#
# A reverse stress test finds the smallest shock with a given effect. On the crypto-credit chain:
# the smallest loss, at any node, that makes Voyager default. It is a proven optimum, and equals the
# capital of Voyager.

# %%
chain = ct.datasets.load("cefi_credit_2022")
smallest = reverse.smallest_shock(chain, ct.EisenbergNoe(), fail=["voyager"])
smallest

# %%
assert smallest.exact
assert chain.balance_sheet.loc["voyager", "equity"] == 258e6
assert abs(smallest.size / 258e6 - 1) < 1e-6

# %% [markdown]
# How large is the smallest loss if only Three Arrows is hit? Larger, because others lose with
# Voyager. And how many nodes have to default for Genesis to default?

# %%
through = reverse.smallest_shock(chain, ct.EisenbergNoe(), fail=["voyager"], hit=["three_arrows"])
assert through.exact and through.size > smallest.size
print(through)
print(reverse.fewest_triggers(chain, ct.EisenbergNoe(), fail=["genesis"]))

# %% [markdown]
# ## Answer
#
# - **Answer.** Totals do not determine a network. Maximum entropy, the usual method, shows too
#   little contagion here. Report a range: an even network, a sparse one, and an ensemble.
# - An interval covers the error of sampling. It does not cover the assumptions: volatility,
#   correlation, the cost of failure. Vary those, as in the phase diagram.
# - Importance sampling and common scenarios reduce the error at no cost.
#
# From a terminal: `contagion reconstruct margins.csv --method fitness --density 0.1 --samples 20
# --out guesses`, then `contagion stress guesses --set volatility=0.03 --out run`. A run that was
# stopped is resumed with `contagion stress --resume run`.
