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
# # Replication: the window of Gai and Kapadia (2010)
#
# **Question.** Interbank links spread a loss, and they also share it. At which average number of
# links can the default of one bank bring down a large part of the system?
#
# The setting of the paper: Poisson random graphs, capital of 4 % of assets, interbank assets of
# 20 % spread evenly over the debtors, zero recovery. The paper draws 1,000 graphs of 1,000 banks
# for each degree. Here are fewer and smaller graphs, so that the notebook takes seconds; the
# theory is for infinitely many banks.

# %%
import contagion as ct
from contagion import randomgraphs

degrees = [0.5, 1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9, 10]
window = randomgraphs.gai_kapadia_window(degrees, n=300, samples=60, rng=7)
window

# %%
ax = ct.plot.contagion_window(window)

# %% [markdown]
# The limits of the window follow from the condition that vulnerable banks form a giant component.
# A bank with j debtors is vulnerable when one of its claims, 0.2 / j, is at least its capital of
# 0.04: with up to 5 debtors. Whether equality counts decides this case, so both conventions are
# given.

# %%
{
    "equality counts as default": randomgraphs.gai_kapadia_limits(),
    "equality is solvent": randomgraphs.gai_kapadia_limits(strict=True),
}

# %% [markdown]
# More capital closes the window:

# %%
{capital: randomgraphs.gai_kapadia_limits(capital) for capital in (0.03, 0.04, 0.05)}

# %%
low, high = randomgraphs.gai_kapadia_limits()
table = window.table if hasattr(window, "table") else window
inside = table[(table["degree"] > low) & (table["degree"] < high)]
assert (inside["extent"].dropna() > 0.5).all()

# %% [markdown]
# **Answer.** Between the two limits above. Inside the window contagion is not frequent near the
# upper limit, but where it happens nearly all banks default: the system is robust, yet fragile.
