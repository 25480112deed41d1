"""Sentences about one run: total loss, bearers, defaults and reach. Amounts come first."""

from __future__ import annotations

from functools import partial

from ..facts import Fact, Sentence
from ..plot.pieces import names, shock_words
from ..plot.style import ROLE_TEXT
from ..plot.style import rows as rows_of
from ..results.propagation_result import PropagationResult
from ..results.socialization import BASELINE, HITS, NOISE, sentences
from ..text import listed
from .phrases import MENTIONED, assumption_words, further_defaults, insolvent_before, of_run

UNKNOWN = "without known capital"  # part of the assumption about nodes that cannot default
NAMED = 4  # bearers of each role named in a sentence
FALLS = {
    "owners": "falls on the owners of",
    "holder": "falls on holders whose own balance sheet is not known:",
    "external creditors": "falls on external creditors: of",
}


def of_result(result: PropagationResult, tag: str) -> list[Sentence]:
    """The main findings about a run."""
    on = falls(result, tag)
    first = [*total(result, tag), *on[:2], *defaults(result, tag)]
    return [*first, *on[2:], *reach(result, tag)]


def total(result: PropagationResult, tag: str) -> list[Sentence]:
    """The loss, and its socialized part."""
    run, unit = of_run(result), result.network.unit
    said = shock_words(result.network, result.shock)
    shock = Fact("shock", said, "text", (run,), "A3")
    if not result.model.settles:
        spread = float(result.table["contagion_loss"].sum())
        facts = {
            "direct": Fact("direct", float(result.direct_loss.sum()), "money", ("all", run),
                           f"T10N{tag}", unit),
            "spread": Fact("contagion", spread, "money", ("all", run), f"T10N{tag}", unit),
        }  # fmt: skip
        text = (
            "Owners lose {direct} at once and {spread} by contagion: {shock} This model values "
            "claims and does not settle them, so losses need not add up."
        )
        return [Sentence(text, {"shock": shock, **facts}, (BASELINE, HITS))]
    titles = {str(node): title for node, title in names(result.network).items()}
    called = partial(assumption_words, titles)
    return sentences(result, result.socialization.to_dict(), shock, run, f"S1{tag}", called)


def falls(result: PropagationResult, tag: str) -> list[Sentence]:
    """The bearers of the loss by role: owners, holders and external creditors, largest first."""
    if not result.model.settles or result.bearers.empty:
        return []
    s, frame, name, run = (
        result.socialization, result.bearers, names(result.network), of_run(result),
    )  # fmt: skip
    caused = result.ledger[result.ledger["cause"] != "missing before"]
    by, whole = caused.groupby("role")["amount"].sum(), float(caused["amount"].sum())
    unit, lines = result.network.unit, []
    for role, amount in by.sort_values(ascending=False).items():
        if not amount > NOISE * whole:
            continue
        of = (ROLE_TEXT[str(role)], run)
        facts = {
            "amount": Fact(of[0], float(amount), "money", ("all", run), f"T10H{tag}", unit),
            "part": Fact(of[0], float(amount) / whole, "share", ("share", run), f"T10H{tag}"),
        }
        mine = frame[frame["role"] == role] if not s.missing_before > 0 else frame.iloc[:0]
        parts = []
        for at, row in enumerate(rows_of(mine.head(NAMED))):
            place = (name[row.bearer], *of)
            facts[f"who{at}"] = Fact("bearer", place[0], "name", place, f"T10{tag}")
            facts[f"much{at}"] = Fact(
                "amount", float(row.amount), "money", place, f"T10{tag}", unit
            )
            parts.append(f"{{who{at}}} ({{much{at}}})")
        if len(mine) > NAMED:
            parts.append("others")
        where = f"{FALLS[str(role)]} {listed(parts, NAMED + 1)}" if parts else f"falls on {of[0]}"
        lines.append(Sentence(f"{{amount}} ({{part}}) {where}.", facts, (BASELINE, HITS)))
    return lines


def reach(result: PropagationResult, tag: str) -> list[Sentence]:
    """How far the loss reaches."""
    if not result.model.settles or not result.socialization.reach:
        return []
    s, run = result.socialization, of_run(result)
    kinds = {"reach": "count", "depth": "count", "bystander_share": "share"}
    values = s.to_dict()
    far = {
        key: Fact(key.replace("_", " "), values[key], kind, (run,), f"S1{tag}",
                  "further node" if key == "reach" else "")
        for key, kind in kinds.items()
    }  # fmt: skip
    steps = "one step" if s.depth == 1 else "up to {depth} steps"
    text = (
        f"{{reach}} lose{'s' if s.reach == 1 else ''}, at the expense of owners, {steps} from the "
        "shock; {bystander_share} of the loss falls on bystanders, who have no direct claim on a "
        "node that was hit."
    )
    return [Sentence(text, far, (BASELINE,))]


def defaults(result: PropagationResult, tag: str) -> list[Sentence]:
    """Who defaults because of the shock, whether any other node can, and who was in default."""
    net, run = result.network, of_run(result)
    labels = list(names(net).values())
    failed, before = further_defaults(result), insolvent_before(result)
    others = ~result.triggers
    lines = []
    if len(failed):
        who = tuple(labels[i] for i in failed)
        facts = {
            "count": Fact("in default", len(failed), "count", ("all", run), f"T10N{tag}",
                          "further node"),
            "who": Fact("node", who, "names", (run,), f"T10N{tag}"),
        }  # fmt: skip
        verb = "defaults" if len(failed) == 1 else "default"
        lines.append(Sentence(f"{{count}} {verb} because of it: {{who}}.", facts, (BASELINE,)))
    elif not result.triggers.any():
        pass
    elif (result.limited & others).any():
        lines.append(Sentence("No further node defaults because of it.", {}, (BASELINE,)))
    elif others.any():
        text = (
            "No other node can default here, because its capital is not known or it is set not to "
            "default: contagion by default is not seen."
        )
        lines.append(Sentence(text, {}, (BASELINE, UNKNOWN)))
    for i in before[:MENTIONED]:
        of, short = (labels[i], run), float(result.equity_before[i])
        facts = {
            "who": Fact("node", labels[i], "name", of, f"T10N{tag}"),
            "hole": Fact("equity before", short, "size", of, f"T10N{tag}", net.unit),
        }
        was = "was" if result.triggers.any() else "is"
        text = f"{{hole}} {was} missing at {{who}}" if short < 0 else f"{{who}} {was} in default"
        if not result.triggers.any():
            lines.append(Sentence(f"{text}.", facts, (BASELINE,)))
            continue
        text += " before the shock"
        added = 0.0 if result.baseline == "book" else result.explain(net.names[i]).on_claims
        if added > 0:
            facts["added"] = Fact("in all", added, "money", of, f"T10P{tag}", net.unit)
            text += ", which adds {added}"
        text += ": its default has another cause."
        lines.append(Sentence(text, facts, (BASELINE,)))
    if len(before) > MENTIONED:
        fact = Fact("in default", len(before), "count", ("all", run), f"T10N{tag}")
        text = "In all, {count} nodes are in default with and without the shock."
        lines.append(Sentence(text, {"count": fact}, (BASELINE,)))
    return lines
