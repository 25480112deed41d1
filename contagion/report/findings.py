"""Key findings: sentences made from the numbers of the results and of the ranking."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..measures import amounts, concentration_ratio
from ..measures.ranking.table import HEADLINES
from ..network.exposure_network import ExposureNetwork
from ..plot.pieces import listed, names, shock_words
from ..plot.style import percent
from ..records import Table
from ..results.assumed import capital_assumed
from ..results.propagation_result import PropagationResult
from ..text import money, plural, same_scale
from . import compared, sensitivity, shape, uncertainty, whatif
from .given import Given
from .phrases import insolvent_before
from .reference import measure_title

NOISE = 1e-9  # part of a loss that is not worth a sentence


def sentences(about: Given) -> list[str]:
    """What a reader should know first, one sentence each."""
    network, found = about.network, list[str]()
    for result in about.results:
        found.append(f"{shock_words(network, result.shock)} {_total(result)}")
        found += _bearers(result) + _defaults(result)
    found += [] if about.comparison is None else compared.sentence(about.comparison)
    found += _ranking(network, about.ranking)
    found += _concentration(network)
    if about.topology is not None and about.topology.stability.verdict == "unstable":
        found.append(shape.verdict(network, about.topology.stability))
    found += uncertainty.sentences(about.stress)
    found += sensitivity.sentences(network, about.reverse)
    found += whatif.sentences(about.policy)
    if network.assumptions:
        found.append(
            f"{plural(len(network.assumptions), 'assumption')} about the data stand"
            f"{'s' if len(network.assumptions) == 1 else ''} behind these numbers; see Data and "
            "caveats."
        )
    return found


def _concentration(network: ExposureNetwork) -> list[str]:
    """How few owe how much, in networks in which that is not plain."""
    debts = network.book.debts
    owing = int((debts > 0).sum())
    if owing <= 3:
        return []
    share = concentration_ratio(amounts(network, "debts"), 3)
    return [f"The three largest of {owing:,} debtors owe {percent(share)} of all debts inside."]


def _total(result: PropagationResult) -> str:
    unit = result.network.unit
    if not result.model.settles:
        loss = float(result.caused.loss.sum())
        say = same_scale([loss], unit)
        spread = loss - float(result.direct_loss.sum())
        return (
            f"Owners lose {say(loss)} because of it, {say(spread)} by contagion. "
            "This model values claims and does not settle them, so losses need not add up."
        )
    s = result.socialization
    gone = {cause: float(x.sum()) for cause, x in result.entries.deadweight.items()}
    say = same_scale([s.initial_loss, s.socialized, s.missing_before, *gone.values()], unit)
    text = f"This destroys {say(s.initial_loss)}"
    for cause, amount in gone.items():
        if amount > NOISE * s.initial_loss:
            text += f", and by {cause} {say(amount)} on the way"
    if np.isnan(s.socialized_share):
        text += "."
    else:
        text += (
            f". The owners of the nodes hit absorb {say(s.absorbed_by_trigger)} at once; "
            f"{say(s.socialized)} ({percent(s.socialized_share)}) is socialized, that is, "
            "borne by contagion."
        )
    if s.socialized_on_hit > NOISE * s.socialized:
        text += f" Of it {say(s.socialized_on_hit)} falls on owners of nodes hit too."
    if s.relief > NOISE * s.socialized:
        text += f" Others get {say(s.relief)} more because of it; that is not netted."
    if s.missing_before > 0:
        text += f" {say(s.missing_before)} was missing before the shock."
    return f"{text} {capital_assumed(result)}".rstrip()


def _bearers(result: PropagationResult) -> list[str]:
    if not result.model.settles or result.bearers.empty:
        return []
    s, frame, name = result.socialization, result.bearers, names(result.network)
    unit = result.network.unit

    def party(row: pd.Series) -> str:
        who = name[row["bearer"]]
        if row["role"] == "external creditors":
            return f"the outside creditors of {who}"
        return f"the owners of {who}" if row["role"] == "owners" else who

    first = frame.iloc[0]
    text = (
        f"The largest bearer: {party(first)}, {money(first['amount'], unit)} "
        f"({percent(first['amount'] / s.borne)} of everything borne)"
    )
    if len(frame) > 3:
        top = float(frame["amount"].iloc[:3].sum())
        text += f"; the three largest bear {percent(top / s.borne)}"
    lines = [text + "."]
    if s.reach:
        lines.append(
            f"The loss reaches the owners of {plural(s.reach, 'further node')}, "
            f"{'one step' if s.depth == 1 else f'up to {s.depth} steps'} from the shock; "
            f"{percent(s.bystander_share)} of it falls on bystanders, who have no direct claim on "
            "a node that was hit."
        )
    return lines


def _defaults(result: PropagationResult) -> list[str]:
    name, net = names(result.network), result.network
    before = insolvent_before(result)
    failed = result.outcome.defaulted & ~result.triggers & ~before
    labels = [name[node] for node in net.names]
    lines = []
    if failed.any():
        order = np.flatnonzero(failed)
        order = order[np.argsort(-result.loss[order], kind="stable")]
        lines.append(
            f"{plural(len(order), 'further node')} fail{'s' if len(order) == 1 else ''} because of "
            f"it: {listed([labels[i] for i in order])}."
        )
    elif (result.limited & ~result.triggers).any():
        lines.append("No further node fails because of it.")
    else:
        lines.append(
            "No other node can fail here, because its capital is not known or it is set not to "
            "fail: contagion by default is not seen."
        )
    for i in np.flatnonzero(before)[:3]:
        hole = money(-float(net.book.equity[i]), net.unit)
        text = f"{labels[i]} was insolvent by {hole} before the shock"
        if result.baseline == "cleared":
            added = result.explain(net.names[i]).on_claims
            text += f", which adds {money(added, net.unit)}"
        lines.append(f"{text}: its failure comes from elsewhere.")
    return lines


def _ranking(network: ExposureNetwork, ranking: Table | pd.DataFrame | None) -> list[str]:
    if ranking is None or ranking.empty:
        return []
    columns = [str(c) for c in ranking.columns if str(c).startswith(HEADLINES[:2])]
    if not columns:
        return []
    name, title = names(network), measure_title(columns[0])
    top = ranking[columns[0]].nlargest(3)
    say = same_scale(top, network.unit)
    parts = [f"{name.get(n, n)} ({say(v)})" for n, v in top.items() if v > 0]
    return [f"Defaults that would cost most, by {title}: {listed(parts)}."] if parts else []
