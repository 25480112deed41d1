"""Random tables whose true numbers are kept apart from the files that are written of them.

`made(seed, folder)` writes a pair of files and says what is in them; `outcome(case)` reads them and
compares. A file with something wrong in it has to be refused, unless the option is given that says
how it is meant; every other file has to give the true sums, pair by pair.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import contagion as ct

# decimal sign, thousands sign, groups of two above a thousand
LOCALES = {
    "en": (".", ",", False),
    "de": (",", ".", False),
    "fr": (",", "\u202f", False),
    "ch": (".", "'", False),
    "se": (",", "\u00a0", False),
    "in": (".", ",", True),
    "plain": (".", "", False),
    "es": (",", "", False),
}
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "cp1252")
WRONG = ("none", "none", "none", "text", "infinite", "missing", "negative", "extra field",
         "missing field", "missing column", "duplicate", "orientation", "huge",
         "formula", "self", "stranger", "currencies", "raw", "period", "headings", "fractions",
         "total")  # fmt: skip
NAMES = ("007", "7", "NA", "nan", "Ä Bank", "B, Inc", "C;D", "null", "1e5", "O'Neil", 'Q"uote',
         "0x" + "aB" * 20, "Zeta", "true", "x|y", "Bank 8", "Bank 9", "-", "ß")  # fmt: skip
HEADS = (("creditor", "debtor", "amount"), ("Lender", "Borrower", "Exposure"),
         ("CREDITOR", "Debtor ", "Face Value"),
         ("lender_id", "borrower_id", "notional"))  # fmt: skip


@dataclass
class Case:
    """Files, how they are read, what is in them, and what is wrong with them."""

    exposures: Path
    nodes: Path
    options: dict[str, Any]
    amounts: dict[tuple[str, str], float]
    equity: dict[str, float]
    wrong: str
    about: str = ""
    lgd: dict[tuple[str, str], float] = field(default_factory=dict)


def shown(x: float, locale: str, places: int, grouped: bool, rng: random.Random) -> str:
    """A number as people of a country write it."""
    decimal, thousands, lakhs = LOCALES[locale]
    whole, _, part = f"{abs(x):.{places}f}".partition(".")
    if grouped and thousands:
        head, tail = whole[:-3], whole[-3:]
        step = 2 if lakhs else 3
        groups = [tail]
        while head:
            groups.insert(0, head[-step:])
            head = head[:-step]
        whole = thousands.join(groups)
    text = whole + (decimal + part if part else "")
    if x < 0:
        return rng.choice([f"-{text}", f"({text})", f"{text}-", f"−{text}"])
    return text


def made(seed: int, folder: Path) -> Case:
    """Write the files of a seed."""
    rng = random.Random(seed)
    names = rng.sample(NAMES, rng.randint(3, 7))
    locale = rng.choice(list(LOCALES))
    separator = rng.choice([",", ";", "\t", "|"])
    places = rng.choice([0, 1, 2, 2, 3, 4])
    grouped = rng.random() < 0.6
    encoding = rng.choice(ENCODINGS)
    wrong = rng.choice(WRONG)
    pairs = [(a, b) for a in names for b in names if a != b]
    pairs = rng.sample(pairs, min(len(pairs), rng.randint(2, 12)))
    scale = 10 ** rng.uniform(0, 7)
    amounts = {pair: max(round(scale * rng.uniform(0.1, 9), places), 1.0) for pair in pairs}
    text = {pair: shown(x, locale, places, grouped, rng) for pair, x in amounts.items()}
    head = list(rng.choice(HEADS))
    rows = [[a, b, text[a, b]] for a, b in pairs]
    k = rng.randrange(len(rows))
    options: dict[str, Any] = {"missing_equity": "external"}
    if rng.random() < 0.3:
        options["decimal"] = LOCALES[locale][0]
    more = rng.random()
    if more < 0.2:
        head.append("note")
        rows = [[*row, rng.choice(["", "x", "one, two"])] for row in rows]
    elif more < 0.3:
        head.append("weight")
        rows = [[*row, shown(rng.random(), locale, 2, False, rng)] for row in rows]
    lgd = {pair: round(rng.uniform(0.05, 0.95), 3) for pair in pairs}
    written = Written(head, rows, amounts, lgd, k, (locale, places, grouped))
    options |= written.spoil(wrong, names, rng)
    if options.pop("said", False):
        wrong = f"{wrong}, said"
    mark = '"' if rng.random() < 0.3 else ""
    lines = [separator.join(_cell(c, separator, mark) for c in row) for row in [head, *rows]]
    if wrong == "none" and rng.random() < 0.2:
        lines[0:0] = rng.choice([["# exported"], ["Exposures of banks", ""], [f"sep={separator}"]])
        if lines[0].startswith("sep=") and separator == "\t":
            lines = lines[1:]
    if wrong == "none" and rng.random() < 0.15:
        above = ("#", "sep", "Exp")
        lines = [x + separator if x and not x.startswith(above) else x for x in lines]
    end = rng.choice(["\n", "\r\n"])
    body = end.join(lines) + (end if rng.random() < 0.8 else "")
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"claims{seed}.csv"
    safe = "".join(c if c.encode("cp1252", "ignore") else "\u00a0" for c in body) if (
        encoding == "cp1252") else body  # fmt: skip
    safe = safe.replace("−", "-") if encoding == "cp1252" else safe
    file.write_bytes(safe.encode(encoding))
    equity = {name: round(scale * rng.uniform(5, 60), 2) for name in names}
    if wrong == "stranger":
        del equity[pairs[0][0]]
    nodes = folder / f"nodes{seed}.csv"
    lines = ["id;equity"] + [
        f"{_cell(n, ';', '')};{shown(x, locale, 2, grouped, rng)}" for n, x in equity.items()
    ]
    nodes.write_bytes("\n".join(lines).encode("utf-8"))
    about = f"{locale} {separator!r} {encoding} {places} {'grouped' if grouped else ''}"
    return Case(file, nodes, options, amounts, equity, wrong, about, written.checked)


def _cell(cell: str, separator: str, mark: str) -> str:
    if mark or separator in cell or '"' in cell:
        return '"' + cell.replace('"', '""') + '"'
    return cell


@dataclass
class Written:
    """A table as it is written, and the numbers that are true of it; `k` is a row."""

    head: list[str]
    rows: list[list[str]]
    amounts: dict[tuple[str, str], float]
    lgd: dict[tuple[str, str], float]
    k: int
    numbers: tuple[str, int, bool]
    checked: dict[tuple[str, str], float] = field(default_factory=dict)

    def spoil(self, wrong: str, names: list[str], rng: random.Random) -> dict[str, Any]:
        """Put something wrong into the table; the options that say how it is meant, if any."""
        row = self.rows[self.k]
        if wrong == "text":
            row[2] = rng.choice(["a lot", "12 EUR/MWh", "1,2,3,4", "2022-01-01", "45 %", "1.2.3"])
        elif wrong in ("infinite", "huge"):
            row[2] = rng.choice(["inf", "-Infinity", "1e999", "1e400"])
        elif wrong == "missing":
            row[2] = rng.choice(["", "NaN", "n/a", "null"])
        elif wrong == "negative":
            row[2] = "-" + row[2]
        elif wrong == "extra field":
            row.append("7")
        elif wrong == "missing field":
            row.pop()
        elif wrong == "formula":
            row[2] = rng.choice(["=A1+B2", "13+27682", "=SUM(A1)"])
        meant = MEANT.get(wrong)
        if meant is None:
            return {}
        said = rng.random() < 0.6
        options = meant(self, names, rng)
        return {**options, "said": True} if said else {}

    def _missing_column(self, names: list[str], rng: random.Random) -> dict[str, Any]:
        for row in self.rows:
            del row[2]
        del self.head[2]
        self.amounts.update(dict.fromkeys(self.amounts, 12.5))
        return {"constants": {"amount": 12.5}}

    def _duplicate(self, names: list[str], rng: random.Random) -> dict[str, Any]:
        row = self.rows[self.k]
        self.rows.append(list(row))
        self.amounts[row[0], row[1]] *= 2
        return {"duplicates": "sum"}

    def _orientation(self, names: list[str], rng: random.Random) -> dict[str, Any]:
        self.head[0], self.head[1] = "source", "target"
        if rng.random() < 0.5:
            return {"orientation": "creditor->debtor"}
        turned = {(b, a): x for (a, b), x in self.amounts.items()}
        self.amounts.clear()
        self.amounts.update(turned)
        return {"orientation": "debtor->creditor"}

    def _self(self, names: list[str], rng: random.Random) -> dict[str, Any]:
        self.rows.append([names[0], names[0], "5"] + [""] * (len(self.head) - 3))
        return {"self_loops": "drop"}

    def _currencies(self, names: list[str], rng: random.Random) -> dict[str, Any]:
        self.head.append("currency")
        for i, row in enumerate(self.rows):
            row.append("EUR" if i == self.k else "USD")
        row = self.rows[self.k]
        self.amounts[row[0], row[1]] *= 1.25
        return {"fx": {"EUR": 1.25, "USD": 1.0}}

    def _raw(self, names: list[str], rng: random.Random) -> dict[str, Any]:
        """Integers of two assets, as a chain keeps them."""
        self.head.append("asset")
        for i, row in enumerate(self.rows):
            coin, digits, worth = ("USDC", 6, 1.0) if i % 2 else ("WETH", 18, 2000.0)
            whole = rng.randint(1, 10**12) * 10 ** (digits - 6)
            row[2] = str(whole)
            row.append(coin)
            self.amounts[row[0], row[1]] = whole / 10**digits * worth
        return {"decimals": {"USDC": 6, "WETH": 18}, "fx": {"USDC": 1.0, "WETH": 2000.0}}

    def _period(self, names: list[str], rng: random.Random) -> dict[str, Any]:
        """A second snapshot with other amounts."""
        self.head.append("period")
        dates = rng.choice([("2022-Q4", "2023-Q4"), ("2022", "2023"), ("2023-03-31", "2023-06-30")])
        locale, places, grouped = self.numbers
        later = [
            [row[0], row[1], shown(rng.uniform(1, 1e5), locale, places, grouped, rng), *row[3:]]
            for row in self.rows
        ]
        for rows, date in ((self.rows, dates[0]), (later, dates[1])):
            for row in rows:
                row.append(date)
        self.rows += later
        if rng.random() < 0.5:
            rng.shuffle(self.rows)
        return {"period": dates[0]}

    def _headings(self, names: list[str], rng: random.Random) -> dict[str, Any]:
        theirs = rng.sample(["Spalte 1", "qty", "Größe", "col_b", "X.1", "wer", "wem", "k€"], 3)
        self.head[:3] = theirs
        return {"columns": dict(zip(theirs, ("creditor", "debtor", "amount"), strict=True))}

    def _fractions(self, names: list[str], rng: random.Random) -> dict[str, Any]:
        """Per cent in a column of fractions."""
        self.head.append("lgd")
        for row in self.rows:
            row.append(shown(100 * self.lgd[row[0], row[1]], self.numbers[0], 1, False, rng))
        self.checked = self.lgd
        return {"rates": {"lgd": "percent"}}

    def _total(self, names: list[str], rng: random.Random) -> dict[str, Any]:
        """A last line with the sum of all."""
        locale, places, grouped = self.numbers
        total = shown(sum(self.amounts.values()), locale, places, grouped, rng)
        self.rows.append(["Total", "", total] + [""] * (len(self.head) - 3))
        return {"totals": "drop"}


MEANT = {
    "missing column": Written._missing_column,
    "duplicate": Written._duplicate,
    "orientation": Written._orientation,
    "self": Written._self,
    "currencies": Written._currencies,
    "raw": Written._raw,
    "period": Written._period,
    "headings": Written._headings,
    "fractions": Written._fractions,
    "total": Written._total,
}


def canonical(name: str) -> str:
    return name.lower() if name.startswith("0x") else name


def outcome(case: Case) -> str:
    """ "right", "refused", or what is wrong."""
    try:
        net = ct.read(case.exposures, nodes=case.nodes, **case.options)
    except ct.errors.ContagionError as error:
        said = str(error)
        if not said.strip():
            return "an error without words"
        if (case.wrong == "none" or case.wrong.endswith("said")) and not _ambiguous(said):
            return f"refused a good file: {said[:300]}"
        return "refused"
    if case.wrong != "none" and not case.wrong.endswith("said"):
        return f"took a file with {case.wrong}"
    got = {(a, b): x for a, b, x in net.exposures[["creditor", "debtor", "amount"]].values}
    want = {(canonical(a), canonical(b)): x for (a, b), x in case.amounts.items()}
    if set(got) != set(want):
        return f"other pairs: {sorted(set(got) ^ set(want))[:4]}"
    for pair, x in want.items():
        if abs(got[pair] - x) > 1e-9 * x:
            return f"{pair}: {got[pair]} instead of {x}"
    if case.lgd:
        rates = {(a, b): x for a, b, x in net.exposures[["creditor", "debtor", "lgd"]].values}
        for (a, b), x in case.lgd.items():
            if abs(rates[canonical(a), canonical(b)] - x) > 1e-9:
                return f"lgd of {a}, {b}: {rates[canonical(a), canonical(b)]} instead of {x}"
    equity = dict(zip(net.nodes["node"], net.nodes["equity"], strict=True))
    for name, x in case.equity.items():
        if abs(equity[canonical(name)] - x) > 1e-9 * x:
            return f"equity of {name}: {equity[canonical(name)]} instead of {x}"
    return "right"


def _ambiguous(said: str) -> bool:
    """A question that only the caller can answer."""
    asks = ("decimal sign or separate thousands", "looks like the sum of other")
    return any(words in " ".join(said.split()) for words in asks)
