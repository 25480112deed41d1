"""Provenance: whatever makes a network leaves a record, and every exit says what was made up."""

from __future__ import annotations

import importlib
import inspect
import pickle
import pkgutil
import re
from pathlib import Path

import numpy as np
import pytest

import contagion as ct
from contagion.experiments import layers, policy
from contagion.experiments.policy.money_interventions import with_cash
from contagion.liquidation import CoupledCascade, MarginBook
from contagion.liquidation.coupling.link import run_from, with_parties
from contagion.measures.ranking import perturbed
from contagion.network import transforms
from contagion.network.provenance import Record, plain, record, seeded
from contagion.panel.change import between
from contagion.synthetic import generate, reconstruct

PACKAGE = Path(ct.__file__).parent


@pytest.fixture(scope="module")
def net():
    owed = {
        "creditor": ["b", "a", "c", "c", "a"],
        "debtor": ["a", "b", "a", "b", "c"],
        "amount": [8.0, 3.0, 2.0, 5.0, 1.0],
        "layer": ["loans", "loans", "repo", "repo", "loans"],
        "collateral": [0.0, 0.0, 1.0, 0.0, 0.0],
    }
    nodes = {"node": ["a", "b", "c", "house"], "external_assets": [20, 20, 20, 20]}
    return ct.ExposureNetwork(nodes, owed, unit="EUR", name="Three banks", collateral="ignore")


def margins(net):
    return reconstruct.Margins.from_network(net)


def coupled(net):
    row = {"venue": "v", "holder": "a", "instrument": "X", "size": 1, "margin": 1.0}
    return CoupledCascade(MarginBook({"X": 1.0}, [row], unit=net.unit))


DONE = record("changed", "by hand")
# Every public function of the package that returns networks, with a call that changes something.
MAKERS = {
    "ExposureNetwork.close_out": lambda n: n.close_out({"x": {"parties": ("a", "b")}}),
    "ExposureNetwork.compress": lambda n: n.compress(),
    "ExposureNetwork.novate": lambda n: n.novate("house"),
    "ExposureNetwork.set_off": lambda n: n.set_off(),
    "ExposureNetwork.settle_collateral": lambda n: n.settle_collateral(),
    "ExposureNetwork.with_amounts": lambda n: n.with_amounts(2 * n.amount),
    "ExposureNetwork.with_guarantees": lambda n: n.with_guarantees(None),
    "ExposureNetwork.with_nodes": lambda n: n.with_nodes(external_assets={"a": 30}),
    "ExposureNetwork.with_rule": lambda n: n.with_rule("a", "equal_losses"),
    "ExposureNetwork.with_rules": lambda n: n.with_rules({"a": "equal_losses"}),
    "ExposureNetwork.with_shareholdings": lambda n: n.with_shareholdings(
        [{"owner": "a", "company": "b", "fraction": 0.5}]
    ),
    "Combination.apply": lambda n: (
        policy.Capital(add=1.0, nodes=["a"]) + policy.InsuranceFund("b", 1.0)
    ).apply(n),
    "Combination.act": lambda n: (
        policy.Capital(add=1.0, nodes=["a"]) + policy.InsuranceFund("b", 1.0)
    ).act(n, ct.EisenbergNoe())[0],
    "Intervention.act": lambda n: policy.Capital(add=1.0, nodes=["a"]).act(n, ct.EisenbergNoe())[0],
    "InsuranceFund.act": lambda n: policy.InsuranceFund("b", 1.0).act(n, ct.EisenbergNoe())[0],
    "RuleChange.act": lambda n: policy.RuleChange({"a": "pro_rata"}).act(n, ct.EisenbergNoe())[0],
    "Margin.act": lambda n: policy.Margin({"a": 1e6}).act(n, coupled(n))[0],
    "CoupledCascade.on": lambda n: coupled(n).on(n),
    "link.with_parties": lambda n: with_parties(n, coupled(n).book, {}, np.zeros(1)),
    "Intervention.apply": lambda n: policy.Capital(add=1.0, nodes=["a"]).apply(n),
    "Ensemble.network": lambda n: reconstruct.maximum_entropy(margins(n)).network,
    "configuration.configuration": lambda n: reconstruct.configuration(margins(n), rng=1)[0],
    "change.between": lambda n: between((n, n), 0, 1, 0),
    "cut.one_layer": lambda n: layers.one_layer(n, "loans"),
    "density.minimum_density": lambda n: reconstruct.minimum_density(margins(n), rng=1)[0],
    "entropy.maximum_entropy": lambda n: reconstruct.maximum_entropy(margins(n))[0],
    "fitness.fitness": lambda n: reconstruct.fitness(margins(n), density=0.5, rng=1)[0],
    "gibbs.gibbs": lambda n: reconstruct.gibbs(
        margins(n), density=0.4, samples=40, burn_in=200, rng=1
    )[0],
    "link.run_from": lambda n: run_from(n, np.ones(4, bool), np.full(4, 0.5), np.zeros(4))[0],
    "money_interventions.with_cash": lambda n: with_cash(n, np.ones(4), "x"),
    "stability.perturbed": lambda n: next(iter(perturbed(n, rng=1))),
    "transforms.guaranteed": lambda n: transforms.guaranteed(n, None),
    "transforms.rebuilt": lambda n: transforms.rebuilt(n, DONE, n.exposures, n.nodes),
    "transforms.replaced": lambda n: transforms.replaced(n, DONE),
    "transforms.ruled": lambda n: transforms.ruled(n, {"a": "equal_losses"}),
    "transforms.shared": lambda n: transforms.shared(n, None),
    "transforms.told": lambda n: transforms.told(n, (*n.provenance, DONE)),
    "transforms.with_amounts": lambda n: transforms.with_amounts(n, n.amount, "equity"),
}
FROM_DATA = {  # these begin a provenance
    "ExposureNetwork.from_matrix",
    "ExposureNetwork.from_networkx",
    "datasets.load",
    "exposure_network.read",
    "source.load",
    "making.reconstructed",
    "assets_alone.one_of_each",
}
SAME = {
    "checks.networks_of",
    "StudyRun.network",
    "Model.on",
    "Bench.system",
    "MarketIntervention.act",
    "transforms.with_holdings_rows",
    "transforms.scratch",  # copies of nodes for one sum, which no user sees
}  # hand on what they were given
FORMS = re.compile(r"\b(ExposureNetwork|Ensemble|N)\b")


def makers() -> set[str]:
    """Public functions and methods of the rooms below the command line that return networks."""
    found = set()
    for info in pkgutil.walk_packages(ct.__path__, "contagion."):
        rooms = info.name.split(".")
        if rooms[1] in ("cli", "plot", "report"):
            continue
        module = importlib.import_module(info.name)
        for name, thing in vars(module).items():
            if name.startswith("_") or getattr(thing, "__module__", "") != info.name:
                continue
            if inspect.isclass(thing):
                network = thing in ct.ExposureNetwork.__mro__
                owner = "ExposureNetwork" if network else name
                for key, part in vars(thing).items():
                    part = part.fget if isinstance(part, property) else part
                    part = getattr(part, "__func__", part)
                    if inspect.isfunction(part) and not key.startswith("_"):
                        said = str(part.__annotations__.get("return", ""))
                        if FORMS.search(said) or (network and said == "Self"):
                            found.add(f"{owner}.{key}")
            elif inspect.isfunction(thing) and FORMS.search(
                str(inspect.unwrap(thing).__annotations__.get("return", ""))
            ):
                found.add(f"{rooms[-1]}.{name}")
    families = {f"{make.__module__.split('.')[-1]}.{make.__name__}"
                for make in generate.FAMILIES.values()}  # fmt: skip
    helpers = {"sheets.assembled", "sheets.generated", "ensemble.reconstructed",
               "ensemble.gathered"}  # fmt: skip
    return found - families - helpers


def test_every_function_that_makes_a_network_is_walked():
    assert makers() == set(MAKERS) | FROM_DATA | SAME


@pytest.mark.parametrize("name", MAKERS)
def test_every_change_leaves_a_record(net, name):
    before = net.provenance
    new = MAKERS[name](net)
    assert new is not net and net.provenance is before
    assert new.provenance[: len(before)] == before and len(new.provenance) > len(before)
    last = new.provenance[-1]
    assert last.what and last.method and last.version == ct.__version__


def test_one_place_makes_derived_networks():
    """A copy of a network, and its provenance, are made in `network/transforms.py` only."""
    assert (
        inspect.signature(transforms.rebuilt).parameters["done"].default is inspect.Parameter.empty
    )
    assert (
        inspect.signature(transforms.replaced).parameters["done"].default is inspect.Parameter.empty
    )
    made = {"copy.copy(": set(), "._from(": set(), '["provenance"] = Prov': set()}
    for path in PACKAGE.rglob("*.py"):
        for mark, where in made.items():
            if mark in path.read_text("utf-8"):
                where.add(path.name)
    assert made["copy.copy("] == {"transforms.py"} == made['["provenance"] = Prov']
    assert made["._from("] == {
        "exposure_network.py",
        "forms.py",
        "transforms.py",
        "margins.py",
        "networks.py",
    }


@pytest.mark.parametrize("name", generate.FAMILIES)
def test_generated_networks_say_how(name):
    make = generate.FAMILIES[name]
    small = {
        "n": 12, "core": 3, "degree": 2.0, "sizes": {"x": 4, "y": 4}, "chance": [[0.5] * 2] * 2
    }  # fmt: skip
    takes = inspect.signature(make).parameters
    given = {key: value for key, value in small.items() if key in takes}
    net = make(**given)
    (one,) = net.provenance
    assert one.what == "generated" and one.method == make.__name__
    assert dict(one.parameters).keys() >= given.keys()
    assert net.provenance.unobserved == "generated (illustrative)"
    if "rng" in takes:  # also without a seed, the seed that was drawn makes it again
        assert make(**given, rng=int(one.seed)).amount.tolist() == net.amount.tolist()


def test_samples_keep_their_number_seed_and_data(net):
    draws = reconstruct.fitness(margins(net), density=0.5, samples=4, rng=7)
    last = draws[1:][2].provenance
    assert last[:-1] == net.provenance and draws[3].provenance == last
    assert (last[-1].what, last[-1].method, last[-1].seed) == ("reconstructed", "fitness", 7)
    said = dict(last[-1].parameters)
    assert said["sample"] == 4 and said["samples"] == 4 and said["density"] == 0.5
    again = reconstruct.fitness(margins(net), density=0.5, samples=4, rng=last[-1].seed)
    assert again[3].amount.tolist() == draws[3].amount.tolist()


def test_intake_tells_repairs_and_choices():
    owed = {"creditor": ["a", "a"], "debtor": ["b", "b"], "amount": [1.0, 2.0]}
    net = ct.ExposureNetwork(None, owed, duplicates="sum", missing_equity="external")
    first, *mended = net.provenance
    assert first.what == "read"
    assert dict(first.parameters) == {"duplicates": "sum", "missing_equity": "external"}
    assert [one.what for one in mended] == ["repaired"] * 2
    assert "C002" in mended[0].method + mended[1].method


def test_a_dataset_begins_with_its_name_date_and_source():
    first = ct.datasets.load("cefi_credit_2022").provenance[0]
    card = ct.datasets.card("cefi_credit_2022")
    assert (first.what, first.method) == ("dataset", "cefi_credit_2022")
    said = dict(first.parameters)
    assert said["as of"] == card.date and card.source.startswith(said["source"].rstrip("…"))
    assert said["period"] == card.network["period"]


def test_files_graphs_and_pickle_keep_it(net, tmp_path):
    draws = reconstruct.fitness(margins(net), density=0.5, samples=2, rng=np.random.default_rng(1))
    new = draws[1].set_off().with_rule("a", "equal_losses")
    assert new.provenance.named("reconstructed")[0].seed == "used generator"
    new.write(tmp_path / "net")
    back = ct.read(tmp_path / "net")
    assert back.provenance[:-1] == new.provenance
    assert (back.provenance[-1].what, back.provenance[-1].method) == ("read", "net")
    graph = ct.ExposureNetwork.from_networkx(new.to_networkx())
    assert graph.provenance[: len(new.provenance)] == new.provenance
    assert pickle.loads(pickle.dumps(new)).provenance == new.provenance


@pytest.mark.parametrize("written", ["provenance = 3", 'provenance = ["x"]', "[provenance]\na = 1",
                                     "[[provenance]]\nparameters = 2"])  # fmt: skip
def test_a_card_with_another_provenance_is_refused(net, tmp_path, written):
    net.write(tmp_path)
    (tmp_path / "dataset.toml").write_text(written)
    with pytest.raises(ct.NetworkError, match="list of records"):
        ct.read(tmp_path, collateral="ignore")


def test_it_cannot_be_changed_and_is_a_table_for_people(net):
    new = net.set_off()
    with pytest.raises(AttributeError):
        new.provenance = ()
    with pytest.raises(AttributeError):
        new.provenance[0].what = "observed"
    table = new.provenance.table
    assert table.columns.tolist() == ["what", "method", "parameters", "seed", "version"]
    assert table["method"].tolist()[-1] == "set_off" and "set_off" in repr(new.provenance)
    assert len(new.changes) and pickle.loads(pickle.dumps(new)).changes.equals(new.changes)


def test_parameters_are_short_plain_values():
    given = {"a": np.float64(0.5), "b": np.arange(1000), "c": {str(k): k for k in range(50)},
             "d": "x" * 500, "e": None, "f": iter([1]), "g": ["a"]}  # fmt: skip
    said = dict(plain(given))
    assert said["a"] == 0.5 and said["b"] == "1,000 values" and said["c"] == "50 values"
    assert len(said["d"]) == 200 and "e" not in said and "0x" not in said["f"]
    assert type(said["a"]) is float
    assert seeded(np.random.SeedSequence(5).spawn(2)[1]).seed == "5 (1,)"


CASES = {
    "reconstructed": lambda n: reconstruct.fitness(margins(n), density=0.5, samples=2, rng=7)[1],
    "generated (illustrative)": lambda n: generate.erdos_renyi(8, 2.0, rng=7),
    "perturbed": lambda n: list(perturbed(n, samples=2, rng=7))[1],
}


@pytest.mark.parametrize("word", CASES)
def test_every_exit_says_what_was_made_up(net, tmp_path, word):
    new, plain_word = CASES[word](net), word.partition(" ")[0]
    result = ct.EisenbergNoe().propagate(new, ct.Shock.default(new.names[0]))
    ensemble = ct.stress_test(
        [new, new], ct.EisenbergNoe(), ct.scenarios.common_factor(new, scenarios=20, rng=1)
    )
    for said in (repr(new), repr(result), repr(ensemble)):
        assert plain_word in said and "seed 7" in " ".join(said.split())
    text = ct.write_report(tmp_path / "r.md", new, result).read_text("utf-8")
    title, banner = text.split("\n")[0], text.split("\n")[2]
    assert title.endswith(word) and plain_word in banner.lower() and "seed 7" in banner
    page = ct.write_report(tmp_path / "r.html", new, result, stress=ensemble).read_text("utf-8")
    heading = re.search("<h1>(.*?)</h1>", page)[1]
    banner = re.search('class="banner derived"><strong>(.*?)</strong>', page)[1]
    assert word in heading and word in re.search("<title>(.*?)</title>", page)[1]
    assert plain_word in banner.lower() and "seed 7" in banner and 'id="C3"' in page


def test_a_report_on_data_as_given_does_not(net, tmp_path):
    text = ct.write_report(tmp_path / "r.md", net).read_text("utf-8")
    assert text.startswith("# Three banks\n") and "econstructed from totals" not in text
    changed = ct.write_report(tmp_path / "r.md", net.set_off()).read_text("utf-8")
    assert "Changed after reading: netted (set\\_off)." in changed.split("\n")[2]


def test_the_report_finds_the_card_of_the_dataset_that_it_began_with(tmp_path):
    net = ct.datasets.load("neva_ring3").with_nodes(external_assets={"A": 20})
    text = ct.write_report(tmp_path / "r.md", net).read_text("utf-8")
    assert "Published example" in text and "changed (with\\_nodes)" in text.split("\n")[2]


def test_records_compare_without_their_rows():
    assert Record("a", "b", version="1") == Record("a", "b", version="1")
