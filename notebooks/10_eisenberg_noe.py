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
# # Replication: Eisenberg and Noe (2001)
#
# **Question.** Does the package give the clearing payments of the model, and are they the
# greatest and the only ones? The data are a published exercise on three banks in a ring (the
# dataset `eisenberg_noe_3`), with the answers of an independent program.

# %%
import numpy as np
import pandas as pd
from scipy.optimize import linprog

import contagion as ct

net = ct.datasets.load("eisenberg_noe_3")
net.balance_sheet

# %% [markdown]
# All banks lose a tenth of their external assets.

# %%
shock = ct.Shock.relative(0.1)
result = ct.EisenbergNoe().propagate(net, shock)
result.table[["equity_before", "equity_after", "defaulted"]].assign(payments=result.payments)

# %% [markdown]
# ## Against the published answers

# %%
answers = pd.read_csv(ct.datasets.path("eisenberg_noe_3") / "outcomes.csv")
paid = answers[answers["what"].str.startswith("payment")].set_index("node")["value"]
equity = answers[answers["what"] == "equity, Eisenberg-Noe"].set_index("node")["value"]
assert np.allclose(result.payments, paid.reindex(net.names))
assert np.allclose(result.table["equity_after"], equity.reindex(net.names))

# %% [markdown]
# ## Against a linear programme
#
# Every increasing function of the payments has the greatest clearing vector as its maximum under
# `p ≤ p̄` and `p ≤ e + Πᵀ p` (lemma 4 of the paper). External creditors are paid first here, so
# `e` is external assets after the shock minus external liabilities.

# %%
sheet = net.balance_sheet
e = (0.9 * sheet["external_assets"] - sheet["external_liabilities"]).to_numpy()
pi = net.relative_liabilities.toarray()
most = sheet["debts"].to_numpy()
programme = linprog(-np.ones(3), A_ub=np.eye(3) - pi.T, b_ub=e, bounds=[(0, top) for top in most])
assert np.allclose(programme.x, result.payments)
programme.x

# %% [markdown]
# ## The fictitious defaults, round by round
#
# The paper finds the payments by rounds of default. Here is the same, for shocks of growing size.

# %%
import matplotlib.pyplot as plt

sizes = np.linspace(0, 0.2, 41)
runs = [ct.EisenbergNoe().propagate(net, ct.Shock.relative(size)) for size in sizes]
figure, ax = plt.subplots(figsize=(7, 3.6))
for name in net.names:
    ax.plot(100 * sizes, [each.payments[name] for each in runs], label=name)
ax.set_xlabel("loss of external assets, %")
ax.set_ylabel("payment on debts in the network")
ax.legend(frameon=False)
figure.tight_layout()

# %% [markdown]
# Payments fall with the shock and are concave in the external assets, as the paper proves. Equities
# are the same in every clearing vector (theorem 1). The clearing vector is unique if every bank can
# reach a bank with a surplus (theorem 2).

# %%
paths = np.array([each.payments.to_numpy() for each in runs])
assert (np.diff(paths, axis=0) <= 1e-12).all()

# %% [markdown]
# **Answer.** The payments agree with the published ones and with the linear programme to rounding
# errors.
