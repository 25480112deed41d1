"""One study: the file, Python and the plain calls give the same numbers to the last bit."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from scipy.stats import beta

import contagion as ct
from contagion import models
from contagion.experiments import policy, reverse

CHAIN = "cefi_credit_2022"


def again(study: ct.Study, folder) -> ct.Study:
    """The study through its file."""
    return ct.Study.read(study.write(folder / "study.toml"))


# -- the same numbers ---------------------------------------------------------------------------

SETTLE = ("bearers", "layers", "ledger")
SHOCKS = {
    "cefi_credit_2022": ct.Shock.default("three_arrows", 0.1),
    "three_venues": ct.Shock.default(["desk", "bank_a"], [0.0, 0.5]),
    "eisenberg_noe_3": ct.Shock.relative(0.3),
    "bis_cbs_2022q4": ct.Shock.equity(relative={"US": 0.5}) + ct.Shock.equity({"GB": 1000.0}),
    "neva_ring3": ct.Shock.loss({"A": 1.5}) + ct.Shock.relative(0.1, ["B"]),
    "usdc_svb_2023": ct.Shock.depeg("usdc", to=0.9),
}
KINDS = [
    ct.EisenbergNoe(),
    models.RogersVeraart(0.8, 0.7, which="greatest"),
    ct.DebtRank("single-hit"),
    models.Furfine(0.6),
    models.NetworkValuation(models.valuations.Merton(volatility=0.2)),
    models.JointModel(funding=models.channels.Funding(0.5)),
]
CASES = [(name, model) for name in SHOCKS for model in KINDS]


def known(name: str) -> ct.Shock:
    """The shock on nodes that the dataset has."""
    net, shock = ct.datasets.load(name), SHOCKS[name]
    try:
        shock.arrays(net)
    except ct.ContagionError:
        shock = ct.Shock.default(ct.datasets.card(name).default_run["default"], 0.25)
    return shock


@pytest.mark.parametrize("name, model", CASES, ids=str)
def test_a_run_is_that_of_the_plain_call(name, model, tmp_path):
    shock, net = known(name), ct.datasets.load(name)
    study = ct.Study(name, shock=shock, model=model)
    assert again(study, tmp_path) == study and again(study, tmp_path).model == model
    try:
        plain = model.propagate(net, shock)
    except ct.ContagionError as error:
        with pytest.raises(type(error)):
            again(study, tmp_path).run()
        return
    for done in (study.run()["run"], again(study, tmp_path).run()["run"]):
        assert_frame_equal(done.table, plain.table, check_exact=True)
        assert_frame_equal(done.flows, plain.flows, check_exact=True)
        for table in SETTLE if model.settles else ():
            assert_frame_equal(getattr(done, table), getattr(plain, table), check_exact=True)


def test_every_output_is_that_of_its_function(tmp_path):
    net, model, shock = (
        ct.datasets.load("three_venues"),
        ct.EisenbergNoe(),
        ct.Shock.default("desk"),
    )
    drawn = ct.scenarios.common_factor(net, scenarios=500, volatility=0.3, rng=3)
    fund = policy.InsuranceFund("exchange", 20.0)
    study = ct.Study(
        "three_venues",
        shock=shock,
        scenarios=drawn,
        outputs={
            "run": {},
            "explain": {"nodes": ["ccp"]},
            "rank": {"models": [model, models.CrossHoldings()], "recovery": 0.2},
            "compare": {"rules": {"equal": {"exchange": "equal_losses"}}},
            "stress": {"levels": [0.9], "keep": ["loss"]},
            "sweep": {"grid": {"shock.recovery": "0:1:3", "network.capital": [0.5, 1]}},
            "reverse": {"fail": "ccp"},
            "triggers": {"fail": "ccp"},
            "policy": {"interventions": {"fund": fund}, "on": "scenarios"},
        },
    )
    done = again(study, tmp_path).run()
    assert again(study, tmp_path) == study and hash(again(study, tmp_path)) == hash(study)
    assert repr(done["explain"]["ccp"]) == repr(model.propagate(net, shock).explain("ccp"))
    ranking = ct.rank(net, [model, models.CrossHoldings()], recovery=0.2)
    assert_frame_equal(done["rank"].table, ranking.table, check_exact=True)
    compared = ct.compare_rules(net, shock, {"equal": {"exchange": "equal_losses"}}, model=model)
    assert_frame_equal(done["compare"].table, compared.table, check_exact=True)
    test = ct.stress_test(net, model, drawn, levels=[0.9], keep=["loss"])
    assert done["stress"].digest() == test.digest()
    case = ct.experiments.Case(net, model, shock)
    grid = {"shock.recovery": [0.0, 0.5, 1.0], "network.capital": [0.5, 1]}
    assert_frame_equal(done["sweep"].table, ct.sweep(case, grid).table, check_exact=True)
    assert repr(done["reverse"]) == repr(reverse.smallest_shock(net, model, fail=["ccp"]))
    assert repr(done["triggers"]) == repr(reverse.fewest_triggers(net, model, fail=["ccp"]))
    plain = policy.compare(net, model, drawn, {"fund": fund})
    assert_frame_equal(
        pd.DataFrame(done["policy"].table), pd.DataFrame(plain.table), check_exact=True
    )
    home = tmp_path / "results"
    names = {file.relative_to(home).as_posix() for file in done.save(home)}
    assert {"study.toml", "run/bearers.csv", "stress/losses.csv", "policy/table.csv"} <= names
    assert ct.Study.read(tmp_path / "results" / "study.toml") == study


def test_the_same_study_writes_the_same_bytes(tmp_path):
    study = ct.Study("three_venues", outputs=["run", "rank", "stress"], scenarios={
        "kind": "defaults", "probabilities": 0.05, "scenarios": 300})  # fmt: skip
    for folder in ("a", "b"):
        study.run().save(tmp_path / folder)
    every = [file for file in (tmp_path / "a").rglob("*") if file.is_file()]
    files = sorted(file.relative_to(tmp_path / "a") for file in every)
    assert len(files) > 6
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_a_report_prints_its_study_and_is_made_again_from_it(tmp_path):
    outputs = {"run": {}, "rank": {"recovery": 0.1}, "stress": {}, "triggers": {"fail": "genesis"}}
    drawn = {"kind": "common-factor", "scenarios": 300, "volatility": 0.2}
    study = ct.Study(
        CHAIN, shock=ct.Shock.default("three_arrows"), scenarios=drawn, outputs=outputs
    )
    first = ct.write_report(tmp_path / "a.md", study).read_text("utf-8")
    printed = first[first.index("outputs = [") :]
    (tmp_path / "b.toml").write_text(printed[: printed.index("\n```")])
    printed_study = ct.Study.read(tmp_path / "b.toml")
    assert printed_study == study
    again = ct.write_report(tmp_path / "b.md", printed_study).read_text("utf-8")
    assert again.replace("b_figures", "a_figures") == first
    with pytest.raises(ct.ArgumentError, match="supplies its own results"):
        ct.write_report(tmp_path / "c.html", study, ranking=ct.rank(ct.datasets.load(CHAIN)))


# -- own files ----------------------------------------------------------------------------------


@pytest.fixture
def own(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "claims.csv").write_text("creditor;debtor;amount\na;b;10\nb;c;5\nb;b;1\n")
    (folder / "nodes.csv").write_text("node,external_assets\na,30\nb,10\nc,6\n")
    (folder / "held.csv").write_text("node,asset,value\na,ETH,12\nc,ETH,4\n")
    (folder / "promises.csv").write_text("guarantor,debtor,amount\na,c,2\n")
    return folder


def test_own_files_are_read_with_the_options_of_the_reader(own, tmp_path):
    (own / "study.toml").write_text(
        """
        outputs = ["run"]
        [network]
        source = "claims.csv"
        nodes = "nodes.csv"
        holdings = "held.csv"
        guarantees = "promises.csv"
        unit = "USD m"
        self_loops = "drop"
        [shock]
        price = { ETH = "-50%" }
        default = { c = 0.4 }
        """
    )
    study = ct.Study.read(own / "study.toml")
    done = study.run()["run"]
    net = ct.read(
        own / "claims.csv",
        nodes=own / "nodes.csv",
        holdings=pd.read_csv(own / "held.csv"),
        guarantees=pd.read_csv(own / "promises.csv"),
        unit="USD m",
        self_loops="drop",
    )
    shock = ct.Shock.price({"ETH": -0.5}) + ct.Shock.default("c", recovery=0.4)
    plain = ct.EisenbergNoe().propagate(net, shock)
    assert_frame_equal(done.table, plain.table, check_exact=True)
    assert done.network.unit == "USD m"
    (tmp_path / "elsewhere").mkdir()
    moved = ct.Study.read(study.write(tmp_path / "elsewhere" / "s.toml"))
    assert moved.network["nodes"] == "../data/nodes.csv"
    assert_frame_equal(moved.run()["run"].table, plain.table, check_exact=True)


def test_an_ensemble_is_a_folder_of_folders(tmp_path):
    net = ct.datasets.load("neva_ring3")
    for name in ("000", "001"):
        net.write(tmp_path / "guesses" / name)
    study = ct.Study({"source": "guesses"}, outputs="stress", folder=tmp_path,
                     scenarios={"kind": "common-factor", "scenarios": 200})  # fmt: skip
    done = study.run()
    assert len(done.networks) == 2 and done["stress"].digest()


# -- a value ------------------------------------------------------------------------------------


def test_a_study_is_a_value():
    one = ct.Study(CHAIN, shock=ct.Shock.loss({"celsius": 1e8}), model="debtrank")
    two = ct.Study({"source": CHAIN}, shock={"loss": {"celsius": "100m"}}, model=ct.DebtRank())
    assert one == two and hash(one) == hash(two) and len({one, two}) == 1
    assert one != one.but(baseline="book") and one != "study"
    assert pickle.loads(pickle.dumps(one)) == one
    with pytest.raises(TypeError):
        one.network["unit"] = "EUR"
    with pytest.raises(AttributeError):
        one.baseline = "book"


def test_the_defaults_are_those_of_the_file():
    assert ct.Study.from_dict({"network": {"source": CHAIN}}) == ct.Study(CHAIN)
    assert ct.Study(CHAIN).scenarios == {"kind": "common_factor", "seed": 0}


@pytest.mark.parametrize("model", [
    models.FireSale(0.1, impact=ct.liquidation.Linear(depth=50.0)),
    models.FireSale(impact={"A": 0.5, "B": ct.liquidation.Exponential(depth=5.0)}, illiquid=("A",)),
    models.NetworkValuation(models.valuations.BlackCox(0.1, recovery=0.4), which=None),
    models.JointModel(prices=models.channels.Prices(0.1), valuation=models.channels.Marking()),
    models.RogersVeraart(alpha={"a": 0.5, "b": 0.7}, beta="recovery", which="least"),
    models.RogersVeraart(alpha=np.array([0.5, 0.7])),
    models.ThresholdDeleveraging(depth=np.inf, rounds=3),
], ids=repr)  # fmt: skip
def test_models_with_parameters_go_through_the_file(model, tmp_path):
    study = ct.Study("neva_ring3", model=model)
    assert again(study, tmp_path).model == study.model == model


@pytest.mark.parametrize("name", sorted(models.MODELS))
def test_every_model_goes_by_its_name(name, tmp_path):
    study = ct.Study("neva_ring3", model=name)
    assert again(study, tmp_path).model == models.MODELS[name]()


# -- errors -------------------------------------------------------------------------------------

ERRORS = [
    ("", "There is no network: write [network]"),
    ("x = [", "this is not TOML"),
    ("[netwrk]", "Unknown table or key 'netwrk'. Did you mean 'network'?"),
    ("[network]\nunit = 'USD'", "[network] has no source"),
    ("[network]\nsource = 3", "[network] source = 3: write text"),
    ("{n}uint = 'x'", "[network]: Unknown key 'uint'. Did you mean 'unit'?"),
    ("{n}rules = {}", "write it as [rules]"),
    ("{n}duplicates = 'add'", "[network] duplicates='add': choose"),
    ("{n}fx = 'EUR'", "[network] fx = 'EUR': write a table"),
    ("{n}orientation = 'up'", "'creditor-debtor'"),
    ("{n}[shock]\ndefalt = 'A'", "[shock]: A shock: Unknown key 'defalt'. Did you mean 'default'?"),
    ("{n}[shock]\nloss = { A = 'lots' }", "[shock] loss A: 'lots' is not an amount"),
    ("{n}[shock]\ndefault = { A = 2 }", "The recovery of 'A' is 2"),
    ("{n}[model]\nname = 'debtrnk'", "[model]: Unknown name 'debtrnk'. Did you mean 'debtrank'?"),
    ("{n}[model]\nname = 'furfine'\nlgd = 1", "[model]: Unknown parameter of furfine 'lgd'"),
    ("{n}[model]\nname = 'furfine'\nstrict = 1", "[model] strict = 1: write true or false"),
    ("{n}[model]\nalpha = 1", "[model] has no name"),
    ("baseline = 'face'\n{n}", "baseline='face': choose 'book' or 'cleared'"),
    ("outputs = ['rnu']\n{n}", "Unknown output 'rnu'. Did you mean 'run'?"),
    ("outputs = 'run'\n{n}", "outputs = 'run': write a list"),
    ("outputs = ['run']\n{n}[rank]\nrecovery = 0.1", "add 'rank' to outputs"),
    ("{n}[rank]\nrecvery = 0.1", "[rank]: Unknown key 'recvery'. Did you mean 'recovery'?"),
    ("{n}[rank]\nmodels = ['furfin']", "[rank] models: Unknown name 'furfin'"),
    ("{n}[stress]\nlevels = 'high'", "[stress] levels"),
    ("{n}[scenarios]\nkind = 'common'", "[scenarios]: Unknown kind 'common'"),
    ("{n}[scenarios]\nkind = 'defaults'", "defaults needs probabilities"),
    ("{n}[scenarios]\nkind = 'single-defaults'\nseed = 1", "lists its scenarios one by one"),
    ("{n}[rules]\nA = 'prorata'", "[rules] A: Unknown rule 'prorata'. Did you mean 'pro_rata'?"),
    ("{n}[policy.interventions.x]\nkind = 'capitl'", "Did you mean 'capital'?"),
    ("{n}[policy.interventions.x]\nkind = 'insurance-fund'", "needs node = … and amount = …"),
    ("title = 3\n{n}", 'title = 3: write title = "text"'),
]  # fmt: skip


@pytest.mark.parametrize("text, said", ERRORS, ids=[said[:40] for _, said in ERRORS])
def test_errors_name_file_table_key_and_fix(text, said, tmp_path):
    (tmp_path / "s.toml").write_text(text.replace("{n}", "[network]\nsource = 'neva_ring3'\n"))
    with pytest.raises(ct.ContagionError) as caught:
        ct.Study.read(tmp_path / "s.toml")
    assert str(caught.value).startswith("s.toml: ") and said in str(caught.value)


@pytest.mark.parametrize("changed, said", [
    ({"network": "neva_ring"}, "Did you mean the dataset 'neva_ring3'?"),
    ({"shock": ct.Shock.default("AA")}, "Unknown name 'AA'"),
    ({"rules": {"D": "pro_rata"}}, "[rules]"),
    ({"rules": {"A": "queue"}, "model": "debtrank"}, "settles no claims"),
    ({"outputs": ["sweep"]}, "[sweep] needs grid"),
    ({"outputs": ["reverse"]}, "[reverse] needs fail or loss"),
    ({"outputs": {"explain": {"nodes": ["Z"]}}}, "Unknown node 'Z'"),
])  # fmt: skip
def test_what_does_not_fit_the_network_is_said_at_the_run(changed, said):
    with pytest.raises(ct.ContagionError) as caught:
        ct.Study("neva_ring3").but(**changed).run()
    assert said in str(caught.value)


def test_a_network_in_memory_is_refused_with_the_way_out():
    with pytest.raises(ct.ArgumentError, match=r"net\.write"):
        ct.Study(ct.datasets.load("neva_ring3"))
    with pytest.raises(ct.ArgumentError, match="no form as text"):
        ct.Study("neva_ring3", outputs={"rank": {"weights": lambda x: x}}).toml()


# -- a market -----------------------------------------------------------------------------------

MARKET = """
[network]
source = "e.csv"
nodes = "n.csv"

[market]
positions = "p.csv"
prices = { ETH = "2k" }

[cascade]
impact = { kind = "linear", depth = 500 }
breakers = [{ kind = "halt", fall = 0.2, rounds = 2 }]

[shock]
price = { ETH = "-30%" }
default = { c = 0.5 }
"""
FILES = {
    "e.csv": "creditor,debtor,amount\na,b,900\nb,c,500\n",
    "n.csv": "node,external_assets,external_liabilities\na,9000,5000\nb,9000,500\nc,1000,100\n",
    "p.csv": "venue,holder,instrument,size,margin\na,b,ETH,10,3000\na,c,ETH,-0.3,1000\n",
}


@pytest.fixture
def market(tmp_path):
    for name, text in {**FILES, "study.toml": MARKET}.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_cascade_of_a_study_is_that_of_the_plain_call(market):
    study = ct.Study.read(market / "study.toml")
    assert again(study, market) == study
    rules = ct.liquidation.LiquidationCascade(
        ct.liquidation.Linear(depth=500), breakers=(ct.liquidation.Halt(0.2, 2),)
    )
    book = ct.liquidation.MarginBook({"ETH": 2000}, market / "p.csv")
    net = ct.read(market / "e.csv", nodes=market / "n.csv")
    shock = ct.Shock.price({"ETH": -0.3}) + ct.Shock.default("c", 0.5)
    plain = ct.liquidation.CoupledCascade(book, rules).propagate(net, shock)
    done = study.run("cascade")
    assert_frame_equal(done["cascade"].table, plain.table)
    assert_frame_equal(done["run"].table, plain.table)
    assert {"cascade/path", "cascade/accounts", "run/table", "run/bearers"} <= {*done.tables()}
    alone = study.but(network={}, shock=ct.Shock.price({"ETH": -0.3}), outputs="cascade")
    assert_frame_equal(alone.run()["cascade"].table, rules.run(book, {"ETH": -0.3}).table)
    with pytest.raises(ct.errors.ArgumentError, match="no network"):
        alone.run("rank")


def test_every_output_runs_the_market_with_the_network(market):
    study = ct.Study.read(market / "study.toml").but(
        scenarios={"kind": "prices", "volatility": {"ETH": 0.5}, "horizon": 0.1, "scenarios": 50},
        outputs=["run", "stress", "rank"],
    )
    assert again(study, market) == study
    done = study.run()
    assert isinstance(done["run"], ct.liquidation.coupling.CoupledResult)
    losses = ct.scenarios.prices(done.modelled, {"ETH": 0.5}, horizon=0.1, scenarios=50, rng=0)
    plain = ct.stress_test(done.network, done.model, losses)
    assert done["stress"].digest() == plain.digest() and plain.mean("socialized").value > 0
    assert done["rank"].table.index.tolist() == ct.rank(done.network, [done.model]).index.tolist()
    steps = study.but(cascade={**study.cascade, "path": 3}).run("run")
    assert steps["run"].cascade.history["date"].max() == 3


def test_any_law_draws_the_prices_of_a_market(market):
    words = {"kind": "t-copula", "assets": "ETH", "degrees": 4, "correlation": 0.3, "scenarios": 40,
             "marginals": {"distribution": "beta", "a": 2, "b": 8}}  # fmt: skip
    study = ct.Study.read(market / "study.toml").but(scenarios=words, outputs="stress")
    assert again(study, market) == study
    done = study.run()
    law = {"rng": 0, "scenarios": 40, "degrees": 4, "correlation": 0.3, "marginals": beta(2, 8)}
    drawn = ct.scenarios.assets(["ETH"], "t_copula", **law)
    assert_frame_equal(done.scenarios.changes(0, 40), drawn.changes(0, 40))
    plain = ct.stress_test(done.network, done.model, drawn)
    assert done["stress"].mean("loss") == plain.mean("loss")
    with pytest.raises(ct.ContagionError, match="defaults draws no prices"):
        study.but(scenarios={"kind": "defaults", "probabilities": 0.1, "assets": "ETH"}).run()


@pytest.mark.parametrize(
    "changed, said",
    [
        ({"network": {}, "shock": ct.Shock.price({"ETH": -0.3}) + ct.Shock.default("c")},
         "only prices can be shocked"),
        ({"network": {}, "shock": None}, "which price moves"),
        ({"network": {}, "cascade": {"run_on": 0.5}}, "needs a .network."),
        ({"network": {}, "shock": ct.Shock.price({"EHT": -0.3}), "cascade": {"path": 3}},
         "Did you mean 'ETH'"),
        ({"network": {}, "shock": ct.Shock.price({"ETH": -0.3}), "cascade": {"path": "p.csv"}},
         "gives the final prices"),
        ({"market": {}}, "needs a .market."),
        ({"cascade": {"impct": "none"}}, "Did you mean 'impact'"),
    ],
)  # fmt: skip
def test_a_cascade_that_is_wrong_is_refused(market, changed, said):
    with pytest.raises(ct.ContagionError, match=said):
        ct.Study.read(market / "study.toml").but(**changed).run("cascade")


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"position": "p.csv", "prices": {"ETH": 1}}, "Did you mean 'positions'"),
        ({"prices": {"ETH": 1}}, "positions ="),
        ({"positions": "p.csv"}, "prices ="),
        ({"positions": "p.csv", "prices": {"ETH": 1}, "maintenance": "much"}, "maintenance"),
        ({"positions": "p.csv", "prices": {"ETH": 1}, "decimal": "!"}, "decimal"),
    ],
)
def test_a_market_that_is_wrong_is_refused(wrong, said):
    with pytest.raises(ct.ContagionError, match=said):
        ct.Study({}, market=wrong)


def test_a_name_that_is_a_law_of_price_too_is_a_name():
    fund = {"kind": "insurance-fund", "node": "linear", "amount": 20}
    study = ct.Study("neva_ring3", outputs={"policy": {"interventions": {"fund": fund}}})
    assert study.outputs["policy"]["interventions"]["fund"].node == "linear"
    sale = ct.Study("neva_ring3", model={"name": "fire-sale", "impact": {"kind": "none"}})
    assert isinstance(sale.model.impact, ct.liquidation.NoImpact)
    by_asset = {"name": "fire-sale", "impact": {"X": 0.5, "Y": {"kind": "linear", "depth": 5}}}
    assert dict(ct.Study("neva_ring3", model=by_asset).model.impact)["Y"].depth == 5


# -- networks that a study makes ----------------------------------------------------------------


def test_a_generated_network(tmp_path):
    words = {"family": "erdos-renyi", "n": 20, "degree": 3, "capital": 0.1, "seed": 4}
    study = ct.Study({"generate": words}, shock=ct.Shock.relative(0.1))
    assert again(study, tmp_path) == study
    plain = ct.synthetic.generate.erdos_renyi(
        20, 3, sheets=ct.synthetic.generate.Sheets(capital=0.1), rng=4
    )
    done = study.run()
    assert done.network.amount.tolist() == plain.amount.tolist()
    assert "generated" in done.network.provenance.unobserved
    with pytest.raises(ct.ContagionError, match="Did you mean 'degree'"):
        ct.Study({"generate": {**words, "degre": 3}}, shock=ct.Shock.relative(0.1)).run()
    with pytest.raises(ct.ContagionError, match="no source to read"):
        ct.Study({"generate": words, "nodes": "n.csv"})


def test_a_reconstructed_ensemble(tmp_path):
    text = "node,interbank_assets,interbank_liabilities,equity\na,5,3,9\nb,3,4,9\nc,2,3,9\n"
    (tmp_path / "m.csv").write_text(text)
    words = {"method": "fitness", "density": 0.8, "samples": 3, "seed": 2}
    study = ct.Study(
        {"source": "m.csv", "reconstruct": words}, outputs="stress", scenarios="single-defaults",
        folder=tmp_path,
    )  # fmt: skip
    assert again(study, tmp_path) == study
    margins = ct.synthetic.reconstruct.Margins.from_table(tmp_path / "m.csv")
    plain = ct.synthetic.reconstruct.fitness(margins, density=0.8, samples=3, rng=2)
    assert [net.amount.tolist() for net in study.run().networks] == [
        net.amount.tolist() for net in plain
    ]
    of_net = ct.Study({"source": "neva_ring3", "reconstruct": {}}, shock=ct.Shock.default("A"))
    assert "reconstructed" in of_net.run().network.provenance.unobserved
    assert of_net.run("stress")["stress"] is not None
