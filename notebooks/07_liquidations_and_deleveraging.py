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
# # Liquidations and auto-deleveraging on a path of prices: 10 October 2025
#
# **Question.** On 10 October 2025 prices fell within minutes. One exchange liquidated 5.5 bn USD
# of positions, and closed positions of winners because the margin of the losers was not enough.
# How much of the deficit depends on the speed of the price fall? And who pays under another rule?
#
# - *Published*: the times of the waves of deleveraging, the amount liquidated, and two numbers for
#   the deficit of the losers. They are in the packaged dataset `hyperliquid_adl_2025`.
# - *Illustrative*: the accounts, the depth of the market, and the path between the first price
#   and the last. No account of the exchange is in this notebook.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import contagion as ct
from contagion.liquidation import Exponential, LiquidationCascade, MarginBook

outcomes = ct.datasets.outcomes("hyperliquid_adl_2025")
venue = outcomes[outcomes["node"] == "hyperliquid"].groupby("what")["value"].first()
published = venue[
    ["notional liquidated", "deficit of the losers", *venue.filter(like="counted once").index]
]
(published / 1e6).round(1)  # m USD

# %% [markdown]
# One loser is counted in nine waves of the published deficit. Counted once, the deficit is 12.7 m
# USD. The truth is between the two numbers.
#
# ## A book of accounts
#
# 1,000 accounts are long and 200 are short, in two coins, with a leverage between 1.5 and 20. The
# open interest is chosen so that the liquidated amount is about that of the day.

# %%
coins = {"BTC": 120_000.0, "SOL": 220.0}
rng = np.random.default_rng(10)


def accounts(side: str, count: int, sign: int) -> pd.DataFrame:
    """Accounts of one side, 3.8 bn USD in each coin in all; sizes are lognormal."""
    coin = np.where(np.arange(count) % 2, "BTC", "SOL")
    worth = pd.Series(rng.lognormal(0, 1.2, count))
    worth *= 3.8e9 / worth.groupby(coin).transform("sum")
    return pd.DataFrame(
        {
            "venue": "exchange",
            "holder": [f"{side} {k + 1}" for k in range(count)],
            "instrument": coin,
            "size": sign * worth / pd.Series(coin).map(coins),
            "margin": worth / rng.uniform(1.5, 20, count),
            "maintenance": 0.02,
        }
    )


positions = pd.concat([accounts("long", 1_000, 1), accounts("short", 200, -1)])
book = MarginBook(coins, positions, unit="USD")
book

# %% [markdown]
# ## The same fall, at once and along a path
#
# BTC falls by 13 % and SOL by 26 % (assumed). The path has one price for each wave, and ten
# seconds are one round of the cascade. The liquidated positions move the price: a sale of the whole
# open interest would move it by 12 %, and the price recovers a part of that in each round.

# %%
fall = {"BTC": -0.13, "SOL": -0.26}
waves = outcomes[outcomes["node"].str.startswith("wave") & (outcomes["what"] == "needed")]
times = pd.to_datetime(waves["as_of"]).reset_index(drop=True)
rounds = (times.diff().dt.total_seconds().fillna(10) / 10).round().clip(1).astype(int).tolist()
part = np.linspace(0, 1, len(times) + 1)[1:]
path = pd.DataFrame({coin: coins[coin] * (1 + fall[coin] * part) for coin in coins}, index=times)

units = positions.groupby("instrument")["size"].apply(lambda size: size.clip(lower=0).sum())
impact = Exponential(tuple(8 * units[coin] for coin in book.assets), recovery=0.02)
cascade = LiquidationCascade(impact=impact)
gradual = cascade.run(book, path=path, rounds=rounds)
at_once = cascade.run(book, fall)
speed = pd.DataFrame(
    {
        name: {
            "liquidated": float(run.outcome.liquidated) / 1e6,
            "deficit": run.deficits.sum() / 1e6,
        }
        for name, run in {"in 10 minutes": gradual, "at once": at_once}.items()
    }
)
speed.round(1)  # m USD

# %%
low, high = published.drop("notional liquidated").sort_values()
assert abs(gradual.outcome.liquidated / published["notional liquidated"] - 1) < 0.1
assert low < gradual.deficits.sum() < high
assert at_once.deficits.sum() > 5 * gradual.deficits.sum()

# %% [markdown]
# On the path most accounts are closed while they still have equity. With one jump of the price
# they are not. The market price goes below the path because of the sales:

# %%
ax = ct.plot.cascade_path(gradual, "SOL")

# %% [markdown]
# ## Who pays for the deficit?
#
# The insurance fund has 20 m USD, an assumption. Three rules share the remaining loss: the queue of
# the exchange (largest profit times leverage first), all winners in proportion to their profits,
# and all accounts in proportion to their equity.

# %%
rules = {
    "queue": ct.rules.Queue("score"),
    "pro rata on profits": ct.rules.ProRata("profit", negative="zero"),
    "pro rata on equity": ct.rules.ProRata("equity", negative="zero"),
}
fund = 20e6
shared, largest = {}, {}
for name, rule in rules.items():
    ruled = LiquidationCascade(impact=impact, fund=fund, rules={"exchange": rule})
    table = ruled.run(book, path=path, rounds=rounds).table.set_index("holder")
    shared[name] = table["shared"]
    largest[name] = (table["shared"] / (table["equity_after"] + table["shared"])).fillna(0)
shared, largest = pd.DataFrame(shared), pd.DataFrame(largest)
who = pd.DataFrame(
    {
        "taken, m USD": shared.sum() / 1e6,
        "accounts that pay": (shared > 1).sum(),
        "largest part of an account": largest.max(),
    }
).round(3)
who

# %%
missing = gradual.deficits.sum() - fund
assert np.allclose(shared.sum(), missing, rtol=0.2)  # closing positions moves the price a little
assert shared["queue"].gt(1).sum() < shared["pro rata on profits"].gt(1).sum()
assert largest["queue"].max() > largest["pro rata on profits"].max()

# %% [markdown]
# The figure orders the accounts by their payments. Each line ends at about the same total.

# %%
figure, ax = plt.subplots(figsize=(8, 4.2))
for name, column in shared.items():
    paid = np.sort(column[column > 1])[::-1]
    ax.plot(np.arange(1, len(paid) + 1), paid.cumsum() / 1e6, label=name)
ax.set_xscale("log")
ax.set_xlabel("accounts, those that pay most first")
ax.set_ylabel("paid so far, m USD")
ax.legend(frameon=False)
figure.tight_layout()

# %% [markdown]
# ## What the exchange did
#
# The published waves have the amount needed and the amount removed from winners. The difference
# arises because the queue closes whole positions, which the rules above do not do:

# %%
columns = ["needed", "removed", "overshoot"]
production = outcomes[(outcomes["node"] == "hyperliquid") & outcomes["what"].isin(columns)]
production = production[production["run"].isin(["production"]) | production["run"].isna()]
(production.set_index("what")["value"] / 1e6).round(1)  # m USD

# %% [markdown]
# **Answer.** The deficit depends on the speed: the same fall leaves a much larger deficit if it
# comes in one jump. The rule does not change the amount, it changes who pays it: under the queue
# few accounts pay a large share of their equity, pro rata all winners pay a small share.
