"""The cover of the report: subject, date, data, and how to cite it."""

from __future__ import annotations

import hashlib

import pandas as pd

from ..datasets import Card
from ..network.exposure_network import ExposureNetwork
from ..plot.style import subject
from ..text import money
from .given import Given

ALTERED = ("netted", "changed", "layer cut", "policy", "withdrawn")
BANNERS = {
    "observed": "Observed: every amount is as reported.",
    "reconstructed": "Reconstructed: the tables were put together from public documents and press; "
    "some figures are derived or assumed.",
    "published example": "Published example: numbers made up by their authors to show a mechanism.",
    "illustrative": "Illustrative: the numbers are made up.",
}
CODED = "Anonymized: codes replace names, and amounts without a currency are shares of all claims."
CITED = ["source", "as_of", "evidence", "note"]  # origin of a figure; no effect on results


def cover(about: Given) -> dict[str, str]:
    """The texts of the cover by name."""
    from .. import __version__

    network, card = about.network, about.card
    title = about.study.title if about.study is not None and about.study.title else ""
    date, digits = as_of(network, card), fingerprint(network)
    rows = {
        "title": title or subject(network),
        "subject": subject(network),
        "date": date,
        "unit": network.unit or "not stated",
        "perimeter": size_text(network),
        "banner": banner(network, card) if about.coded is None else CODED,
        "kind": "anonymized"
        if about.coded is not None
        else "derived"
        if network.provenance.unobserved
        else card.kind
        if card
        else "unknown",
        "seed": seeds(about),
        "version": __version__,
        "fingerprint": digits,
        "name": card.name if card else "",
    }
    rows["cite"] = (
        f"{rows['title']}: interconnectedness report, as of {date}. Made with contagion "
        f"{__version__}, data fingerprint {digits}."
    )
    return rows


def seeds(about: Given) -> str:
    """The seeds of all random numbers behind the report."""
    found = [
        f"{one.method}: {one.drawn}" for one in about.network.provenance if one.seed is not None
    ]
    if about.stress is not None and about.stress.sampled:
        scenarios = about.stress.spec["scenarios"]
        known = scenarios.get("seed", scenarios.get("rng"))
        found.append(f"scenarios: {'seed ' + str(known) if known is not None else 'as given'}")
    return "; ".join(found) or "no random numbers"


def banner(network: ExposureNetwork, card: Card | None) -> str:
    """The kind of the numbers: how they were derived, and from which data."""
    source = BANNERS[card.kind] if card else "Sources not stated (no card)."
    derived = [text[:1].upper() + text[1:] + "." for text in network.provenance.sentences]
    later = ", ".join(f"{r.what} ({r.method})" for r in network.provenance.named(*ALTERED))
    derived += [f"Changed after reading: {later}."] if later else []
    if network.provenance.named("generated"):
        return " ".join(derived)
    return " ".join([*derived, f"Before that: {source}" if derived else source])


def size_text(network: ExposureNetwork) -> str:
    """The size of the network in words."""
    total = money(float(network.amount.sum()), network.unit)
    return f"{len(network):,} nodes, {len(network.amount):,} exposures, {total}"


def as_of(network: ExposureNetwork, card: Card | None) -> str:
    """The date of the data: of the snapshot, of the card, or of the rows."""
    if card is None:
        return _dates(network)
    said = card.periods.get(network.period)
    return f"snapshot {network.period}, {said}" if said else card.date


def _dates(network: ExposureNetwork) -> str:
    table = network.exposures
    dates = sorted(table["as_of"].dropna().astype(str).unique()) if "as_of" in table else []
    if not dates:
        return "not stated"
    return dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"


def fingerprint(network: ExposureNetwork) -> str:
    """Twelve hexadecimal digits, which change if a node, a claim, an amount or a rule changes."""
    digest = hashlib.sha256()
    book = network.balance_sheet.reset_index()
    rules = pd.DataFrame([(str(k), repr(rule)) for k, rule in network.rules.items()])
    tables = [book, network.exposures, rules, network.guarantees, network.shareholdings]
    for frame in (
        table.drop(columns=CITED, errors="ignore") for table in tables if table is not None
    ):
        text = frame.astype({c: str for c in frame.columns if frame[c].dtype.kind not in "fiu"})
        rows = pd.util.hash_pandas_object(text, index=False).sort_values()
        digest.update(rows.to_numpy().tobytes())
    return digest.hexdigest()[:12]
