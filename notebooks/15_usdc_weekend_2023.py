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
# **Question.** On Friday, 10 March 2023, Silicon Valley Bank failed with 3.3 bn USD of the
# reserves of USDC. On Saturday the token traded at 88 cents. On Monday the depositors were paid
# in full, and USDC was worth 1 again. How much of the 12 cents can have been a loss? And how many
# borrowers would a lending market have liquidated meanwhile, with different oracles?
#
# - *Published*: deposit, reserves, hourly prices, holdings of Maker. Dataset `usdc_svb_2023`.
# - *Reconstructed*: the balance sheet of the issuer (reserves taken equal to the supply).
# - *Illustrative*: the lending market. It never existed.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import contagion as ct
from contagion.liquidation import (
    HardCoded,
    Linear,
    LiquidationCascade,
    MarginBook,
    Market,
    TimeWeighted,
)

net = ct.datasets.load("usdc_svb_2023")
print(ct.datasets.card("usdc_svb_2023").summary)

# %% [markdown]
# ## The largest direct loss
#
# If the bank pays nothing and all holders share the loss pro rata, a token is worth its reserves
# without the deposit. In the end the bank paid everything, therefore the loss was zero.

# %%
worst = ct.EisenbergNoe().propagate(net, ct.Shock.default("svb", recovery=0.0))
paid = ct.EisenbergNoe().propagate(net, ct.Shock.default("svb", recovery=1.0))
supply = net.exposures.query("debtor == 'circle_usdc'")["amount"].sum()
floor = 1 - worst.table.loc["circle_usdc", "shortfall"] / supply
assert round(floor, 4) == 0.9175 and paid.socialization.initial_loss == 0
f"A token is worth at least {floor:.4f} USD."

# %% [markdown]
# ## The price over the weekend
#
# The hourly prices of the pair begin on Saturday afternoon. For each hour the path has the lowest
# price and then the last one.

# %%
hours = pd.read_csv(
    ct.datasets.path("usdc_svb_2023") / "price_path.csv", parse_dates=["time"]
).set_index("time")
path = pd.DataFrame({"USDC": hours[["low", "close"]].to_numpy().ravel()})
path.index = hours.index.repeat(2) + pd.to_timedelta(np.tile([0, 59], len(hours)), unit="min")

figure, ax = plt.subplots(figsize=(8, 3.6))
ax.plot(path.index, path["USDC"], linewidth=1.2, label="price on Binance, USDT")
ax.axhline(floor, color="tab:red", linewidth=1, label="worth if the bank pays nothing")
ax.set_ylabel("one USDC")
ax.legend(frameon=False)
figure.autofmt_xdate()
figure.tight_layout()

# %%
below = int((hours["close"] < floor).sum())
said = ct.datasets.outcomes("usdc_svb_2023").set_index("what")["value"]
assert below == said["hours with a close below 0.9175"]
f"{below} of {len(hours)} hours end below the worst case of the balance sheet."

# %% [markdown]
# A price below that line is not a loss of reserves. It is a discount for waiting: holders who could
# not redeem over the weekend and had to sell paid it. In amounts: at a price of 0.88 the claims
# lose more value than the whole deposit at the bank.

# %%
depeg = ct.EisenbergNoe().propagate(net, ct.Shock.depeg("circle_usdc", to=0.88))
amounts = pd.DataFrame(
    {
        name: {
            "all holders": run.socialization.borne / 1e9,
            "of that Maker, which issues DAI": run.table.loc["maker_dai", "loss"] / 1e9,
        }
        for name, run in {"price of 0.88": depeg, "bank pays nothing": worst}.items()
    }
).round(3)
assert amounts.loc["all holders"].tolist() == [4.8, 3.3]
amounts  # bn USD

# %% [markdown]
# ## A lending market on this path
#
# **From here on the accounts are made up.** 40 borrowers have pledged 52 m USD of USDC and
# borrowed USDT, because they expect both to stay at 1. A loan is liquidated when it exceeds 90 %
# of the collateral. The market for USDC is thin: each sale of 4 m reduces the price by 1 %.

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
ax = ct.plot.liquidation_profile(book, "USDC", moves=np.linspace(-0.3, 0.02, 200))

# %% [markdown]
# Three oracles: the market price, its average over the last twelve prices (six hours), and a
# price that is fixed at 1, as some protocols had it.

# %%
oracles = {
    "market price": Market(),
    "average of six hours": TimeWeighted(12),
    "fixed at 1": HardCoded(price=[1.0, float("nan")]),
}
impact = Linear(depth=[400e6, 1e12], recovery=0.05)  # of USDC; USDT is deep
runs = {
    name: LiquidationCascade(impact=impact, oracle=oracle).run(book, path=path)
    for name, oracle in oracles.items()
}
table = pd.DataFrame(
    {
        name: {
            "borrowers liquidated": int((run.table["liquidated"] > 1e-6).sum()),
            "collateral and debt that is gone, m USD": float(run.outcome.liquidated) / 1e6,
            "lost by borrowers, m USD": run.holder_losses[loans["borrower"]].sum() / 1e6,
            "deficit of the lenders, m USD": run.deficits.sum() / 1e6,
        }
        for name, run in runs.items()
    }
).round(2)
table

# %%
ax = ct.plot.cascade_path(runs["market price"], "USDC")

# %% [markdown]
# ## What if the bank had not paid?
#
# With a fixed price no loan is liquidated, and the lenders bear the risk. Their losses by the final
# value of a USDC:

# %%
fixed = LiquidationCascade(impact=impact, oracle=oracles["fixed at 1"])
worth = [1.0, 0.9175, 0.88, 0.8, 0.7, 0.5]
latent = pd.Series({to: float(fixed.run(book, {"USDC": to - 1}).latent.sum()) for to in worth})
assert latent[1.0] == latent[0.9175] == 0 < latent[0.88] < latent[0.5]
(latent / 1e6).round(3)  # m USD

# %% [markdown]
# **Answer.** At most 8.25 of the 12 cents were a loss, and in the end none. The rest was the
# price of not being able to redeem. A lending market that used the market price would have
# liquidated borrowers permanently because of a discount that lasted hours; the average liquidates
# later and less. The fixed price liquidates no loan, which was cheap only because the bank paid:
# below 0.885 the lenders bear the loss.
