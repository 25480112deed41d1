"""The card of a venue: its rules as waterfalls, its formulas, and their sources."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from inspect import getdoc, isclass, isfunction
from typing import Any

from ..media import page, shown
from ..rules.rule import Allocation
from ..text import documented, wrapped
from ..units import scale
from .record import Venue

BAR = 24  # characters of a bar that stands for the whole loss
MOST = 8  # largest number of claims of an example that are listed


@dataclass(frozen=True)
class Formula:
    """A formula of a venue: name of the function, its description and its source."""

    name: str
    text: str
    source: str


@dataclass(frozen=True, repr=False)
class Card:
    """The entries of the catalogue about one venue; `print(card)` shows them in 80 columns.

    Attributes
    ----------
    name : a file of `contagion.venues`, such as "aave", or one rule, such as "aave_v3".
    about : the venue in a few lines.
    rules : the records of its rules; the `example` of each is a worked waterfall, which
        `contagion.plot.waterfall` draws.
    formulas : of liquidations, margins and scores in the same file.
    """

    name: str
    about: str
    rules: tuple[Venue, ...]
    formulas: tuple[Formula, ...]

    def text(self, width: int = 79) -> str:
        """The card in lines of at most that width."""
        parts = [documented(f"{self.name}: {self.about}" if self.about else self.name, width)]
        parts += [_rule(each, width) for each in self.rules]
        if self.formulas:
            parts.append(f"Formulas of contagion.venues.{self.rules[0].file}")
            for each in self.formulas:
                told = f"{each.name}\n\n{each.text}\n\nSource: {each.source}"
                parts.append(documented(told, width))
        return "\n\n".join(parts)

    @shown
    def __repr__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        return f"<pre>{page(self.text())}</pre>"


def card_of(name: str, rules: tuple[Venue, ...], *, formulas: bool = True) -> Card:
    """The card of some rules of one file, whose other functions are the formulas."""
    module = sys.modules[rules[0].build.__module__]
    whole = rules[0].file == name
    names = {record.build.__name__ for record in getattr(module, "CATALOGUE", ())}
    found = [
        Formula(word, _prose(each), sections(getdoc(each) or "").get("Source", ""))
        for word, each in vars(module).items()
        if formulas and word not in names and _is_formula(each, module.__name__)
    ]
    about = (module.__doc__ or "").split("\n\n- ")[0] if whole else ""
    return Card(name, about.strip(), rules, tuple(found))


def waterfall(done: Allocation, width: int = 79) -> str:
    """The allocation of a loss to the layers, one line per layer.

    `#` is the part that the layer absorbs, `.` the part left to later layers, `!` the uncovered
    part.

    Example
    -------
    >>> from contagion.venues import bitmex
    >>> claims = {"claimant": ["a"], "layer": "adl", "amount": [40.0], "score": [1]}
    >>> print(waterfall(bitmex.rule(fund=20).allocate(80, claims)))
    layer                                     absorbs  capacity   left
    insurance fund  ######..................    20.00     20.00  60.00
    adl                   ############......    40.00     40.00  20.00
    uncovered                         !!!!!!    20.00
    """
    layers, loss = done.layers, done.loss
    to = scale([loss, *layers["absorbed"], *layers["capacity"]], done.unit)
    label = f" {to.label}" if to.label else ""
    rows, before = [["layer", "", f"absorbs{label}", "capacity", "left"]], 0.0
    for name, room, taken in layers.itertuples(index=False):
        left = max(loss - before - taken, 0.0)
        rows.append([name, _bar(before, taken, loss, "#", "."), to(taken), to(room), to(left)])
        before += taken
    if done.uncovered > 0:
        bar = _bar(before, done.uncovered, loss, "!", "")
        rows.append(["uncovered", bar, to(done.uncovered), "", ""])
    wide = [max(len(row[k]) for row in rows) for k in range(5)]
    wide[0] = min(wide[0], width - BAR - sum(wide[2:]) - 8)
    lines = []
    for name, bar, *money in rows:
        numbers = "  ".join(f"{cell:>{wide[k + 2]}}" for k, cell in enumerate(money))
        *above, last = wrapped(name, wide[0])
        lines += [*above, f"{last:<{wide[0]}}  {bar:<{BAR}}  {numbers}".rstrip()]
    return "\n".join(lines)


def sections(doc: str) -> dict[str, str]:
    """A docstring by its headers: "" before the first; "Claims" and "Source" if they occur.

    >>> sections("One.\\n\\nParameters\\n----------\\na : b.\\n\\nSource: here.")
    {'': 'One.', 'Parameters': 'a : b.', 'Source': 'here.'}
    """
    found: dict[str, list[str]] = {}
    now = ""
    for part in doc.split("\n\n"):
        head, _, rest = part.partition("\n")
        word, colon, text = part.partition(":")
        if rest and set(rest.partition("\n")[0]) == {"-"}:
            now, part = head, rest.partition("\n")[2]
        elif colon and word in ("Claims", "Source"):
            now, part = word, text.strip()
        elif now in ("Parameters", "Raises", "Returns", "Attributes"):
            now = ""
        found.setdefault(now, []).append(part)
    return {word: "\n\n".join(parts) for word, parts in found.items()}


def _prose(each: Any) -> str:
    return sections(getdoc(each) or "")[""]


def _is_formula(each: Any, module: str) -> bool:
    """Whether this is a record or function of the file, or a function of another venue's file."""
    own = isclass(each) and each.__module__ == module
    shared = isfunction(each) and each.__module__.startswith(f"{__package__}.")
    return (
        (own or shared) and not each.__name__.startswith("_") and "Source:" in (each.__doc__ or "")
    )


def _bar(before: float, taken: float, loss: float, mark: str, rest: str) -> str:
    if loss <= 0:
        return ""
    start, end = round(BAR * before / loss), round(BAR * (before + taken) / loss)
    return " " * start + mark * (end - start) + rest * (BAR - end)


def _rule(rule: Venue, width: int) -> str:
    """A rule of the card: its waterfall, its text, its terms, its documents."""
    doc, done = sections(rule.help), rule.example
    says = doc["Example"].partition(">>>")[0].strip() or "An example."
    to = scale([done.loss, *done.table["amount"]], done.unit)
    lost = done.table[done.table["loss"] > 0]
    columns = (lost[key].tolist() for key in ("claimant", "loss", "amount"))
    who = [
        f"{name} {to(loss)} of {to(amount)}" for name, loss, amount in zip(*columns, strict=True)
    ]
    who = [*who[:MOST], f"{len(who) - MOST} others"] if len(who) > MOST else who
    default = [f"{name}={value}" for name, value in rule.parameters.items() if value is not None]
    needed = f"Needed: {', '.join(rule.required)}. " if rule.required else ""
    terms = {"fund": rule.terms.fund, "order": rule.order, "basis": rule.terms.basis}
    terms |= {"price": rule.terms.price, "cap": rule.terms.cap, "pause": rule.terms.pause}
    documents = [f"{d.title} ({d.date}): {d.extent}" for d in rule.documents]
    head = f"{rule.name}: {rule.title}\n  {rule.status}, as of {rule.as_of}"
    parts = [
        "\n".join(line for part in head.split("\n") for line in wrapped(part, width)),
        documented(says, width),
        waterfall(done, width),
        documented(f"Who loses: {', '.join(who) or 'no claimant'}.", width),
        documented(doc[""].partition("\n")[2].strip(), width),
    ]
    if doc.get("Parameters"):
        text = f"Parameters\n----------\n{doc['Parameters']}"
        said = f"{needed}Defaults: {', '.join(default)}." if default else needed
        parts += [documented(text, width), *([documented(said, width)] if said else [])]
    parts += [
        documented(f"Claims: {doc['Claims']}", width),
        _list("Terms", [f"{key}: {text}" for key, text in terms.items()], width),
        documented(f"Not modelled: {rule.simplified}", width),
        _list("Documents", documents, width),
        documented(f"Read: {rule.read}", width),
    ]
    return "\n\n".join(part for part in parts if part)


def _list(head: str, items: list[str], width: int) -> str:
    lines = [line for item in items for line in wrapped(item, width, "  ", "  ")]
    return "\n".join([head, *lines])
