"""A report about confidential data: no name in any byte, no hidden cell that follows, refusals."""

from __future__ import annotations

import html as markup
import json
from urllib.parse import unquote

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog
from test_report import Page

import contagion as ct
from contagion.plot.interactive.data import packed, unpacked
from contagion.report import Disclosure
from contagion.report.sections.kinds_table import between
from contagion.report.suppression import determined, primary, protected
from contagion.study.usual_outputs import usual

TOWNS = ["Aabenraa", "Bøvlingbjerg", "0x" + "ab12" * 10, "Châteaudun & Fils", "Düsseldorf <Nord>",
         "Eskilstuna", "Frederikshavn", "Gjøvik", "Haugesund", "Iisalmi", "Jönköping",
         "Kristiansund"]  # fmt: skip
KINDS = ["savings bank"] * 5 + ["broker"] * 4 + ["insurer"] * 2 + ["exchange"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A bank network with names, sources and notes, as files."""
    place = tmp_path_factory.mktemp("secret") / "Finsterwalde"
    base = ct.synthetic.generate.erdos_renyi(12, 0.35, rng=3)
    ids = dict(zip(base.names, [f"id{k}_{town[:5]}" for k, town in enumerate(TOWNS)], strict=True))
    book = base.book
    nodes = pd.DataFrame(
        {"node": list(ids.values()), "name": TOWNS, "kind": KINDS,
         "external_assets": book.external_assets, "external_liabilities": book.external_liabilities,
         "source": "Quedlinburg", "note": "Rumpelstilzchen"}
    )  # fmt: skip
    claims = base.exposures[["creditor", "debtor"]].replace(ids).assign(amount=base.amount)
    claims["layer"] = "Wolfenbüttel"
    ct.ExposureNetwork(nodes, claims, name="Finsterwalde", unit="EUR").write(place)
    return place


@pytest.fixture(scope="module")
def study(folder):
    net = ct.read(folder)
    hit = net.names[int(net.book.debts.argmax())]
    return usual(ct.Study(folder, shock=ct.Shock.default(hit), title="Finsterwalde in June"))


@pytest.fixture(scope="module")
def out(study, tmp_path_factory):
    place = tmp_path_factory.mktemp("coded")
    ct.write_report(
        place / "r.html", study, tables=place / "t", disclosure=Disclosure(rng=11),
        key=place.parent / "key_of_codes.csv",
    )  # fmt: skip
    ct.write_report(place / "r.md", study, disclosure=Disclosure(rng=11))
    return place


def test_no_name_stands_in_any_file(out, folder, study):
    net = ct.read(folder)
    words = [*map(str, net.names), *TOWNS, "Finsterwalde", "Quedlinburg", "Rumpelstilzchen",
             "Wolfenbüttel", str(folder), folder.parent.name]  # fmt: skip
    files = [file for file in out.rglob("*") if file.is_file()]
    assert len(files) > 20
    for file in files:
        text = file.read_text("utf-8")
        for plain in (text, unquote(markup.unescape(text))):
            assert not [word for word in words if word.casefold() in plain.casefold()], file


def test_the_key_stands_apart_and_the_numbers_are_those_of_the_run(out, study):
    key = pd.read_csv(out.parent / "key_of_codes.csv").set_index("node")["code"]
    assert len(key) == 12 and set(key) == {f"N{k:02d}" for k in range(1, 13)}
    done = study.run("run")
    page = Page((out / "r.html").read_text("utf-8"))
    total = float(done.network.amount.sum())
    head, *rows, _ = page.tables["T10N"]
    for row in rows:
        mine = done["run"].table.loc[key.index[key == row[0]][0]]
        shown = float(row[head.index("loss")].replace(",", "").lstrip("<"))
        assert shown == pytest.approx(100 * mine["loss"] / total, abs=0.0051)
    assert "Anonymized" in page.text and "EUR" not in page.text


def test_the_seed_decides_the_codes(out, study, tmp_path):
    again = ct.write_report(tmp_path / "r.html", study, disclosure=Disclosure(rng=11)).read_bytes()
    assert again == (out / "r.html").read_bytes()
    other = ct.write_report(tmp_path / "o.html", study, disclosure=Disclosure(rng=12)).read_bytes()
    assert other != again


def test_rare_kinds_are_together_and_hidden_sums_do_not_follow(out, study):
    page = Page((out / "r.html").read_text("utf-8"))
    rows = page.tables["T2K"][1:]
    assert [row[0] for row in rows] == ["broker", "other", "savings bank", "all"]
    hidden = sum(cell == "c" for row in rows for cell in row)
    listed = [row for row in page.tables["D1"] if row[0].startswith("hidden: ")]
    assert len(listed) == hidden
    net = study.run("run").network
    frame, cells, rule, _ = between(net, np.repeat(["a", "b"], 6), Disclosure(least=100))
    some = frame.to_numpy() > 0
    assert some.sum() >= 8 and (cells[some]).all() and (rule == some).all()


def test_venues_with_rules_and_guarantees_can_be_coded(tmp_path):
    study = usual(ct.Study("three_venues"))
    file = ct.write_report(tmp_path / "r.html", study, disclosure=Disclosure(rng=1))
    text = file.read_text("utf-8")
    assert "Clearing house" not in text and "assessments" not in text and "layer 1" in text


def test_a_name_that_is_found_stops_the_report(tmp_path):
    """A node is called as a word of the report is: only the author knows that it tells nothing."""
    nodes = {"node": ["Holders", "Gnesta", "Oslo"], "external_assets": [12.0, 20, 1]}
    claims = {"creditor": ["Gnesta", "Oslo"], "debtor": ["Holders", "Gnesta"], "amount": [10.0, 9]}
    ct.ExposureNetwork(nodes, claims).write(tmp_path / "data")
    study = ct.Study(tmp_path / "data", shock=ct.Shock.default("Holders"))
    file = tmp_path / "r.html"
    with pytest.raises(ct.errors.DisclosureError, match="'Holders' occurs in the report"):
        ct.write_report(file, study, disclosure=Disclosure(), tables=tmp_path / "t")
    assert sorted(x.name for x in tmp_path.iterdir()) == ["data"]
    how = Disclosure(common=("Holders",))
    assert ct.write_report(file, study, disclosure=how).exists()


# -- what is refused ----------------------------------------------------------------------------


def test_what_cannot_be_coded_is_refused(tmp_path, folder):
    net = ct.datasets.load("neva_ring3")
    result = ct.EisenbergNoe().propagate(net, ct.Shock.default("A"))
    with pytest.raises(ct.ArgumentError, match="give a Study"):
        ct.write_report(tmp_path / "r.html", net, result, disclosure=Disclosure())
    with pytest.raises(ct.ArgumentError, match="Keep it apart"):
        ct.write_report(
            tmp_path / "r.html", ct.Study("neva_ring3"), tables=tmp_path / "t",
            disclosure=Disclosure(), key=tmp_path / "t" / "key.csv",
        )  # fmt: skip
    fund = {"fund": {"kind": "insurance-fund", "node": "A", "amount": 2.0}}
    study = ct.Study(
        "neva_ring3", shock=ct.Shock.default("A"),
        outputs={"run": {}, "policy": {"interventions": fund}},
    )  # fmt: skip
    with pytest.raises(ct.errors.DisclosureError, match="ratios=False"):
        ct.write_report(tmp_path / "r.html", study, disclosure=Disclosure())
    assert not list(tmp_path.iterdir())


# -- cells that follow --------------------------------------------------------------------------


def relations(rows: int, columns: int) -> np.ndarray:
    found = []
    for i in range(rows + 1):
        grid = np.zeros((rows + 1, columns + 1))
        grid[i, :columns], grid[i, columns] = 1, -1
        found.append(grid.ravel())
    for j in range(columns + 1):
        grid = np.zeros((rows + 1, columns + 1))
        grid[:rows, j], grid[rows, j] = 1, -1
        found.append(grid.ravel())
    return np.array(found)


def span(values: np.ndarray, hidden: np.ndarray, sums: np.ndarray, cell: int) -> float:
    """How far a hidden cell can lie from itself with all that is shown, by linear programmes."""
    at = np.flatnonzero(hidden)
    right = -sums[:, ~hidden] @ values[~hidden]
    goal = (at == cell).astype(float)
    ends = [
        linprog(sign * goal, A_eq=sums[:, at], b_eq=right, bounds=(0, 10 * values.max())).fun
        for sign in (1, -1)
    ]
    return -ends[1] - ends[0]


@pytest.mark.parametrize("seed", range(12))
def test_no_hidden_cell_follows_from_the_totals(seed):
    rng = np.random.default_rng(seed)
    rows, columns = rng.integers(2, 5, 2)
    inside = rng.uniform(1, 9, (rows, columns))
    grid = np.block([[inside, inside.sum(1, keepdims=True)],
                     [inside.sum(0, keepdims=True), inside.sum(keepdims=True)]])  # fmt: skip
    values, sums = grid.ravel(), relations(rows, columns)
    first = np.zeros(grid.shape, bool)
    first[:rows, :columns] = rng.random((rows, columns)) < 0.25
    first[0, 0] = True
    hidden = protected(values, first.ravel(), sums)
    assert (hidden >= first.ravel()).all()
    for cell in np.flatnonzero(hidden):
        assert span(values, hidden, sums, cell) > 1e-6
    follows = determined(sums, first.ravel())
    for cell in np.flatnonzero(first.ravel()):
        assert follows[cell] == (span(values, first.ravel(), sums, cell) < 1e-6)


def test_few_and_dominated_sums_are_found():
    parts = [np.array([]), np.array([1.0, 1, 0]), np.ones(3), np.array([6.0, 3, 1]),
             np.array([5.0, 3, 1, 1])]  # fmt: skip
    assert primary(parts).tolist() == [False, True, False, True, False]


def test_the_command_writes_codes_and_their_key(tmp_path, folder, study, capsys):
    from contagion.cli import run

    files = [tmp_path / name for name in ("study.toml", "r.html", "key.csv")]
    study.write(files[0])
    assert run(["report", str(files[0]), "--out", str(files[1]), "--codes", str(files[2])]) == 0
    assert "Key, to keep apart" in capsys.readouterr().out
    assert set(pd.read_csv(files[2])["name"]) == set(TOWNS)
    assert not any(town.casefold() in files[1].read_text("utf-8").casefold() for town in TOWNS)


def test_a_name_inside_packed_data_is_found():
    kind, data = packed({"a": "Quedlinburg", "b": [f"{k:x}" for k in range(20_000)]})
    text = f'<script type="{kind}" class="ct-data">{data}</script>'
    assert kind == "application/gzip" and "Quedlinburg" not in text
    assert any("Quedlinburg" in one for one in unpacked(text))


def test_the_map_of_codes_has_classes_of_size_and_no_amounts_but_losses(out):
    (text,) = unpacked((out / "r.html").read_text("utf-8"))
    data = json.loads(text)
    assert not any(data["panels"]) and not any(mark[3] for mark in data["marks"])
    assert not any("".join(row[2:5]) for row in data["rows"]) and len(set(data["sizes"])) == 3
    page = Page((out / "r.html").read_text("utf-8"))
    assert "assets in three classes" in page.text and "Assets at least" not in page.text
