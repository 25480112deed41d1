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
# # A supervisor's report: from the files of banks to a PDF without names
#
# **Question.** Three banks and a fund have reported their claims and their balance sheets. Which
# default costs the others most, and how can the result be sent to a reader who may not see the
# names?
#
# The files are those of the folder `examples/`. Every number in them is made up.

# %%
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

import contagion as ct
from contagion.report import Disclosure

here = Path.cwd()
root = next(p for p in (here, *here.parents) if (p / "examples" / "exposures.csv").is_file())
examples = root / "examples"
pd.read_csv(examples / "exposures.csv")

# %% [markdown]
# ## Read, and check
#
# The reader refuses tables that contradict themselves. Data that are possible but unusual give a
# warning, with the nodes and the amounts.

# %%
options = {"nodes": str(examples / "nodes.csv"), "unit": "EUR m"}
net = ct.read(examples / "exposures.csv", **options)
net.check()[["code", "severity", "title", "message"]]

# %%
net.balance_sheet

# %% [markdown]
# ## One default, and all defaults
#
# The fund defaults and pays a quarter of its debt. One bank defaults with it:

# %%
shock = ct.Shock.default("fund", recovery=0.25)
result = ct.EisenbergNoe().propagate(net, shock)
result.table[["equity_before", "loss", "shortfall", "defaulted"]]

# %%
ax = ct.plot.cascade(result)

# %% [markdown]
# Each node defaults once, alone, with the same recovery rate of 25 %. `default_impact` is the
# loss of all others.

# %%
ranking = ct.rank(net, recovery=0.25)
columns = ["default_impact", "contagion_index", "induced_defaults"]
ranking[columns].sort_values("default_impact", ascending=False)

# %% [markdown]
# ## The study
#
# A study is the specification of these runs. It is a text file that others can read, change and
# run.

# %%
study = ct.Study(
    {"source": str(examples / "exposures.csv"), **options},
    shock=shock,
    outputs={"run": {}, "rank": {"recovery": 0.25}},
)
done = study.run()
assert done["run"].loss.sum() == result.loss.sum()

# %% [markdown]
# ## The report without names
#
# With `disclosure`, the study is run once more on a network with codes in place of names and with
# shares of total claims in place of amounts. All tables and figures are made from that run. At the
# end the file is searched for every name; if one is found, nothing is written. A name that is also
# a word of the report, here "fund", has to be listed in `common`. The key of the codes is a
# separate file, which you keep.
#
# The same from a terminal, where the file extension determines the format:
#
#     contagion report examples/exposures.csv --nodes examples/nodes.csv --unit "EUR m"
#         --default fund --recovery 0.25 --codes key.csv --common fund --out report.pdf

# %%
how = Disclosure(rng=7, common=("fund",))
with TemporaryDirectory() as name:
    folder = Path(name)
    page = ct.write_report(folder / "report.html", done, disclosure=how, key=folder / "key.csv")
    text = page.read_text("utf-8")
    key = pd.read_csv(folder / "key.csv")
    try:
        pdf = ct.write_report(folder / "report.pdf", done, disclosure=how)
        print(f"The PDF has {pdf.stat().st_size / 1e3:.0f} kB.")
    except ct.errors.MissingPackageError as missing:
        print(missing)
key

# %% [markdown]
# Neither the names nor the identifiers of the nodes are in the report, and the codes are:

# %%
names = {*key["node"], *key["name"]} - set(how.common)
assert not any(word in text for word in names)
assert all(code in text for code in key["code"])
assert set(key["node"]) == set(net.names)

# %% [markdown]
# A code hides a name. It does not hide a bank that is known to be the largest. Sums over few
# nodes are therefore hidden too; `Disclosure(least=..., dominant=...)` sets the limits.
#
# **Answer.** The table above ranks the defaults by the loss of the others. The report has the
# same numbers as shares of total claims, with codes for the nodes; the key stays with the
# supervisor.
