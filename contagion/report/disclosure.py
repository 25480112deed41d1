"""Disclosure control: codes replace names, ratios replace amounts, and no name is left.

The study is run a second time on a network whose nodes have codes and whose amounts are shares of
all claims, in the order of the codes. Every exhibit, figure, tooltip and file is made from that run
and cannot contain a name. Before anything is written, all texts are searched for names.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pandas as pd

from ..errors import DisclosureError
from ..network.exposure_network import ExposureNetwork
from ..plot.style import titles
from ..rules import from_dict, to_dict
from ..study import StudyRun
from ..study.study_run import of_outputs
from ..study.values import plain_value, read_shock
from ..vocabulary import Rng

KEPT = ("creditor", "debtor", "amount", "tier", "rank", "exit", "weight", "lgd")
ENDS = ("guarantor", "debtor", "creditor", "owner", "company")  # columns that name a node
RELATIVE = (
    "run",
    "rank",
    "defaults",
    "stress",
    "compare",
    "triggers",
    "ensemble",
    "stability",
    "explain",
)
PARTS = ("shock.recovery", "network.capital")  # fields of a sweep that are not amounts
MONEY = ("add", "amount", "loss")  # options that are amounts, which ratios would change
SAME = 1e-9  # relative difference of a share that counts as rounding error
UNIT = "% of all claims"
LETTERS = "NPQRVWXYZK"  # first letters of codes
SHORT = 2  # names of at most this length are only searched as whole words


@dataclass(frozen=True)
class Disclosure:
    """Options for a report about confidential data.

    Parameters
    ----------
    rng : seed of the codes; None draws one at random that is not stored.
    ratios : amounts as shares of all claims, in percent; False keeps amounts in their unit.
    least, dominant : a sum over nodes is hidden if it has fewer contributors than `least`, or if,
        with `dominant` = (n, k), the n largest contributors have more than the share k of it.
    common : names of nodes that are also words of the report; they are not searched for.

    Example
    -------
    >>> Disclosure(rng=7).least
    3
    """

    rng: Rng = None
    ratios: bool = True
    least: int = 3
    dominant: tuple[int, float] = (2, 0.85)
    common: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Coded:
    """A run with codes in place of names.

    Attributes
    ----------
    run : the study on the coded network, with its results.
    key : table with code, node, name, for authorized readers; it is in no report.
    kinds : (n,) kinds in the order of the codes; rare kinds are merged.
    assumed : number of assumptions about single nodes, whose texts are left out.
    how : the options.
    """

    run: StudyRun
    key: pd.DataFrame
    kinds: np.ndarray
    assumed: int
    how: Disclosure


def coded(run: StudyRun, how: Disclosure) -> Coded:
    """The same study on a coded network.

    Raises
    ------
    DisclosureError : if the study cannot be coded, or has other results with ratios.
    """
    net = run.network
    if any(each.holdings is not None for each in run.networks):
        raise DisclosureError(
            "The network has holdings of named assets, which codes do not hide yet. Leave the "
            "holdings out."
        )
    outputs = dict(run.study.outputs)
    if how.ratios and (used := [name for name, x in outputs.items() if _money(name, x)]):
        raise DisclosureError(
            f"[{used[0]}] contains amounts, which ratios would change. Leave it out, or keep "
            "the amounts with ratios=False."
        )
    rng = np.random.default_rng(how.rng)
    order = rng.permutation(len(net))
    width = len(str(len(net)))
    codes = _codes(len(net), width, map(str, [*net.names, *titles(net)]))
    key = pd.DataFrame({"code": codes, "node": net.names[order], "name": titles(net)[order]})
    code = {str(node): mark for node, mark in zip(key["node"], codes, strict=True)}
    total = float(net.amount.sum())
    factor = 100.0 / total if how.ratios and total > 0 else 1.0
    study = run.study.but(
        network={"source": "confidential"}, rules={}, title="", folder=Path(),
        shock=_shock(run, code, factor), outputs=_mapped(plain_value(outputs), code),
    )  # fmt: skip
    again = StudyRun(study, None, run.running)
    nets = tuple(_network(each, code, factor, how) for each in run.networks)
    again.__dict__.update(networks=nets, card=None)
    done = of_outputs(again, outputs)
    if how.ratios:
        _same(run, done)
    return Coded(done, key, _merged(net.kinds[order], how.least), len(net.assumptions), how)


def _codes(count: int, width: int, names: Iterable[str]) -> list[str]:
    """Codes that contain no name: with the first letter for which this holds.

    >>> _codes(2, 1, ["a", "b"]), _codes(2, 1, ["n1"])
    (['N1', 'N2'], ['P1', 'P2'])
    """
    known = set(names)
    for letter in LETTERS:
        codes = [f"{letter}{k + 1:0{width}d}" for k in range(count)]
        plain = " ".join(codes).casefold()
        if not any(found_in(name, plain) for name in known):
            return codes
    raise DisclosureError(
        "With every letter some code contains the name of a node: rename the nodes."
    )


def _money(output: str, options: Mapping[str, Any]) -> bool:
    if output == "policy":
        told = [plain_value(one) for one in options.get("interventions", {}).values()]
        return any(key in MONEY and value not in (0, "none") for one in told
                   for key, value in one.items())  # fmt: skip
    if output == "sweep":
        return not set(options.get("grid", {})) <= set(PARTS)
    return output not in RELATIVE or any(key in MONEY for key in options)


def _shock(run: StudyRun, code: Mapping[str, str], factor: float) -> Any:
    plain = _mapped(plain_value(run.shock), code)
    for line in ("loss", "equity"):
        if line in plain:
            plain[line] = {node: amount * factor for node, amount in plain[line].items()}
    return read_shock(plain, "[shock]")


def _mapped(value: Any, code: Mapping[str, str], keys: bool = True) -> Any:
    """Plain values with codes in place of names; with `keys` also in keys."""
    if isinstance(value, str):
        return code.get(value, value)
    if isinstance(value, Mapping):
        return {
            code.get(str(key), key) if keys else key: _mapped(x, code, keys)
            for key, x in value.items()
        }
    if isinstance(value, list | tuple):
        return [_mapped(x, code, keys) for x in value]
    return value


def _network(
    net: ExposureNetwork, code: Mapping[str, str], factor: float, how: Disclosure
) -> ExposureNetwork:
    """The network with codes, in their order, without texts of the original."""
    book, nodes, table = net.book, net.nodes, net.exposures
    mine = pd.DataFrame(
        {
            "node": [code[str(node)] for node in net.names],
            "external_assets": np.where(book.known, book.external_assets, np.nan) * factor,
            "external_liabilities": np.where(book.known, book.external_liabilities, np.nan)
            * factor,
            "can_fail": book.can_fail,
        }
    )
    if "external_tier" in nodes:
        mine["external_tier"] = nodes["external_tier"].to_numpy()
    claims = table[[name for name in KEPT if name in table]].assign(amount=net.amount * factor)
    words = {name: f"layer {at}" for at, name in enumerate(_layers(net), 1)}
    if "layer" in table:
        claims["layer"] = table["layer"].map(lambda x: words.get(str(x)))
    for side in ("creditor", "debtor"):
        claims[side] = claims[side].map(lambda node: code[str(node)])
    rules = {}
    for node, rule in net.rules.items():
        rules[code[str(node)]] = from_dict(_mapped(to_dict(rule), words, keys=False))
    beside = {}
    for name in ("guarantees", "shareholdings"):
        frame = getattr(net, name)
        if frame is not None:
            ends = [
                c for c in ("guarantor", "debtor", "creditor", "owner", "company") if c in frame
            ]
            frame = frame.assign(
                **{c: frame[c].map(lambda x: code.get(str(x), x)) for c in ends}
            ).drop(columns=["source", "as_of", "evidence", "note"], errors="ignore")
            if "amount" in frame:
                frame["amount"] = frame["amount"] * factor
            if "layer" in frame:
                frame["layer"] = frame["layer"].map(lambda x: words.get(str(x), ""))
            beside[name] = frame
    return ExposureNetwork(
        mine.sort_values("node", ignore_index=True),
        claims.sort_values(["creditor", "debtor", "amount"], ignore_index=True),
        unit=UNIT if how.ratios else net.unit, name="Confidential network", rules=rules,
        external_creditors=net.external_creditors, missing_equity="external",
        duplicates="keep", **beside,
    )  # fmt: skip


def _layers(net: ExposureNetwork) -> list[str]:
    """The names of layers of claims, of guarantees and of rules."""
    found = set[str]()
    for table in (net.exposures, net.guarantees):
        if table is not None and "layer" in table:
            found |= set(table["layer"].dropna().astype(str))
    for rule in net.rules.values():
        found |= {layer.name for layer in getattr(rule, "layers_", ())}
    return sorted(found)


def _same(run: StudyRun, done: StudyRun) -> None:
    """Raise if results change with ratios, because a model or a rule contains amounts."""
    pairs = [(run[name], done[name]) for name in done.study.outputs if name == "run"]
    for first, second in pairs:
        if not first.model.settles:
            one, two = (x.loss.sum() / x.network.amount.sum() for x in (first, second))
        else:
            one, two = (x.socialization.borne / x.network.amount.sum() for x in (first, second))
        if abs(one - two) > SAME * max(abs(one), 1.0):
            raise DisclosureError(
                "With ratios in place of amounts the run has another result: the model or a rule "
                "contains amounts. Keep the amounts with ratios=False."
            )


def _merged(kinds: np.ndarray, least: int) -> np.ndarray:
    """The kinds, with those of fewer than `least` nodes merged."""
    names, count = np.unique(kinds.astype(str), return_counts=True)
    few = set(names[count < least])
    found = np.array(["other" if kind in few else kind for kind in kinds.astype(str)], object)
    small = 0 < (found == "other").sum() < least
    if small:  # merge also the smallest of the other kinds
        rest, size = np.unique(found[found != "other"], return_counts=True)
        if len(rest):
            found[found == rest[size.argmin()]] = "other"
    return found


def searched(texts: Iterable[tuple[str, str]], key: pd.DataFrame, how: Disclosure) -> None:
    """Search all texts for every name.

    Parameters
    ----------
    texts : pairs (description, text); HTML and URLs are decoded first.

    Raises
    ------
    DisclosureError : for the first name that is found.
    """
    known = {str(word) for column in ("node", "name") for word in key[column]} - set(how.common)
    known -= set(key["code"])
    for what, text in texts:
        plain = unquote(html.unescape(text)).casefold()
        for word in sorted(known, key=len, reverse=True):
            if found_in(word, plain):
                raise DisclosureError(
                    f"The name {word!r} occurs in the {what}, which is not written. If it is a "
                    f"common word of the report, allow it: common=({word!r},), on the command "
                    f"line --common {word!r}."
                )


def found_in(word: str, plain: str) -> bool:
    """Whether a name occurs in a casefolded text; a short name only as a whole word.

    >>> found_in("US", "an amount in usd"), found_in("Genesis", "pay genesis2 back")
    (False, True)
    """
    small = word.casefold()
    if len(small) > SHORT and not small.isdigit():
        return small in plain
    return re.search(rf"(?<![\w.,]){re.escape(small)}(?![\w.,])", plain) is not None
