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
# # The weekend of USDC, March 2023
#
# On Friday, 10 March 2023, Silicon Valley Bank failed with 3.3 bn USD of the reserves of USDC. On
# Saturday the token traded at 88 cents. On Monday depositors were whole, and so was USDC. How much
# of the 12 cents was a loss, how much was the price of not being able to redeem, and what would a
# lending market have done meanwhile?
#
# - *Observed or published*: deposit, reserves, lowest prices, what Maker held.
# - *Reconstructed*: the balance sheet of the issuer (reserves taken equal to the supply).
# - *Illustrative*: the lending market in the second half. It never existed.

# %%
import numpy as np
import pandas as pd

import contagion as ct
from contagion.liquidation import (
    HardCoded,
    Linear,
    LiquidationCascade,
    MarginBook,
    Market,
    cascade_measures as measures,
)
from contagion.liquidation.criticality import criticality_map, tipping_point
from contagion.liquidation.liquidation_profile import liquidatable

# %%
card = ct.datasets.card("usdc_svb_2023")
print(card.kind, "|", card.date, "|", card.unit)
print(card.summary)

# %% [markdown]
# ## The direct loss
#
# If the bank pays nothing and all holders share alike, what is a token worth? Two snapshots,
# because reserves fell from 43.5 bn USD in January to about 40 bn on the day.

# %%
floors = {}
for period in card.periods:
    net = ct.datasets.load("usdc_svb_2023", period=period)
    worst = ct.EisenbergNoe().propagate(net, ct.Shock.default("svb", recovery=0.0))
    claims = net.exposures.query("debtor == 'circle_usdc'")["amount"].sum()
    floors[period] = 1 - worst.table.loc["circle_usdc", "shortfall"] / claims
pd.Series(floors).round(4)

# %%
assert [round(floor, 4) for floor in floors.values()] == [0.9241, 0.9175]

# %% [markdown]
# What happened in the end is a recovery of 100 %, and a loss of nothing.

# %%
net = ct.datasets.load("usdc_svb_2023")
monday = ct.EisenbergNoe().propagate(net, ct.Shock.default("svb", recovery=1.0))
assert monday.socialization.initial_loss == 0
monday

# %% [markdown]
# And this is what the market said in between.

# %%
said = ct.datasets.outcomes("usdc_svb_2023")
said[said["node"].isin(["usdc_holders", "svb"])][["what", "value", "unit", "as_of", "evidence"]]

# %% [markdown]
# ## The depeg
#
# `Shock.depeg` asks what it costs everybody when a token is worth 0.88. Of the 4.8 bn USD by which
# claims were marked down at most 3.3 bn can have been a loss of reserves; the rest is a discount
# for waiting, which nobody lost who waited. These tables do not have that channel: they bound it.

# %%
depeg = ct.EisenbergNoe().propagate(net, ct.Shock.depeg("circle_usdc", to=0.88))
at_most = ct.EisenbergNoe().propagate(net, ct.Shock.default("svb", recovery=0.0))
marked, lost = (r.socialization.borne for r in (depeg, at_most))
assert round(marked / 1e9, 2) == 4.8 and round(lost / 1e9, 2) == 3.3
f"marked down {marked / 1e9:.2f} bn, direct loss at most {lost / 1e9:.2f} bn USD"

# %% [markdown]
# ## Who holds the bag
#
# Look-through: what stands behind the claims of each holder, and what the depeg costs it.

# %%
found = ct.lookthrough.look_through(net)
ax = ct.plot.look_through_flow(found)

# %%
bag = ct.lookthrough.who_holds_the_bag(net, "circle_usdc", to=0.88)
bag[["holder", "direct", "through", "loss"]]

# %% [markdown]
# ## How it gets into DAI
#
# Maker swaps USDC for DAI one for one. Its 3.1 bn USD of USDC are how the depeg reaches DAI: at
# 0.88 they are worth 372 m less, in the worst case of the bank 256 m. The debt of Maker, DAI, and
# its capital are not in the tables: the run says what Maker loses, not whether it can bear it.

# %%
maker = {
    "at 0.88": depeg.table.loc["maker_dai", "loss"],
    "bank pays nothing": at_most.table.loc["maker_dai", "loss"],
}
assert round(maker["at 0.88"] / 1e6) == 372 and round(maker["bank pays nothing"] / 1e6) == 256
{name: f"{loss / 1e6:.0f} m USD" for name, loss in maker.items()}

# %% [markdown]
# ## An illustrative lending market
#
# **From here on the numbers are made up.** 40 borrowers have pledged USDC and borrowed USDT, the
# trade of somebody who expects both to stay at 1: 52 m USD of collateral, loans at 60 to 88.5 % of
# it, liquidated when they exceed 90 % of the collateral. The market for USDC is thin that weekend:
# 400 m sold would take its price to nothing.

# %%
rng = np.random.default_rng(2023)
n = 40
loans = pd.DataFrame(
    {
        "protocol": "market",
        "borrower": [f"borrower {k + 1}" for k in range(n)],
        "collateral_asset": "USDC",
        "collateral": np.round(1e6 * rng.lognormal(0, 1, n), -3),
        "debt_asset": "USDT",
        "threshold": 0.90,
        "bonus": 0.04,
    }
)
loans["debt"] = np.round(loans["collateral"] * np.linspace(0.60, 0.885, n), -3)
book = MarginBook({"USDC": 1.0, "USDT": 1.0}, loans=loans, unit="USD")
book

# %%
liquidatable(book, [-0.02, -0.05, -0.0825, -0.12], "USDC")[
    ["move", "accounts", "value", "debt", "deficit"]
].round({"value": 0, "debt": 0, "deficit": 0})

# %%
ax = ct.plot.liquidation_profile(book, "USDC", moves=np.linspace(-0.3, 0.02, 200))

# %% [markdown]
# ### The oracle decides
#
# One protocol takes the market price of USDC, another has it hard-coded at 1. The price falls to
# 0.88. The first liquidates, and what it sells takes the price further; the second does nothing,
# and what is missing at the market price is latent.

# %%
impact = Linear(depth=[400e6, 1e12])  # of USDC; USDT is deep
runs = {
    "market price": LiquidationCascade(impact=impact, oracle=Market()),
    "hard-coded at 1": LiquidationCascade(
        impact=impact, oracle=HardCoded(price=[1.0, float("nan")])
    ),
}
saturday = {name: run.run(book, {"USDC": -0.12}) for name, run in runs.items()}
saturday["market price"]

# %%
ax = ct.plot.cascade_path(saturday["market price"], "USDC")

# %%
ax = ct.plot.cascade_path(saturday["hard-coded at 1"], "USDC")

# %% [markdown]
# On Monday a USDC is worth 1 again. What the borrowers of the first protocol had, was sold at
# Saturday's prices: for good. Those of the second have lost nothing.

# %%
rows = {}
for name, result in saturday.items():
    units = measures.time_to_stop(result).units["sold"]
    rows[name] = {
        "USDC at the end": result.outcome.price[0],
        "multiplier": measures.cascade_multiplier(result),
        "collateral sold": units["USDC"],
        "lost for good if USDC returns to 1": units["USDC"] - units["USDT"] - result.deficits.sum(),
        "deficit": result.deficits.sum(),
        "latent": result.latent.sum(),
    }
table = pd.DataFrame(rows)
assert table.loc["latent", "market price"] == 0 == table.loc["deficit", "hard-coded at 1"]
assert table.loc["lost for good if USDC returns to 1", "hard-coded at 1"] == 0
table.map("{:,.6g}".format)

# %% [markdown]
# That speaks for the hard-coded price only because the bank paid. Nobody is made to sell while
# there is something to sell, so the loss of a USDC that does not come back is the lenders'. Here
# the worst case of the bank, 0.9175, would still have been within the margins; a little below, not.
# The latent loss by what a USDC turns out to be worth:

# %%
worth = [1.0, 0.9175, 0.88, 0.8, 0.7, 0.5]
hard = runs["hard-coded at 1"]
latent = {to: float(hard.run(book, {"USDC": to - 1}).latent.sum()) for to in worth}
assert latent[1.0] == latent[0.9175] == 0 < latent[0.88] < latent[0.5]
pd.Series(latent, name="latent, USD").round(0)

# %% [markdown]
# ### How far is the edge?
#
# The multiplier compares with the same fall without price impact. By depth of the market: where
# does a fall of USDC set off more than it is?

# %%
surface = criticality_map(
    book,
    runs["market price"],
    np.linspace(0.01, 0.25, 25),
    depth=[0.25, 0.5, 1, 2, 4],
    asset="USDC",
)
ax = ct.plot.criticality(surface, threshold=1.2)

# %%
edge = tipping_point(book, runs["market price"], 1.2, asset="USDC", largest=0.5)
edge

# %% [markdown]
# ### After the cascade: whose loss is the deficit?
#
# The deficit meets the rule of the protocol, on a graph: a reserve of 25,000, stakers with 50,000,
# then suppliers pro rata. Cascade and clearing are solved together, and borrowers are in the
# ledger too.

# %%
nodes = pd.DataFrame(
    {
        "node": ["market", "stakers", "supplier 1", "supplier 2"],
        "name": ["Illustrative market", "Stakers", "Supplier 1", "Supplier 2"],
        "external_assets": [38_075_000.0, 1e6, 5e6, 5e6],
    }
)
claims = pd.DataFrame(
    {
        "creditor": ["stakers", "supplier 1", "supplier 2"],
        "debtor": "market",
        "amount": [50_000.0, 28e6, 10e6],
        "layer": ["stakers", "suppliers", "suppliers"],
    }
)
rule = ct.rules.Waterfall([ct.rules.Layer("stakers"), ct.rules.Layer("suppliers")])
graph = ct.ExposureNetwork(nodes, claims, rules={"market": rule}, unit="USD")
joint = ct.liquidation.CoupledCascade(book, runs["market price"]).propagate(
    graph, ct.Shock.price({"USDC": -0.12})
)
joint

# %%
ax = ct.plot.waterfall(joint, "market")

# %%
borne = joint.bearers.set_index("bearer")["amount"].drop(list(book.holders), errors="ignore")
assert abs(borne.sum() - joint.cascade.deficits.sum()) < 1.0
borne.round(0)

# %% [markdown]
# What a fund would have to hold so that, for prices from 0.80 to 1.00 (equally likely: an
# assumption), nine in ten leave nobody else short:

# %%
prices = np.column_stack([np.linspace(0.80, 1.00, 101), np.ones(101)])
batch = runs["market price"].solve(book, prices)  # 101 scenarios at once
fund = measures.required_fund(measures.scenario_deficits(book, batch), level=0.9)
print(measures.fund_text(fund.loc["market"], "USD"))
fund.round(3)
