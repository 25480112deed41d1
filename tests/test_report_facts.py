"""Every number that a finding says is a fact, and the exhibit that the fact names prints it.

A fact is looked for in the tables of the page: in the rows that have the words of its perimeter,
below the heading or beside the label that is its measure, equal at the digits that stand there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from string import Formatter

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pytest
from conftest import from_liabilities, others_slow
from test_report import Page
from test_units_shown import NAMES, shock_of

import contagion as ct
from contagion.experiments.policy import Capital, ExposureLimit, compare
from contagion.experiments.reverse import break_even_fund, fewest_triggers, smallest_shock
from contagion.facts import Fact, Sentence
from contagion.report.document import write
from contagion.report.given import Given, given
from contagion.report.page_one import sentences
from contagion.units import STEPS, parse

MODEL = ct.EisenbergNoe()
NUMBER = re.compile(r"(?<![\w.])[<>+−-]*\d[\d,]*(?:\.\d+)?(?:e[+-]\d+)?")
SCALES = [word for _, word in STEPS if word]


class Sections(Page):
    """The page with the words of every exhibit that are in no cell of a table."""

    def __init__(self, text: str):
        self.beside: dict[str, str] = {}
        super().__init__(text)

    def handle_data(self, data: str) -> None:
        super().handle_data(data)
        if not self._cell:
            self.beside[self._exhibit] = self.beside.get(self._exhibit, "") + data


# -- what a cell says ---------------------------------------------------------------------------


def numbers(cell: str, heading: str, fact: Fact) -> Iterator[tuple[float, float]]:
    """The numbers of a cell in the unit of the fact, each with half of its last digit."""
    own = parse(fact.unit) if fact.kind in ("money", "size") and fact.unit else None
    for match in NUMBER.finditer(cell):
        text = match[0].replace(",", "").replace("−", "-")
        bare = text.lstrip("<>+")
        value, decimals = float(bare), len(bare.partition("e")[0].partition(".")[2])
        half = 0.5 * 10.0**-decimals
        after = cell[match.end() :]
        if own is not None:
            spoken = re.match(rf" ?({'|'.join(SCALES)})?\b ?{re.escape(own.asset)}\b", after)
            word = spoken[1] if spoken else heading.removeprefix(own.asset).strip()
            if spoken and value:  # four digits, zeros at the end left out
                half = min(half, 0.5 * 10.0 ** (np.floor(np.log10(abs(value))) - 3))
            factor = next(size for size, name in STEPS if name == (word or "")) / own.factor
            value, half = value * factor, half * factor
        elif after.startswith("%"):
            value, half = value / 100, half / 100
        if text.startswith("<"):
            value, half = value / 2, value / 2
        yield value, half


def heading_unit(rows: list[list[str]], column: int, beside: str, asset: str) -> str:
    """The unit of a column: in its heading, or in the note below the table."""
    unit = rf"({re.escape(asset)}(?: (?:{'|'.join(SCALES)}))?)"
    found = re.search(rf", {unit}$", rows[0][column]) or re.search(rf"\bin {unit}\b", beside)
    return found[1] if found else ""


def cells(page: Sections, fact: Fact) -> list[tuple[str, str]]:
    """The cells that can print a fact, with the units of their columns."""
    rows, beside = page.tables.get(fact.exhibit, []), page.beside[fact.exhibit]
    all_cells = {cell for row in rows[1:] for cell in row}
    wanted = [word for word in fact.of if word in all_cells]
    found = []
    for row in rows[1:]:
        if not all(word in row for word in wanted):
            continue
        for at, cell in enumerate(row):
            head = rows[0][at]
            if head == "meaning" and fact.kind not in ("name", "names"):
                continue
            if fact.measure in (row[0], head, head.rpartition(",")[0]) or fact.kind == "name":
                unit = heading_unit(rows, at, beside, parse(fact.unit).asset)
                found.append((cell, unit))
    return found


def printed(page: Sections, fact: Fact) -> float | None:
    """Half of the last digit with which the exhibit of a fact prints it; None where it does not."""
    rows, beside = page.tables.get(fact.exhibit, []), page.beside.get(fact.exhibit, "")
    if isinstance(fact.value, str | tuple):
        texts = [cell for row in rows for cell in row] + [beside]
        if fact.kind == "name":
            texts = [cell for cell, _ in cells(page, fact)]
        named = [fact.value] if isinstance(fact.value, str) else fact.value[:4]
        there = all(any(name[1:] in text for text in texts) for name in named)
        return 0.0 if there else None
    found = [pair for cell, unit in cells(page, fact) for pair in numbers(cell, unit, fact)]
    if fact.kind == "count" and not found:  # of exhibits without a table, or about all of it
        said = re.findall(rf"([\d,]+) {re.escape(fact.unit)}s?\b", beside)
        found = [(float(count.replace(",", "")), 0.0) for count in said]
    for value, half in found:
        half = 0.0 if fact.kind == "count" else half * (1 + 1e-6) + 1e-9 * abs(value)
        if abs(value - fact.value) <= half:
            return half
    return None


def tampered(fact: Fact, half: float) -> Fact:
    """The fact with another name, or with 1 % more: a whole last digit where that is larger."""
    if isinstance(fact.value, tuple):
        return replace(fact, value=("nobody", *fact.value[1:]))
    if isinstance(fact.value, str):
        return replace(fact, value=f"not {fact.value}")
    more = max(0.01 * abs(fact.value), 2.1 * half)
    return replace(fact, value=fact.value + more)


# -- reports about everything --------------------------------------------------------------------


def studied(name: str) -> Given:
    """Everything that a report can be about."""
    net, card = ct.datasets.load(name), ct.datasets.card(name)
    shock = shock_of(name, net)
    hit = shock.defaults[0][0]
    results = [MODEL.propagate(net, shock, baseline=baseline) for baseline in ("cleared", "book")]
    plain = net.guarantees is None
    if plain:
        results.append(ct.DebtRank().propagate(net, shock))
    scenarios = ct.scenarios.single_defaults(net)
    known = net.names[net.book.known]
    mixes = {"limits": ExposureLimit(0.25)} if len(known) else {}
    mixes |= {"more": Capital(add={known[0]: float(net.book.debts.max())})} if len(known) else {}
    policy, hard = [], ct.Shock.default(hit)  # a limit can leave less than the recovery takes
    if mixes:
        runs = [(hard, None), (scenarios, None), (hard, "defaults"), (scenarios, "defaults"),
                (hard, "owners_loss")]  # fmt: skip
        policy = [compare(net, MODEL, what, mixes, of=of) for what, of in runs]
    frail = [node for node in net.names[net.book.can_fail & net.book.known] if node != hit]
    reverse = []
    if frail and plain:
        reverse = [fewest_triggers(net, fail=frail[-1]), break_even_fund(net, frail[-1], shock)]
    comparison = None
    if plain:
        sets = {"equal losses": {hit: ct.rules.EqualLosses()}}
        comparison = ct.compare_rules(net, shock, sets)
    return given(
        net, results, ct.rank(net), comparison=comparison, card=card, reverse=reverse,
        stress=ct.stress_test(net, MODEL, scenarios), policy=policy,
    )  # fmt: skip


@pytest.fixture(scope="module")
def report(request, tmp_path_factory) -> tuple[Sections, list[Sentence]]:
    about = studied(request.param)
    file = write(tmp_path_factory.mktemp("report") / "r.html", about)
    return Sections(file.read_text("utf-8")), sentences(about)


every = pytest.mark.parametrize("report", others_slow(NAMES, 5), indirect=True)


@every
def test_a_finding_has_no_number_of_its_own(report):
    page, said = report
    for sentence in said:
        assert not re.search(r"\d", words(sentence)), sentence.template
        assert " ".join(str(sentence).split()) in page.text


def words(sentence: Sentence) -> str:
    """A sentence without its facts."""
    inner = [words(part) for part in sentence.used.values() if isinstance(part, Sentence)]
    own = [text for text, *_ in Formatter().parse(sentence.template)]
    return " ".join([*own, *inner])


@every
def test_every_fact_is_printed_by_its_exhibit(report):
    page, said = report
    for fact in (fact for sentence in said for fact in sentence.facts):
        assert printed(page, fact) is not None, fact


@every
def test_no_two_sentences_contradict_each_other(report):
    known: dict[tuple[str, tuple[str, ...]], object] = {}
    for fact in (fact for sentence in report[1] for fact in sentence.facts):
        assert known.setdefault((fact.measure, fact.of), fact.value) == fact.value, fact


@every
def test_a_changed_fact_is_found(report):
    page, said = report
    for fact in (fact for sentence in said for fact in sentence.facts):
        changed = tampered(fact, printed(page, fact))
        if changed.value != fact.value:
            assert printed(page, changed) is None, fact


# -- which sentence is taken ---------------------------------------------------------------------


def said(tmp_path, network, *results, **more) -> str:
    """The findings of a report, of which all facts are printed."""
    about = given(network, results, **more)
    page = Sections(write(tmp_path / "r.html", about).read_text("utf-8"))
    found = sentences(about)
    for fact in (fact for sentence in found for fact in sentence.facts):
        assert printed(page, fact) is not None, fact
    return " ".join(map(str, found))


CHAIN = [[0, 10, 0], [0, 0, 9], [0, 0, 0]]


def test_where_no_other_node_can_default_a_sentence_says_so(tmp_path):
    claims = {"creditor": ["b", "c"], "debtor": ["a", "b"], "amount": [10.0, 9.0]}
    nodes = {"node": ["a", "b", "c"], "external_assets": [12.0, np.nan, np.nan]}
    for unknown in (True, False):
        table = nodes if unknown else {**nodes, "external_assets": [12.0, 20.0, 0.0]}
        net = ct.ExposureNetwork(table, claims, unit="EUR", missing_equity="external")
        text = said(tmp_path, net, MODEL.propagate(net, ct.Shock.loss({"a": 5.0})))
        assert ("No other node can default here" in text) == unknown
        assert ("No further node defaults because of it." in text) != unknown


def test_where_nothing_is_destroyed_there_is_no_share(tmp_path):
    net = from_liabilities(CHAIN, [10, 20, 1], unit="EUR")
    text = said(tmp_path, net, MODEL.propagate(net, ct.Shock.default("a", recovery=1.0)))
    assert "Nothing is destroyed: a " in text and "is socialized" not in text


def test_without_a_shock_there_is_only_what_is_missing(tmp_path):
    net = from_liabilities(CHAIN, [7, 0, 0], unit="EUR")
    text = said(tmp_path, net, MODEL.propagate(net, baseline="book"))
    assert "already. 3 EUR is missing. " in text
    assert "3 EUR is missing at a. b is in default." in text
    assert not re.search("because of it|before the shock|destroys", text)


def test_relief_is_said_apart(tmp_path):
    """The guarantor of c is called before the shock, and not when c pays nothing by the shock."""
    net = ct.ExposureNetwork(
        {"node": ["g", "c", "k"], "external_assets": [50.0, 10, 0]},
        [{"creditor": "k", "debtor": "c", "amount": 30.0}],
        guarantees=[{"guarantor": "g", "debtor": "c", "amount": 10.0}], unit="EUR",
    )  # fmt: skip
    text = said(tmp_path, net, MODEL.propagate(net, ct.Shock.default("c")))
    assert "10 EUR is destroyed: " in text and "20 EUR (100%) is socialized" in text
    assert "Others get 10 EUR more because of it; that is not netted." in text


def test_costs_that_the_shock_takes_and_what_was_missing(tmp_path):
    """a (20, owes b 30) pays 10 of its 20 before; with 4 less it pays 8."""
    net = from_liabilities([[0, 30], [0, 0]], [20, 5], unit="EUR")
    costly = ct.models.RogersVeraart(0.5, 0.5)
    result = costly.propagate(net, ct.Shock.loss({"a": 4.0}), baseline="book")
    text = said(tmp_path, net, result)
    assert "Without it, default costs would have destroyed 2 EUR more." in text
    assert "2 EUR (100%) is socialized" in text and "20 EUR was missing before the shock." in text


def test_default_costs_are_said_with_their_amount(tmp_path):
    net = from_liabilities([[0, 30], [0, 0]], [32, 5], unit="EUR")
    result = ct.models.RogersVeraart(0.5, 0.5).propagate(net, ct.Shock.loss({"a": 4.0}))
    text = said(tmp_path, net, result)
    assert "4 EUR is destroyed: " in text
    assert "This destroys 14 EUR more by default costs on the way." in text


def test_a_loss_by_contagion_at_a_node_that_was_hit_too(tmp_path):
    net = from_liabilities(CHAIN, [12, 20, 1], unit="EUR")
    text = said(tmp_path, net, MODEL.propagate(net, ct.Shock.loss({"a": 8.0, "b": 1.0})))
    assert "6 EUR (67%) is socialized" in text and "absorb 3 EUR at once" in text
    assert "Of it 6 EUR falls on owners of nodes hit too." in text


def test_a_model_that_does_not_settle_claims(tmp_path):
    net = from_liabilities(CHAIN, [12, 20, 1], unit="EUR")
    text = said(tmp_path, net, ct.DebtRank().propagate(net, ct.Shock.loss({"a": 1.0})))
    assert "Owners lose 1 EUR at once and " in text
    assert "does not settle them" in text and "socialized" not in text


@pytest.mark.parametrize("baseline", ["cleared", "book"])
def test_a_node_that_defaults_without_the_shock_is_no_further_default(tmp_path, baseline):
    """a and b default before the shock, b because of a; c is hit, d defaults because of c."""
    owed = np.zeros((5, 5))
    owed[0, 1], owed[1, 4], owed[2, 3], owed[3, 4] = 10, 9, 8, 7
    net = from_liabilities(owed, [7, 0, 9, 0, 1], unit="EUR")
    result = MODEL.propagate(net, ct.Shock.loss({"c": 5.0}), baseline=baseline)
    assert result.table["defaulted"].tolist() == [True, True, True, True, False]
    text = said(tmp_path, net, result)
    assert "1 further node defaults because of it: d." in text
    assert "3 EUR was missing at a before the shock" in text
    b = "2 EUR was missing at b" if baseline == "cleared" else "b was in default"
    assert f"{b} before the shock: its default has another cause." in text


def test_rules_under_which_nothing_changes(tmp_path):
    net = from_liabilities(CHAIN, [12, 20, 1], unit="EUR")
    same = ct.compare_rules(net, ct.Shock.loss({"a": 5.0}), {"same": {"a": ct.rules.ProRata()}})
    text = said(tmp_path, net, comparison=same)
    assert "No node would bear more or less under the rules “same”." in text


def test_an_intervention_that_does_not_help(tmp_path):
    net = from_liabilities(CHAIN, [12, 20, 1], unit="EUR")
    for of, what in {"socialized": "socialized loss", "defaults": "number of defaults"}.items():
        none = compare(net, MODEL, ct.Shock.loss({"a": 5.0}), {"c": Capital(add={"c": 1.0})}, of=of)
        text = said(tmp_path, net, policy=none)
        assert f"None of the interventions makes the {what} less." in text


def test_answers_of_reverse_stress_tests(tmp_path):
    net = from_liabilities(CHAIN, [12, 5, 1], unit="EUR")
    for norm in ("money", "relative"):
        found = smallest_shock(net, fail="b", norm=norm)
        assert "For a default of b it takes a loss of " in said(tmp_path, net, reverse=found)
    enough = break_even_fund(net, "b", ct.Shock.loss({"c": 0.5}))
    assert "b pays in full under the shock without a fund." in said(tmp_path, net, reverse=enough)
