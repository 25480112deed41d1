"""Runs on disk: whole files or none, resumed to the last bit whatever broke them off."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import random_network

import contagion as ct
from contagion.errors import StressError
from contagion.experiments.stress import read_stress_test, resume, stress_test
from contagion.experiments.stress import run as running
from contagion.experiments.stress.folder import Folder
from contagion.experiments.stress.spec import network_digest
from contagion.parallel import Shipped, unpacked
from contagion.scenarios import scenario_set as base

MODEL = ct.EisenbergNoe()
COUNT = 12 * 1024 + 100


@pytest.fixture(scope="module")
def net() -> ct.ExposureNetwork:
    return random_network(2, 6, 2.0, frozenset({"tiers"}))


def scenarios(net: ct.ExposureNetwork, count: int = COUNT, seed: int = 1):
    return ct.scenarios.common_factor(net, scenarios=count, volatility=0.4, rng=seed)


@pytest.fixture(scope="module")
def whole(net, tmp_path_factory):
    """The run that nothing disturbs: its folder and its digest."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    test = stress_test(net, MODEL, scenarios(net), chunk=1024, out=folder)
    return folder, test.digest()


def files(folder: Path) -> dict[str, str]:
    """{file: hash of its content}, but for the manifest, which has times in it."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.parquet"))
    }


def state(folder: Path) -> dict:
    return json.loads((folder / "manifest.json").read_text())["run"]


class Stop(Exception):
    """What a test throws into a run."""


def break_off(monkeypatch, at: int, error: BaseException = Stop()) -> None:  # noqa: B008
    """Let the write of the `at`-th chunk fail."""
    save, seen = Folder.save_part, []

    def failing(self, part):
        seen.append(part)
        if len(seen) == at:
            raise error
        save(self, part)

    monkeypatch.setattr(Folder, "save_part", failing)


# -- what is in a folder ------------------------------------------------------------------------


def test_a_folder_is_read_by_anybody(whole, net):
    """pandas reads the scenarios, sha256sum the hashes, and JSON says what was run."""
    folder, digest = whole
    frame = pd.read_parquet(folder / "scenarios").sort_values("scenario", ignore_index=True)
    test = read_stress_test(folder)
    assert test.digest() == digest and test.complete
    assert (frame["loss"] == test.scenarios["loss"]).all() and len(frame) == COUNT
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    assert dict(line.split("  ")[::-1] for line in lines) == files(folder)
    assert len(lines) == 2 + 2 * 13
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["spec"]["model"]["name"] == "EisenbergNoe"
    assert manifest["spec"]["scenarios"]["seed"] == 1
    assert manifest["run"]["state"] == "complete" and manifest["run"]["seconds"] > 0
    assert list(test.names) == list(net.names) and list(test.kinds) == list(net.kinds)
    assert not list(folder.rglob(".*"))


def test_nothing_that_runs_is_read(whole, tmp_path):
    """Not even with a pickle in the place of a file."""
    for path in Path(running.__file__).parent.glob("*.py"):
        assert "pickle" not in path.read_text(), path.name
    import pickle

    folder = copied(whole[0], tmp_path / "run")
    name = next((folder / "sums").iterdir())
    name.write_bytes(pickle.dumps(Bomb()))
    content = hashlib.sha256(name.read_bytes()).hexdigest()
    sums = folder / "SHA256SUMS"
    old = hashlib.sha256((whole[0] / "sums" / name.name).read_bytes()).hexdigest()
    sums.write_text(sums.read_text().replace(old, content))
    with pytest.raises(Exception, match=r"(?i)parquet"):
        read_stress_test(folder)
    assert not Bomb.went_off


class Bomb:
    went_off = False

    def __reduce__(self):
        return (setattr, (Bomb, "went_off", True))


def copied(folder: Path, to: Path) -> Path:
    import shutil

    shutil.copytree(folder, to)
    return to


def test_arrays_by_node_are_kept_in_the_folder(net, tmp_path):
    options = {"keep": ("loss", "defaulted"), "chunk": 1024}
    set_of = scenarios(net, 3000)
    memory = stress_test(net, MODEL, set_of, **options)
    disk = stress_test(net, MODEL, set_of, out=tmp_path, **options)
    again = read_stress_test(tmp_path)
    for test in (disk, again):
        for what in options["keep"]:
            assert (test.kept(what) == memory.kept(what)).all()
            assert test.kept(what).dtype == memory.kept(what).dtype
    np.testing.assert_allclose(memory.kept().sum(axis=1), memory.scenarios["loss"])
    np.testing.assert_allclose(memory.kept().mean(axis=0), memory.nodes["mean_loss"])
    assert (memory.kept("defaulted").sum(axis=1) == memory.scenarios["defaults"]).all()
    broken = next((tmp_path / "kept").iterdir())
    broken.write_bytes(broken.read_bytes()[:-1])
    with pytest.raises(StressError, match="differ from their hash"):
        read_stress_test(tmp_path)
    fixed = stress_test(net, MODEL, set_of, out=tmp_path, **options)
    assert (fixed.kept("loss") == memory.kept("loss")).all()


def test_ensembles_groups_weights_and_targets_come_back_from_disk(net, tmp_path):
    tilted = ct.scenarios.common_factor(
        net,
        scenarios=9000,
        volatility=0.3,
        sampling=ct.scenarios.Sampling(antithetic=True, tilt=1.0),
        rng=2,
    )
    options = {"target_error": 0.02, "weighting": "self-normalised", "joint": [net.names[1]]}
    for design in ("crossed", "paired"):
        folder = tmp_path / design
        test = stress_test([net, net], MODEL, tilted, design=design, out=folder, **options)
        again = read_stress_test(folder)
        assert again.digest() == test.digest()
        assert again.mean() == test.mean() and again.value_at_risk() == test.value_at_risk()
        pd.testing.assert_frame_equal(again.nodes, test.nodes)
        pd.testing.assert_frame_equal(again.joint_defaults, test.joint_defaults)
        pd.testing.assert_series_equal(again.variance(), test.variance())
        assert repr(again) == repr(test)
        assert len(again) < 9000


# -- breaking off and going on ------------------------------------------------------------------


@pytest.mark.parametrize("at", [1, 2, 7, 13])
def test_going_on_gives_the_same_files(at, net, whole, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        break_off(patch, at)
        with pytest.raises(Stop):
            stress_test(net, MODEL, scenarios(net), chunk=1024, out=tmp_path)
    assert state(tmp_path)["state"] == "interrupted: Stop"
    if at == 1:
        with pytest.raises(StressError, match="no chunk"):
            read_stress_test(tmp_path)
    else:
        part = read_stress_test(tmp_path)
        assert len(part) == 1024 * (at - 1) and not part.complete
        assert "not complete" in repr(part)
    calls = []
    monkeypatch.setattr(running, "run", counted(running.run, calls))
    test = stress_test(net, MODEL, scenarios(net), out=tmp_path)
    assert len(calls) == 13 - (at - 1)
    assert test.digest() == whole[1] and files(tmp_path) == files(whole[0])
    assert state(tmp_path)["sessions"] == 2


def counted(function, calls):
    def call(*arguments):
        calls.append(arguments)
        return function(*arguments)

    return call


def test_what_a_killed_process_left_behind_is_cleared_away(net, whole, tmp_path):
    folder = copied(whole[0], tmp_path / "run")
    (folder / "sums" / ".half.parquet.123.part").write_bytes(b"PAR1")
    stress_test(net, MODEL, scenarios(net), out=folder)
    assert not list(folder.rglob("*.part"))


def test_ctrl_c_leaves_a_folder_to_go_on_with(net, whole, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        break_off(patch, 5, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            stress_test(net, MODEL, scenarios(net), chunk=1024, out=tmp_path)
    assert resume(tmp_path, net, MODEL, scenarios(net)).digest() == whole[1]


def test_a_finished_run_is_not_run_again(net, whole, tmp_path, monkeypatch):
    folder = copied(whole[0], tmp_path / "run")
    monkeypatch.setattr(running, "run", None)
    monkeypatch.setattr(running, "run_tail", None)
    assert stress_test(net, MODEL, scenarios(net), out=folder).digest() == whole[1]


@pytest.mark.parametrize("what", ["flipped", "cut off", "gone", "empty", "without its line"])
@pytest.mark.parametrize("where", ["scenarios", "sums", "tails.parquet", "nodes.parquet"])
def test_a_damaged_file_is_found_and_computed_again(where, what, net, whole, tmp_path):
    folder = copied(whole[0], tmp_path / "run")
    path = folder / where
    path = sorted(path.iterdir())[4] if path.is_dir() else path
    content, sums = path.read_bytes(), folder / "SHA256SUMS"
    if what == "flipped":
        path.write_bytes(content[:60] + bytes([content[60] ^ 1]) + content[61:])
    elif what == "cut off":
        path.write_bytes(content[:-9])
    elif what == "empty":
        path.write_bytes(b"")
    elif what == "gone":
        path.unlink()
    else:
        lines = [line for line in sums.read_text().splitlines() if path.name not in line]
        sums.write_text("\n".join([*lines, "0123 torn"]))
    with pytest.raises(StressError, match=r"hash|missing|damaged"):
        read_stress_test(folder)
    assert stress_test(net, MODEL, scenarios(net), out=folder).digest() == whole[1]
    assert files(folder) == files(whole[0]) and read_stress_test(folder).digest() == whole[1]
    if what in ("flipped", "cut off", "empty") and path.parent != folder:
        assert state(folder)["recomputed"] == [str(path.relative_to(folder))]


@pytest.mark.parametrize(
    "old, new",
    [
        ('"seconds": ', '"seconds": 1'),
        ("12388", "1238"),
        ('"format": 2', '"format": 1'),
        ("{", "ÿ"),
    ],
)
def test_a_damaged_manifest_is_named(old, new, net, whole, tmp_path):
    folder = copied(whole[0], tmp_path / "run")
    text = (folder / "manifest.json").read_text()
    assert old in text
    (folder / "manifest.json").write_bytes(text.replace(old, new, 1).encode("latin-1"))
    for call in (
        lambda: read_stress_test(folder),
        lambda: stress_test(net, MODEL, scenarios(net), out=folder),
    ):
        with pytest.raises(StressError, match=r"manifest\.json .*(hash|format|JSON)"):
            call()


def test_a_full_disk_leaves_whole_files(net, whole, tmp_path, monkeypatch):
    """Half of a file is written, then there is no space: also for the manifest after it."""
    fsync, seen = os.fsync, []

    def full(handle):
        seen.append(handle)
        if len(seen) > 40:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space") as caught:
            stress_test(net, MODEL, scenarios(net), chunk=1024, out=tmp_path)
    assert "Free space and run the same" in caught.value.__notes__[0]
    assert not list(tmp_path.rglob(".*.part"))
    assert 0 < len(read_stress_test(tmp_path)) < COUNT
    assert stress_test(net, MODEL, scenarios(net), out=tmp_path).digest() == whole[1]
    assert files(tmp_path) == files(whole[0])


# -- another run in the same folder -------------------------------------------------------------


def test_another_run_in_the_folder_is_refused_with_what_differs(net, whole, tmp_path):
    folder, set_of = copied(whole[0], tmp_path / "run"), scenarios(net)
    before = files(folder)
    cases = [
        ("model.name: EisenbergNoe there, Furfine here", ct.models.Furfine(), set_of, {}),
        ("tolerance: 1e-10 there, 1e-07 here", ct.EisenbergNoe(tolerance=1e-7), set_of, {}),
        ("scenarios.seed: 1 there, 2 here", MODEL, scenarios(net, seed=2), {}),
        ("plan.count: 12388 there, 99 here", MODEL, scenarios(net, 99), {}),
        ("options.baseline: cleared there, book here", MODEL, set_of, {"baseline": "book"}),
        ("options.levels", MODEL, set_of, {"levels": (0.9,)}),
        ("options.keep", MODEL, set_of, {"keep": ("loss",)}),
        ("chunks of 1,024 scenarios, not of 2,048", MODEL, set_of, {"chunk": 2048}),
    ]
    for message, model, given, options in cases:
        with pytest.raises(StressError, match=message):
            stress_test(net, model, given, out=folder, **options)
    other = random_network(3, 6, 2.0, frozenset({"tiers"}))
    with pytest.raises(StressError, match="networks: it has other exposures"):
        stress_test(other, MODEL, scenarios(other), out=folder)
    with pytest.raises(StressError, match="tolerance"):
        resume(folder, net, ct.EisenbergNoe(tolerance=1e-7), set_of)
    assert files(folder) == before


def test_networks_that_differ_in_anything_have_other_digests():
    """Also where every balance sheet is the same."""
    nodes = pd.DataFrame({"node": list("abcd"), "external_assets": [9.0, 9, 9, 9]})
    owed = pd.DataFrame({"creditor": ["b", "d"], "debtor": ["a", "c"], "amount": [2.0, 2.0]})
    held = pd.DataFrame({"node": ["a"], "asset": ["x"], "value": [3.0]})
    cover = pd.DataFrame({"guarantor": ["d"], "debtor": ["a"], "creditor": ["b"], "amount": [1.0]})
    part = pd.DataFrame({"owner": ["d"], "company": ["a"], "fraction": [0.25]})
    turned = owed.assign(creditor=["d", "b"])
    make = ct.ExposureNetwork
    nets = [
        make(nodes, owed),
        make(nodes, turned),
        make(nodes, owed.assign(tier=[1, 2])),
        make(nodes.assign(can_fail=[True, True, True, False]), owed),
        make(nodes.assign(kind=["bank", "bank", "bank", "fund"]), owed),
        make(nodes, owed, unit="EUR"),
        make(nodes, owed, external_creditors="pari_passu"),
        make(nodes, owed, holdings=held),
        make(nodes, owed, guarantees=cover),
        make(nodes, owed, shareholdings=part),
        make(nodes, owed, rules={"a": ct.rules.EqualLosses()}),
        make(nodes, owed, rules={"a": ct.rules.Talmud()}),
        make(nodes, owed, rules={"c": ct.rules.Talmud()}),
    ]
    assert nets[0].balance_sheet.equals(nets[1].balance_sheet)
    digests = [network_digest(net) for net in nets]
    assert len(set(digests)) == len(nets)
    assert network_digest(make(nodes.copy(), owed.copy())) == digests[0]
    code = f"""if True:
        import pandas as pd, contagion as ct
        from contagion.experiments.stress.spec import network_digest
        nodes, owed = map(pd.DataFrame, {[t.to_dict("list") for t in (nodes, owed)]})
        net = ct.ExposureNetwork(nodes, owed, rules={{"a": ct.rules.EqualLosses()}})
        print(network_digest(net))"""
    again = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert again.stdout.strip() == digests[10]  # in another process too


def test_folders_that_hold_no_run(net, tmp_path):
    with pytest.raises(StressError, match="no stress test"):
        read_stress_test(tmp_path)
    with pytest.raises(StressError, match="no stress test"):
        resume(tmp_path, net, MODEL, scenarios(net))
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(StressError, match="not empty"):
        stress_test(net, MODEL, scenarios(net), out=tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(StressError, match="JSON"):
        read_stress_test(tmp_path)
    (tmp_path / "manifest.json").write_text('{"format": 99}')
    with pytest.raises(StressError, match="format is 99"):
        read_stress_test(tmp_path)


def test_names_that_parquet_cannot_hold_are_refused(tmp_path):
    net = ct.ExposureNetwork.from_matrix(
        [[0, 4], [0, 0]], ["a", 7], orientation="debtor->creditor", external_assets=[5, 1]
    )
    with pytest.raises(StressError, match="one type"):
        stress_test(net, MODEL, scenarios(net, 10), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


# -- processes ----------------------------------------------------------------------------------


def test_a_job_is_unpacked_once_in_a_process():
    first = Shipped({"x": 1})
    function, arguments = first.__reduce__()
    again = function(*arguments)
    assert again.job == {"x": 1} and function is unpacked
    assert unpacked(*arguments) is again
    assert first.__reduce__()[1][1] is arguments[1]


KILLED = """
    import sys
    import conftest
    import contagion as ct
    import contagion.scenarios.scenario_set
    from contagion.experiments.stress import stress_test
    from contagion.experiments.stress.folder import Folder

    contagion.scenarios.scenario_set.BLOCK = 32
    save = Folder.save_part
    def slowly(self, part):
        save(self, part)
        print(part.task, flush=True)
    Folder.save_part = slowly
    net = conftest.random_network(2, 6, 2.0, frozenset({"tiers"}))
    scenarios = ct.scenarios.common_factor(net, scenarios=200 * 32, volatility=0.4, rng=1)
    stress_test(net, ct.EisenbergNoe(), scenarios, chunk=32, levels=(), out=sys.argv[1])
"""


def begun(folder: Path) -> subprocess.Popen:
    """The run of `KILLED` in a process of its own, which tells each chunk that it has written."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(KILLED), str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parent,
        env={**os.environ, "PYTHONPATH": str(Path(ct.__file__).parent.parent)},
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_kill_in_the_middle_of_two_hundred_chunks(net, tmp_path, monkeypatch):
    """SIGKILL after some 80 chunks, without a word of warning. Blocks of 32 to be quick."""
    monkeypatch.setattr(base, "BLOCK", 32)
    set_of = scenarios(net, 200 * 32)
    process = begun(tmp_path / "run")
    assert process.stdout is not None
    for _ in range(80):
        assert process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    assert process.wait(timeout=300) == -signal.SIGKILL
    process.communicate()
    assert state(tmp_path / "run")["state"] == "running"
    done = len(read_stress_test(tmp_path / "run"))
    assert 80 * 32 <= done < 200 * 32
    again = resume(tmp_path / "run", net, MODEL, set_of)
    alone = stress_test(net, MODEL, set_of, levels=())
    assert again.digest() == alone.digest() and len(again) == 200 * 32


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_twenty_kills_at_random_moments_change_nothing(net, tmp_path, monkeypatch):
    """Killed after some of the chunks and some more time, then begun again, in one folder."""
    monkeypatch.setattr(base, "BLOCK", 32)
    rng, reached = np.random.default_rng(20), []
    for _ in range(20):
        process = begun(tmp_path / "run")
        assert process.stdout is not None and process.stderr is not None
        for _ in range(rng.integers(0, 12)):
            process.stdout.readline()
        time.sleep(rng.uniform(0, 0.01))
        process.kill()
        process.communicate()
        if (tmp_path / "run" / "scenarios").exists():
            reached.append(len(list((tmp_path / "run" / "scenarios").glob("*.parquet"))))
    assert reached == sorted(reached) and 20 < reached[-1] < 200
    again = stress_test(net, MODEL, scenarios(net, 200 * 32), levels=(), out=tmp_path / "run")
    alone = stress_test(net, MODEL, scenarios(net, 200 * 32), levels=(), chunk=32,
                        out=tmp_path / "alone")  # fmt: skip
    assert again.digest() == alone.digest()
    assert files(tmp_path / "run") == files(tmp_path / "alone")


@pytest.mark.slow
def test_two_processes_in_one_folder_write_the_same_run(net, tmp_path, monkeypatch):
    monkeypatch.setattr(base, "BLOCK", 32)
    pair = [begun(tmp_path / "run") for _ in range(2)]
    for process in pair:
        _, error = process.communicate(timeout=240)
        assert process.returncode == 0, error.decode()
    alone = stress_test(net, MODEL, scenarios(net, 200 * 32), levels=())
    assert read_stress_test(tmp_path / "run").digest() == alone.digest()
    assert state(tmp_path / "run")["state"] == "complete"
    assert not list((tmp_path / "run").rglob(".*.part"))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_killed_dask_worker_changes_nothing(net, whole, tmp_path):
    distributed = pytest.importorskip("distributed", reason="needs contagion-risk[distributed]")
    import warnings

    import joblib

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the cluster about the worker that is killed
        with (
            distributed.LocalCluster(
                n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
            ) as cluster,
            distributed.Client(cluster) as client,
            joblib.parallel_config(backend="dask"),
        ):
            workers = client.run(os.getpid)
            victim = next(iter(workers.values()))
            killed, copies = [], []
            save = Folder.save_part

            def kill(self, part):
                save(self, part)
                if not killed:
                    held = client.who_has().items()
                    copies.extend(len(by) for key, by in held if "Shipped" in str(key))
                    os.kill(victim, signal.SIGKILL)
                    killed.append(victim)

            patch = pytest.MonkeyPatch()
            try:
                patch.setattr(Folder, "save_part", kill)
                test = stress_test(net, MODEL, scenarios(net), chunk=1024, out=tmp_path, n_jobs=2)
            finally:
                patch.undo()
    assert copies == [2]  # every worker has the network, so that the death of one loses nothing
    assert killed and test.digest() == whole[1] and files(tmp_path) == files(whole[0])


def test_progress_is_shown(net, capsys):
    stress_test(net, MODEL, scenarios(net, 3000), chunk=1024, progress=True)
    shown = capsys.readouterr().err
    assert "EisenbergNoe" in shown and "3000/3000" in shown


def test_a_run_goes_on_whatever_its_beginning_left_behind(net, whole, tmp_path):
    """Killed between any two of: folders, manifest, hashes, nodes; and with a command beside."""
    for stage in ("folders", "manifest", "no nodes"):
        folder = tmp_path / stage
        folder.mkdir()
        (folder / "study.toml").write_text("{}")
        for part in ("scenarios", "sums", "kept")[: 2 if stage == "folders" else 3]:
            (folder / part).mkdir()
        if stage == "folders":
            (folder / ".manifest.json.123.part").write_text("{")
            assert stress_test(net, MODEL, scenarios(net), out=folder).digest() == whole[1]
        else:
            (folder / "manifest.json").write_text((whole[0] / "manifest.json").read_text())
            if stage == "no nodes":
                (folder / "SHA256SUMS").write_text("")
            assert resume(folder, net, MODEL, scenarios(net)).digest() == whole[1]
        assert (folder / "study.toml").read_text() == "{}"
        assert not list(folder.rglob(".*.part"))


def test_strange_things_in_a_folder_are_named(net, tmp_path):
    for number, make in enumerate(
        (
            lambda at: (at / "study.toml.bak").write_text(""),
            lambda at: (at / ".notes.1.part").write_text(""),
            lambda at: ((at / "sums").mkdir(), (at / "sums" / "x").write_text("")),
        )
    ):
        at = tmp_path / str(number)
        at.mkdir()
        make(at)
        before = sorted(at.rglob("*"))
        with pytest.raises(StressError, match="not empty"):
            stress_test(net, MODEL, scenarios(net), out=at)
        assert sorted(at.rglob("*")) == before
    with pytest.raises(StressError, match="is a file"):
        stress_test(net, MODEL, scenarios(net), out=tmp_path / "0" / "study.toml.bak")
    for text in ("[]", "3", '{"format": 1}'):
        (tmp_path / "manifest.json").write_text(text)
        with pytest.raises(StressError, match="not a manifest that this version reads"):
            read_stress_test(tmp_path)
