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
# **Question.** Which node is systemically critical? A measure can ask who owes most, who stands
# between the others, whose default costs others most, or where one more unit of capital helps
# most. This notebook computes all of them on two networks. It shows how much of the order depends
# on the measure, on the data and on assumptions.
#
# - *Observed*: what the banks of 16 countries claim on each other (BIS, end of 2022).
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
# The table has no balance sheets. Nodes can lose claims, but whether they fail is not known, and
# the package does not guess it.

# %%
assert bare.balance_sheet["equity"].isna().all()
bare.assumptions

# %% [markdown]
# **Assumption.** To go on we give every banking system capital of a tenth of its foreign claims.
# That is no estimate: the capital of a bank stands behind all its assets, and the table has only
# the foreign ones. Below we ask how much of the answer hangs on it. When a country "fails", claims
# on it lose a fifth (`recovery=0.8`), again a choice.

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
# What a column means can be asked. Where a measure is not defined it is empty, with a reason.

# %%
for name in ("default_impact", "debtrank", "pagerank_debtor", "sinkrank"):
    measure = measures.MEASURES[name]
    print(f"{name}: {measure.formula} ({measure.unit}; {measure.source})")
table.reasons

# %% [markdown]
# Do they agree? Kendall's τ compares every pair of measures: 1 is the same order, −1 the opposite.

# %%
agreed = ranking.agreement(table, resamples=200, rng=1)
agreed

# %% [markdown]
# One row a country, one point a measure, the thick mark is the median. A long line is a country
# whose importance is a matter of the measure. The point at 1 in every row comes from measures that
# count links: nearly all nodes here are linked to all others, and share the first rank.

# %%
ax = ct.plot.rank_ranges(agreed)

# %% [markdown]
# DebtRank stands apart: it puts Türkiye and Chile first. Not because they are critical, but because
# here it cannot tell nodes apart. Every first loss grows until nearly all have lost everything,
# and what is left of the order is whose own capital is not counted. The leverage matrix says so
# beforehand: its largest eigenvalue is 10, one over the share that we assumed. It is the assumption
# that speaks, not the data.

# %%
leverage = measures.leverage_stability(net)
print(leverage.text)
table["debtrank"].agg(["min", "max"]).round(3)

# %%
assert np.isclose(leverage.radius, 1 / SHARE) and table["debtrank"].min() > 0.75
assert table["debtrank"].idxmax() in ("TR", "CL")

# %% [markdown]
# ## Does the order hold?
#
# Two questions. First, the amounts could be a little different: 50 networks in which every exposure
# is multiplied by noise with a standard deviation of 20 %. The United States stay first by impact
# in all of them. Third place is open between Germany and France.

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
# Second, the capital was assumed. Other shares give the same first five by impact, and between none
# and fifteen failures. The impact counts what owners lose, and owners cannot lose more than they
# have: at a twentieth all of them lose everything, and the rest falls on creditors outside the
# table. The order is that of the observed amounts, the number of failures that of the assumption.

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
# ## Through whom
#
# Through which banks does a failure of the United States cost others, and along which paths?

# %%
impact = ranking.explain_impact(net, ct.EisenbergNoe(), "US", recovery=RECOVERY)
impact

# %% [markdown]
# Which single exposures matter most? Each of the largest is repaid in turn, equities as before, and
# the sixteen failures run again. `gain` is what all owners lose less.

# %%
failures = [ct.Shock.default(node, recovery=RECOVERY) for node in net.names]
critical = ranking.critical_exposures(net, ct.EisenbergNoe(), failures, most=10)
critical.round(3)

# %% [markdown]
# And whom to protect, so that half of the loss that can be avoided is avoided? One is enough. The
# cost of the protection is beside it (`support`).

# %%
shock = ct.Shock.default("US", recovery=RECOVERY)
guarded = ranking.protect(net, ct.EisenbergNoe(), shock)
guarded

# %%
assert guarded.nodes == ["JP"] and guarded.optimal

# %% [markdown]
# ## At the margin
#
# One unit of money more, where does it help most? The gradient gives the answer for every node from
# one run and one adjoint solve. `losses` is what all owners lose when a node has one unit less of
# external assets. At a node that stands it is 1, a loss of its own owners. At a node that failed
# the owners have nothing left to lose, and the unit is missing to its creditors: of a unit lost in
# Japan owners bear a bit less than half, creditors outside the table the rest.

# %%
slopes = measures.gradient(net, ct.EisenbergNoe(), shock)
failed = ct.EisenbergNoe().propagate(net, shock).table["defaulted"]
slopes.losses[failed].drop("US").sort_values(ascending=False).round(3)

# %% [markdown]
# A gradient can be checked: one million dollars lost in Chile, and run again.

# %%
once = ct.EisenbergNoe().propagate(net, shock).loss.sum()
again = ct.EisenbergNoe().propagate(net, shock + ct.Shock.loss({"CL": 1.0})).loss.sum()
assert np.isclose(again - once, slopes.losses["CL"], atol=1e-4)
round(again - once, 3)

# %% [markdown]
# The threat index counts something else: how much of all debts is repaid with one unit of cash
# more. It is 0 for who is solvent, and above 1 where the unit is passed on. Minus the index is the
# gradient of the shortfall by cash.

# %%
threat = measures.threat_index(net, shock)
shortfall = measures.gradient(net, ct.EisenbergNoe(), shock, of="shortfall", side="gain")
assert np.allclose(threat.drop("US"), shortfall.losses.drop("US"), atol=1e-9)
threat[threat > 0].sort_values(ascending=False).round(3)

# %% [markdown]
# ## The crypto-credit chain
#
# Nine nodes, a chain rather than a web. The same questions have other answers.

# %%
chain = ct.datasets.load("cefi_credit_2022")
ranked = ct.rank(chain, measures="all")
agreed_chain = ranking.agreement(ranked)
print(agreed_chain)
ax = ct.plot.rank_ranges(agreed_chain)

# %% [markdown]
# By the loss that others bear, Alameda is first: most of what it owes is owed outside the table.
# The loss of owners inside the graph leaves that out, and puts Celsius first, which has the most
# customers. But Celsius was insolvent before the shock, and its failure makes no other node fail.
# Three Arrows makes two others fail.

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
# Two nodes have to be protected, and no single one would do: Celsius for its customers, Genesis
# for the lenders that are not in the table. The support is the money that it takes.

# %%
june = ct.Shock.default("three_arrows", recovery=0.0)
saved = ranking.protect(chain, ct.EisenbergNoe(), june)
print(saved)
saved.table

# %%
assert set(saved.nodes) == {"celsius", "genesis"} and saved.least == 2

# %% [markdown]
# ## Who answers for how much?
#
# If several fail together, their losses overlap: a creditor cannot lose its capital twice. The
# Shapley value splits the loss fairly: what each failure adds, averaged over all orders in which
# they could come. Here all 64 sets of six nodes are run, so that the values are exact and sum to
# the loss of all six together. Two accounts: the owners of all nodes, and the socialized loss, that
# is everything but what the owners of the nodes hit lose at once.

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
# The full score of a bank that has 2 % of everything is 200 basis points: the first bucket, and 1 %
# more capital. The bank is *made up*, the denominators are those published for end-2023.

# %%
world = scorecards.denominators(2023)[scorecards.weights("2018").index]
bank = (0.02 * world).to_frame("made-up bank").T
scorecards.bcbs_gsib(bank, year=2023)

# %% [markdown]
# One percent of the world more of one indicator adds 100 basis points times its weight. So the
# score has a gradient as well. It is the same for every bank: it does not ask to whom one lends.

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
# - The order of the 16 systems is that of observed debts, and holds under noise of 20 %. How many
#   would fail is a matter of the capital, which was assumed.
# - Impact and protection are different things: the node whose failure costs most need not be the
#   node where help does most.
#
# From a terminal: `contagion rank cefi_credit_2022`, `contagion stress bis_cbs_2022q4 --scenarios
# single-defaults --set recovery=0.8 --model furfine`.
