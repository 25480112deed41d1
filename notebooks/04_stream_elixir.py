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
# # Stream and Elixir, November 2025: two debtors that back each other
#
# **Question.** Stream issued xUSD and lost 93 m USD with an outside manager. Elixir issued deUSD,
# backed mostly by a loan to Stream, and Stream held nine tenths of that deUSD. What are the two
# tokens worth? Who bears the loss in the end? And what changes when a price feed always says 1?
#
# - *Published*: the loss, the list of lenders, Stream's holding of deUSD.
# - *Reconstructed*, weakly: assets (one analyst's count), two lines of the list, the ranking of
#   claims. An illustration of a cycle and of set-off, not a validation.
# - *Illustrative*: the lending market in the second half. Its numbers are made up.

# %%
import numpy as np
import pandas as pd

import contagion as ct
from contagion import rules, venues
from contagion.liquidation import HardCoded, Linear, LiquidationCascade, MarginBook, Market
from contagion.liquidation.criticality import criticality_map

# %%
card = ct.datasets.card("stream_elixir_2025")
print(card.kind, "|", card.date, "|", card.unit)
for caveat in card.caveats[:3]:
    print("-", caveat)

# %%
net = ct.datasets.load("stream_elixir_2025")
(net.balance_sheet / 1e6).round(2)

# %% [markdown]
# ## Looking through the loop
#
# Look through the wrappers: a claim on Elixir is backed by a claim on Stream, which is backed by a
# claim on Elixir. The gain g of the loop is the share of a unit that returns after one cycle; in
# total a unit is counted 1/(1 − g) times.

# %%
found = ct.lookthrough.look_through(net)
found

# %%
loop = found.loops.iloc[0]
claims = net.exposures.set_index(["creditor", "debtor"])["amount"]
owed = {node: net.balance_sheet.loc[node, "debts"] for node in ("stream", "elixir")}
by_hand = np.sqrt(
    claims["elixir", "stream"] / owed["stream"] * claims["stream", "elixir"] / owed["elixir"]
)
assert abs(loop["gain"] - by_hand) < 1e-12
f"gain {loop['gain']:.3f}, a unit counts {loop['multiplier']:.2f} times"

# %% [markdown]
# Base assets of 164 m USD, including the 93 m with the manager, back claims of 621 m USD. In the
# end nothing is counted twice: the holdings of all holders add up to the base assets.

# %%
assert abs(found.totals["gap"]).max() < 1.0
(found.ends.set_index("node")["owners"] / 1e6).round(2)

# %%
ax = ct.plot.look_through_flow(found)

# %% [markdown]
# An interactive view of one token: its backing below, its holders on rings around it.

# %%
ct.plot.interactive(found)

# %% [markdown]
# ## The manager defaults
#
# Now the 93 m are lost. On these figures Stream was insolvent before, so losses are counted from
# the payments without the shock (`baseline="cleared"`).

# %%
shock = ct.Shock.default("external_manager", recovery=0.0)
result = ct.EisenbergNoe().propagate(net, shock, baseline="cleared")
result


# %%
def recovery(network, debtor):
    """Payments on all claims on a node, over their face value."""
    flows = ct.EisenbergNoe().propagate(network, shock).flows.query("debtor == @debtor")
    return flows["paid"].sum() / flows["amount"].sum()


# %% [markdown]
# Two equations: `x = (63 + 75 y) / 444.9` for Stream, `y = (7.56 + 68 x) / 83.33` for Elixir.

# %%
x, y = np.linalg.solve([[444.9, -75.0], [-68.0, 83.33]], [63.0, 7.56])
assert abs(recovery(net, "stream") - x) < 1e-9 and abs(recovery(net, "elixir") - y) < 1e-9
f"Stream pays {x:.1%}, Elixir {y:.1%}"

# %% [markdown]
# That week xUSD traded at about 20 % of its share price (0.25 / 1.27, *press*). The agreement may
# be a coincidence: 63 m is one estimate.

# %%
said = ct.datasets.outcomes("stream_elixir_2025")
said[["node", "what", "value", "unit", "evidence"]].head(9)

# %%
ax = ct.plot.cascade(result)

# %% [markdown]
# ## Set-off
#
# Elixir owes Stream 75 and is owed 68. If set-off is allowed, Elixir has its own 7.56 m against
# debts of 7 m to Stream and 8.33 m to all others: its holders receive twice as much, the lenders of
# Stream less. Whether it is allowed is a legal question; the dataset does not answer it.

# %%
after = net.set_off(("stream", "elixir"))
table = pd.DataFrame(
    {
        "no set-off": {node: recovery(net, node) for node in ("stream", "elixir")},
        "set-off": {node: recovery(after, node) for node in ("stream", "elixir")},
    }
)
assert round(table.loc["elixir", "set-off"], 3) == 0.493
assert table.loc["stream", "set-off"] < table.loc["stream", "no set-off"]
table.round(3)

# %% [markdown]
# Set-off also removes the loop:

# %%
assert ct.lookthrough.look_through(after).loops.empty

# %% [markdown]
# ## The ultimate holders
#
# All holders of a claim on Stream, directly or through Elixir, and their loss if it pays
# 18.2 %. The column `bag` is the amount that ends with a holder; Elixir passes its own on to the
# holders of deUSD.

# %%
bag = ct.lookthrough.who_holds_the_bag(net, "stream", to=round(x, 3))
show = bag[["holder", "direct", "look_through", "bag", "through", "loss"]].copy()
money = ["direct", "look_through", "bag", "loss"]
show[money] = (show[money] / 1e6).round(2)
show

# %%
sums = bag.sums
assert abs(sums["direct"] - sums["bag"]) < 1.0
assert bag["holder"].iloc[0] == "xusd_holders"

# %% [markdown]
# ## An oracle that always says 1
#
# **From here on the numbers are made up.** A curator lends dollars against xUSD in an isolated
# market. Its price feed is fixed at the share price of xUSD, as *press* reports of such markets. 25
# borrowers have pledged 38 m USD and owe 70 to 90 % of it; more than 91 % would be liquidated.
# Prices are relative to the share price: 1 before, 0.197 after.

# %%
n = 25
collateral = np.round(np.geomspace(0.2e6, 5e6, n), -4)
loans = pd.DataFrame(
    {
        "protocol": "xUSD market",
        "borrower": [f"loop {k + 1}" for k in range(n)],
        "collateral_asset": "xUSD",
        "collateral": collateral,
        "debt_asset": "USD",
        "debt": np.round(collateral * np.linspace(0.90, 0.70, n), -3),
        "threshold": 0.91,
        "bonus": 0.03,
    }
)
book = MarginBook({"xUSD": 1.0, "USD": 1.0}, loans=loans, unit="USD")
fall = {"xUSD": -(1 - 0.197)}
thin = Linear(depth=[40e6, 1e12], floor=0.01)
runs = {
    "fixed at 1": LiquidationCascade(impact=thin, oracle=HardCoded(price=[1.0, float("nan")])),
    "market": LiquidationCascade(impact=thin, oracle=Market(), minimum_profit=0.0),
}
hidden = runs["fixed at 1"].run(book, fall)
hidden

# %% [markdown]
# Nothing is liquidated, every loan looks healthy, but most of the amount lent is lost. The bad debt
# is *latent*: Σ max(debt − 0.197 × collateral, 0).

# %%
latent = hidden.latent.sum()
debt = loans["debt"].sum()
assert abs(latent - np.maximum(loans["debt"] - 0.197 * loans["collateral"], 0).sum()) < 1.0
assert hidden.deficits.sum() == 0
f"{latent / 1e6:.1f} m of {debt / 1e6:.1f} m USD lent: {latent / debt:.0%} are missing, unseen"

# %%
ax = ct.plot.cascade_path(hidden, "xUSD")

# %% [markdown]
# Would a market price have helped? Not against a fall in one step: the collateral has then lost its
# value. In a thin market (a sale of 40 m would reduce the price to 1 %) a market price even
# amplifies a small fall, because liquidations push the price down. With a market price the loss is
# *booked*: the rule of the protocol allocates a deficit, while no creditor bears a latent loss yet.

# %%
rows = []
for drop in [0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.803]:
    seen, blind = (run.run(book, {"xUSD": -drop}) for run in (runs["market"], runs["fixed at 1"]))
    rows.append(
        {
            "xUSD": 1 - drop,
            "market: deficits, m": seen.deficits.sum() / 1e6,
            "market: latent, m": seen.latent.sum() / 1e6,
            "market: xUSD at the end": seen.outcome.price[0],
            "fixed: latent, m": blind.latent.sum() / 1e6,
        }
    )
by_price = pd.DataFrame(rows).set_index("xUSD")
assert (by_price["market: deficits, m"] >= by_price["fixed: latent, m"]).all()
by_price.round(3)

# %%
surface = criticality_map(
    book, runs["market"], np.linspace(0.02, 0.8, 27), depth=[0.5, 1, 2, 5, 20], asset="xUSD"
)
ax = ct.plot.criticality(surface)

# %% [markdown]
# ## Who bears the latent loss
#
# While the feed says 1, depositors of the market withdraw at par: first come, first served, as long
# as there is cash. The depositors who stay bear the loss. For four depositors of the same size:

# %%
deposits = {
    "claimant": ["first", "second", "third", "last"],
    "amount": [debt / 4] * 4,
    "exit": [1, 2, 3, 4],
}
line = rules.exit_values(latent, deposits, rng=1)
line["value_against_order"] = line["value_against_order"].round(2)
shown = ["claimant", "amount", "loss_in_order", "loss_pro_rata", "expected_loss"]
(line[shown].set_index("claimant") / 1e6).round(2)

# %%
assert line["loss_in_order"].iloc[0] < line["loss_pro_rata"].iloc[0]
assert abs(line["loss_in_order"].sum() - latent) < 1.0

# %% [markdown]
# **Answer.** The loop itself holds no value: the tokens are worth the assets outside it, and the
# holders bear the loss. A feed that always says 1 does not remove the loss. It moves the loss
# from those who withdraw first to those who withdraw last. A vault that writes the loss down in
# its share price shares it pro rata; one that does not pays in the order of withdrawals. Both
# rules are in the catalogue.

# %%
for name in ("metamorpho_v1_0", "metamorpho_v1_1"):
    venue = venues.entry(name)
    print(f"{venue.name}: {venue.title} ({venue.status}, {venue.as_of})")
