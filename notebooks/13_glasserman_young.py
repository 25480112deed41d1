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
# # Replication: Glasserman and Young (2015) on European banks
#
# **Question.** How much contagion can there be at all, when the bilateral exposures are unknown?
# The index of the paper is a bound that needs balance sheets only:
#
#     index_i = w_i β_i (λ_i − 1)
#
# with w equity, λ external assets over equity, and β the share of the liabilities that is owed to
# other banks. A default of bank i alone cannot wipe out a set of other banks whose equity is
# larger than it.
#
# The data are those of the paper: the EU-wide stress test of 2011. The paper keeps 76 banks; this
# notebook uses all 87 of the file. Interbank liabilities are set equal to interbank assets, as in
# the paper.

# %%
import matplotlib.pyplot as plt
import numpy as np

import contagion as ct

net = ct.datasets.load("eba_2011")
equity = net.balance_sheet["equity"].sum()  # of the 87 banks; the counterparty of all has none
net

# %%
index = ct.measures.glasserman_young(net).dropna(subset="index").sort_values("index")
index.tail(8)[["equity", "outside_leverage", "connectivity", "index"]].round(2)

# %% [markdown]
# Three values that an independent program computed from the same inputs:

# %%
known = {"DE017": 174246.370252021, "FR013": 86128.43565957111, "GB089": 185573.5599014538}
assert np.allclose(index["index"][list(known)], list(known.values()))

# %%
figure, ax = plt.subplots(figsize=(7, 4))
top = index.tail(15)
ax.barh(top.index, top["index"] / 1e3)
ax.axvline(equity / 1e3, color="black", lw=0.8)
ax.set_xlabel("contagion index, bn EUR (line: equity of all 87 banks)")
figure.tight_layout()

# %%
share = index["index"].max() / equity
f"The largest index is {share:.0%} of the equity of all banks."

# %% [markdown]
# **Answer.** The default of one bank alone cannot wipe out more than the share printed above of
# the equity of the system, whatever the exposures are. The bound counts banks that are wiped out
# by clearing; it excludes losses of market value, runs and forced sales.
