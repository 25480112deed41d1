"""Dirty inputs as people have them: one builder per finding, and what the message must say.

`python tests/dirty.py` prints every message once.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import contagion as ct


@dataclass(frozen=True)
class Case:
    """One dirty input: how to build it, the finding it gives, and the choice that mends it."""

    name: str
    code: str
    build: Callable[..., ct.ExposureNetwork]
    says: tuple[str, ...]
    fix: str
    mend: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


CASES: list[Case] = []


def case(code: str, says: tuple[str, ...], fix: str, **mend: Any) -> Callable[..., Any]:
    """Register a builder; `says` are parts of the message, `mend` is the choice that repairs."""

    def register(build: Callable[..., ct.ExposureNetwork]) -> Callable[..., ct.ExposureNetwork]:
        CASES.append(Case(build.__name__, code, build, says, fix, mend))
        return build

    return register


def nodes(*names: str, **columns: Any) -> pd.DataFrame:
    """Nodes with enough capital that nothing else is found."""
    names = names or ("Deutsche Bank", "UBS", "JPM", "BNP")
    table = {"node": list(names), "external_assets": 1e12, "external_liabilities": 0.0}
    return pd.DataFrame({**table, **columns})


def claims(*rows: tuple[str, str, float], **columns: Any) -> pd.DataFrame:
    frame = pd.DataFrame(list(rows), columns=["creditor", "debtor", "amount"])
    return frame.assign(**columns)


def on_disk(text: str, name: str = "claims.csv") -> Path:
    place = Path(tempfile.mkdtemp()) / name
    place.write_text(text, encoding="utf-8")
    return place


GOOD = (("UBS", "JPM", 2e9), ("JPM", "BNP", 3e9), ("BNP", "Deutsche Bank", 5e9))


# -- errors ---------------------------------------------------------------------------------


@case(
    "C001",
    ("cannot tell who owes whom", "'source', 'target'", "JPM is a net lender of 41.2 bn"),
    'orientation="creditor->debtor" or "debtor->creditor".',
    orientation="creditor->debtor",
)
def edge_list_without_orientation(**options: Any) -> ct.ExposureNetwork:
    table = pd.DataFrame(
        {
            "source": ["JPM", "UBS", "JPM"],
            "target": ["UBS", "BNP", "BNP"],
            "amount": [40e9, 2e9, 1.2e9],
        }
    )
    return ct.ExposureNetwork(nodes(), table, unit="USD", **options)


@case(
    "C001",
    ("cannot tell who owes whom in a matrix",),
    'orientation="creditor->debtor" (rows hold the claims) or "debtor->creditor".',
    orientation="debtor->creditor",
)
def matrix_without_orientation(**options: Any) -> ct.ExposureNetwork:
    return ct.ExposureNetwork.from_matrix(
        [[0, 5], [1, 0]], ["A", "B"], external_assets=9, **options
    )


@case(
    "C002",
    ("2 pairs appear more than once", "5 rows", "% of all exposures", "claims.csv lines 3, 5"),
    'duplicates="sum" | "last" | "max" | "keep"',
    duplicates="sum",
)
def rows_twice(**options: Any) -> ct.ExposureNetwork:
    text = (
        "creditor,debtor,amount\nUBS,JPM,9000000000\nJPM,BNP,5e8\nBNP,UBS,1e8\n"
        "JPM,BNP,7e8\nBNP,UBS,1e8\nBNP,UBS,2e8\n"
    )
    return ct.read(on_disk(text), nodes=nodes(), unit="USD", **options)


@case(
    "C003",
    ("2 nodes hold claims on themselves", "900 m USD", "UBS", "row"),
    'self_loops="drop"',
    self_loops="drop",
)
def own_claims(**options: Any) -> ct.ExposureNetwork:
    table = claims(*GOOD, ("UBS", "UBS", 4e8), ("JPM", "JPM", 5e8))
    return ct.ExposureNetwork(nodes(), table, unit="USD", **options)


@case(
    "C004",
    (
        "4 ids are missing from nodes",
        "'Deutsche Bk' (closest 'Deutsche Bank')",
        "'UBS ' (trailing space)",
        "'jpm' ('JPM' in other case)",
        "and 1 more",
    ),
    "id_map={'Deutsche Bk': 'Deutsche Bank', 'UBS ': 'UBS', 'jpm': 'JPM'}, or "
    'unknown_nodes="external"',
    unknown_nodes="external",
)
def unknown_names(**options: Any) -> ct.ExposureNetwork:
    table = claims(
        *GOOD,
        ("Deutsche Bk", "UBS ", 1e9),
        ("jpm", "BNP", 2e9),
        ("Monte dei Paschi di Siena", "BNP", 2e9),
    )
    return ct.ExposureNetwork(nodes(), table, unit="EUR", **options)


@case("C004", ("name nodes by text, the node table by numbers",), "the same type in both tables")
def numbers_and_text(**options: Any) -> ct.ExposureNetwork:
    table = claims(("1", "2", 1.0), ("2", "3", 2.0))
    return ct.ExposureNetwork(nodes().assign(node=[1, 2, 3, 4]), table, **options)


@case("C004", ("1 id occurs more than once in the node table: 'UBS'",), 'drop_duplicates("node")')
def node_twice(**options: Any) -> ct.ExposureNetwork:
    return ct.ExposureNetwork(nodes("UBS", "JPM", "BNP", "UBS"), claims(*GOOD[:2]), **options)


@case(
    "C004",
    ("1 claim has no creditor or no debtor", "claims.csv line 3"),
    'na="drop"',
    na="drop",
)
def empty_name(**options: Any) -> ct.ExposureNetwork:
    text = "creditor,debtor,amount\nUBS,JPM,5\n,JPM,3\n"
    return ct.read(on_disk(text), nodes=nodes("UBS", "JPM"), **options)


@case(
    "C005",
    ("equity is missing for 2 nodes ('UBS', 'BNP'", "is not immune, and we do not guess"),
    'missing_equity="external"',
    missing_equity="external",
)
def no_equity(**options: Any) -> ct.ExposureNetwork:
    table = nodes().drop(columns="external_liabilities").assign(equity=[5e9, None, 3e9, None])
    return ct.ExposureNetwork(table.drop(columns="external_assets"), claims(*GOOD), **options)


@case(
    "C005",
    ("equity is ≤ 0 for 1 node ('BNP') and its assets are not given",),
    'start_defaulted=["BNP"]',
    start_defaulted=["BNP"],
)
def equity_of_zero(**options: Any) -> ct.ExposureNetwork:
    table = pd.DataFrame({"node": ["UBS", "JPM", "BNP", "Deutsche Bank"]})
    return ct.ExposureNetwork(
        table.assign(equity=[5e9, 5e9, 0.0, 9e9]), claims(*GOOD), unit="EUR", **options
    )


@case(
    "C006",
    ("2 amounts are negative", "claims.csv lines 2, 5", "Supervisory (−) columns"),
    'negative="flip"',
    negative="flip",
)
def negative_amounts(**options: Any) -> ct.ExposureNetwork:
    text = "creditor,debtor,amount\nUBS,JPM,-5\nJPM,BNP,7\nBNP,UBS,3\nJPM,UBS,-2\n"
    return ct.read(on_disk(text), nodes=nodes(), unit="EUR mn", **options)


@case(
    "C006",
    ("2 amounts are empty or NaN (claims.csv lines 2, 4). Unknown is not 0",),
    'na="drop"',
    na="drop",
)
def empty_amounts(**options: Any) -> ct.ExposureNetwork:
    text = "creditor,debtor,amount\nUBS,JPM,\nJPM,BNP,7\nBNP,UBS,n/a\n"
    return ct.read(on_disk(text), nodes=nodes(), **options)


@case("C006", ("1 amount is infinite (row 1)",), "exposures.drop(index=[1])")
def infinite_amount(**options: Any) -> ct.ExposureNetwork:
    return ct.ExposureNetwork(nodes(), claims(GOOD[0], ("JPM", "BNP", np.inf)), **options)


@case(
    "C006",
    ("2 amounts are not numbers: '13+27682', '=SUM(C2:C3)'", "lines 3, 4", "never evaluated"),
    "delete claims.csv lines 3, 4.",
)
def formulas(**options: Any) -> ct.ExposureNetwork:
    text = "creditor,debtor,amount\nUBS,JPM,5\nJPM,BNP,13+27682\nBNP,UBS,=SUM(C2:C3)\n"
    return ct.read(on_disk(text), nodes=nodes(), **options)


@case(
    "C006",
    ("2 amounts are not numbers: '1,234', '5,678'", "decimal sign or separate thousands"),
    'decimal="," or decimal="."',
    decimal=".",
)
def thousands_or_decimals(**options: Any) -> ct.ExposureNetwork:
    text = "creditor;debtor;amount\nUBS;JPM;1,234\nJPM;BNP;5,678\n"
    return ct.read(on_disk(text), nodes=nodes(), **options)


@case(
    "C007",
    ("amounts are in 'USD', 'EUR'; a network has one unit, here USD", "1 amount cannot be added"),
    'fx={"EUR": …}',
    fx={"EUR": 1.1},
)
def currencies(**options: Any) -> ct.ExposureNetwork:
    table = claims(*GOOD, currency=["USD", "EUR", None])
    return ct.ExposureNetwork(nodes(), table, unit="USD", **options)


@case(
    "C007",
    ("12 rows look 10⁶ too small, all from 'cy_bank.xlsx'", "against 3 bn"),
    'scale={"cy_bank.xlsx": 1e6}, or scale={"cy_bank.xlsx": 1}',
    scale={"cy_bank.xlsx": 1e6},
)
def one_source_in_millions(**options: Any) -> ct.ExposureNetwork:
    names = [f"bank {i}" for i in range(7)]
    pairs = [(a, b) for a in names for b in names if a != b]
    table = claims(*((a, b, 1e9 * (1 + k % 5)) for k, (a, b) in enumerate(pairs)))
    table["source"] = ["cy_bank.xlsx"] * 12 + ["ecb.csv"] * 30
    table.loc[:11, "amount"] /= 1e6
    return ct.ExposureNetwork(nodes(*names), table, unit="EUR", **options)


@case(
    "C007",
    ("amounts are raw integers (USDC has 6, WETH has 18)",),
    'decimals="column"',
    decimals="column",
    fx={"USDC": 1, "WETH": 3000},
)
def raw_integers(**options: Any) -> ct.ExposureNetwork:
    table = claims(("UBS", "JPM", 5_000_000), ("JPM", "BNP", 7 * 10**18))
    table = table.assign(asset=["USDC", "WETH"], decimals=[6, 18])
    return ct.ExposureNetwork(nodes(), table, unit="USD", **options)


@case(
    "C008",
    ("'C': claims 120 exceed total assets 95",),
    'balance="add_rest_of_world"',
    balance="add_rest_of_world",
)
def claims_exceed_assets(**options: Any) -> ct.ExposureNetwork:
    table = pd.DataFrame(
        {"node": ["C", "D"], "total_assets": [95.0, 500], "total_liabilities": [80.0, 300]}
    )
    return ct.ExposureNetwork(table, claims(("C", "D", 120.0)), **options)


@case(
    "C008",
    ("interbank assets 812.4 ≠ interbank liabilities 774.9", "both margins cannot be met"),
    'balance="scale_liabilities"',
    balance="scale_liabilities",
)
def margins_differ(**options: Any) -> ct.ExposureNetwork:
    table = nodes("A", "B", interbank_assets=[800, 12.4], interbank_liabilities=[74.9, 700])
    return ct.ExposureNetwork(table, claims(), **options)


@case(
    "C008",
    ("1 row of the node table does not add up", "stated equity 50", "60 m EUR apart"),
    'balance="external_assets" | "external_liabilities" | "equity"',
    balance="equity",
)
def equity_against_the_rest(**options: Any) -> ct.ExposureNetwork:
    table = nodes("A", "B", external_assets=[100.0, 100.0], equity=[50.0, 90.0])
    return ct.ExposureNetwork(table, claims(("A", "B", 10.0)), unit="EUR mn", **options)


@case(
    "C009",
    ("the matrix is 3 × 3", "row 3 is called 'Total'", "column 3 is called 'Total'"),
    'totals="drop"',
    totals="drop",
    orientation="creditor->debtor",
)
def totals(**options: Any) -> ct.ExposureNetwork:
    text = "bank;A;B;Total\nA;-;1.234,5;1.234,5\nB;7,25;-;7,25\nTotal;7,25;1.234,5;1.241,75\n"
    choices = {"orientation": "creditor->debtor", "missing_equity": "external", **options}
    return ct.read(on_disk(text, "matrix.csv"), **choices)


@case("C009", ("the 2 × 2 array has no labels",), "names=[…]")
def no_labels(**options: Any) -> ct.ExposureNetwork:
    return ct.ExposureNetwork.from_matrix(
        np.ones((2, 2)), orientation="creditor->debtor", **options
    )


@case("C009", ("labels differ: 'C' only among the rows; 'c' only among the columns",), "reindex")
def other_labels(**options: Any) -> ct.ExposureNetwork:
    table = pd.DataFrame(np.ones((3, 3)), index=list("ABC"), columns=list("ABc"))
    return ct.ExposureNetwork.from_matrix(table, orientation="creditor->debtor", **options)


@case(
    "C010",
    ("'Euro area' looks like the sum of other nodes", "5.2 tn EUR counted twice"),
    'aggregates="drop"',
    aggregates="drop",
)
def sums_of_nodes(**options: Any) -> ct.ExposureNetwork:
    table = claims(("DE", "IT", 3e12), ("FR", "IT", 2.2e12), ("Euro area", "IT", 5.2e12))
    return ct.ExposureNetwork(nodes("DE", "FR", "IT", "Euro area"), table, unit="EUR", **options)


@case(
    "C010",
    ("xUSD → deUSD → xUSD back each other", "gain 0.94", "1.00 of outside assets carries 16.7"),
    'loops="solve"',
    loops="solve",
)
def tokens_back_each_other(**options: Any) -> ct.ExposureNetwork:
    table = nodes("xUSD", "deUSD", external_assets=[6.0, 6.0], kind="stablecoin")
    loop = claims(("xUSD", "deUSD", 94.0), ("deUSD", "xUSD", 94.0))
    return ct.ExposureNetwork(table, loop, unit="USD mn", **options)


@case(
    "C011",
    ("1 claim carries collateral that covers 6 m EUR (row 0)", "who bears the loss"),
    'collateral="settle"',
    collateral="settle",
)
def pledges(**options: Any) -> ct.ExposureNetwork:
    table = claims(("UBS", "JPM", 10.0), ("JPM", "BNP", 3.0), collateral=[6.0, 0.0])
    return ct.ExposureNetwork(nodes(), table, unit="EUR mn", **options)


@case("C012", ("the exposures table has no column 'amount'",), 'columns={"amont": "amount"}')
def no_amount(**options: Any) -> ct.ExposureNetwork:
    table = claims(*GOOD).rename(columns={"amount": "amont"})
    return ct.ExposureNetwork(nodes(), table, **options)


@case("C012", ("2 cells in rows 0, 2 are not a whole number ≥ 1: '0', 'senior'",), "(then 1)")
def tiers(**options: Any) -> ct.ExposureNetwork:
    return ct.ExposureNetwork(nodes(), claims(*GOOD, tier=[0, 2, "senior"]), **options)


@case("C012", ("1 cell of 'UBS' is not one of priority", "'pro-rata'"), "(then priority)")
def rules(**options: Any) -> ct.ExposureNetwork:
    table = nodes(rule=["priority", "pro-rata", None, "queue"])
    return ct.ExposureNetwork(table, claims(*GOOD), **options)


@case("C012", ("1 cell of 'BNP' is not true or false: 'maybe'",), "(then true)")
def truth(**options: Any) -> ct.ExposureNetwork:
    table = nodes(can_fail=["true", "False", "0", "maybe"])
    return ct.ExposureNetwork(table, claims(*GOOD), **options)


@case(
    "C013",
    (
        "the exposures are of 2022-Q4 (2 rows, 6.2 bn EUR), 2023-Q4 (2 rows, 6.5 bn EUR)",
        "in the column 'layer'",
        "snapshots of one claim are not added up",
    ),
    'period="2023-Q4" takes one, ct.Panel',
    period="2023-Q4",
)
def two_snapshots(**options: Any) -> ct.ExposureNetwork:
    table = claims(
        ("A", "B", 5000.0), ("A", "B", 5200.0), ("B", "C", 1200.0), ("B", "C", 1300.0),
        layer=["2022-Q4", "2023-Q4"] * 2,
    )  # fmt: skip
    sheet = pd.DataFrame({"node": ["A", "B", "C"], "equity": [6100.0, 1200.0, 2300.0]})
    return ct.ExposureNetwork(sheet, table, unit="EUR m", **options)


# -- warnings -------------------------------------------------------------------------------


@case("W016", ("1 claim has no period (5 bn USD)", "counted in every period"), "fill in the column")
def a_claim_of_no_period(**options: Any) -> ct.ExposureNetwork:
    table = claims(*GOOD, period=["2022", "2023", None])
    return ct.ExposureNetwork(nodes(), table, unit="USD", period=2022, **options)


@case(
    "W017",
    (
        "1 row of the node table adds up only within the rounding",
        "'A': stated equity 6101, the other columns and the exposures give 6100 (1 apart)",
    ),
    'balance="equity"',
)
def published_in_whole_units(**options: Any) -> ct.ExposureNetwork:
    sheet = pd.DataFrame(
        {
            "node": ["A", "B", "C"],
            "total_assets": [95118, 551346, 30815],
            "total_liabilities": [89018, 527346, 28515],
            "equity": [6101, 24000, 2300],
        }
    )
    table = claims(("A", "B", 5000.0), ("B", "C", 1200.0), ("C", "A", 800.0))
    return ct.ExposureNetwork(sheet, table, **options)


@case("W001", ("1 claim has amount 0 (row 3)",), "")
def nothing_owed(**options: Any) -> ct.ExposureNetwork:
    return ct.ExposureNetwork(nodes(), claims(*GOOD, ("UBS", "BNP", 0.0)), **options)


@case("W002", ("amounts are of 2 dates, from 2022-03 to 2022-06",), "")
def dates(**options: Any) -> ct.ExposureNetwork:
    return ct.ExposureNetwork(nodes(), claims(*GOOD, as_of=["2022-06", "2022-03", None]), **options)


@case("W003", ("1 node has no exposure: 'HSBC'",), "")
def alone(**options: Any) -> ct.ExposureNetwork:
    return ct.ExposureNetwork(
        nodes("Deutsche Bank", "UBS", "JPM", "BNP", "HSBC"), claims(*GOOD), **options
    )


@case("W004", ("'UBS' and members of the group are both present",), "")
def group_and_member(**options: Any) -> ct.ExposureNetwork:
    return ct.ExposureNetwork(nodes(group=[None, "UBS", "UBS", None]), claims(*GOOD), **options)


@case("W005", ("50 % of the amounts equal the smallest, 1 m EUR",), "")
def threshold(**options: Any) -> ct.ExposureNetwork:
    names = [f"bank {i}" for i in range(6)]
    pairs = [(a, b) for a in names for b in names if a != b]
    rows = [(a, b, 1e6 * (1 + (k % 2) * k)) for k, (a, b) in enumerate(pairs)]
    return ct.ExposureNetwork(nodes(*names), claims(*rows), unit="EUR", **options)


@case("W006", ("look like logarithms",), "10 **")
def logs(**options: Any) -> ct.ExposureNetwork:
    names = [f"bank {i}" for i in range(6)]
    pairs = [(a, b) for a in names for b in names if a != b]
    rows = [(a, b, 3.1 + 0.213 * k) for k, (a, b) in enumerate(pairs)]
    return ct.ExposureNetwork(nodes(*names), claims(*rows), **options)


@case("W007", ("'USDC' exists on more than one chain",), "")
def one_symbol_two_chains(**options: Any) -> ct.ExposureNetwork:
    table = nodes(
        symbol=["USDC", "USDC", "DAI", None], chain=["base", "ethereum", "ethereum", None]
    )
    return ct.ExposureNetwork(table, claims(*GOOD), **options)


@case("W008", ("only the equity of 2 nodes is known", "Recovery rates"), "external_assets")
def equity_only(**options: Any) -> ct.ExposureNetwork:
    table = pd.DataFrame({"node": ["A", "B"], "equity": [50.0, 90.0]})
    return ct.ExposureNetwork(table, claims(("A", "B", 10.0)), **options)


@case("W009", ("1 node owes more than it has before any shock ('B'; 7 m EUR missing)",), "")
def insolvent(**options: Any) -> ct.ExposureNetwork:
    table = nodes("A", "B", external_assets=[50.0, 3.0])
    return ct.ExposureNetwork(table, claims(("A", "B", 10.0)), unit="EUR mn", **options)


@case("W010", ("1 claim exceeds 25 % of the creditor's equity, e.g. A→B at 50 %",), "")
def large(**options: Any) -> ct.ExposureNetwork:
    table = nodes("A", "B", external_assets=[10.0, 100.0])
    return ct.ExposureNetwork(table, claims(("A", "B", 10.0)), **options)


@case("W011", ("the largest amount is 7e+18 and all are whole numbers",), "decimals={")
def maybe_raw(**options: Any) -> ct.ExposureNetwork:
    table = claims(("UBS", "JPM", 5e17), ("JPM", "BNP", 7e18), asset="WETH")
    return ct.ExposureNetwork(nodes(external_assets=1e30), table, **options)


@case("W012", ("the column 'colateral' of the exposures table is not read",), 'columns={"colat')
def misspelled(**options: Any) -> ct.ExposureNetwork:
    return ct.ExposureNetwork(nodes(), claims(*GOOD, colateral=1.0), **options)


@case("W013", ("'UBS', 'ubs' differ only in case or spaces",), "id_map")
def twins(**options: Any) -> ct.ExposureNetwork:
    return ct.ExposureNetwork(nodes("UBS", "JPM", "ubs"), claims(GOOD[0]), **options)


@case(
    "W014", ("the equity assumed for 'UBS' is not used: the tables give its capital",), "with_nodes"
)
def assumed_for_nothing(**options: Any) -> ct.ExposureNetwork:
    return ct.ExposureNetwork(nodes(), claims(*GOOD), assume_equity={"UBS": 1.0}, **options)


@case("W015", ("2 claims have an lgd", "clearing computes what is lost"), "Furfine()")
def own_rates(**options: Any) -> ct.ExposureNetwork:
    return ct.ExposureNetwork(nodes(), claims(*GOOD[:2], lgd=0.4), **options)


# -- everything at once ---------------------------------------------------------------------

MESS = """\
creditor,debtor,amount,currency
UBS,JPM,5,EUR
UBS,JPM,5,EUR
JPM,JPM,2,EUR
JPM,BNP,-4,EUR
BNP,Deutsche Bk,3,EUR

BNP,UBS,12+1,EUR
UBS,BNP,,EUR
UBS,Deutsche Bank,8,USD
"""


def mess(**options: Any) -> ct.ExposureNetwork:
    """A file with most of it: every finding must come in one error."""
    table = nodes().drop(columns=["external_assets", "external_liabilities"])
    table = table.assign(equity=[5.0, 6.0, None, 0.0])
    return ct.read(on_disk(MESS), nodes=table, unit="EUR", **options)


def messages() -> list[str]:
    """Every message once, as a person sees it."""
    texts = []
    for one in CASES:
        try:
            found = one.build().findings
        except ct.NetworkError as error:
            found = error.findings
        texts += [f"{finding}" for finding in found if finding.code == one.code][:1]
    try:
        mess()
    except ct.NetworkError as error:
        texts.append(str(error))
    return texts


if __name__ == "__main__":
    print("\n\n".join(messages()))
