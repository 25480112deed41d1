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
# # Replication in spirit: is the largest bank the most central one?
#
# **Question.** Battiston et al. (2012) rank 22 institutions that borrowed from the Federal
# Reserve, and find that smaller institutions can have a high DebtRank: too central to fail, not
# only too big. Their claims are equity investments that are not in this package. This notebook
# asks the same question of a *stand-in*: 22 banks of the EU-wide stress test of 2011 with
# observed totals, and bilateral claims that are reconstructed. Its numbers are therefore not
# those of the paper.

# %%
import matplotlib.pyplot as plt
import pandas as pd

import contagion as ct
from contagion.synthetic import reconstruct

sheets = ct.datasets.load("eba_2011").balance_sheet.drop("interbank")
sheets["assets"] = sheets["external_assets"] + sheets["claims"]
banks = (
    sheets.nlargest(22, "assets").rename(columns={"claims": "interbank"}).reset_index(names="bank")
)
banks.head()

# %% [markdown]
# Interbank liabilities are not published; they are set equal to interbank assets. A network with
# these totals is drawn from the fitness model, with a density that is assumed. Thirty draws show
# how much the answer depends on the drawn network.

# %%
margins = reconstruct.Margins(
    banks["bank"],
    claims=banks["interbank"],
    debts=banks["interbank"],
    unit="EUR m",
    nodes=pd.DataFrame({"node": banks["bank"], "equity": banks["equity"]}),
)
draws = reconstruct.fitness(margins, density=0.3, samples=30, rng=7)
draws

# %% [markdown]
# DebtRank of every bank in each draw: the share of the equity of all others that is lost when it
# defaults, with the single-hit dynamics of the 2012 paper.

# %%
single = ct.DebtRank(variant="single-hit")
ranks = pd.DataFrame(
    [ct.rank(net, [single], measures=["debtrank"])["debtrank.single_hit"] for net in draws]
)
size = banks.set_index("bank")["assets"] / banks["assets"].sum()
middle = ranks.median()

# %%
figure, ax = plt.subplots(figsize=(7, 4.2))
low, high = ranks.quantile(0.05), ranks.quantile(0.95)
ax.errorbar(size[middle.index], middle, yerr=[middle - low, high - middle], fmt="o", ms=4, lw=0.8)
for bank in middle.nlargest(4).index:
    ax.annotate(bank, (size[bank], middle[bank]), xytext=(4, 4), textcoords="offset points")
ax.set_xlabel("share of the assets of the 22 banks")
ax.set_ylabel("DebtRank, median and 90 % of the draws")
figure.tight_layout()

# %%
owed = banks.set_index("bank")["interbank"]
largest, most = size.idxmax(), middle.idxmax()
for name, amount in {"assets": size, "interbank debts": owed}.items():
    print(f"Rank correlation of DebtRank and {name}: {amount.rank().corr(middle.rank()):.2f}.")
print(f"The largest bank is {largest}; the highest DebtRank has {most}.")

# %% [markdown]
# **Answer.** No. In this stand-in the order by total assets says little about the order by
# DebtRank. The debt of a bank to the others says much more, because this is the amount that its
# creditors can lose. The bars show that the exact rank of a bank depends on claims that are not
# published.
