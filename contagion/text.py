"""Functions for text: amounts, lists, closest names and docstrings, used in the whole package."""

from __future__ import annotations

import difflib
import math
import re
import textwrap
from collections.abc import Callable, Collection, Iterable, Sequence, Sized
from itertools import islice
from typing import Any

from .errors import ArgumentError, ArgumentTypeError, ContagionError, UnknownNameError
from .units import STEPS, parse


def money(amount: float, unit: str) -> str:
    """An amount as readable text: four digits, a scale and its unit.

    >>> money(2_400_000_000, "USD"), money(0.5, "EUR bn"), money(-41_200_000, "")
    ('2.4 bn USD', '0.5 bn EUR', '-41.2 m')
    >>> money(13_820_000, "USD mn")
    '13.82 tn USD'
    """
    return same_scale([amount], unit)(amount)


def same_scale(amounts: Iterable[float], unit: str) -> Callable[[float], str]:
    """:func:`money` for several amounts in one text, all on the scale of the largest.

    For tables and axes with the unit in the heading, see :func:`contagion.units.scale`.

    >>> say = same_scale([4_927_000, 246_362], "USD mn")
    >>> say(4_927_000), say(246_362)
    ('4.927 tn USD', '0.2464 tn USD')
    """
    own = parse(unit)
    top = max((abs(x) * own.factor for x in amounts if math.isfinite(x)), default=0.0)
    step = max([i for i, (size, _) in enumerate(STEPS) if top >= size * 0.99995] + [own.step])

    def say(amount: float) -> str:
        if math.isnan(amount):
            return "unknown"
        if amount == 0:
            return " ".join(filter(None, ["0", own.asset]))
        value = amount * own.factor / STEPS[step][0]
        text = f"{value:,.0f}" if abs(value) >= 1e4 else f"{value:.4g}"
        return " ".join(filter(None, [text, own.spoken(step)]))

    return say


def listing(items: Iterable[object], most: int = 3) -> str:
    """Up to `most` items in quotes, and the number of further items.

    >>> listing(["a", "b", "c", "d"])
    "'a', 'b', 'c' and 1 more"
    """
    items = items if isinstance(items, Sized) else list(items)
    values = [repr(str(item)) for item in islice(items, most)]
    more = len(items) - most
    return ", ".join(values) + (f" and {more} more" if more > 0 else "")


def closest(name: object, names: Sequence[object]) -> str:
    """The known name nearest to `name`, or an empty string; long lists are not searched.

    >>> closest("celsuis", ["celsius", "voyager"])
    'celsius'
    """
    wanted = str(name)
    if len(names) > 2_000_000:
        return ""
    known = [str(other) for other in names]
    folded = {other.strip().casefold(): other for other in known}
    if wanted.strip().casefold() in folded:
        return folded[wanted.strip().casefold()]
    if len(known) > 50_000:
        return ""
    match = difflib.get_close_matches(wanted, known, n=1)
    if match:
        return match[0]
    inside = [other for other in known if wanted.casefold() in other.casefold()]
    return inside[0] if len(inside) == 1 else ""


def did_you_mean(name: object, names: Sequence[object], what: str) -> str:
    """A message about an unknown name, with the closest one or the first few.

    >>> did_you_mean("celsuis", ["celsius", "voyager"], "node")
    "Unknown node 'celsuis'. Did you mean 'celsius'?"
    """
    match = closest(name, names)
    hint = f"Did you mean {match!r}?" if match else f"Known: {listing(names, 6) or 'none'}."
    return f"Unknown {what} {str(name)!r}. {hint}"


def known_name(name: object, names: Collection[Any], what: str, where: str = "") -> None:
    """Raise `UnknownNameError` unless `name` is in `names`; the message begins with `where`.

    >>> known_name("celsius", ["celsius", "voyager"], "node")
    >>> known_name("celsuis", ["celsius", "voyager"], "node", "funds")
    Traceback (most recent call last):
    contagion.errors.UnknownNameError: funds: Unknown node 'celsuis'. Did you mean 'celsius'?
    """
    try:
        if name in names:
            return
    except (TypeError, ValueError):  # not hashable, or an array
        kind = type(name).__name__
        raise ArgumentTypeError(f"Give the name of one {what}, not a {kind}.") from None
    message = did_you_mean(name, list(names), what)
    raise UnknownNameError(f"{where}: {message}" if where else message) from None


def choice(value: object, words: Iterable[object], option: str, other: str = "") -> None:
    """Raise `ArgumentError` unless an option has one of the permitted values.

    `other` is added to the message if the caller accepts something else besides `words`.

    >>> choice("closed", ("cleared", "book"), "baseline")
    Traceback (most recent call last):
    contagion.errors.ArgumentError: baseline='closed': choose 'cleared' or 'book'.
    Did you mean 'cleared'?
    """
    words = list(words)
    try:
        if value in words:
            return
    except ValueError:  # an array
        pass
    *first, last = [*map(repr, words), *filter(None, [other])]
    either = f"{', '.join(first)} or {last}" if first else last
    match = closest(value, words)
    hint = f" Did you mean {match!r}?" if match else ""
    raise ArgumentError(f"{option}={value!r}: choose {either}.{hint}")


def plural(n: int, one: str, many: str = "") -> str:
    """A count with its noun; `many` is an irregular plural.

    >>> plural(1, "node"), plural(1200, "node"), plural(2, "currency", "currencies")
    ('1 node', '1,200 nodes', '2 currencies')
    """
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def percent(share: float) -> str:
    """A share as a percentage with one digit, for text.

    >>> percent(0.0312), percent(0.00001), percent(1.0)
    ('3.1 %', 'below 0.1 %', '100 %')
    """
    if 0 < share < 0.0005:
        return "below 0.1 %"
    return f"{100 * share:.1f}".removesuffix(".0") + " %"


def toml(
    text: str, kind: type[ContagionError] = ArgumentError, what: str = "this is"
) -> dict[str, Any]:
    """The tables of a TOML file; raises an error of class `kind` if the text is not TOML.

    >>> toml("a = 1")
    {'a': 1}
    """
    import tomllib

    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        deep = isinstance(error, RecursionError)
        said = "brackets are nested too deeply" if deep else error
        raise kind(f"{what} not TOML: {said}.") from None


def wrapped(text: str, width: int, indent: str = "", hang: str = "") -> list[str]:
    """A text in lines of at most `width` characters, indented by `indent`, after the first line
    also by `hang`; words are not broken.

    >>> wrapped("one two three", 9, " ", "  ")
    [' one two', '   three']
    """
    return textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent + hang,
        break_on_hyphens=False,
        break_long_words=False,
    )


def documented(text: str, width: int = 79) -> str:
    """A docstring wrapped to `width`; formulas and examples keep their lines.

    >>> print(documented("One\\ntwo.\\n\\n    a = b\\n    c = d"))
    One two.
    <BLANKLINE>
        a = b
        c = d
    """
    plain = re.sub(r":[a-z]+:`~?", "", text).replace("`", "")
    parts = (_block(part.splitlines(), width) for part in plain.split("\n\n"))
    return "\n\n".join("\n".join(part) for part in parts)


def _block(lines: list[str], width: int) -> list[str]:
    code = any(line.lstrip().startswith(">>>") for line in lines)
    if code or all(line.startswith("  ") for line in lines):
        return [part for line in lines for part in _set_in(line, "        ", width)]
    if len(lines) > 1 and set(lines[1]) == {"-"}:
        return [*lines[:2], *_block(lines[2:], width)]
    if any(line.startswith("  ") or " : " in line for line in lines):  # a list
        return [part for item in _items(lines) for part in _set_in(item, "    ", width)]
    return wrapped(" ".join(" ".join(lines).split()), width)


def _items(lines: list[str]) -> list[str]:
    """Join indented lines to the line before."""
    found: list[str] = []
    for line in lines:
        if found and line.startswith(" "):
            found[-1] += f"{'' if ' ' in found[-1] else ':'} {line.strip()}"
        else:
            found.append(line)
    return found


def _set_in(line: str, hang: str, width: int) -> list[str]:
    """One line, wrapped to `width`; spaces inside it are kept."""
    indent = line[: len(line) - len(line.lstrip())]
    return wrapped(line.strip(), width, indent, hang)


def whole_percent(share: float) -> str:
    """A share in whole percent; a positive share that rounds to 0 is "<1%".

    >>> whole_percent(0.434), whole_percent(0.002), whole_percent(0.0)
    ('43%', '<1%', '0%')
    """
    return "<1%" if 0 < share < 0.005 else f"{share:.0%}"


def listed(items: list[str], most: int = 4) -> str:
    """Up to `most` names for a sentence, and the number of others.

    >>> listed(["A", "B", "C"]), listed(["A", "B", "C", "D", "E"], 3)
    ('A, B and C', 'A, B, C and 2 others')
    """
    more = len(items) - most
    if more > 0:
        return f"{', '.join(items[:most])} and {more} other{'s' if more > 1 else ''}"
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))
