"""The command stress."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pandas as pd
import pytest
from conftest import others_slow
from terminal import fits, flat

import contagion as ct
from contagion.cli.specifying import drawn
from contagion.cli.stress_text import show
from contagion.experiments.stress.folder import Folder
from contagion.study import StudyRun

CEFI = "cefi_credit_2022"


pytestmark = pytest.mark.usefixtures("narrow")


@pytest.fixture
def stops(monkeypatch):
    """Stop a run when it writes its second chunk, until `go` is called."""

    def stop(how):
        calls, save = [], Folder.save_part

        def saving(self, part):
            calls.append(part)
            if len(calls) == 2:
                how()
            save(self, part)

        monkeypatch.setattr(Folder, "save_part", saving)
        return lambda: monkeypatch.setattr(Folder, "save_part", save)

    return stop


def interrupt():
    raise KeyboardInterrupt


def terminate():
    signal.raise_signal(signal.SIGTERM)


def set_of(kind, given=None, count=None, seed=None):
    return StudyRun(drawn(ct.Study(CEFI), kind, given, count, seed)).scenarios


def expected(count: int = 3000, rng: int = 5, **words):
    net = ct.datasets.load(CEFI)
    drawn = ct.scenarios.common_factor(net, scenarios=count, rng=rng, **words)
    return ct.stress_test(net, ct.EisenbergNoe(), drawn, baseline="cleared")


def test_stress_equals_python(cli):
    words = ("stress", CEFI, "--set", "volatility=0.3", "--set", "correlation=0.5",
             "--count", "3000", "--rng", "5", "--level", "0.9")  # fmt: skip
    code, out, err = cli(*words, "--json")
    data, test = json.loads(out), expected(volatility=0.3, correlation=0.5)
    assert code == 0 and err == ""
    for of in ("loss", "socialized"):
        for name, found in (
            ("mean", test.mean(of)),
            ("value_at_risk_0.9", test.value_at_risk(0.9, of)),
            ("expected_shortfall_0.9", test.expected_shortfall(0.9, of)),
        ):
            for part in ("value", "low", "high", "standard_error"):
                assert data[of][name][part] == getattr(found, part)
    assert data["scenarios"]["seed"] == 5 and data["run"] == 3000 and data["unconverged"] == 0
    voyager = next(row for row in data["nodes"] if row["node"] == "voyager")
    row = test.default_probability().loc["voyager"]
    assert (voyager["default_value"], voyager["default_high"]) == (row["value"], row["high"])
    code, out, _ = cli(*words)
    assert code == 0 and fits(out)
    assert "3,000 scenarios: common-factor, volatility=0.3, correlation=0.5, mean=0.0, seed=5" in (
        flat(out)
    )
    for found in (test.mean(), test.value_at_risk(0.9), test.expected_shortfall(0.9)):
        line = f"{found.value / 1e6:,.1f} {found.low / 1e6:,.1f} – {found.high / 1e6:,.1f}"
        assert line in flat(out)
    assert "VaR 95%" not in out and "All scenarios converged." in out
    assert f"voyager {row['value']:.2%}" in flat(out)
    places = [out.index(f"\n{name} ") for name in ("celsius", "three_arrows", "genesis", "voyager")]
    assert places == sorted(places)
    assert "assumption: equity of genesis assumed 200 m USD" in out


def test_the_usual_run_is_ten_thousand_with_seed_0_from_the_clearing(cli):
    _, out, _ = cli("stress", CEFI, "--json")
    data = json.loads(out)
    assert data["run"] == 10_000 and data["scenarios"]["seed"] == 0
    assert data["options"]["baseline"] == "cleared" and data["options"]["levels"] == [0.95, 0.99]
    assert data["digest"] == expected(10_000, 0).digest()
    _, out, _ = cli("stress", CEFI, "--count", 500, "--baseline", "book", "--json")
    assert json.loads(out)["options"]["baseline"] == "book"


@pytest.mark.parametrize("how", [interrupt, terminate])
def test_a_stopped_run_goes_on_with_the_folder_alone(cli, stops, tmp_path, monkeypatch, how):
    ct.datasets.load(CEFI).write(tmp_path / "net")
    monkeypatch.chdir(tmp_path)
    go = stops(how)
    words = ("stress", "net", "--count", "20000", "--rng", "3", "--model", "rogers-veraart",
             "--param", "alpha=0.8", "--param", "which=greatest", "--rule",
             "three_arrows=equal_losses")  # fmt: skip
    code, out, err = cli(*words, "--out", "run")
    assert (code, out) == (2, "") and fits(err)
    assert "Results so far are in run. To resume: contagion stress --resume run" in flat(err)
    assert len(list((tmp_path / "run" / "scenarios").iterdir())) == 1
    go()
    monkeypatch.chdir(os.sep)
    code, out, err = cli("stress", "--resume", tmp_path / "run", "--json")
    assert code == 0 and err == ""
    monkeypatch.chdir(tmp_path)
    _, straight, _ = cli(*words, "--json")
    assert json.loads(out)["digest"] == json.loads(straight)["digest"]
    assert json.loads(out)["folder"] == str(tmp_path / "run")
    assert (
        ct.experiments.stress.read_stress_test(tmp_path / "run").digest()
        == json.loads(out)["digest"]
    )
    net = ct.datasets.load(CEFI)
    drawn = ct.scenarios.common_factor(net, scenarios=20000, rng=3)
    model = ct.models.RogersVeraart(alpha=0.8, which="greatest")
    ruled = net.with_rule("three_arrows", ct.rules.EqualLosses())
    digests = [
        ct.stress_test(each, model, drawn, baseline="cleared").digest() for each in (ruled, net)
    ]
    assert json.loads(out)["digest"] == digests[0] != digests[1]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize(
    "until", others_slow(["scenarios/*.parquet", "study.toml", "manifest.json"])
)
def test_a_killed_run_goes_on_with_the_folder_alone(cli, tmp_path, monkeypatch, until):
    """SIGKILL, as soon as a file is there; nothing is left to the process that is killed."""
    file = tmp_path / "june.toml"
    file.write_text('kind = "common_factor"\nvolatility = 0.4\nseed = 4\nscenarios = 60000\n')
    words = ["stress", CEFI, "--scenarios", "june.toml", "--level", "0.9"]
    code = "import sys; from contagion.cli import run; sys.exit(run(sys.argv[1:]))"
    held = subprocess.Popen(
        [sys.executable, "-c", code, *words, "--out", "run"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
    )
    while not any((tmp_path / "run").glob(until)):
        assert held.poll() is None
        time.sleep(0.0005)
    held.kill()
    assert held.wait() == -signal.SIGKILL
    monkeypatch.chdir(os.sep)
    code, out, err = cli("stress", "--resume", tmp_path / "run", "--json")
    assert (code, err) == (0, "")
    monkeypatch.chdir(tmp_path)
    _, straight, _ = cli(*words, "--json")
    assert json.loads(out)["digest"] == json.loads(straight)["digest"]
    assert list((tmp_path / "run").rglob(".*")) == []


def test_a_folder_with_a_command_alone_begins(cli, tmp_path, monkeypatch):
    """What a process that was killed before the manifest was there leaves behind."""
    words = ("stress", CEFI, "--count", 300, "--rng", 6, "--param", "tolerance=1e-9", "--out")
    cli(*words, tmp_path / "run")
    command = (tmp_path / "run" / "study.toml").read_text()
    for empty in ("scenarios", "sums"):
        (tmp_path / "new" / empty).mkdir(parents=True)
    (tmp_path / "new" / "study.toml").write_text(command)
    (tmp_path / "new" / ".manifest.json.77.part").write_text("{")
    code, out, _ = cli("stress", "--resume", tmp_path / "new", "--json")
    assert code == 0
    assert (
        json.loads(out)["digest"]
        == ct.experiments.stress.read_stress_test(tmp_path / "run").digest()
    )
    assert json.loads(out)["model"]["parameters"]["tolerance"] == "1e-09"
    assert (tmp_path / "new" / "study.toml").read_text() == command
    (tmp_path / "new" / "manifest.json").unlink()
    (tmp_path / "new" / "study.toml").write_text("")
    code, _, err = cli("stress", "--resume", tmp_path / "new")
    assert code == 2 and "study.toml: There is no network" in flat(err)


def test_a_run_that_is_refused_leaves_nothing(cli, tmp_path):
    code, _, err = cli("stress", CEFI, "--scenarios", "single-defaults", "--target-error", "0.1",
                       "--out", tmp_path / "run")  # fmt: skip
    assert code == 2 and "these scenarios are a list" in flat(err)
    assert not (tmp_path / "run").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    code, _, err = cli("stress", CEFI, "--count", 300, "--out", tmp_path / "mine")
    assert code == 2 and "there is 'letter.txt'" in flat(err) and fits(err)
    assert [file.name for file in (tmp_path / "mine").iterdir()] == ["letter.txt"]
    code, _, err = cli("stress", CEFI, "--count", 300, "--out", tmp_path / "mine" / "letter.txt")
    assert code == 2 and "is a file" in flat(err)


def test_the_way_to_terminate_is_as_before(cli):
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        assert cli("stress", CEFI, "--count", 10)[0] == 0
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)


def test_the_same_command_goes_on_and_another_is_refused(cli, stops, tmp_path):
    go = stops(interrupt)
    words = ("stress", CEFI, "--count", "20000", "--out", tmp_path / "run")
    assert cli(*words)[0] == 2
    go()
    code, out, _ = cli(*words)
    assert code == 0 and "Written to" in out and "contagion stress --resume" in flat(out)
    assert ct.experiments.stress.read_stress_test(tmp_path / "run").complete
    command = (tmp_path / "run" / "study.toml").read_text()
    code, _, err = cli("stress", CEFI, "--count", "20000", "--rng", 1, "--period", "2022-11",
                       "--out", tmp_path / "run")  # fmt: skip
    assert code == 2 and "holds another stress test" in flat(err) and "digest" not in err
    assert "networks: it has other exposures, balance sheets" in flat(err)
    assert "scenarios.seed: 0 there, 1 here" in flat(err)
    assert (tmp_path / "run" / "study.toml").read_text() == command


def test_stopped_without_a_folder_says_that_nothing_is_kept(cli, monkeypatch):
    monkeypatch.setattr("contagion.study.outputs.stress_test", lambda *args, **options: interrupt())
    code, _, err = cli("stress", CEFI)
    assert code == 2 and "No results were saved" in err and "--out DIR" in err


def test_a_folder_that_does_not_know_its_source_asks_for_it(cli, tmp_path):
    cli("stress", CEFI, "--count", 500, "--out", tmp_path / "run")
    (tmp_path / "run" / "study.toml").unlink()
    code, _, err = cli("stress", "--resume", tmp_path / "run")
    assert code == 2 and "Repeat the same command" in flat(err)
    code, _, err = cli("stress", "three_venues", "--count", 500, "--out", tmp_path / "run")
    assert code == 2 and not (tmp_path / "run" / "study.toml").exists()
    assert cli("stress", CEFI, "--count", 500, "--out", tmp_path / "run")[0] == 0
    assert cli("stress", "--resume", tmp_path / "run")[0] == 0


def test_scenarios_that_are_listed_have_no_intervals(cli):
    net = ct.datasets.load(CEFI)
    code, out, _ = cli("stress", CEFI, "--scenarios", "single-defaults", "--set", "recovery=0.2",
                       "--set", "nodes=genesis,three_arrows")  # fmt: skip
    assert code == 0 and fits(out) and "–" not in out and "VaR" not in out
    result = ct.EisenbergNoe().propagate(net, ct.Shock.default("genesis", 0.2), baseline="cleared")
    loss, other = result.socialization.borne, result.socialization.socialized
    assert f"genesis {loss / 1e6:,.1f} {other / 1e6:,.1f}" in flat(out)
    assert "a list, not a sample" in flat(out)
    _, out, _ = cli("stress", CEFI, "--scenarios", "single-defaults", "--json")
    data = json.loads(out)
    assert data["loss"] is None and [row["scenario"] for row in data["each"]] == list(net.names)


def test_scenarios_from_a_file_with_other_numbers_on_top(cli, tmp_path):
    file, net = tmp_path / "june.toml", ct.datasets.load(CEFI)
    file.write_text('kind = "t_copula"\nmarginals = [0, 0.1, 0.6]\ncorrelation = 0.3\n'
                    "degrees = 4\nseed = 9\nscenarios = 700\n")  # fmt: skip
    assert set_of(str(file)).digest() == ct.scenarios.read_scenarios(file, net).digest()
    other = set_of(str(file), ["degrees=8"], count=600, seed=2)
    want = ct.scenarios.t_copula(net, [0, 0.1, 0.6], 0.3, 8, scenarios=600, rng=2)
    assert other.digest() == want.digest()
    code, out, _ = cli("stress", CEFI, "--scenarios", file, "--json")
    assert code == 0 and json.loads(out)["scenarios"]["seed"] == 9
    file.write_text('kind = "t_copula"\nmarginals = [0, 0.1]\ncorelation = 0.3\ndegrees = 4\n')
    code, _, err = cli("stress", CEFI, "--scenarios", file)
    assert code == 2 and "Unknown key 'corelation'. Did you mean 'correlation'?" in flat(err)
    code, _, err = cli("stress", CEFI, "--scenarios", file, "--set", "correlation=0.1")
    assert code == 2 and err.startswith("june.toml:") and "Did you mean" in flat(err)


def test_parameters_in_words(tmp_path):
    net = ct.datasets.load(CEFI)

    table = tmp_path / "past.csv"
    table.write_text("day,genesis,voyager\n1,-0.1,0\n2,0.1,-0.2\n")
    past = pd.DataFrame({"genesis": [-0.1, 0.1], "voyager": [0, -0.2]})
    from_words = set_of("historical", [f"returns={table}", "horizon=5"], 200, 1)
    want = ct.scenarios.historical(net, past, horizon=5, scenarios=200, rng=1)
    assert np.array_equal(from_words.draw(0, 200).losses, want.draw(0, 200).losses)
    one = set_of("from-shocks", ["shocks=[{default = 'genesis'}, {loss = {voyager = 5}}]"])
    assert one.shock(1) == ct.Shock.loss({"voyager": 5.0})
    beta = set_of("gaussian-copula", ["marginals={distribution='beta', args=[2, 5]}",
                                           "correlation=0.2", "antithetic=true"], 100)  # fmt: skip
    assert beta.spec()["antithetic"] is True and beta.spec()["marginals"]["args"] == [2, 5]
    assert len(set_of("single_defaults", ["nodes=genesis"])) == 1


@pytest.mark.parametrize("kind", ["prices", "factors", "defaults", "single_defaults", "clayton"])
def test_a_study_makes_the_same_set_again(kind, tmp_path):
    net = ct.synthetic.generate.defi_stack(6, [3, 2], rng=1)
    made = {
        "prices": lambda: ct.scenarios.prices(
            net, 0.5, scenarios=50, rng=1, sampling=ct.scenarios.Sampling(tilt=2.0)
        ),
        "factors": lambda: ct.scenarios.factors(
            net,
            np.full((len(net), 2), 0.5),
            scenarios=32,
            sampling=ct.scenarios.Sampling(sobol=True, replicates=2),
            rng=1,
        ),
        "defaults": lambda: ct.scenarios.defaults(
            net, dict.fromkeys(net.names, 0.1), scenarios=50, rng=1
        ),
        "single_defaults": lambda: ct.scenarios.single_defaults(net, list(net.names[:2])),
        "clayton": lambda: ct.scenarios.clayton_copula(net, [0, 0.5], 2, scenarios=50, rng=1),
    }[kind]()
    net.write(tmp_path / "net")
    study = ct.Study(tmp_path / "net", scenarios=made, outputs="stress")
    read = ct.Study.read(study.write(tmp_path / "study.toml"))
    assert StudyRun(read).scenarios.digest() == made.digest()


def test_an_ensemble_of_a_folder(cli, tmp_path):
    net = ct.synthetic.generate.erdos_renyi(
        12, 3, sheets=ct.synthetic.generate.Sheets(capital=0.05), rng=2
    )
    net.write(tmp_path / "truth")
    cli("reconstruct", tmp_path / "truth", "--method", "fitness", "--density", "0.3",
        "--samples", 3, "--out", tmp_path / "nets")  # fmt: skip
    nets = [ct.read(folder) for folder in sorted((tmp_path / "nets").iterdir())]
    drawn = ct.scenarios.common_factor(nets[0], scenarios=400, rng=0)
    for words, design in (([], "crossed"), (["--paired"], "paired")):
        code, out, _ = cli("stress", tmp_path / "nets", "--count", 400, *words, "--json")
        want = ct.stress_test(nets, ct.EisenbergNoe(), drawn, baseline="cleared", design=design)
        data = json.loads(out)
        assert code == 0 and data["networks"]["count"] == 3 and data["digest"] == want.digest()
    code, out, _ = cli("stress", tmp_path / "nets", "--count", 400, "--paired")
    assert code == 0 and fits(out) and "(3 networks, paired)" in flat(out)
    code, out, _ = cli("stress", tmp_path / "nets", "--scenarios", "single-defaults", "--json")
    rows = pd.DataFrame(json.loads(out)["each"]).set_index("scenario")
    each = pd.DataFrame(
        {
            number: [
                ct.EisenbergNoe().propagate(one, ct.Shock.default(name), baseline="cleared")
                .socialization.borne for name in one.names
            ]
            for number, one in enumerate(nets)
        },
        index=net.names,
    )  # fmt: skip
    assert (each.std(axis=1) > 1e-6).any()
    assert rows["loss"].to_numpy() == pytest.approx(each.mean(axis=1).to_numpy())


def test_a_network_with_folders_beside_it_is_one_network(cli, tmp_path):
    net = ct.datasets.load(CEFI)
    net.write(tmp_path)
    for old in ("2020", "2021"):
        net.write(tmp_path / old)
    _, out, _ = cli("stress", tmp_path, "--count", 100, "--json")
    assert json.loads(out)["networks"]["count"] == 1


def test_a_target_error_stops_early(cli):
    code, out, _ = cli("stress", CEFI, "--count", 20000, "--target-error", 0.05)
    assert code == 0 and "2,048 scenarios: common-factor" in flat(out)
    assert "within the target of 0.05" in flat(out)
    _, out, _ = cli("stress", CEFI, "--count", 20000, "--target-error", 0.05, "--target",
                    "expected-shortfall", "--level", "0.999", "--json")  # fmt: skip
    assert "expected shortfall" in json.loads(out)["target"]


HASTY = ct.models.NetworkValuation("linear-debtrank", max_rounds=1)


def test_what_did_not_converge_is_said(capsys, cli):
    net = ct.datasets.load("neva_ring3")
    drawn = ct.scenarios.common_factor(net, scenarios=300, volatility=0.9, rng=1)
    test = ct.stress_test(net, HASTY, drawn, unconverged=1.0)
    show(test, net, drawn, None)
    said = capsys.readouterr().out
    assert test.unconverged and f"{test.unconverged} scenarios did not converge" in said
    assert "socialized" not in said
    code, _, err = cli("stress", CEFI, "--model", "network-valuation", "--param", "max_rounds=1",
                       "--set", "volatility=0.9")  # fmt: skip
    assert code == 2 and "does not converge without any shock" in flat(err)


def test_the_figure_is_drawn(cli, tmp_path):
    code, out, _ = cli("stress", CEFI, "--count", 2000, "--figure", tmp_path / "curve.png")
    assert code == 0 and "Figure:" in out and (tmp_path / "curve.png").stat().st_size > 5000


def test_the_kinds_are_listed(cli):
    code, out, _ = cli("stress")
    assert code == 0 and fits(out)
    for name in ct.scenarios.KINDS:
        assert name.replace("_", "-") in out
    assert "--set probabilities, correlation, recovery, degrees" in flat(out)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--scenarios", "common-fctor"], "Did you mean 'common-factor'"),
        (["--scenarios", "nope.toml"], "no file 'nope.toml'"),
        (["--scenarios", "defaults"], "say --set probabilities="),
        (["--set", "volatilty=0.2"], "Did you mean 'volatility'"),
        (["--set", "volatility"], "write NAME=VALUE"),
        (["--set", "volatility=0.2", "--set", "volatility=0.3"], "given twice"),
        (["--set", "seed=3"], "use --rng instead"),
        (["--set", "scenarios=3"], "use --count instead"),
        (["--set", "volatility={a"], "not TOML"),
        (["--scenarios", "single-defaults", "--rng", "3"], "one by one"),
        (["--scenarios", "single-defaults", "--count", "3"], "one by one"),
        (["--scenarios", "single-defaults", "--set", "nodes=genesi"], "Did you mean 'genesis'"),
        (["--baseline", "books"], "choose 'book' or 'cleared'"),
        (["--target", "median"], "choose 'mean', 'value-at-risk' or 'expected-shortfall'"),
        (["--target-error", "2"], "above 0 and below 1"),
        (["--level", "95"], "above 0 and below 1"),
        (["--figure", "x.pdf"], "end in .png or .svg"),
        (["--model", "eisenberg"], "Unknown model"),
        (["--resume", "nowhere"], "holds no stress test"),
        (["--resume", "nowhere", "--count", "3"], "leave out --count"),
        (["--resume", "nowhere", "--set", "a=3"], "leave out --set"),
    ],
)
def test_what_a_stress_test_cannot_do_is_said_in_one_paragraph(cli, words, said):
    code, out, err = cli("stress", *([] if "--resume" in words else [CEFI]), *words)
    assert code == 2 and out == "" and said in flat(err) and fits(err)
    assert "Traceback" not in err
