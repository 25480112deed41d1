"""What to cite: every model and every rule with a paper, in BibTeX that is complete."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import pytest

import contagion as ct
from contagion import rules
from contagion.citations import NAME, TITLE, URL, bibtex, references
from contagion.models import channels
from contagion.models.valuations import VALUATIONS

ROOT = Path(__file__).resolve().parent.parent
ENTRY = re.compile(r"@(\w+)\{(\w+),\n((?:  \w+ = \{.*\},\n)+)\}(?:\n\n|$)")


def keys(text: str) -> list[str]:
    """The keys of the entries; the text is nothing but entries."""
    assert "".join(match[0] for match in ENTRY.finditer(text)) == text
    return [match[2] for match in ENTRY.finditer(text)]


@pytest.mark.parametrize("word", ct.models.MODELS)
def test_a_model_is_cited_by_word_class_object_and_name(word):
    kind = ct.models.MODELS[word]
    first, *papers = keys(ct.cite(word))
    assert first == "contagion" and papers
    assert ct.cite(word) == ct.cite(kind) == ct.cite(kind.__name__)
    assert set(keys(ct.cite(kind()))) >= {first, *papers}
    year = re.findall(r"\((\d{4})\)", kind.source)
    assert {references()[key]["year"] for key in papers} >= {int(x) for x in year}


def test_a_result_cites_its_model_and_the_rules_of_its_nodes():
    net = ct.datasets.load("three_venues").with_rule("exchange", rules.Talmud())
    result = ct.EisenbergNoe().propagate(net, ct.Shock.default("desk"))
    found = set(keys(result.cite()))
    assert {"contagion", "eisenberg_noe_2001", "aumann_maschler_1985"} <= found
    assert "diamond_dybvig_1983" in found  # the suppliers of the protocol, inside a waterfall
    assert not {"furfine_2003", "thomson_2003"} & found


def test_a_part_inside_a_model_is_cited_too():
    model = ct.models.NetworkValuation(valuation=VALUATIONS["black-cox"](volatility=0.1))
    assert {"barucca_2020", "bardoscia_2017"} <= set(keys(ct.cite(model)))


def test_an_unknown_name_is_refused_with_the_closest():
    with pytest.raises(ct.UnknownNameError, match="DebtRank"):
        ct.cite("debtrnk")


@pytest.mark.parametrize("key", references())
def test_a_reference_is_complete(key):
    entry = references()[key]
    assert {"section", "authors", "year", "title", "used", "read"} <= set(entry)
    assert ("doi" in entry) != ("no_doi" in entry)
    assert any(name in entry for name in ("journal", "booktitle", "institution", "arxiv"))
    assert keys(bibtex(key)) == [key] and key.endswith(str(entry["year"]))
    assert "&" not in bibtex(key).replace(r"\&", "")


def test_what_a_reference_is_used_in_exists():
    """A name in backticks is a model, a valuation, a channel, a rule, or a room."""
    texts = " ".join(entry["used"] for entry in references().values())
    places = [ct.models, ct.models.valuations, channels, rules, ct.experiments, ct.venues]
    rooms = ["contagion", "contagion.network", "contagion.experiments.layers"]
    places += [__import__(room, fromlist=["x"]) for room in rooms]
    missing = []
    for name in set(re.findall(NAME, texts)):
        first, *rest = name.split(".")
        found = next((getattr(x, first) for x in places if hasattr(x, first)), None)
        if found is None and importlib.util.find_spec(f"contagion.network.{first}"):
            found = importlib.import_module(f"contagion.network.{first}")
        for part in rest:
            found = getattr(found, part, None)
        missing += [] if found is not None else [name]
    assert missing == []


def test_the_page_of_references_is_made_from_the_same_file(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    import references as script

    assert (ROOT / "docs" / "references.md").read_text("utf-8") == script.page()
    assert (ROOT / "paper" / "paper.bib").read_text("utf-8") == script.bibliography()
    sys.modules.pop("references")


def test_the_package_is_cited_as_citation_cff_says():
    text = (ROOT / "CITATION.cff").read_text("utf-8")
    assert f'title: "{TITLE}"' in text and f"url: {URL}" in text
    assert f"version = {{{ct.__version__}}}" in ct.cite()
