"""Rules from the words of the command line, and rules in words."""

from __future__ import annotations

import tomllib
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from ..errors import ArgumentError, RuleError, UnknownNameError
from ..models import MODELS
from ..network.exposure_network import ExposureNetwork
from ..rules import RULES, Capped, Priority, Queue, Rule, Waterfall, from_dict, read_rule, to_dict
from ..rules.serialize import INNER
from ..shocks import Shock
from ..text import choice, closest, did_you_mean, known_name
from .options import Loaded, number

FORMS = "a word such as pro_rata, a file such as rule.toml, or venue:NAME (see `contagion rules`)"
LAYERS = (
    "waterfall needs layers, which do not fit into a word. Write them into a file: rule = "
    '"waterfall", layers = [{ name = "fund", capacity = 30.0 }, { name = "winners" }], and pass '
    "--rule FILE.toml; or take a venue: `contagion rules`."
)


def rule(text: str, parameters: Iterable[str] | None = None) -> Rule:
    """A rule from a word, a TOML file, `venue:NAME` or a TOML table in braces.

    Parameters
    ----------
    parameters : NAME=VALUE of a word or a venue, read by the type of the parameter.

    Raises
    ------
    RuleError, ArgumentError : for an unknown rule, venue or parameter, with the closest one, and
        for a value that does not fit.

    Example
    -------
    >>> rule("pro_rata", ["weight=profit"])
    ProRata(weight='profit')
    >>> rule("{ rule = 'queue', by = 'score' }")
    Queue(by='score')
    """
    text, given = text.strip(), list(parameters or ())
    if text.startswith("venue:"):
        from ..venues import describe

        venue = describe(text.removeprefix("venue:").strip())
        known = {name: name for name in (*venue.required, *venue.parameters)}
        return venue(**_values(given, known, get_type_hints(venue.build), venue.name))
    if text == Waterfall.word:
        raise RuleError(LAYERS)
    if text in RULES:
        kind = RULES[text]
        known = {INNER.get(field.name, field.name): field.name for field in fields(kind)}
        return kind(**_values(given, known, get_type_hints(kind), text))
    if given:
        raise ArgumentError(
            f"--param {given[0]}: parameters go with a word or venue:NAME; "
            "a file or a table has its own."
            if text.startswith("{") or _is_file(text)
            else _unknown(text)
        )
    if text.startswith("{"):
        return _table(text)
    if _is_file(text):
        return read_rule(text)
    raise UnknownNameError(_unknown(text))


def _is_file(text: str) -> bool:
    return text.lower().endswith(".toml") or Path(text).is_file()


def _unknown(text: str) -> str:
    from ..venues import CATALOGUE

    near = closest(text, [*RULES, *(f"venue:{name}" for name in CATALOGUE)])
    hint = f" Did you mean {near!r}?" if near else ""
    return f"Unknown rule {text!r}.{hint} A rule is {FORMS}."


def _table(text: str) -> Rule:
    try:
        data = tomllib.loads(f"rule = {text}")["rule"]
    except tomllib.TOMLDecodeError as error:
        raise RuleError(
            f"The rule {text} is not a TOML table ({error}). Write {{ rule = 'queue', by = "
            "'score' }, in quotes for the shell."
        ) from None
    return from_dict(data)


def _values(
    texts: Iterable[str], known: Mapping[str, str], hints: Mapping[str, Any], what: str
) -> dict[str, Any]:
    """Parameters by the name of their field; `known` maps what the user writes to it."""
    found: dict[str, Any] = {}
    for text in texts:
        key, sign, value = text.partition("=")
        if not known:
            raise ArgumentError(f"--param {text}: {what} has no parameters.")
        known_name(key, known, f"parameter of {what}")
        if not sign:
            raise ArgumentError(f"--param {text}: write {key}=VALUE.")
        found[known[key]] = typed(value.strip(), hints[known[key]], key)
    return found


def typed(text: str, hint: Any, key: str, option: str = "--param") -> Any:
    """A word as the type of a parameter; money may have k, m, mn, bn or tn behind it.

    `option` is what messages name.

    >>> typed("200m", float | None, "fund"), typed("none", float | None, "fund")
    (200000000.0, None)
    >>> typed("30,50", Sequence[float], "fills"), typed("score", str, "by")
    ([30.0, 50.0], 'score')
    """
    union = get_origin(hint) in (types.UnionType, Union)
    options = get_args(hint) if union else (hint,)
    if type(None) in options and text.lower() == "none":
        return None
    words = [word for each in options if get_origin(each) is Literal for word in get_args(each)]
    if words:
        choice(text, words, f"{option} {key}")
    if bool in options:
        if text.lower() not in ("true", "false"):
            raise ArgumentError(f"{option} {key}={text}: write true or false.")
        return text.lower() == "true"
    if any(isinstance(each, type) and issubclass(each, Rule) for each in options):
        return rule(text)
    if any(get_origin(each) is not None and _is(each, Mapping) for each in options):
        raise ArgumentError(
            f"{option} {key}={text}: {key} is a table; write the rule as a TOML file."
        )
    if any(get_origin(each) is not None and _is(each, Sequence) for each in options):
        return [number(part, f"{option} {key}") for part in text.split(",") if part.strip()]
    if int in options and float not in options:
        try:
            return int(text)
        except ValueError:
            raise ArgumentError(f"{option} {key}={text}: write a whole number.") from None
    if float in options:
        try:
            return number(text, f"{option} {key}")
        except ValueError:
            if str not in options:
                raise
    return text


def _is(hint: Any, kind: type) -> bool:
    origin = get_origin(hint)
    return isinstance(origin, type) and issubclass(origin, kind)


def assigned(text: str, network: ExposureNetwork, *, named: bool = False) -> tuple[str, str, str]:
    """NAME, node and rule of `[NAME:]NODE=RULE`; an empty name where there is none.

    A node of the network wins over every other reading, so that names may hold `=` and `:`.

    Raises
    ------
    ArgumentError : for a text that has not this form, and for an unknown node.
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


def ruled(loaded: Loaded, texts: Iterable[str] | None, *models: str) -> Loaded:
    """The network with the rules of `--rule NODE=RULE`; the last one for a node holds.

    Raises `ArgumentError` where none of the models looks at rules.
    """
    net = loaded.network
    given = [assigned(text, net) for text in texts or ()]
    if not given:
        return loaded
    if not any(MODELS[name].settles for name in models if name in MODELS):
        raise ArgumentError(
            f"--rule: {' and '.join(models)} settles no claims, so no rule plays a part in it. "
            f"Choose --model {' or '.join(name for name in MODELS if MODELS[name].settles)}."
        )
    return Loaded(net.with_rules({node: rule(words) for _, node, words in given}), loaded.card)


def sets(network: ExposureNetwork, texts: Iterable[str]) -> dict[str, dict[str, Rule]]:
    """The sets of rules of `--rule [NAME:]NODE=RULE`, by name; one without is its own set.

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
        mine[node] = rule(words)
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
    """A note on nodes whose rules play no part: their recovery is given, on every claim.

    >>> idle(["a", "b"], Shock.default("a"))
    'note: a fails with a given recovery, the same on every claim: its rule plays no part'
    """
    made = {node for node, _ in (*shock.defaults, *shock.depegs)}
    found = [str(node) for node in dict.fromkeys(nodes) if node in made]
    if not found:
        return ""
    fails, its = ("fails", "its rule plays") if len(found) == 1 else ("fail", "their rules play")
    who = ", ".join(found)
    return f"note: {who} {fails} with a given recovery, the same on every claim: {its} no part"


def needed(given: Rule) -> Iterator[tuple[str, str]]:
    """Word and column of every rule inside a rule that ranks claims by a column.

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
    """A rule as TOML with lines of at most `most` characters where TOML allows it."""
    import tomli_w

    write: Callable[..., str] = tomli_w.dumps
    text = write(to_dict(given))
    if any(len(line) > most for line in text.splitlines()):
        text = write(to_dict(given), indent=100)  # too deep for one line: a table for each layer
    return text.strip()
