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
# # A default at a central counterparty
#
# **Question.** Two members of a clearing house default on one day. Who pays, and at what size of
# the loss do the surviving members start to pay more than their contributions?
#
# The members and amounts are made up. The order of the layers is that of European clearing
# houses: margin and contribution of the defaulter, own capital of the clearing house,
# contributions of the survivors, assessments, and a haircut on gains.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from contagion.venues import ccp, clearing_houses

members = pd.DataFrame(
    {
        "member": ["d1", "d2", "north", "south", "east"],
        "loss": [100.0, 200.0, 0.0, 0.0, 0.0],
        "margin": [150.0, 60.0, 90.0, 80.0, 60.0],
        "contribution": [20.0, 20.0, 25.0, 20.0, 15.0],
        "gain": [0.0, 0.0, 150.0, 100.0, 50.0],
    }
)
manager = ccp.DefaultManager(before=10.0, per_event=1.0, per_period=1.0)
run = manager.run(members, ["d1", "d2"], unit="USD m")
run

# %% [markdown]
# Margins of defaulters are not pooled. The margin of d1 exceeds its loss, and the surplus is
# returned to its estate. d2 has a shortfall of 120 after its own margin and contribution.

# %%
run.estates

# %% [markdown]
# ## The loss grows
#
# Multiply the losses of both defaulters by a factor, and follow the layers.

# %%
factors = np.linspace(0.5, 3.0, 26)
runs = [manager.run(members.assign(loss=members["loss"] * k), ["d1", "d2"]) for k in factors]
layers = pd.DataFrame([each.layers.table["absorbed"] for each in runs], index=300 * factors)
layers["uncovered"] = [each.uncovered for each in runs]

# %%
figure, ax = plt.subplots(figsize=(8, 4.2))
ax.stackplot(layers.index, layers.fillna(0).to_numpy().T, labels=layers.columns)
ax.set_xlabel("loss of the two defaulters, USD m")
ax.set_ylabel("absorbed, USD m")
ax.legend(loc="upper left", fontsize=8, frameon=False)
figure.tight_layout()

# %%
first = layers.index[layers["assessments"].fillna(0) > 0][0]
beyond = layers.index[layers["uncovered"] > 0]
print(f"Assessments begin at a loss of {first:.0f} m USD.")
print(
    f"Something stays uncovered from {beyond[0]:.0f} m USD." if len(beyond) else "All is covered."
)

# %% [markdown]
# Every amount adds up, for each size of the loss:

# %%
assert np.allclose(layers.fillna(0).sum(axis=1), [each.loss for each in runs])

# %% [markdown]
# ## The rules of real clearing houses
#
# The catalogue has the parameters of published rule books: the largest assessment of a survivor for
# one default, and whether gains are cut. The size of own capital is an input, because it changes
# every quarter.

# %%
clearing_houses.manager("cme", before=10.0, haircut=0, tear_up=False)

# %%
cme = clearing_houses.manager("cme", before=10.0, haircut=0, tear_up=False)
cme.run(members, ["d1", "d2"], unit="USD m").layers

# %% [markdown]
# **Answer.** The defaulters pay first, each for its own loss; a surplus of one does not help the
# other. The survivors pay with their contributions as soon as the own capital of the clearing house
# is used, and by assessments at the loss printed above. More own capital moves that point only by
# its own amount.
