"""Facts and sentences: every number in a sentence has a type, and an exhibit prints it too."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from string import Formatter

from .text import listed, plural, same_scale, whole_percent

Teller = Callable[[float], str]


@dataclass(frozen=True)
class Fact:
    """One number, name or text in a sentence.

    Attributes
    ----------
    measure : the heading of the row or column of the exhibit that prints it.
    value : an amount in `unit` for "money"; a string for "name" and "text"; strings for "names".
    kind : "money", an amount; "size", an amount with its sign in words (more, less, short by);
        "share" in [0, 1]; "percent", a share with four digits; "count"; "number"; "name", "names",
        or "text", which is quoted unchanged.
    of : the row (node, quantity) if there are several, and the run.
    exhibit : the id of the exhibit.
    unit : unit of an amount; for a count the singular noun; for a number its suffix, such as %.
    """

    measure: str
    value: float | str | tuple[str, ...]
    kind: str
    of: tuple[str, ...]
    exhibit: str
    unit: str = ""

    def shown(self, say: Mapping[str, Teller]) -> str:
        """The fact as text; `say` has the scale of the sentence for every unit of amounts."""
        if isinstance(self.value, str):
            return self.value
        if isinstance(self.value, tuple):
            return listed(list(self.value))
        if self.kind in ("money", "size"):
            return say[self.unit](abs(self.value) if self.kind == "size" else self.value)
        if self.kind == "count":
            return plural(int(self.value), self.unit) if self.unit else f"{int(self.value):,}"
        if self.kind == "percent":
            return f"{100 * self.value:.4g}%"
        return whole_percent(self.value) if self.kind == "share" else f"{self.value:.3g}{self.unit}"


@dataclass(frozen=True)
class Sentence:
    """A text template, and the facts or inner sentences that fill its places.

    All amounts of one unit are shown on one scale. Places that the template does not name are
    ignored, so that conditions only need to choose the template. The template contains no numbers.
    `rests` are the keys of the assumptions on which it depends, see `report.sections.caveats`.

    Example
    -------
    >>> gone = Fact("initial loss", 2e9, "money", ("the shock",), "S1", "USD")
    >>> near = Fact("socialized", 4e8, "money", ("the shock",), "S1", "USD")
    >>> print(Sentence("This destroys {gone}; {near} is socialized.", {"gone": gone, "near": near}))
    This destroys 2 bn USD; 0.4 bn USD is socialized.
    """

    template: str
    places: Mapping[str, Fact | Sentence]
    rests: tuple[str, ...] = ()

    @property
    def used(self) -> dict[str, Fact | Sentence]:
        """The places that the template names."""
        return {
            name: self.places[name] for _, name, _, _ in Formatter().parse(self.template) if name
        }

    @property
    def facts(self) -> tuple[Fact, ...]:
        """All facts shown, including those of inner sentences."""
        parts = self.used.values()
        return tuple(
            fact
            for part in parts
            for fact in (part.facts if isinstance(part, Sentence) else [part])
        )

    @property
    def exhibits(self) -> tuple[str, ...]:
        """The ids of the exhibits that print the facts, each once."""
        return tuple(dict.fromkeys(fact.exhibit for fact in self.facts))

    @property
    def split(self) -> tuple[str, str]:
        """The fact at the beginning of the sentence, or an empty text, and the remainder.

        >>> lost = Fact("loss", 5.0, "money", (), "S1", "EUR")
        >>> Sentence("{lost} is lost.", {"lost": lost}).split
        ('5 EUR', ' is lost.')
        """
        text = str(self)
        first = next(iter(self.facts), None) if self.template.startswith("{") else None
        if first is None or isinstance(first.value, str | tuple):
            return "", text
        head = first.shown(self._scales())
        return (head, text[len(head) :]) if text.startswith(head) else ("", text)

    def __str__(self) -> str:
        return self.shown(self._scales())

    def _scales(self) -> dict[str, Teller]:
        """The scale of every unit, from all amounts of the sentence."""
        amounts: dict[str, list[float]] = {}
        for fact in self.facts:
            if fact.kind in ("money", "size") and isinstance(fact.value, float | int):
                amounts.setdefault(fact.unit, []).append(fact.value)
        return {unit: _teller(found, unit) for unit, found in amounts.items()}

    def shown(self, say: Mapping[str, Teller]) -> str:
        """The sentence on given scales."""
        return self.template.format_map({name: part.shown(say) for name, part in self.used.items()})


SMALL = 0.1  # below this, on the scale of the largest amount, the next smaller scale is used


def _teller(amounts: list[float], unit: str) -> Teller:
    """The scale of the largest amount, or a smaller one if the smallest would be a fraction.

    >>> say = _teller([2.3056e9, 5.8e6], "USD")
    >>> say(2.3056e9), say(5.8e6)
    ('2,306 m USD', '5.8 m USD')
    """
    sizes = [abs(amount) for amount in amounts if amount and abs(amount) < float("inf")]
    if not sizes or min(sizes) * 200 > max(sizes):
        return same_scale(amounts, unit)
    say = same_scale([max(sizes) / 1000], unit)

    def told(amount: float) -> str:
        number, _, word = say(amount).partition(" ")
        return f"{number[:-3]},{number[-3:]} {word}" if FOUR.fullmatch(number) else say(amount)

    return told


FOUR = re.compile(r"-?\d{4}")
