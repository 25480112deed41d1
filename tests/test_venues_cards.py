"""One contract for every rule of the catalogue: its worked example, its card, its documents."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from terminal import fits, flat, read_json

import contagion as ct
from contagion import venues
from contagion.errors import UnknownNameError

pytestmark = pytest.mark.usefixtures("narrow")

ROOT = Path(__file__).resolve().parent.parent
NAMES = list(venues.CATALOGUE)
FILES = list(dict.fromkeys(each.file for each in venues.CATALOGUE.values()))


@pytest.mark.parametrize("name", NAMES)
def test_the_worked_example_is_conserved_and_nobody_loses_more_than_it_has(name):
    """Its figures are compared with those printed in the docstring by doctest."""
    done = venues.entry(name).example
    table = done.table
    assert done.loss > 0
    assert table["loss"].sum() + done.uncovered == pytest.approx(done.loss, rel=1e-12)
    assert done.layers["absorbed"].sum() == pytest.approx(table["loss"].sum(), rel=1e-12)
    assert (table["loss"] >= 0).all() and (table["loss"] <= table["amount"] * (1 + 1e-12)).all()
    assert (done.layers["absorbed"] <= done.layers["capacity"] * (1 + 1e-12)).all()


@pytest.mark.parametrize("name", [*NAMES, *FILES])
def test_a_card_has_everything_of_its_record_in_80_columns(name):
    card = venues.describe(name)
    text = repr(card)
    assert fits(text) and text.startswith(name)
    said = flat(text)
    for rule in card.rules:
        for part in (rule.title, rule.status, rule.as_of, rule.simplified, rule.order):
            assert flat(part.replace("`", "")) in said
        for document in rule.documents:
            assert flat(f"{document.title} ({document.date}): {document.extent}") in said
        for parameter in rule.parameters:
            assert parameter in said
        for layer in rule.example.layers["layer"]:
            assert layer in text
    for formula in card.formulas:
        assert formula.text and formula.source and formula.name in text
    assert "<script" not in card._repr_html_() and "&lt;" not in text


def test_a_file_has_all_its_rules_and_the_formulas_beside_them():
    card = venues.describe("aave")
    assert [rule.name for rule in card.rules] == ["aave_v3", "aave_v2_safety_module"]
    assert [each.name for each in card.formulas] == [
        "health_factor", "liquidation", "umbrella_slash",
    ]  # fmt: skip
    assert venues.describe("aave_v3").rules == card.rules[:1]
    with pytest.raises(UnknownNameError, match="'aave'"):
        venues.describe("aavee")


@pytest.mark.parametrize("name", ["aave_v3", "cme", "gmx_v2", "paradex"])
def test_the_bars_of_the_card_have_the_lengths_of_the_layers(name):
    """`#` as long as what a layer absorbs, after what the layers above did; `!` for the rest."""
    done, size = venues.entry(name).example, venues.card.BAR
    lines = venues.card.waterfall(done).splitlines()[1:]
    lines = [line for line in lines if set("#.!") & set(line.partition("  ")[2])]
    before = 0.0
    taken = [*done.layers["absorbed"], *([done.uncovered] if done.uncovered else [])]
    assert sum(line.count("#") + line.count("!") for line in lines) == size
    for amount in taken:
        want = round(size * (before + amount) / done.loss) - round(size * before / done.loss)
        before += amount
        assert want == 0 or any(line.count("#") + line.count("!") == want for line in lines)


def test_the_figure_of_a_card_is_the_waterfall_of_its_example():
    example = venues.entry("cme").example
    ax = ct.plot.waterfall(example)
    labels = [label.get_text().replace("\n", " ") for label in ax.get_yticklabels()]
    assert labels[1:-1] == list(example.layers["layer"]) and labels[-1] == "uncovered"
    plt.close("all")


# -- documents ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_document_says_how_it_was_read_and_the_status_follows(name):
    record = venues.entry(name)
    assert record.documents and all(each.title and each.date for each in record.documents)
    extents = {each.extent for each in record.documents}
    assert extents <= {"in full", "excerpt", "memory", "not read"}
    if record.status == "verified":
        assert extents <= {"in full", "excerpt"}
    assert (record.status == "unverified") == (not record.documents[0].seen)


def test_the_documents_of_all_venues_are_one_table():
    table = venues.documents().table
    assert list(dict.fromkeys(table.index)) == NAMES
    assert len(table) == sum(len(each.documents) for each in venues.CATALOGUE.values())


def test_the_page_of_venues_is_what_its_script_makes(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    monkeypatch.syspath_prepend(str(ROOT / "tests"))
    spec = importlib.util.spec_from_file_location("venues_page", ROOT / "docs" / "venues.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    page = (ROOT / "docs" / "venues.md").read_text("utf-8")
    assert script.page() == page, "differs: run python docs/venues.py"
    for record in venues.CATALOGUE.values():
        for each in record.documents:
            assert each.title.replace("|", "/") in page


# -- command line -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["aave", "okx", "clearing_houses", "cme", "venue:okex_2018"])
def test_venues_prints_the_card(cli, name):
    code, out, err = cli("venues", name)
    assert code == 0 and err == "" and fits(out)
    assert out.strip() == repr(venues.describe(name.removeprefix("venue:")))
    data = read_json(cli("venues", name, "--json")[1])
    for told in data["rules"]:
        rule = venues.entry(told["name"])
        assert told["status"] == rule.status and told["terms"]["fund"] == rule.terms.fund
        absorbed = [row["absorbed"] for row in told["example"]["layers"]]
        assert absorbed == pytest.approx(rule.example.layers["absorbed"].tolist())


def test_venues_lists_all_and_sets_them_side_by_side(cli):
    code, out, _ = cli("venues")
    assert code == 0 and fits(out) and all(f" {name} " in out for name in NAMES)
    assert [row["name"] for row in read_json(cli("venues", "--json")[1])] == NAMES
    code, out, _ = cli("venues", "--terms")
    assert code == 0 and fits(out) and "deposit index falls" in flat(out)
    code, out, _ = cli("venues", "--documents")
    assert code == 0 and fits(out) and venues.entry("maker").documents[0].title in flat(out)
    rows = read_json(cli("venues", "--documents", "--json")[1])
    assert len(rows) == len(venues.documents().table)


def test_venues_draws_the_worked_example(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, err = cli("venues", "aave", "--figure", "aave.png")
    assert code == 0 and err == "" and (tmp_path / "aave.png").stat().st_size > 5_000


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["aavee"], "Did you mean 'aave'?"),
        (["aave", "--terms"], "exclude each other"),
        (["--figure", "a.png"], "say which"),
    ],
)
def test_what_venues_refuses(cli, words, says):
    code, out, err = cli("venues", *words)
    assert code == 2 and out == "" and says in flat(err)
