"""EBA EU-wide transparency exercise and stress tests: tr_cre, tr_sov, tr_oth, tr_mrk.

Read: the files since 2016, with LEI_Code (or LEI_code), Period, Item, Country, Amount and columns
of breakdowns (Portfolio, Exposure, Status, Perf_Status, Maturity, Accounting_portfolio ...).
Amounts are in EUR m, as the EBA publishes them. A bank is identified by its LEI; the country 0
("total") is left out unless `totals="keep"`. Only one row for each bank and country may remain:
several Items or breakdowns are an error (C015) and are never added up;
`columns={"Maturity": "layer"}` keeps them as separate layers.

As exposures, the bank holds a claim on the country (or on the exposure class, if the file has no
countries); as holdings, the country is an asset with a price. Recipe, sovereign debt (tr_sov):

    where = {"Item": "2520806", "Maturity": "8", "Accounting_portfolio": "0"}
    ct.read("tr_sov.csv", where=where, period="202306", missing_equity="external")
    ct.read("interbank.csv", nodes="banks.csv", holdings="tr_sov.csv",
            where={"holdings": where}, period="202306", unit="EUR m")
"""

from __future__ import annotations

from dataclasses import replace

from ...text import listing, plural
from .. import schema
from ..tables import shapes
from ..tables.grids import Source
from ..tables.reading import Reading
from ..tables.shapes import Shape, note

NEEDED = ("leicode", "item", "amount")
SIDES = ("country", "exposure", "portfolio")
ASIDE = ("nsa", "label", "amount", "footnote", "row", "column", "sheet", "nvalue", "fact", "nexp")


def matches(source: Source) -> bool:
    """Whether there are the columns LEI_Code, Item and Amount."""
    return source.keys.keys() >= set(NEEDED)


def take(source: Source, name: schema.Table, how: Reading) -> Source:
    """Convert to claims of a bank on a country, or holdings of the country as an asset."""
    frame, have = source.frame, source.keys
    findings = list(source.findings)
    side = next((have[k] for k in SIDES if k in have and k != "portfolio"), have.get("portfolio"))
    if side is None:
        raise shapes.asked(
            f"the file has no counterparty: its columns are {listing(frame.columns, 9)}.",
            "take a file with countries (tr_cre, tr_sov), or the balance sheets as nodes.",
            len(frame),
        )
    total = frame[side].astype(str).str.strip().isin(["0", "00", "0.0", "Total"])
    if total.any() and not total.all() and how.totals != "keep":
        text = (
            f'{plural(int(total.sum()), "row")} of {side} 0 (all together) left out: totals="keep".'
        )
        findings.append(note("totals", text, int(total.sum()), "C009"))
        frame = frame[~total]
    if how.totals in ("keep", "drop") and total.any():
        how.use("totals")
    creditor, debtor, amount = _ours(name)
    new = {have["leicode"]: creditor, side: debtor, have["amount"]: amount}
    by = [creditor, debtor]
    if "period" in have:
        new[have["period"]] = "period"
        by.append("period")
    aside = [have[k] for k in ASIDE if k in have and k != "amount"]
    table = frame.drop(columns=aside).rename(columns=new)
    by += shapes.mapped([c for c in table.columns if c not in new.values()], name, how)
    shapes.one_series(table.drop(columns=amount), by, source.origin, ("0", "8"))
    rest = [c for c in table.columns if c not in (*by, amount)]
    said = [f"{c} {table[c].iloc[0]}" for c in rest if len(table) and table[c].nunique() == 1]
    findings.append(
        note(
            "shape",
            f"EBA: {creditor} is {have['leicode']}, {debtor} is {side}, amounts in EUR m. Of "
            f"{', '.join(said)}.",
            len(table),
        )
    )
    return replace(source, frame=table[[*by, amount]], findings=findings, unit="EUR m")


def _ours(name: schema.Table) -> tuple[str, str, str]:
    if name == "holdings":
        return "node", "asset", "value"
    return "creditor", "debtor", "amount"


SHAPE = Shape(
    "eba",
    "a file of the EBA transparency exercise",
    "CSV files of the exercises since 2016 (tr_cre, tr_sov), amounts in EUR m",
    ("exposures", "holdings"),
    'ct.read("tr_sov.csv", where={"Item": "2520806", "Maturity": "8"}, period="202306")',
    matches,
    take,
)
