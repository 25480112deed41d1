"""Key findings: sentences made from the facts of the results and of the ranking."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..measures import amounts, concentration_ratio
from ..network.exposure_network import ExposureNetwork
from ..plot.pieces import listed, names, shock_words
from ..plot.style import ROLE_TEXT
from ..records import Table
from ..results.assumed import RESTS, assumed_capital
from ..results.propagation_result import PropagationResult
from . import compared, sensitivity, shape, uncertainty, whatif
from .facts import Fact, Sentence
from .given import Given
from .parts import tagged
from .phrases import MENTIONED, further_defaults, insolvent_before, of_run
from .reference import column_head, costliest, measure_title

NOISE = 1e-9  # part of a loss that is not worth a sentence


def sentences(about: Given) -> list[Sentence]:
    """What a reader should know first, one or a few sentences each."""
    network, found = about.network, list[Sentence]()
    for tag, result in tagged(about.results):
        found += [_total(result, tag), *_bearers(result, tag), *_defaults(result, tag)]
    found += [] if about.comparison is None else compared.sentences(about.comparison)
    found += _ranking(network, about.ranking)
    found += _concentration(network)
    if about.topology is not None and about.topology.stability.verdict == "unstable":
        found.append(shape.verdict(network, about.topology.stability))
    found += uncertainty.sentences(about.stress)
    found += sensitivity.sentences(network, about.reverse)
    found += whatif.sentences(about.policy)
    if network.assumptions:
        count = len(network.assumptions)
        text = "{count} about the data stand%s behind these numbers; see Data and caveats."
        fact = Fact("assumptions", count, "count", ("the data",), "T3", "assumption")
        found.append(Sentence(text % ("s" if count == 1 else ""), {"count": fact}))
    return found


def _concentration(network: ExposureNetwork) -> list[Sentence]:
    """How few owe how much, in networks in which that is not plain."""
    debts = amounts(network, "debts")
    owing = int((debts > 0).sum())
    if owing <= 3:
        return []
    share = concentration_ratio(debts, 3)
    facts = {
        "owing": Fact("nodes above 0", owing, "count", ("debts",), "T5"),
        "share": Fact("3 largest", share, "share", ("debts",), "T5"),
    }
    text = "The three largest of {owing} debtors owe {share} of all debts inside."
    return [Sentence(text, facts)]


def _total(result: PropagationResult, tag: str) -> Sentence:
    """The loss, who bears it at once, and what is socialized."""
    run, unit = of_run(result), result.network.unit
    said = shock_words(result.network, result.shock)
    shock = Fact("shock", said, "text", (run,), "A3")
    if not result.model.settles:
        spread = float(result.table["contagion_loss"].sum())
        facts = {
            "direct": Fact("direct", float(result.direct_loss.sum()), "money", ("all", run),
                           f"T9{tag}", unit),
            "spread": Fact("contagion", spread, "money", ("all", run), f"T9{tag}", unit),
        }  # fmt: skip
        text = (
            "{shock} Owners lose {direct} at once because of it, and {spread} by contagion. "
            "This model values claims and does not settle them, so losses need not add up."
        )
        return Sentence(text, {"shock": shock, **facts})
    s = result.socialization
    kinds = {"socialized_share": "share"}
    facts = {
        key: Fact(key.replace("_", " "), value, kinds.get(key, "money"), (run,), f"S1{tag}", unit)
        for key, value in s.to_dict().items()
    }
    dead = {cause: float(x.sum()) for cause, x in result.entries.deadweight.items()}
    facts |= {
        cause: Fact(f"deadweight by {cause}", x, "size", (run,), f"S1{tag}", unit)
        for cause, x in dead.items()
    }
    floor = NOISE * max(s.borne, s.initial_loss)
    hit = result.triggers.any()
    text = "{shock}"
    if hit:
        text += f" This destroys {'{initial_loss}' if s.initial_loss > floor else 'nothing'}"
        text += "".join(f", and by {x} {{{x}}} on the way" for x in dead if dead[x] > floor) + "."
    less = [f"{x} would have destroyed {{{x}}} more" for x in dead if dead[x] < -floor]
    text += f" Without it, {listed(less)}." if less else ""
    if not np.isnan(s.socialized_share):
        text += (
            " The owners of the nodes hit absorb {absorbed_by_trigger} at once; "
            "{socialized} ({socialized_share}) is socialized, that is, borne by contagion."
        )
    if s.socialized_on_hit > NOISE * s.socialized:
        text += " Of it {socialized_on_hit} falls on owners of nodes hit too."
    if s.relief > floor:
        text += " Others get {relief} more because of it; that is not netted."
    if s.missing_before > floor:
        text += " {missing_before} " + ("was missing before the shock." if hit else "is missing.")
    first, *more = assumed_capital(result) or [""]
    if first and not np.isnan(s.socialized_share):
        facts["first"] = Fact("assumption", first, "text", ("the data",), "T3")
        text += f" {RESTS}{' and others' if more else ''}."
    return Sentence(text, {"shock": shock, **facts})


def _bearers(result: PropagationResult, tag: str) -> list[Sentence]:
    """The largest bearers, and how far the loss reaches."""
    if not result.model.settles or result.bearers.empty:
        return []
    s, frame, name, run = (
        result.socialization,
        result.bearers,
        names(result.network),
        of_run(result),
    )
    top, third = frame.iloc[0], frame.iloc[min(2, len(frame) - 1)]

    def fact(measure: str, value: float | str, kind: str, row: pd.Series) -> Fact:
        of = (name[row["bearer"]], ROLE_TEXT[row["role"]], run)
        return Fact(measure, value, kind, of, f"T10{tag}", result.network.unit)

    whose = {"external creditors": "the outside creditors of ", "owners": "the owners of "}
    text = f"The largest bearer: {whose.get(top['role'], '')}{{who}}, "
    text += "{amount} ({share} of everything borne)"
    text += "; the three largest bear {three}." if len(frame) > 3 else "."
    three = float(frame["amount"].iloc[:3].sum())
    facts = {
        "who": fact("bearer", name[top["bearer"]], "name", top),
        "amount": fact("amount", float(top["amount"]), "money", top),
        "share": fact("share", float(top["amount"]) / s.borne, "share", top),
        "three": fact("with those above", three / s.borne, "share", third),
    }
    lines = [Sentence(text, facts)]
    if s.reach:
        kinds = {"reach": "count", "depth": "count", "bystander_share": "share"}
        values = s.to_dict()
        far = {
            key: Fact(key.replace("_", " "), values[key], kind, (run,), f"S1{tag}")
            for key, kind in kinds.items()
        }
        steps = "one step" if s.depth == 1 else "up to {depth} steps"
        text = (
            f"The loss reaches the owners of {{reach}} further node{'s' if s.reach > 1 else ''}, "
            f"{steps} from the shock; {{bystander_share}} of it falls on bystanders, who have no "
            "direct claim on a node that was hit."
        )
        lines.append(Sentence(text, far))
    return lines


def _defaults(result: PropagationResult, tag: str) -> list[Sentence]:
    """Who defaults because of the shock, whether any other node can, and who was in default."""
    net, run = result.network, of_run(result)
    labels = list(names(net).values())
    failed, before = further_defaults(result), insolvent_before(result)
    others = ~result.triggers
    lines = []
    if len(failed):
        who = tuple(labels[i] for i in failed)
        facts = {
            "count": Fact("in default", len(failed), "count", ("all", run), f"T9{tag}",
                          "further node"),
            "who": Fact("node", who, "names", (run,), f"T9{tag}"),
        }  # fmt: skip
        fails = "fails" if len(failed) == 1 else "fail"
        lines.append(Sentence(f"{{count}} {fails} because of it: {{who}}.", facts))
    elif not result.triggers.any():
        pass
    elif (result.limited & others).any():
        lines.append(Sentence("No further node fails because of it.", {}))
    elif others.any():
        text = (
            "No other node can fail here, because its capital is not known or it is set not to "
            "fail: contagion by default is not seen."
        )
        lines.append(Sentence(text, {}))
    for i in before[:MENTIONED]:
        of, short = (labels[i], run), float(result.equity_before[i])
        facts = {
            "who": Fact("node", labels[i], "name", of, f"T9{tag}"),
            "hole": Fact("equity before", short, "size", of, f"T9{tag}", net.unit),
        }
        text = "{who} was " + ("insolvent by {hole}" if short < 0 else "in default")
        if not result.triggers.any():
            lines.append(Sentence(text.replace(" was ", " is ") + ".", facts))
            continue
        text += " before the shock"
        added = 0.0 if result.baseline == "book" else result.explain(net.names[i]).on_claims
        if added > 0:
            facts["added"] = Fact("in all", added, "money", of, f"T9P{tag}", net.unit)
            text += ", which adds {added}"
        lines.append(Sentence(f"{text}: its failure comes from elsewhere.", facts))
    if len(before) > MENTIONED:
        fact = Fact("in default", len(before), "count", ("all", run), f"T9{tag}")
        text = "In all, {count} nodes are in default with and without the shock."
        lines.append(Sentence(text, {"count": fact}))
    return lines


def _ranking(network: ExposureNetwork, ranking: Table | pd.DataFrame | None) -> list[Sentence]:
    """The defaults that would cost most."""
    top = None if ranking is None or ranking.empty else costliest(ranking)
    if top is None or not (top > 0).any():
        return []
    name, column = names(network), str(top.name)
    head = column_head(column)
    title = Fact(head, measure_title(column), "text", (), "T11")
    facts, parts = {"title": title}, []
    for at, (node, value) in enumerate(top[top > 0].items()):
        who, of = f"who{at}", (name.get(node, str(node)),)
        facts[who] = Fact("node", of[0], "name", of, "T11")
        facts[f"cost{at}"] = Fact(head, float(value), "money", of, "T11", network.unit)
        parts.append(f"{{{who}}} ({{cost{at}}})")
    return [Sentence(f"Defaults that would cost most, by {{title}}: {listed(parts)}.", facts)]
