"""Networks on disk: the numbers of the models in memory, whatever breaks a run off."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import others_slow

import contagion as ct
from contagion.errors import ArgumentError, MissingPackageError, NetworkError, StressError
from contagion.outofcore import DiskRun, clear, distress, structure
from contagion.outofcore.disk import MANIFEST, Disk, database
from contagion.outofcore.outcomes import TABLE

pytest.importorskip("duckdb", reason="needs contagion-risk[outofcore]")
MODELS = {"clear": (clear, ct.EisenbergNoe()), "distress": (distress, ct.DebtRank())}
SHOCK = (
    ct.Shock.relative(0.3)
    + ct.Shock.loss({"n1": 0.01})
    + ct.Shock.default(["n3", "n7"], recovery=[0.4, 0.0])
    + ct.Shock.equity(relative={"n5": 0.5})
)


def tables(seed: int, n: int = 60, links: float = 0.1) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Nodes and exposures; some nodes cannot fail, with odd seeds none lacks anything before."""
    rng = np.random.default_rng(seed)
    there = rng.random((n, n)) < links
    np.fill_diagonal(there, False)
    creditor, debtor = np.nonzero(there)
    amount = rng.lognormal(0, 1.5, len(creditor))
    claims, debts = np.bincount(creditor, amount, n), np.bincount(debtor, amount, n)
    names = np.array([f"n{k}" for k in range(n)])
    outside = rng.exponential(0.2, n) * (rng.random(n) < 0.5)
    needed = np.maximum(debts + outside - claims, 0)
    short = 1.0 if seed % 2 else rng.uniform(0.8, 1.1, n)
    nodes = pd.DataFrame(
        {
            "node": names,
            "external_assets": needed * short + rng.exponential(1, n) * (np.arange(n) != 9),
            "external_liabilities": outside,
            "can_fail": rng.random(n) > 0.05,
        }
    )
    nodes.loc[5, ["external_assets", "can_fail"]] = [needed[5] + 1.0, True]
    owed = pd.DataFrame({"creditor": names[creditor], "debtor": names[debtor], "amount": amount})
    return nodes, owed


def stored(at: Path, nodes: pd.DataFrame, owed: pd.DataFrame, parts: int = 1) -> dict[str, Path]:
    """The two tables as Parquet; with parts, the exposures as a folder of files."""
    at.mkdir(parents=True, exist_ok=True)
    nodes.to_parquet(at / "nodes.parquet")
    place = at / "exposures.parquet"
    if parts == 1:
        owed.to_parquet(place)
    else:
        place = at / "exposures"
        place.mkdir()
        for k in range(parts):
            owed.iloc[k::parts].to_parquet(place / f"{k}.parquet")
    return {"exposures": place, "nodes": at / "nodes.parquet"}


def whole(run: DiskRun) -> pd.DataFrame:
    return pd.read_parquet(run.path / TABLE).sort_values("node", ignore_index=True)


# -- the numbers --------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", others_slow(range(12)))
@pytest.mark.parametrize("name", MODELS)
def test_the_numbers_are_those_of_the_models_in_memory(name, seed, tmp_path):
    run, model = MODELS[name]
    nodes, owed = tables(seed)
    net = ct.ExposureNetwork(nodes, owed)
    found = run(**stored(tmp_path, nodes, owed, 1 + seed % 3), shock=SHOCK, folder=tmp_path / "run")
    result = model.propagate(net, SHOCK)
    scale = 1.0 + (net.book.claims + net.book.external_assets + net.book.debts)
    table = found.of(net.names).loc[net.names]
    for column in result.table.columns.intersection(table.columns):
        mine, theirs = (x[column].to_numpy(float) for x in (table, result.table))
        if name == "clear":
            assert (np.isnan(mine) == np.isnan(theirs)).all()
        assert np.nanmax(np.abs(mine - theirs) / scale) < 1e-9, column
    assert set(result.table) - set(table.columns) == {"default_round"}
    assert found.nodes == len(net) and found.totals["defaults"] == result.table["defaulted"].sum()
    if name == "clear":
        told = result.socialization.to_dict()
        for word in ("initial_loss", "socialized"):
            assert found.totals[word] == pytest.approx(told[word], rel=1e-8)
        np.testing.assert_allclose(table["external_loss"], result.entries.outside, atol=1e-8)


@pytest.mark.parametrize("given", [
    ["external_assets"],
    ["equity"],
    ["external_assets", "equity"],
    ["external_liabilities", "equity"],
    ["total_assets", "total_liabilities"],
    ["total_assets", "equity"],
])  # fmt: skip
def test_balance_sheets_are_completed_as_in_memory(given, tmp_path):
    nodes, owed = tables(1)
    book = ct.ExposureNetwork(nodes.assign(external_liabilities=0.0), owed).book
    sides = nodes.assign(
        external_liabilities=0.0, equity=book.equity,
        total_assets=book.external_assets + book.claims, total_liabilities=book.debts,
    )[["node", *given]]  # fmt: skip
    net = ct.ExposureNetwork(sides, owed)
    shock = ct.Shock.equity(relative=dict.fromkeys(net.names[net.book.equity > 0], 0.9))
    found = clear(**stored(tmp_path, sides, owed), shock=shock, folder=tmp_path / "run")
    table = ct.EisenbergNoe().propagate(net, shock).table
    mine = found.of(net.names).loc[net.names]
    for column in ("equity_before", "equity_after", "claims_lost"):
        np.testing.assert_allclose(mine[column], table[column], atol=1e-8)


def test_the_structure_is_that_of_the_measures(tmp_path):
    nodes, owed = tables(1)
    net = ct.ExposureNetwork(nodes, owed)
    found = structure(**stored(tmp_path, nodes, owed), folder=tmp_path / "run")
    usual = ct.measures.concentration_table(net)
    columns = ["total", "cr_1", "cr_3", "cr_5", "cr_10", "hhi", "gini"]
    np.testing.assert_allclose(found.concentration[columns], usual.loc[:, columns], rtol=1e-12)
    whole = ct.measures.topology(net)
    assert (found.nodes, found.exposures) == (whole.nodes, whole.exposures)
    assert (found.density, found.reciprocity) == pytest.approx((whole.density, whole.reciprocity))
    by_node = pd.read_parquet(found.table).set_index("node").loc[net.names]
    for column, side in (("debtors", "creditor"), ("creditors", "debtor")):
        np.testing.assert_array_equal(by_node[column], ct.measures.degree(net, side=side))
    np.testing.assert_allclose(by_node["claims"], ct.measures.strength(net, side="creditor"))
    assert by_node["largest_claim"].max() == owed["amount"].max()


def test_rows_of_a_pair_are_added_and_own_claims_dropped_on_demand(tmp_path):
    nodes, owed = tables(1)
    twice = pd.concat([owed.assign(amount=owed["amount"] / 2)] * 2)
    own = pd.DataFrame({"creditor": ["n1"], "debtor": ["n1"], "amount": [5.0]})
    files = stored(tmp_path / "twice", nodes, pd.concat([twice, own]))
    how = {"duplicates": "sum", "self_loops": "drop"}
    found = clear(**files, shock=SHOCK, folder=tmp_path / "a", **how)
    plain = clear(**stored(tmp_path / "once", nodes, owed), shock=SHOCK, folder=tmp_path / "b")
    pd.testing.assert_frame_equal(whole(found).drop(columns="id"), whole(plain).drop(columns="id"))


def test_sums_do_not_depend_on_the_order_of_their_terms(tmp_path):
    rng = np.random.default_rng(3)
    terms = rng.lognormal(0, 8, 5000) * rng.choice([-1, 1], 5000)
    with database(tmp_path, "200MB") as work:
        disk = Disk(tmp_path, work, 60)
        found = set()
        for _ in range(5):
            frame = pd.DataFrame({"x": rng.permutation(terms)})
            work.register("terms", frame)
            found.add(disk.one(f"select {disk.sum('x')} from terms")[0])
    assert len(found) == 1
    assert found.pop() == pytest.approx(terms.sum(), rel=1e-12)


def test_what_is_shown(tmp_path):
    nodes, owed = tables(1)
    found = clear(
        **stored(tmp_path, nodes, owed), shock=SHOCK, folder=tmp_path / "run", unit="EUR m"
    )
    assert "Clearing on disk (60 nodes)" in repr(found) and "EUR" in repr(found)
    assert "<table" in found._repr_html_()
    table = found.largest("shortfall", most=3)
    assert len(table) == 3 and table["shortfall"].is_monotonic_decreasing
    assert list(found.rounds.index) == list(range(len(found.rounds)))
    assert DiskRun(found.path).totals.equals(found.totals)
    with pytest.raises(ArgumentError, match="by"):
        found.largest("colour")


# -- breaking off and going on ------------------------------------------------------------------


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Files, and the table of a run that nothing disturbs."""
    at = tmp_path_factory.mktemp("undisturbed")
    files = stored(at, *tables(3))
    run = clear(**files, shock=SHOCK, folder=at / "run")
    return files, whole(run), run.rounds.drop(columns="seconds")


def same(run: DiskRun, undisturbed) -> None:
    """To the last bit."""
    pd.testing.assert_frame_equal(whole(run), undisturbed[1], check_exact=True)
    rounds = run.rounds.drop(columns="seconds")
    pd.testing.assert_frame_equal(rounds, undisturbed[2], check_exact=True)


@pytest.mark.parametrize("at", [1, 2, 5])
def test_a_run_that_was_broken_off_goes_on(at, undisturbed, tmp_path):
    files = undisturbed[0]
    with pytest.raises(ct.ConvergenceError, match="same folder the run resumes") as caught:
        clear(**files, shock=SHOCK, folder=tmp_path, max_rounds=at)
    assert len(caught.value.partial) == at
    run = clear(**files, shock=SHOCK, folder=tmp_path, memory="90MB")
    same(run, undisturbed)
    before = (run.path / TABLE).stat().st_mtime_ns
    assert clear(**files, shock=SHOCK, folder=tmp_path).path == run.path
    assert (run.path / TABLE).stat().st_mtime_ns == before
    assert not list(tmp_path.rglob("*.part")) and not (tmp_path / "spill").exists()


def test_a_closer_answer_goes_on_from_the_one_that_is_there(undisturbed, tmp_path):
    coarse = clear(**undisturbed[0], shock=SHOCK, folder=tmp_path, tolerance=1e-3)
    few = len(coarse.rounds)
    fine = clear(**undisturbed[0], shock=SHOCK, folder=tmp_path)
    assert few < len(fine.rounds)
    same(fine, undisturbed)


KILLED = """
    import sys
    import contagion as ct
    from contagion.outofcore.disk import Disk
    import test_outofcore
    note = Disk.note
    def told(self):
        note(self)
        print(self.path, flush=True)
    Disk.note = told
    exposures, nodes, folder = sys.argv[1:]
    ct.outofcore.clear(exposures, nodes=nodes, shock=test_outofcore.SHOCK, folder=folder)
"""


def begun(files: dict[str, Path], folder: Path) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(KILLED), *map(str, files.values()), str(folder)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parent,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("kills", others_slow([2, 12]))
def test_kills_change_nothing(kills, undisturbed, tmp_path):
    rng = np.random.default_rng(kills)
    for _ in range(kills):
        process = begun(undisturbed[0], tmp_path / "run")
        assert process.stdout is not None
        for _ in range(rng.integers(1, 8)):
            process.stdout.readline()
        time.sleep(rng.uniform(0, 0.05))
        process.send_signal(signal.SIGKILL)
        process.communicate()
    same(clear(**undisturbed[0], shock=SHOCK, folder=tmp_path / "run"), undisturbed)


def test_two_processes_do_not_work_in_one_folder(undisturbed, tmp_path):
    code = f"""
        from contagion.outofcore.disk import database
        with database({str(tmp_path)!r}, "200MB"):
            print("open", flush=True)
            input()
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None and process.stdout.readline()
        with pytest.raises(StressError, match="Another process works in"):
            clear(**undisturbed[0], shock=SHOCK, folder=tmp_path)
    finally:
        process.communicate(b"\n")
    same(clear(**undisturbed[0], shock=SHOCK, folder=tmp_path), undisturbed)


def flipped(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:60] + bytes([content[60] ^ 1]) + content[61:])


def test_a_damaged_round_or_result_is_made_again(undisturbed, tmp_path):
    with pytest.raises(ct.ConvergenceError):
        clear(**undisturbed[0], shock=SHOCK, folder=tmp_path, max_rounds=6)
    last = sorted((tmp_path / "clear").glob("round-*"))
    assert len(last) == 2
    flipped(last[1])
    run = clear(**undisturbed[0], shock=SHOCK, folder=tmp_path)
    same(run, undisturbed)
    flipped(run.path / TABLE)
    with pytest.raises(StressError, match=TABLE):
        _ = DiskRun(run.path).totals
    same(clear(**undisturbed[0], shock=SHOCK, folder=tmp_path), undisturbed)


@pytest.mark.parametrize(
    "name",
    ["network/exposures.parquet", "network/nodes.parquet", "network/manifest.json",
     "clear/manifest.json", "rounds"],
)  # fmt: skip
def test_what_cannot_be_mended_is_named(name, undisturbed, tmp_path):
    with pytest.raises(ct.ConvergenceError):
        clear(**undisturbed[0], shock=SHOCK, folder=tmp_path, max_rounds=6)
    damaged = [tmp_path / name]
    if name == "rounds":
        damaged = sorted((tmp_path / "clear").glob("round-*"))
    for path in damaged:
        flipped(path)
    with pytest.raises(StressError, match=damaged[-1].name.replace(".", r"\.")):
        clear(**undisturbed[0], shock=SHOCK, folder=tmp_path)


def test_another_run_in_the_folder_is_refused(undisturbed, tmp_path):
    files = undisturbed[0]
    clear(**files, shock=SHOCK, folder=tmp_path)
    with pytest.raises(StressError, match="holds another run"):
        clear(**files, shock=ct.Shock.relative(0.1), folder=tmp_path)
    with pytest.raises(StressError, match="holds another run"):
        clear(**stored(tmp_path / "x", *tables(4)), shock=SHOCK, folder=tmp_path)
    (tmp_path / "other" / "network").mkdir(parents=True)
    (tmp_path / "other" / "network" / "letter.txt").write_text("dear")
    with pytest.raises(StressError, match=r"letter\.txt"):
        clear(**files, shock=SHOCK, folder=tmp_path / "other")
    with pytest.raises(StressError, match=MANIFEST):
        _ = DiskRun(tmp_path / "nowhere").totals
    assert distress(**files, shock=ct.Shock.relative(0.1), folder=tmp_path).nodes == 60


@pytest.mark.slow
def test_a_network_that_does_not_fit_is_written_to_disk(tmp_path):
    rng = np.random.default_rng(1)
    n = 400_000
    names = np.array([f"node {k:012d} of a long name" for k in range(n)])
    pairs = np.unique(rng.integers(0, n, (5 * n, 2)), axis=0)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    owed = pd.DataFrame(
        {"creditor": names[pairs[:, 0]], "debtor": names[pairs[:, 1]],
         "amount": rng.lognormal(0, 1, len(pairs))}
    )  # fmt: skip
    nodes = pd.DataFrame({"node": names, "equity": rng.exponential(1, n)})
    shock = ct.Shock.equity(relative=0.5)
    files = stored(tmp_path, nodes, owed)
    largest, done = 0, threading.Event()

    def watch() -> None:
        nonlocal largest
        while not done.wait(0.02):
            sizes = []
            for path in (tmp_path / "small" / "spill").glob("*"):
                try:
                    sizes.append(path.stat().st_size)
                except OSError:
                    continue
            largest = max(largest, sum(sizes))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        small = clear(**files, shock=shock, folder=tmp_path / "small", memory="90MB")
    finally:
        done.set()
        watcher.join()
    assert largest > 10_000_000
    usual = clear(**files, shock=shock, folder=tmp_path / "usual", memory="4GB")
    columns = ["node", "loss", "claims_lost", "recovery_rate", "defaulted"]
    pd.testing.assert_frame_equal(whole(small)[columns], whole(usual)[columns], check_exact=True)
    result = ct.EisenbergNoe().propagate(ct.ExposureNetwork(nodes, owed), shock)
    theirs = result.table["claims_lost"].sort_index().to_numpy()
    np.testing.assert_allclose(whole(small)["claims_lost"], theirs, atol=1e-8)


# -- what is wrong with the input ---------------------------------------------------------------


def broken(change, which: str = "owed"):
    """Tables with three wrong rows."""
    nodes, owed = tables(1)
    frame = (nodes if which == "nodes" else owed).copy()
    frame = change(frame)
    return (frame, owed) if which == "nodes" else (nodes, frame)


def put(column: str, value, rows: int = 3):
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[: rows - 1, column] = value
        return frame

    return change


WRONG = {
    "NaN": ("owed", put("amount", np.nan), ["C006"], "3 exposures empty or NaN.*n0 → "),
    "infinite": ("owed", put("amount", np.inf), ["C006"], "3 exposures infinite.*n0 → "),
    "negative": ("owed", put("amount", -1.0), ["C006"], "3 exposures negative.*n0 → "),
    "unknown": ("owed", put("debtor", "nobody"), ["C004"], "1 id is missing from.*nobody"),
    "blank": ("owed", put("creditor", None), ["C004"], "3 exposures without creditor"),
    "own": ("owed", lambda x: x.assign(debtor=x["debtor"].where(x.index > 2, x["creditor"])),
            ["C003"], "3 exposures of a node on itself.*n0 → n0"),
    "twice": ("owed", lambda x: pd.concat([x, x[:3]]), ["C002"], "3 pairs.*6 rows.*n0"),
    "node twice": ("nodes", lambda x: pd.concat([x, x[:2]]), ["C004"], "2 ids occur more.*n0"),
    "no name": ("nodes", put("node", None, 1), ["C004"], "1 row of the node table without"),
    "no equity": ("nodes", put("external_assets", np.nan), ["C005"], "3 nodes without equity.*n0"),
    "below 0": ("nodes", put("external_assets", -1.0), ["C008"], "3 nodes with negative.*n0"),
    "no number": ("nodes", put("external_assets", np.inf), ["C006"], "3 nodes.*infinite.*n0"),
    "contradiction": ("nodes", lambda x: x.assign(equity=1e6), ["C008"], "60 nodes with a stated"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_counted_and_shown(what, tmp_path):
    which, change, codes, said = WRONG[what]
    files = stored(tmp_path, *broken(change, which))
    for _ in range(2):  # a folder that was begun in vain is no hindrance
        with pytest.raises(NetworkError) as caught:
            clear(**files, shock=ct.Shock(), folder=tmp_path / "run")
        assert [each.code for each in caught.value.findings] == codes
        message = caught.value.findings[0].message
        assert pd.Series([message]).str.contains(said).all(), message
    nodes, owed = tables(1)
    fixed = clear(
        **stored(tmp_path / "fixed", nodes, owed), shock=ct.Shock(), folder=tmp_path / "new"
    )
    assert fixed.totals["owners_loss"] == 0


def test_all_problems_are_told_together(tmp_path):
    nodes, owed = tables(1)
    owed.loc[0, "amount"], owed.loc[1, "amount"], owed.loc[2, "debtor"] = -1.0, np.nan, "who"
    with pytest.raises(NetworkError) as caught:
        clear(**stored(tmp_path, nodes, owed), shock=ct.Shock(), folder=tmp_path / "run")
    assert [each.code for each in caught.value.findings] == ["C006", "C006", "C004"]


def test_columns_that_are_missing_or_mean_more(tmp_path):
    nodes, owed = tables(1)
    for frames, said in (
        ((nodes, owed.rename(columns={"amount": "value"})), "missing: 'amount'"),
        ((nodes.rename(columns={"node": "bank"}), owed), "missing: 'node'"),
        ((nodes, owed.assign(tier=1)), "'tier' changes payments"),
        ((nodes.assign(rule="talmud"), owed), "'rule' changes payments"),
        ((nodes, owed.assign(amount=owed["amount"].astype(str))), "'amount' is no column of num"),
    ):
        with pytest.raises(NetworkError, match=said):
            clear(**stored(tmp_path, *frames), shock=ct.Shock(), folder=tmp_path / "run")


def test_files_that_are_no_tables(tmp_path):
    files = stored(tmp_path, *tables(1))
    run = {"shock": ct.Shock(), "folder": tmp_path / "run"}
    with pytest.raises(ct.MissingFileError, match="gone"):
        clear(tmp_path / "gone.parquet", nodes=files["nodes"], **run)
    (tmp_path / "table.csv").write_text("node\na")
    with pytest.raises(ArgumentError, match=r"table\.csv.* is no Parquet file"):
        clear(files["exposures"], nodes=tmp_path / "table.csv", **run)
    torn = tmp_path / "torn.parquet"
    torn.write_bytes(files["exposures"].read_bytes()[:-40])
    with pytest.raises(NetworkError, match=r"torn\.parquet cannot be read"):
        clear(torn, nodes=files["nodes"], **run)
    with pytest.raises(ArgumentError, match="memory='lots'"):
        clear(**files, memory="lots", **run)


def test_shocks_that_do_not_fit(tmp_path):
    nodes, owed = tables(1)
    files = stored(tmp_path, nodes, owed)
    net = ct.ExposureNetwork(nodes, owed)
    for shock, said in (
        (ct.Shock.loss({"who": 1.0}), "names 1 node that.*'who'"),
        (ct.Shock.loss({"n1": 1e9}), "'n1' would lose more than its external assets"),
        (ct.Shock.equity({"n5": 1e9}), "'n5' would lose more than its equity"),
        (ct.Shock.price({"ETH": -0.5}), "has no holdings"),
    ):
        with pytest.raises(ct.ShockError, match=said):
            clear(**files, shock=shock, folder=tmp_path / "run")
        if "holdings" not in said:
            with pytest.raises((ct.ShockError, ct.UnknownNameError)):
                shock.arrays(net)


def test_without_duckdb_the_extra_is_named(tmp_path, monkeypatch):
    files = stored(tmp_path, *tables(1))
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(MissingPackageError, match=r"contagion-risk\[outofcore\]"):
        clear(**files, shock=ct.Shock(), folder=tmp_path / "run")


def test_a_folder_is_no_file(tmp_path):
    files = stored(tmp_path, *tables(1))
    with pytest.raises(ArgumentError, match="folder"):
        clear(**files, shock=ct.Shock(), folder=tmp_path / "run.parquet")
