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
# # How losses are shared
#
# **Question.** When a trading venue cannot pay all claims, who loses how much? A *rule* decides:
# an insurance fund first, then the winners, then all claims pro rata, or those who withdraw last.
# Every exchange, lending protocol and clearing house has its own rule. In a network these rules
# interact.
#
# Three parts: textbook claims (numbers made for the purpose), the clawback of OKEx in 2018
# (*reconstructed* from statements and press), and three venues with four banks (*illustrative*:
# made so that every number can be checked by hand).

# %%
import contagion as ct
from contagion import rules, venues

# %% [markdown]
# ## One loss, one venue, several rules
#
# Claims of 100, 200 and 300, and assets of only 200: the loss is 400. A rule shares the loss among
# the claims; `paid` is the amount that each receives.

# %%
claims = {
    "claimant": ["a", "b", "c"],
    "amount": [100.0, 200.0, 300.0],
    "exit": [3, 1, 2],
    "rank": [1, 2, 3],
}
shared = {
    "pro rata": rules.ProRata(),
    "first come, first served": rules.FirstCome(),
    "queue, highest rank loses first": rules.Queue("rank"),
    "equal awards": rules.EqualAwards(),
    "equal losses": rules.EqualLosses(),
    "contested garment": rules.Talmud(),
}
paid = {
    name: rule.allocate(400, claims).table["paid"].round(2).tolist()
    for name, rule in shared.items()
}
paid

# %% [markdown]
# The Talmud gives 50, 75 and 75 for an estate of 200.

# %%
assert paid["contested garment"] == [50.0, 75.0, 75.0]
assert all(abs(sum(row) - 200) < 0.02 for row in paid.values())

# %% [markdown]
# A waterfall has layers in the order in which they lose. Here a fund of 60, then stakers, then the
# depositors, pro rata. A column of the claims gives the layer to which each belongs.

# %%
fall = rules.Waterfall(
    [
        rules.Layer("insurance fund", capacity=60.0),
        rules.Layer("stakers"),
        rules.Layer("depositors", rules.ProRata()),
    ]
)
layered = {
    "claimant": ["staker", "a", "b"],
    "amount": [40.0, 150.0, 50.0],
    "layer": ["stakers", "depositors", "depositors"],
}
allocation = fall.allocate(150, layered)
allocation.layers

# %%
ax = ct.plot.waterfall(allocation)

# %% [markdown]
# Under the rule first come, first served, an early exit has a value. With a loss of 30 on claims of
# 200, those who leave first are paid in full, and the last lose up to 30. The exit order is an
# input or random; strategic exits are not modelled.

# %%
exits = rules.exit_values(30, {"claimant": ["a", "b", "c", "d"], "amount": [50.0] * 4}, rng=1)
exits[
    [
        "claimant",
        "loss_first",
        "loss_last",
        "loss_pro_rata",
        "expected_loss",
        "value_of_exiting_first",
    ]
].round(2)

# %% [markdown]
# ## The catalogue
#
# Rules of real venues, each with source, date and the extent to which the source was read.

# %%
for name in ("okex_2018", "hyperliquid", "aave_v3", "morpho_blue", "liquity_v1", "ccp"):
    venue = venues.entry(name)
    print(f"{venue.name:12} {venue.as_of:10} {venue.status:18} {venue.title}")

# %% [markdown]
# A rule can be read from and written to TOML, so that it can be shared with the data.

# %%
print(rules.dumps(venues.okx.okex_2018(fund=10.0)))

# %% [markdown]
# ## OKEx, August 2018
#
# One long position in bitcoin futures was too large to liquidate. Closed at its bankruptcy price of
# 8,020 and settled at 7,483 USD, it left a loss of 3,730 BTC. Position and prices were *published*;
# the profits on which the exchange charged its clawback were not, and are *derived* from the rate.

# %%
okex = ct.datasets.load("okex_2018")
card = ct.datasets.card("okex_2018")
print(card.kind, "|", card.date)
result = ct.EisenbergNoe().propagate(okex, ct.Shock.default("long_position"))
result.layers

# %%
ax = ct.plot.waterfall(result, "okex")

# %% [markdown]
# The exchange had put 2,500 BTC of its own into a fund that held 10. The remainder is 17.8 % of the
# profits of that week; 17 and 18 % were reported.

# %%
layers = result.layers.set_index("layer")
rate = layers.loc["clawback", "absorbed"] / layers.loc["clawback", "capacity"]
assert 0.17 < rate < 0.18
f"{rate:.1%} of the profits are clawed back"

# %% [markdown]
# What if the exchange had paid nothing? By the same rule the rate would be 54 %. The reported
# "up to 40 %" does not agree with the same profits: see the card.

# %%
position = okex.exposures.query("debtor == 'long_position'")["amount"].sum()
profits = okex.exposures.query("layer == 'clawback'")["amount"].sum()
alone = venues.okx.okex_2018(fund=10.0).allocate(
    position,
    {
        "claimant": ["profitable accounts"],
        "amount": [profits],
        "profit": [profits],
        "layer": ["clawback"],
    },
)
f"{alone.table['loss'].sum() / profits:.1%}"

# %%
assert round(alone.table["loss"].sum() / profits, 2) == 0.54

# %% [markdown]
# ## Three venues, four banks
#
# An exchange (its fund, then auto-deleveraging of winners), a lending protocol (treasury, stakers,
# suppliers who leave one after the other) and a clearing house (skin in the game, default fund,
# calls on members, gains haircut). The exchange supplies the protocol, and the protocol is a winner
# at the exchange: two rules that depend on each other. A desk that owes 100 to them defaults.

# %%
net = ct.datasets.load("three_venues")
shock = ct.Shock.default("desk")
result = ct.EisenbergNoe().propagate(net, shock)
result

# %% [markdown]
# The allocation of the 100, by layer and by bearer. The amounts add up.

# %%
result.layers.round(2)

# %%
result.bearers[["bearer", "role", "amount"]].round(2)

# %%
s = result.socialization
assert abs(result.bearers["amount"].sum() - s.initial_loss - s.deadweight) < 1e-9 * s.initial_loss
ax = ct.plot.waterfall(result, "exchange")

# %% [markdown]
# ## Other rules, same loss
#
# Replace the queue of the exchange by pro rata, or by equal losses. Nothing else changes, and yet
# parties that never traded there bear more: the protocol is a winner, and its suppliers bear its
# losses.

# %%
comparison = ct.compare_rules(
    net,
    shock,
    {
        "pro rata": {"exchange": rules.Waterfall([rules.Layer("winners")])},
        "equal losses": {
            "exchange": rules.Waterfall([rules.Layer("winners", rules.EqualLosses())])
        },
    },
)
comparison

# %%
comparison.differences[["pro rata", "equal losses"]].round(2)

# %%
moved = comparison.differences["pro rata"]
assert round(moved["bank_1"], 3) < 0 < round(moved["bank_3"], 3)
ax = ct.plot.rule_comparison(comparison)

# %% [markdown]
# **Answer.** The rule decides who bears the loss, not how large it is. Pro rata takes less from
# the winner with the largest loss and spreads the loss over more nodes. The part that falls on
# bystanders is the same under all three rules.

# %%
comparison.fairness[["largest_haircut", "concentration", "bystander_share"]].round(3)

# %% [markdown]
# From a terminal: `contagion allocate claims.csv --loss 150 --rule rule.toml`,
# `contagion compare three_venues --rule "pro rata:exchange=rule.toml"`, `contagion rules`.
