"""Rules of nodes on the command line, and rules in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ..errors import ArgumentError, UnknownNameError
from ..network.exposure_network import ExposureNetwork
from ..rules import Capped, Priority, Queue, Rule, Waterfall, to_dict
from ..shocks import Shock
from ..study.rule_words import FORMS, rule_from
from ..text import did_you_mean


def assigned(text: str, network: ExposureNetwork, *, named: bool = False) -> tuple[str, str, str]:
    """NAME, node and rule of `[NAME:]NODE=RULE`; an empty name if there is none.

    A match with a node of the network takes precedence, so that names may contain `=` and `:`.

    Raises
    ------
    ArgumentError : for a text of another form, and for an unknown node.
    """
    lefts = list(_cuts(text, "="))
    for left, right in lefts:
        if left in network.names:
            return "", left, right
        for name, node in _cuts(left, ":") if named else ():
            if node in network.names:
                return name, node, right
    form = "[NAME:]NODE=RULE" if named else "NODE=RULE"
    if not lefts:
        raise ArgumentError(f"--rule {text}: write {form}, where RULE is {FORMS}.")
    node = lefts[0][0].rpartition(":")[2] if named else lefts[0][0]
    raise UnknownNameError(did_you_mean(node, list(network.names), "node in --rule"))


def _cuts(text: str, sign: str) -> Iterator[tuple[str, str]]:
    """The text cut at every `sign` with something on both sides."""
    for at, letter in enumerate(text):
        left, right = text[:at].strip(), text[at + 1 :].strip()
        if letter == sign and left and right:
            yield left, right


def sets(network: ExposureNetwork, texts: Iterable[str]) -> dict[str, dict[str, Rule]]:
    """The sets of rules of `--rule [NAME:]NODE=RULE`, by name; an unnamed rule is its own set.

    Raises
    ------
    ArgumentError : as :func:`assigned`, and for one node twice in a set.
    """
    found: dict[str, dict[str, Rule]] = {}
    for text in texts:
        name, node, words = assigned(text, network, named=True)
        mine = found.setdefault(name or text, {})
        if node in mine:
            raise ArgumentError(f"--rule {text}: {node!r} has two rules in one set.")
        mine[node] = rule_from(words)
    return found


def in_words(given: Rule | Mapping[str, Any] | str) -> str:
    """A rule in one line.

    >>> in_words({"rule": "queue", "by": "score"}), in_words("talmud")
    ('queue, by score', 'talmud')
    >>> in_words({"rule": "waterfall", "layers": [{"name": "fund", "capacity": 30.0},
    ...     {"name": "adl", "rule": {"rule": "queue"}}]})
    'fund (30), then adl (queue)'
    """
    if isinstance(given, str):
        return given
    data = to_dict(given) if isinstance(given, Rule) else dict(given)
    if "layers" in data:
        return ", then ".join(map(_layer, data["layers"]))
    head = str(data.pop("rule", None) or f"venue:{data.pop('venue', '?')}")
    return ", ".join([head, *(f"{key} {_value(value)}" for key, value in data.items())])


def _layer(data: Mapping[str, Any]) -> str:
    notes = [in_words(data["rule"])] if data.get("rule") not in (None, "pro_rata") else []
    notes += [f"{data['capacity']:,.10g}"] if data.get("capacity") is not None else []
    notes += [f"of {data['owner']}"] if data.get("owner") is not None else []
    return f"{data['name']} ({', '.join(notes)})" if notes else str(data["name"])


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        if "rule" in value or "venue" in value:
            return f"[{in_words(value)}]"
        return ", ".join(f"{key}: [{in_words(inner)}]" for key, inner in value.items())
    return f"{value:,.10g}" if isinstance(value, float) else str(value)


def idle(nodes: Iterable[Any], shock: Shock) -> str:
    """A note on nodes whose rules are not used: their recovery rate is given, on all claims.

    >>> idle(["a", "b"], Shock.default("a"))
    'note: a defaults with a fixed recovery rate on all claims: its rule is not used'
    """
    made = {node for node, _ in (*shock.defaults, *shock.depegs)}
    found = [str(node) for node in dict.fromkeys(nodes) if node in made]
    if not found:
        return ""
    one = len(found) == 1
    do, its = ("defaults", "its rule is") if one else ("default", "their rules are")
    return f"note: {', '.join(found)} {do} with a fixed recovery rate on all claims: {its} not used"


def needed(given: Rule) -> Iterator[tuple[str, str]]:
    """Word and column of each rule that ranks claims by a column, nested rules included.

    >>> from contagion.rules import from_dict
    >>> list(needed(from_dict({"rule": "capped", "share": 0.5, "of": "queue"})))
    [('queue', 'rank')]
    """
    if isinstance(given, Queue | Priority):
        yield given.word, given.by if isinstance(given, Queue) else given.tier
    inner = [layer.rule for layer in given.layers_] if isinstance(given, Waterfall) else []
    inner += [given.rule] if isinstance(given, Capped) else []
    if isinstance(given, Priority):
        pairs = given.tiers.items() if isinstance(given.tiers, Mapping) else given.tiers
        inner += [given.within, *(each for _, each in pairs)]
    for each in inner:
        yield from needed(each)


def toml(given: Rule, most: int) -> str:
    """A rule as TOML, with lines of at most `most` characters if TOML allows it."""
    import tomli_w

    write: Callable[..., str] = tomli_w.dumps
    text = write(to_dict(given))
    if any(len(line) > most for line in text.splitlines()):
        text = write(to_dict(given), indent=100)  # too deep for one line: a table for each layer
    return text.strip()
