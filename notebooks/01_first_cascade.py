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
# # A first cascade: the crypto-credit chain of June 2022
#
# **Question.** In June 2022 the hedge fund Three Arrows Capital could not pay its lenders. Who
# had lent to it, who had lent to them, and who bore the loss in the end? This notebook loads the
# tables, lets Three Arrows default, and follows the loss.

# %%
import contagion as ct

# %% [markdown]
# ## The data
#
# Every packaged dataset has a card that says where each figure comes from and what was assumed.
# This one is *reconstructed*: claims are mostly from court papers, capital is mostly not
# published and then assumed.

# %%
card = ct.datasets.card("cefi_credit_2022")
print(card.kind, "|", card.date, "|", card.unit)
print(card.summary)
card.periods

# %%
net = ct.datasets.load("cefi_credit_2022")
net

# %% [markdown]
# The input checks found no errors, but some facts that a reader should know. Nothing was repaired
# without being requested.

# %%
net.check()[["code", "severity", "title", "message"]]

# %% [markdown]
# Where a figure is not in the sources, an assumption replaces it and is listed as such.

# %%
net.assumptions

# %% [markdown]
# Celsius is a special case: before any shock its debts exceeded its assets by 1.19 bn USD.

# %%
(net.balance_sheet / 1e6).round(1)

# %%
ax = ct.plot.network(net)

# %% [markdown]
# ## One shock
#
# Three Arrows defaults and pays nothing. `baseline="cleared"` counts losses from the payments that
# would be made without the shock, so that the earlier deficit of Celsius is not attributed to Three
# Arrows.

# %%
shock = ct.Shock.default("three_arrows", recovery=0.0)
result = ct.EisenbergNoe().propagate(net, shock, baseline="cleared")
result

# %% [markdown]
# `loss` is the loss of the owners of a node, `shortfall` the amount that its creditors do not
# receive (from face value, so amounts missing before the shock are included).

# %%
columns = ["loss", "direct_loss", "contagion_loss", "shortfall"]
table = result.table.copy()
table[columns] = (table[columns] / 1e6).round(1)
table[[*columns, "defaulted", "default_round"]]

# %% [markdown]
# ## Who bears the loss
#
# The amounts add up to the value destroyed.

# %%
result.bearers.assign(amount=lambda frame: (frame["amount"] / 1e6).round(1))

# %%
s = result.socialization
assert abs(result.bearers["amount"].sum() - s.initial_loss - s.deadweight) < 1e-6 * s.initial_loss
f"{s.socialized_share:.0%} of the loss is socialized, {s.bystander_share:.0%} falls on bystanders"

# %%
ax = ct.plot.who_pays(result)

# %%
ax = ct.plot.cascade(result)

# %% [markdown]
# ## Did Three Arrows bring Celsius down?
#
# Celsius failed three weeks later, and it had lent to Three Arrows. But the paths show that it lost
# 40.6 m USD there, in addition to a deficit of 1.19 bn USD. In the model Three Arrows is not the
# cause of the default of Celsius.

# %%
why = result.explain("celsius")
why

# %%
assert round(why.on_claims / 1e6, 1) == 40.6
assert net.balance_sheet.loc["celsius", "equity"] == -1.19e9
without = ct.EisenbergNoe().propagate(net)
bool(without.table.loc["celsius", "defaulted"])  # in default without any shock

# %% [markdown]
# Voyager and Genesis are different: they default because of the shock.

# %%
result.explain("voyager")

# %% [markdown]
# ## Who is critical?
#
# Every node defaults once, alone, and the losses of the others are added. `default_impact` is the
# amount of all losses; the indices count nodes whose capital is known. Celsius comes first because
# of the losses of its own customers.

# %%
ranking = ct.rank(net)
ranking[["default_impact", "contagion_index", "induced_defaults", "debtrank"]].round(3)

# %% [markdown]
# The package has the definition of every column.

# %%
ct.measures.MEASURES["contagion_index"]

# %% [markdown]
# ## Is the result correct?
#
# Every result can be audited: one round is recomputed from its own numbers, the model is run again,
# and the ledger has to add up.

# %%
audit = result.audit()
assert audit["ok"].all()
audit

# %% [markdown]
# ## One file for others
#
# `ct.write_report("report.html", net, results=[result], ranking=ranking, card=card)` writes all of
# this into one HTML file. The same from a terminal:
#
#     contagion report cefi_credit_2022 --default three_arrows --out report.html
#
# **Answer.** Nearly all of the loss passes to others: Genesis and Voyager default and pass most
# of it on to their own creditors, outside this network. Celsius was insolvent before.
#
# Try next: `ct.datasets.load("cefi_credit_2022", period="2022-07")`, where the parent of
# Genesis takes over its claim, or `period="2022-11"`, before the failure of FTX.
