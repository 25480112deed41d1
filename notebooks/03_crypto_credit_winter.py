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
# # The crypto-credit winter of 2022
#
# **Question.** Between June 2022 and January 2023 eight firms of one credit network failed. Which
# of these failures follow from the claims between the firms, and which ones need another
# explanation?
#
# The dataset has four snapshots of the network. In each of them one firm defaults and pays nothing.
# The model computes which other firms default, and the table of outcomes has those that did.
#
# - *Published*: most claims, from court papers and company statements.
# - *Assumed*: the capital of several firms. The end of this notebook tests one of these
#   assumptions.

# %%
import numpy as np
import pandas as pd

import contagion as ct

name = "cefi_credit_2022"
card = ct.datasets.card(name)
for period, what in card.periods.items():
    print(period, what)

# %% [markdown]
# ## One default in each snapshot
#
# In June and July Three Arrows Capital defaults, in November Alameda. In January no firm had
# defaulted before Genesis did. The loans of Genesis to its parent DCG were its largest claims,
# therefore DCG is the trigger there. That default is hypothetical: DCG did not fail.

# %%
triggers = {
    "2022-06": "three_arrows",
    "2022-07": "three_arrows",
    "2022-11": "alameda",
    "2023-01": "dcg",
}
model = ct.EisenbergNoe()
runs = {
    period: model.propagate(
        ct.datasets.load(name, period=period), ct.Shock.default(trigger, recovery=0.0)
    )
    for period, trigger in triggers.items()
}
amounts = pd.DataFrame(
    {
        period: {
            "initial loss": run.socialization.initial_loss / 1e9,
            "borne by others": run.socialization.socialized / 1e9,
            "defaults by contagion": int((run.table["default_round"] > 0).sum()),
        }
        for period, run in runs.items()
    }
).round(2)
amounts  # bn USD, and a number of firms

# %% [markdown]
# All of the loss of June passes to others, because the capital of Three Arrows is assumed to be
# zero. The loss of November is larger than the capital of all firms of the network together.

# %%
ax = ct.plot.cascade(runs["2022-11"])

# %% [markdown]
# ## What the model says, and what happened
#
# A firm that was insolvent before the shock is marked separately: its default has another cause.

# %%
outcomes = ct.datasets.outcomes(name)
failed = outcomes[outcomes["what"] == "failed"].set_index("node")
rows = []
for period, run in runs.items():
    without = model.propagate(run.network).table["defaulted"]
    for node, row in run.table.iterrows():
        if node in failed.index and node != triggers[period]:
            said = "insolvent before" if without[node] else "default" if row["defaulted"] else "–"
            rows.append({"snapshot": period, "node": node, "model": said})
compared = pd.DataFrame(rows).pivot(index="node", columns="snapshot", values="model").fillna("")
compared["failed on"] = failed["as_of"].where(failed["value"] == 1, "survived")
compared.sort_values("failed on")

# %%
june, november = compared["2022-06"], compared["2022-11"]
assert june["celsius"] == "insolvent before" and june["voyager"] == june["genesis"] == "default"
assert compared.loc["genesis", "2022-07"] == "–"
assert {"ftx_com", "ftx_us", "blockfi"} == set(november[november == "default"].index)

# %% [markdown]
# Three firms need a closer look.
#
# **Genesis** defaults in June and not in July. Between the two snapshots its parent DCG took over
# the claim on Three Arrows and gave Genesis a note. The loss did not become smaller, it moved:

# %%
moved = pd.DataFrame(
    {period: runs[period].table["loss"].reindex(["genesis", "dcg"]) for period in list(runs)[:2]}
)
(moved / 1e6).round(0)  # m USD

# %% [markdown]
# **BlockFi** survived June because FTX US lent to it in July. In November this rescue was a claim
# on BlockFi, and FTX US lost on it when BlockFi failed because of FTX:

# %%
runs["2022-11"].explain("ftx_us")

# %% [markdown]
# **Genesis** in November loses 135 m USD at FTX, less than its assumed capital of 200 m USD. It
# failed two months later for lack of cash, after it had stopped withdrawals. Clearing on balance
# sheets does not have this channel. At which recovery rate of DCG would Genesis be insolvent?

# %%
january = runs["2023-01"].network
rates = np.round(np.linspace(0.0, 1.0, 101), 2)
insolvent = [
    rate
    for rate in rates
    if model.propagate(january, ct.Shock.default("dcg", recovery=float(rate))).table.loc[
        "genesis", "defaulted"
    ]
]
assert insolvent == [rate for rate in rates if 1675 * (1 - rate) > 200]
f"Genesis is insolvent if DCG pays {max(insolvent):.0%} or less of its 1,675 m USD."

# %% [markdown]
# ## Does the answer depend on an assumption?
#
# The capital of BlockFi is assumed to be 100 m USD, in June and in November. Both results are
# computed again for other values. Above 278 m USD its cash and claims of November would be less
# than its debts and its capital together, and the package refuses such a balance sheet.

# %%
capital = [60e6, 80e6, 100e6, 200e6, 275e6]
found = {}
for equity in capital:
    found[equity / 1e6] = {
        period: model.propagate(
            ct.datasets.load(
                name,
                period=period,
                assume_equity={**card.assume_equity, "blockfi": equity},
            ),
            ct.Shock.default(triggers[period], recovery=0.0),
        ).table.loc["blockfi", "defaulted"]
        for period in ("2022-06", "2022-11")
    }
found = pd.DataFrame(found).T.rename_axis("assumed capital, m USD")
assert found.loc[80:].eq([False, True]).all(axis=None)
found

# %% [markdown]
# **Answer.** The claims between the firms explain Voyager in June, and FTX.com, FTX US and
# BlockFi in November, for every capital of BlockFi from 80 m USD to the largest that its figures
# allow. They do not explain Celsius, which was insolvent before, and Three Arrows and Alameda,
# which are the triggers. Genesis would have defaulted in June without its parent. Its failure in
# January needs either a lower value of the debts of DCG, or a lack of cash, which is not in these
# tables.
