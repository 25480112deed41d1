"""Facts and sentences: every number that a sentence says is typed, and an exhibit prints it too."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from string import Formatter

from .text import listed, plural, same_scale, whole_percent

Teller = Callable[[float], str]


@dataclass(frozen=True)
class Fact:
    """One thing that a sentence says.

    Attributes
    ----------
    measure : the heading of the row or column of the exhibit that prints it.
    value : in `unit` for money; a string for "name" and "text"; strings for "names".
    kind : "money"; "size", money whose sign is in the words (more, less, short by); "share" in
        [0, 1]; "percent", a share with four digits; "count"; "number"; "name", "names", or
        "text", which is quoted as it is.
    of : the perimeter: the row (node, quantity) if there are several, and the run.
    exhibit : the id of the exhibit.
    unit : of money; for a count the noun, in the singular; for a number what follows it, such as %.
    """

    measure: str
    value: float | str | tuple[str, ...]
    kind: str
    of: tuple[str, ...]
    exhibit: str
    unit: str = ""

    def shown(self, say: Mapping[str, Teller]) -> str:
        """The fact as text; `say` has the scale of the sentence for every unit of money."""
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
    """Words with places, and what stands there: facts, or sentences with facts of their own.

    All amounts of one unit are shown on one scale. Places that the template does not name are
    dropped, so that conditions choose the template alone. It has no number of its own. `rests`
    are the keys of the assumptions on which it depends, see `report.sections.caveats`.

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
        """All facts that are shown, those of inner sentences too."""
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
        """The amount with which it begins, if it does, and the rest.

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
        """The scale of every unit of money, from all amounts of the sentence."""
        amounts: dict[str, list[float]] = {}
        for fact in self.facts:
            if fact.kind in ("money", "size") and isinstance(fact.value, float | int):
                amounts.setdefault(fact.unit, []).append(fact.value)
        return {unit: _teller(found, unit) for unit, found in amounts.items()}

    def shown(self, say: Mapping[str, Teller]) -> str:
        """The sentence on scales that are given."""
        return self.template.format_map({name: part.shown(say) for name, part in self.used.items()})


SMALL = 0.1  # on the scale of the largest amount, below which all are told on the next one down


def _teller(amounts: list[float], unit: str) -> Teller:
    """The scale of the largest amount, or the one below where the smallest would be a fraction.

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
