"""Interactive pages as text: whole without a script, nothing loaded, nothing hostile, and true."""

from __future__ import annotations

import base64
import gzip
import json
import re

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pandas as pd
import pytest

import contagion as ct
from contagion.lookthrough import look_through
from contagion.plot.interactive.blocks import asset, table_block
from contagion.plot.interactive.data import PACKED, packed

make = ct.synthetic.generate
HOSTILE = '</script><img src=x onerror="alert(1)">\u202e$x$'


@pytest.fixture(scope="module")
def chain():
    net = ct.datasets.load("cefi_credit_2022")
    return ct.EisenbergNoe().propagate(net, ct.Shock.default("three_arrows"))


@pytest.fixture(scope="module")
def page(chain):
    return ct.plot.interactive(chain).html


def data_of(page: str) -> dict:
    kind, text = re.search(r'<script type="([^"]+)" class="ct-data">(.*?)</script>', page).groups()
    return json.loads(gzip.decompress(base64.b64decode(text)) if "gzip" in kind else text)


def test_the_page_loads_nothing(page):
    assert "default-src 'none'" in page
    assert not re.search(r"https?://(?!www\.w3\.org)", page)
    assert not re.search(r'(?:src|href)="(?!#|data:)', page) and "@import" not in page


def test_the_map_says_all_without_a_script(chain, page):
    static = re.sub(r"<script.*?</script>", "", page, flags=re.S)
    for name in chain.network.nodes["name"]:
        assert name in static
    assert "external creditors 1.637 bn USD (71%)" in static
    assert "−1,000.0" in static  # external creditors of Genesis, in USD m
    assert static.count('role="img"') > 20 and 'aria-label="Three Arrows Capital hit' in static


def test_the_data_are_those_of_the_ledger(chain, page):
    found, names = data_of(page), list(chain.network.nodes["name"])
    at = {mark[0]: k for k, mark in enumerate(found["marks"])}
    owners, outside = chain.borne
    for name, own, out in zip(names, owners, outside, strict=True):
        said = found["losses"][-1][at[name]]
        assert float(said.replace(",", "") or 0) == pytest.approx(own / 1e6, abs=0.05)
        if out > 0:
            said = found["losses"][-1][at[f"external creditors of {name}"]]
            assert float(said.replace(",", "")) == pytest.approx(out / 1e6, abs=0.05)
    assert found["rounds"] == [0, 1, 2]
    first = found["losses"][1][at["external creditors of Genesis"]]
    assert first == "" and found["losses"][1][at["Genesis"]] == "200.0"
    assert found["outcomes"][0][at["Genesis"]] == "calm"
    assert found["outcomes"][1][at["Genesis"]] == "default"


def test_links_are_red_from_the_round_in_which_they_lose(page):
    found = data_of(page)
    at = {mark[0]: k for k, mark in enumerate(found["marks"])}
    first = found["ends"].index([at["Three Arrows Capital"], at["Genesis"]])
    later = found["ends"].index([at["Genesis"], at["external creditors of Genesis"]])
    assert [row[first] for row in found["lost"]] == ["0", "1", "1"]
    assert [row[later] for row in found["lost"]] == ["0", "0", "1"]


@pytest.mark.parametrize("n", [2, 40])
def test_hostile_names_stay_names(n):
    names = [f"{HOSTILE} {i}" for i in range(n)]
    nodes = pd.DataFrame({"node": range(n), "name": names, "kind": HOSTILE, "equity": 5.0})
    claims = pd.DataFrame({"creditor": range(1, n), "debtor": 0, "amount": 10.0})
    net = ct.ExposureNetwork(nodes, claims, unit=HOSTILE[:20])
    result = ct.EisenbergNoe().propagate(net, ct.Shock.default(0))
    for shown in (ct.plot.interactive(result), ct.plot.interactive(net)):
        assert "<img" not in shown.html and "\u202e" not in shown.html
        assert shown.html.count("</script>") == 2
        assert "<img" not in shown._repr_html_()


@pytest.mark.parametrize("n, m", [(500, 20_000), (5_000, 100_000)])
def test_a_page_stays_small(n, m):
    rng = np.random.default_rng(1)
    debtor, creditor = rng.integers(n, size=(2, m))
    debtor[: m // 20] = 0
    keep = debtor != creditor
    claims = pd.DataFrame({"creditor": creditor[keep], "debtor": debtor[keep], "amount": 1.0})
    nodes = pd.DataFrame({"node": range(n), "kind": rng.integers(12, size=n).astype(str)})
    nodes["equity"] = 0.5
    net = ct.ExposureNetwork(nodes, claims, duplicates="sum")
    result = ct.EisenbergNoe().propagate(net, ct.Shock.default(0))
    page = ct.plot.interactive(result).html
    assert len(page.encode()) < 300_000
    assert page == ct.plot.interactive(result).html  # the same each time
    assert len(data_of(page)["rows"]) == min(n, 2_000)


def test_large_data_are_packed():
    kind, text = packed({"a": "x" * PACKED})
    assert kind == "application/gzip"
    assert json.loads(gzip.decompress(base64.b64decode(text))) == {"a": "x" * PACKED}


def test_the_token_view_sets_claims_against_backing():
    found = look_through(ct.datasets.load("stream_elixir_2025"))
    shown = ct.plot.interactive(found)
    assert shown.title == (
        "Stream Finance (xUSD): 444.9 m USD of claims, 231 m USD of backing inside the data "
        "(63 m USD held outright, 75 m USD in a loop)"
    )
    assert "loop 68.0 and 75.0" in shown.html and 'class="l loop"' in shown.html
    assert "Elixir" in ct.plot.interactive(found, "elixir").title
    with pytest.raises(KeyError, match="elixir"):
        ct.plot.interactive(found, "elixr")


def test_other_things_are_refused():
    with pytest.raises(TypeError, match="propagate"):
        ct.plot.interactive(3)


def test_a_table_has_a_caption_and_headers_of_rows():
    text = table_block("T1", "Loss, USD m", ["node", "loss"], [["a", "1.0"]], numbers=[1])
    assert (
        "<caption>Loss, USD m</caption>" in text and '<th scope="row" data-h="node">a</th>' in text
    )
    assert '<th class="number" scope="col">loss</th>' in text


def luminance(colour: str) -> float:
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    parts = [x / 12.92 if x <= 0.03928 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted([luminance(one), luminance(other)], reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_contrast_of_letters_and_graphics(dark):
    light, night = asset("style.css").split("prefers-color-scheme: dark")[:2]
    colours = dict(re.findall(r"--ct-([\w]+): (#[0-9a-f]{6})", night if dark else light))
    paper = colours["paper"]
    for name in ("ink", "quiet"):
        assert contrast(colours[name], paper) >= 4.5, name
        assert contrast(colours[name], colours["box"]) >= 4.5, name
    ornaments = ("paper", "ink", "quiet", "line", "calm", "box")
    for name in colours.keys() - set(ornaments):
        assert contrast(colours[name], paper) >= 3.0, name


def test_colours_of_figures_have_contrast_on_white():
    from contagion.plot import style

    marks = (*style.KINDS, *style.ROLES.values(), style.LOSS, style.FAILED, style.BEFORE,
             style.OUTSIDE, style.THREAD, style.OTHER)  # fmt: skip
    for colour in marks:
        assert contrast(colour, "#ffffff") >= 3.0, colour
    for colour in (style.INK, style.QUIET):
        assert contrast(colour, "#ffffff") >= 4.5, colour
