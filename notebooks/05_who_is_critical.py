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
# # Who is critical?
#
# **Question.** Which node is systemically critical? A measure can look for the node that owes most,
# that lies between the others, whose default costs others most, or where one more unit of capital
# helps most. This notebook computes all of them on two networks. It shows how much the ranking
# depends on the measure, on the data and on assumptions.
#
# - *Observed*: claims of the banks of 16 countries on each other (BIS, end of 2022).
# - *Reconstructed*: the crypto-credit chain of 2022, mostly from court papers.
# - *Assumed*: the capital of the 16 banking systems, and some capital in the chain. Each is named
#   where it is used.

# %%
import numpy as np
import pandas as pd

import contagion as ct
from contagion import measures
from contagion.measures import ranking, scorecards

# %% [markdown]
# ## Sixteen banking systems
#
# The creditor is the nationality of the banks, the debtor is all residents of a country.

# %%
card = ct.datasets.card("bis_cbs_2022q4")
print(card.kind, "|", card.date, "|", card.unit)
bare = ct.datasets.load("bis_cbs_2022q4")
bare

# %% [markdown]
# The table has no balance sheets. Nodes can lose claims, but it is not known whether they default,
# and the package does not guess it.

# %%
assert bare.balance_sheet["equity"].isna().all()
bare.assumptions

# %% [markdown]
# **Assumption.** To continue we give every banking system capital of a tenth of its foreign claims.
# This is not an estimate: the capital of a bank covers all its assets, and the table has only the
# foreign ones. Below we test how much the answer depends on it. When a country "defaults", claims
# on it lose a fifth (`recovery=0.8`), which is also an assumption.

# %%
SHARE, RECOVERY = 0.1, 0.8
claims = bare.balance_sheet["claims"]
net = ct.datasets.load("bis_cbs_2022q4", assume_equity=(SHARE * claims).to_dict())
net

# %% [markdown]
# ## Every measure at once

# %%
table = ct.rank(net, measures="all", recovery=RECOVERY)
shown = ["default_impact", "contagion_index", "induced_defaults", "debtrank", "pagerank_debtor"]
table[[*shown, "betweenness", "sinkrank"]].round(3)

# %% [markdown]
# Every column has a definition. Where a measure is not defined it is empty, with a reason.

# %%
for name in ("default_impact", "debtrank", "pagerank_debtor", "sinkrank"):
    measure = measures.MEASURES[name]
    print(f"{name}: {measure.formula} ({measure.unit}; {measure.source})")
table.reasons

# %% [markdown]
# Do they agree? Kendall's τ compares every pair of measures: 1 is the same ranking, −1 the
# opposite.

# %%
agreed = ranking.agreement(table, resamples=200, rng=1)
agreed

# %% [markdown]
# Each row is a country, each point a measure; the thick mark is the median. A long line is a
# country whose importance depends on the measure. The point at 1 in every row comes from measures
# that count links: nearly all nodes here are linked to all others, and share the first rank.

# %%
ax = ct.plot.rank_ranges(agreed)

# %% [markdown]
# DebtRank differs: it puts Türkiye and Chile first. This does not mean that they are critical:
# DebtRank cannot distinguish the nodes here. Every initial loss grows until nearly all have lost
# all, and the remaining differences come from the node whose own capital is not counted. The
# leverage matrix predicts this: its largest eigenvalue is 10, one over the assumed share. This
# ranking reflects the assumption, not the data.

# %%
leverage = measures.leverage_stability(net)
print(leverage.text)
table["debtrank"].agg(["min", "max"]).round(3)

# %%
assert np.isclose(leverage.radius, 1 / SHARE) and table["debtrank"].min() > 0.75
assert table["debtrank"].idxmax() in ("TR", "CL")

# %% [markdown]
# ## Is the ranking robust?
#
# There are two questions. First, the amounts could be slightly different: 50 networks in which
# every exposure is multiplied by noise with a standard deviation of 20 %. The United States remain
# first by impact in all of them. Third place is not certain: it is Germany or France.

# %%
noisy = ranking.stability(
    ranking.perturbed(net, noise=0.2, samples=50, rng=1),
    measures=["default_impact", "pagerank_debtor"],
    recovery=RECOVERY,
)
noisy.table.loc["default_impact"].head(6).round(2)

# %%
assert noisy.table.loc[("default_impact", "US"), "top_1"] == 1.0
assert noisy.table.loc[("default_impact", "DE"), "top_3"] < 0.9

# %% [markdown]
# Second, the capital was assumed. Other shares give the same first five by impact, and between zero
# and fifteen defaults. The impact counts losses of owners, which are limited to their equity: at a
# twentieth all of them lose everything, and creditors outside the table bear the remainder. The
# ranking follows from the observed amounts, the number of defaults from the assumption.

# %%
rows = {}
for share in (0.05, 0.1, 0.2, 0.4):
    other = ct.datasets.load("bis_cbs_2022q4", assume_equity=(share * claims).to_dict())
    ranked = ct.rank(other, measures=["default_impact", "induced_defaults"], recovery=RECOVERY)
    top = ranked.sort_values("default_impact", ascending=False).head(5)
    rows[share] = {
        "first five": " ".join(top.index),
        "impact of US, USD bn": round(top.loc["US", "default_impact"] / 1e3),
        "failures by US": int(top.loc["US", "induced_defaults"]),
    }
by_share = pd.DataFrame(rows).T.rename_axis("capital / claims")
assert by_share["first five"].nunique() == 1
by_share

# %% [markdown]
# ## Transmission
#
# Which banks and which paths transmit the losses after a default of the United States?

# %%
impact = ranking.explain_impact(net, ct.EisenbergNoe(), "US", recovery=RECOVERY)
impact

# %% [markdown]
# Which single exposures matter most? Each of the largest is repaid in turn, with unchanged
# equities, and the sixteen defaults are run again. `gain` is the reduction of the loss of all
# owners.

# %%
failures = [ct.Shock.default(node, recovery=RECOVERY) for node in net.names]
critical = ranking.critical_exposures(net, ct.EisenbergNoe(), failures, most=10)
critical.round(3)

# %% [markdown]
# Which nodes have to be protected to avoid half of the avoidable loss? One is enough. The column
# `support` has the cost of the protection.

# %%
shock = ct.Shock.default("US", recovery=RECOVERY)
guarded = ranking.protect(net, ct.EisenbergNoe(), shock)
guarded

# %%
assert guarded.nodes == ["JP"] and guarded.optimal

# %% [markdown]
# ## At the margin
#
# Where does one more unit of assets help most? The gradient gives the answer for every node from
# one run and one adjoint solution. `losses` is the loss of all owners when a node has one unit less
# of external assets. At a solvent node it is 1, a loss of its own owners. At a node in default the
# owners have nothing left to lose, and its creditors bear the loss: of a unit lost in Japan owners
# bear slightly less than half, creditors outside the table the remainder.

# %%
slopes = measures.gradient(net, ct.EisenbergNoe(), shock)
failed = ct.EisenbergNoe().propagate(net, shock).table["defaulted"]
slopes.losses[failed].drop("US").sort_values(ascending=False).round(3)

# %% [markdown]
# To check the gradient, the model is run again with a loss of one million dollars in Chile.

# %%
once = ct.EisenbergNoe().propagate(net, shock).loss.sum()
again = ct.EisenbergNoe().propagate(net, shock + ct.Shock.loss({"CL": 1.0})).loss.sum()
assert np.isclose(again - once, slopes.losses["CL"], atol=1e-4)
round(again - once, 3)

# %% [markdown]
# The threat index is different: the increase of all payments on debts for one more unit of cash. It
# is 0 for a solvent node, and above 1 where the unit is passed on. Minus the index is the gradient
# of the shortfall with respect to cash.

# %%
threat = measures.threat_index(net, shock)
shortfall = measures.gradient(net, ct.EisenbergNoe(), shock, of="shortfall", side="gain")
assert np.allclose(threat.drop("US"), shortfall.losses.drop("US"), atol=1e-9)
threat[threat > 0].sort_values(ascending=False).round(3)

# %% [markdown]
# ## The crypto-credit chain
#
# Nine nodes that form a chain. The same questions have other answers.

# %%
chain = ct.datasets.load("cefi_credit_2022")
ranked = ct.rank(chain, measures="all")
agreed_chain = ranking.agreement(ranked)
print(agreed_chain)
ax = ct.plot.rank_ranges(agreed_chain)

# %% [markdown]
# By the loss that others bear, Alameda is first: most of its debts are to creditors outside the
# table. The loss of owners inside the graph excludes these, and puts Celsius first, which has the
# most customers. But Celsius was insolvent before the shock, and its default causes no other
# default. Three Arrows causes two other defaults.

# %%
shown = ["socialized_caused", "default_impact", "induced_defaults", "contagion_index", "equity"]
ranked[shown].head(4)

# %%
assert ranked.index[0] == "alameda" and ranked["default_impact"].idxmax() == "celsius"
assert ranked.loc["celsius", "induced_defaults"] == 0
assert ranked.loc["three_arrows", "induced_defaults"] == 2

# %%
ranking.explain_impact(chain, ct.EisenbergNoe(), "three_arrows")

# %% [markdown]
# Two nodes have to be protected, and no single one is enough: Celsius for its customers, Genesis
# for the lenders that are not in the table. The support is the amount that this needs.

# %%
june = ct.Shock.default("three_arrows", recovery=0.0)
saved = ranking.protect(chain, ct.EisenbergNoe(), june)
print(saved)
saved.table

# %%
assert set(saved.nodes) == {"celsius", "genesis"} and saved.least == 2

# %% [markdown]
# ## How much is due to each default?
#
# If several nodes default together, their losses overlap: a creditor cannot lose its capital twice.
# The Shapley value attributes the loss: the marginal loss of each default, averaged over all orders
# of the defaults. Here all 64 sets of six nodes are run, so that the values are exact and sum to
# the loss of all six together. There are two loss measures: the loss of the owners of all nodes,
# and the socialized loss, which excludes the direct losses of the owners of the nodes hit.

# %%
players = ["three_arrows", "alameda", "voyager", "genesis", "blockfi", "celsius"]
shares = {
    of: measures.shapley_of_defaults(chain, ct.EisenbergNoe(), players, of=of)
    for of in ("owners", "socialized")
}
print(shares["owners"])
print(shares["socialized"])

# %%
together = sum((ct.Shock.default(node) for node in players[1:]), ct.Shock.default(players[0]))
joint = ct.EisenbergNoe().propagate(chain, together, baseline="cleared")
assert np.isclose(shares["owners"].values.sum(), joint.loss.sum())
assert np.isclose(shares["socialized"].values.sum(), joint.socialization.socialized)

# %% [markdown]
# ## The scorecard of the supervisors
#
# The Basel Committee scores banks by a dozen indicators, each as a share of the sum over all large
# banks, in basis points. Interconnectedness is one of five categories. From a network only
# its two intra-financial indicators are known; over a closed group they sum to 10,000.

# %%
score = scorecards.interconnectedness(bare)["interconnectedness"]
assert np.isclose(score.sum(), 10_000)
score.head(5).round(0)

# %% [markdown]
# The full score of a bank with 2 % of every indicator is 200 basis points: the first bucket, with
# an additional capital requirement of 1 %. The bank is *made up*, the denominators are those
# published for end-2023.

# %%
world = scorecards.denominators(2023)[scorecards.weights("2018").index]
bank = (0.02 * world).to_frame("made-up bank").T
scorecards.bcbs_gsib(bank, year=2023)

# %% [markdown]
# An increase of one indicator by 1 % of the world total adds 100 basis points times its weight. So
# the score has a gradient as well. It is the same for every bank: it does not depend on the
# counterparties.

# %%
more = bank.copy()
more["intra_financial_assets"] += 0.01 * world["intra_financial_assets"]
gain = (
    scorecards.bcbs_gsib(more, year=2023).table["score"]
    - scorecards.bcbs_gsib(bank, year=2023).table["score"]
).iloc[0]
assert np.isclose(gain, 100 * scorecards.weights("2018")["intra_financial_assets"])
round(gain, 2)

# %% [markdown]
# ## Answer
#
# - **Answer.** Which node is first depends on the question. State the question before the name.
# - The ranking of the 16 systems follows from observed debts, and is robust to noise of 20 %. The
#   number of defaults depends on the capital, which was assumed.
# - Impact and protection are different: the node whose default costs most need not be the node
#   where support helps most.
#
# From a terminal: `contagion rank cefi_credit_2022`, `contagion stress bis_cbs_2022q4 --scenarios
# single-defaults --set recovery=0.8 --model furfine`.
