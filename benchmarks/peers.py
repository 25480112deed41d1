"""The package against what somebody writes in twelve lines of numpy and scipy, on the same inputs.

    python benchmarks/peers.py [--nodes 10 100 1000] [--repeat 20]

Prints one JSON object a line: processor seconds of both, and how many times as long the package
takes (below 1: it is quicker). Both answers are compared; a difference ends the script. What is
there before a run, the network here and matrices there, is not counted for either.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from clearing import network
from growth import least
from scipy.sparse import csr_array, diags_array, eye_array
from scipy.sparse.linalg import spsolve

import contagion as ct

MODEL = ct.EisenbergNoe()


def fixed_point(shares: csr_array, cash: np.ndarray, debts: np.ndarray) -> np.ndarray:
    """p = min(p̄, max(0, cash + Πᵀ p)) from p̄ down; `shares` is Πᵀ."""
    paid = debts
    while True:
        new = np.clip(cash + shares @ paid, 0.0, debts)
        if np.abs(new - paid).max() <= 1e-12 * debts.max():
            return new
        paid = new


def fictitious_default(shares: csr_array, cash: np.ndarray, debts: np.ndarray) -> np.ndarray:
    """Who pays in part and who nothing, and what they then pay, until nobody else joins them."""
    paid, before = debts, None
    while True:
        value = cash + shares @ paid
        part, none = (value > 0) & (value < debts), value <= 0
        if before is not None and (part == before[0]).all() and (none == before[1]).all():
            return paid
        fixed = np.where(none, 0.0, debts) * ~part
        own = diags_array(part.astype(float))
        system = (eye_array(len(debts)) - own @ shares @ own).tocsc()
        paid = fixed + spsolve(system, own @ (cash + shares @ fixed))
        before = part, none


def debtrank(leverage: np.ndarray, share: np.ndarray) -> np.ndarray:
    """What each node, as the only one in default, costs the others; `leverage` is dense."""
    n = len(share)
    h = np.eye(n)
    while True:
        new = np.minimum(leverage @ h, 1.0)
        np.fill_diagonal(new, 1.0)
        if np.abs(new - h).max() <= 1e-10:
            return share @ new - share
        h = new


def measured(n: int, repeat: int) -> Iterator[dict[str, Any]]:
    """One line a task: seconds of the package and of the twelve lines."""
    net = network(n, min(10, n // 2), share=0.2)
    book, hit = net.book, np.random.default_rng(2).uniform(0.0, 2.0, n)
    losses = book.external_assets * 0.06 * hit
    shares = csr_array(net.liabilities.T @ diags_array(1.0 / np.maximum(book.debts, 1e-300)))
    cash = book.external_assets - losses - book.external_liabilities
    shock = ct.Shock.loss(dict(zip(net.names, losses, strict=True)))
    want = MODEL.propagate(net, shock).payments.to_numpy()
    arrays = least(lambda: MODEL.solve(net, losses), repeat)
    table = least(lambda: MODEL.propagate(net, shock).payments, repeat)
    for name, lines in (("fixed point", fixed_point), ("fictitious default", fictitious_default)):
        same(lines(shares, cash, book.debts), want)
        peer = least(lambda lines=lines: lines(shares, cash, book.debts), repeat)
        yield line(f"`solve` of one shock; {name}", n, arrays, peer)
        yield line(f"`propagate` and payments by name; {name}", n, table, peer)
    leverage = (diags_array(1.0 / book.equity) @ net.liabilities.T).toarray()
    share = book.equity / book.equity.sum()
    same(debtrank(leverage, share), ct.measures.debtrank(net, ct.DebtRank()).to_numpy())
    few = repeat if n < 1_000 else max(1, repeat // 10)
    peer = least(lambda: debtrank(leverage, share), few)
    ours = least(lambda: ct.measures.debtrank(net, ct.DebtRank()), few)
    yield line("DebtRank of every node; dense iteration", n, ours, peer)


def same(found: np.ndarray, want: np.ndarray) -> None:
    """Ends the script where two answers differ."""
    np.testing.assert_allclose(found, want, rtol=1e-7, atol=1e-8 * np.abs(want).max())


def line(task: str, n: int, ours: float, peer: float) -> dict[str, Any]:
    told = {"task": task, "nodes": n, "seconds": round(ours, 6), "lines": round(peer, 6)}
    return {**told, "times": float(f"{ours / peer:.3g}")}


# -- what is shown ------------------------------------------------------------------------------

LINES = """## Beside twelve lines of numpy and scipy

The same arrays in functions of about twelve lines each (`benchmarks/peers.py`; both results are
compared): the fixed point by iteration from full payment, the fictitious default algorithm with a
sparse solver, DebtRank of every node by iteration with dense matrices. These functions have no
checks, no names and only one rule. The time to build the network, or the matrices, is not counted.
Below 1 the package is quicker.
"""
PUBLISHED = Path(__file__).with_name("published.md")  # speeds that others publish


def page(rows: list[dict[str, Any]]) -> list[str]:
    """The comparison and what others publish, as Markdown."""
    lines = [LINES, "| task; twelve lines | nodes | package, seconds | lines, seconds | times |",
             "|---|---|---|---|---|"]  # fmt: skip
    for each in rows:
        cells = each["task"], f"{each['nodes']:,}", f"{each['seconds']:.3g}", f"{each['lines']:.3g}"
        lines.append(f"| {' | '.join(cells)} | {each['times']:.3g} |")
    return [*lines, "", PUBLISHED.read_text("utf-8").rstrip(), ""]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, nargs="+", default=[10, 100, 1_000])
    parser.add_argument("--repeat", type=int, default=20)
    given = parser.parse_args()
    for n in given.nodes:
        for each in measured(n, given.repeat):
            print(json.dumps(each), flush=True)


if __name__ == "__main__":
    main()
