"""Random and regular networks with balance sheets: one function for each family."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ...errors import NetworkError
from ...network.exposure_network import ExposureNetwork
from ...vocabulary import Rng
from . import links
from .sheets import Amounts, Sheets, assembled, count, generated

AMOUNTS, SHEETS = Amounts(), Sheets()


@generated
def erdos_renyi(
    n: int,
    degree: float,
    *,
    amounts: Amounts = AMOUNTS,
    sheets: Sheets = SHEETS,
    rng: Rng = None,
) -> ExposureNetwork:
    """Each of the n (n − 1) possible claims exists with the same probability, degree / (n − 1).

    Parameters
    ----------
    n, degree : number of nodes, and average number of debtors of a creditor, 0 to n − 1.
    amounts, sheets : distribution of the amounts, and rules for the balance sheets.
    rng : seed or generator.

    Raises
    ------
    NetworkError : for a degree or number of nodes that is not possible.

    Example
    -------
    >>> net = erdos_renyi(50, 49, rng=1)                   # complete
    >>> len(net), len(net.amount), bool((net.book.equity > 0).all())
    (50, 2450, True)

    Source: Gilbert (1959), Annals of Mathematical Statistics 30(4), for directed graphs.
    """
    n, draw = count(n), np.random.default_rng(rng)
    _within("degree", degree, 0, n - 1)
    pairs = links.directed(n, degree, 1, draw)
    return assembled(pairs, n, amounts, sheets, draw, name=f"Erdős–Rényi, {n:,} nodes")


@generated
def gai_kapadia(
    n: int,
    degree: float,
    *,
    interbank: float = 0.2,
    capital: float = 0.04,
    rng: Rng = None,
) -> ExposureNetwork:
    """Gai and Kapadia's banks: assets of 1, a share of them interbank, spread evenly over debtors.

    Debts in the graph follow from the claims of the other banks; deposits (external liabilities)
    are the remainder. A bank without debtors holds external assets only. The total assets of a bank
    that owes more than 1 − capital in the graph exceed 1.

    Parameters
    ----------
    n, degree : as in :func:`erdos_renyi`.
    interbank, capital : shares of total assets.
    rng : seed or generator.

    Example
    -------
    >>> net = gai_kapadia(1000, 3.0, rng=1)
    >>> claims = net.balance_sheet["claims"]
    >>> claims[claims > 0].round(12).unique().tolist()
    [0.2]

    Source: after Gai & Kapadia (2010), Proc. R. Soc. A 466, section on the numerical example.
    """
    amounts = Amounts("fixed share", mean=interbank)
    sheets = Sheets(interbank=interbank, capital=capital, least=1.0)
    n, draw = count(n), np.random.default_rng(rng)
    _within("degree", degree, 0, n - 1)
    pairs = links.directed(n, degree, 1, draw)
    return assembled(pairs, n, amounts, sheets, draw, name=f"Gai–Kapadia banks, {n:,} nodes")


@generated
def tiered(
    n: int,
    core: int,
    *,
    inside: float = 0.8,
    across: float = 0.3,
    outside: float = 0.0,
    amounts: Amounts = AMOUNTS,
    sheets: Sheets = SHEETS,
    rng: Rng = None,
) -> ExposureNetwork:
    """A core of banks that lend to each other and to a periphery, which lends little to itself.

    Parameters
    ----------
    n, core : number of nodes, and of nodes in the core (the first ones; see the column `kind`).
    inside, across, outside : probabilities of a claim in the core, between core and periphery in
        either direction, and in the periphery.
    amounts, sheets, rng : as in :func:`erdos_renyi`.

    Example
    -------
    Two in the core, each linked with all others: 2 + 2 · 2 · 3 claims.

    >>> net = tiered(5, 2, inside=1, across=1, rng=1)
    >>> len(net.amount), net.kinds.tolist()
    (14, ['core', 'core', 'periphery', 'periphery', 'periphery'])

    Source: the block model of Craig & von Peter (2014), J. of Financial Intermediation 23(3).
    """
    n = count(n)
    if not 0 < core < n:
        raise NetworkError(f"A core of {core} of {n} nodes: it has to be above 0 and below {n}.")
    sizes = {"core": core, "periphery": n - core}
    chance = [[inside, across], [across, outside]]
    name = f"Core–periphery, {core:,} of {n:,} nodes in the core"
    return _blocks(sizes, chance, amounts, sheets, rng, name)


@generated
def block(
    sizes: Mapping[str, int],
    chance: Any,
    *,
    amounts: Amounts = AMOUNTS,
    sheets: Sheets = SHEETS,
    rng: Rng = None,
) -> ExposureNetwork:
    """A stochastic block model: kinds of nodes, and a probability for each pair of kinds.

    Parameters
    ----------
    sizes : {kind: number of nodes}, in the order of `chance`.
    chance : (K, K) probability that a node of the kind of the row is a creditor of one of the
        kind of the column; a DataFrame is read by its labels.
    amounts, sheets, rng : as in :func:`erdos_renyi`.

    Raises
    ------
    NetworkError : for a table of another shape, or entries outside [0, 1].

    Example
    -------
    Funds lend to banks only.

    >>> net = block({"bank": 2, "fund": 3}, [[0, 0], [1, 0]], rng=1)
    >>> len(net.amount), net.balance_sheet["claims"].gt(0).tolist()
    (6, [False, False, True, True, True])

    Source: Holland, Laskey & Leinhardt (1983), Social Networks 5(2), for directed graphs.
    """
    return _blocks(sizes, chance, amounts, sheets, rng, f"Blocks, {sum(sizes.values()):,} nodes")


def _blocks(
    sizes: Mapping[str, int], chance: Any, amounts: Amounts, sheets: Sheets, rng: Rng, name: str
) -> ExposureNetwork:
    kinds = list(sizes)
    if isinstance(chance, pd.DataFrame):
        chance = chance.reindex(index=kinds, columns=kinds)
    table = np.asarray(chance, float)
    if table.shape != (len(kinds), len(kinds)):
        raise NetworkError(
            f"chance has shape {table.shape}; {len(kinds)} kinds ({', '.join(kinds)}) need a row "
            "and a column each."
        )
    if not ((table >= 0) & (table <= 1)).all():
        raise NetworkError("chance holds probabilities: every entry has to lie in [0, 1].")
    each = [count(size, 0) for size in sizes.values()]
    n, draw = count(sum(each)), np.random.default_rng(rng)
    member = np.repeat(np.arange(len(kinds)), each)
    pairs, kind = links.blocks(member, table, draw), np.array(kinds, object)[member]
    return assembled(pairs, n, amounts, sheets, draw, name=name, kind=kind)


@generated
def scale_free(
    n: int,
    degree: float,
    *,
    exponent: float = 2.5,
    amounts: Amounts = AMOUNTS,
    sheets: Sheets = SHEETS,
    rng: Rng = None,
) -> ExposureNetwork:
    """Degrees with a power-law tail: the chance of a claim depends on the weights of both nodes.

        p_ij = min(1, c w_i v_j),   w ∝ rank^(−1/(exponent − 1))

    with c such that c Σ_{i≠j} w_i v_j = degree · n, and v a permutation of w, so that a node is not
    large on both sides by construction. Where p is capped at 1 there are fewer links than given.

    Parameters
    ----------
    n, degree : as in :func:`erdos_renyi`.
    exponent : of the tail of the degree distribution, above 2.
    amounts, sheets, rng : as in :func:`erdos_renyi`.

    Example
    -------
    >>> net = scale_free(2000, 3.0, rng=1)
    >>> debtors = np.bincount(net.creditor, minlength=2000)
    >>> bool(debtors.max() > 10 * debtors.mean())
    True

    Source: after the static model of Goh, Kahng & Kim (2001), Physical Review Letters 87, in
    the form of Chung & Lu (2002), Annals of Combinatorics 6, for directed graphs.
    """
    n, draw = count(n), np.random.default_rng(rng)
    _within("degree", degree, 0, n - 1)
    if not exponent > 2:
        raise NetworkError(f"The exponent is {exponent}; above 2 the mean degree is finite.")
    weight = np.arange(1, n + 1) ** (-1.0 / (exponent - 1.0))
    creditor_weight, debtor_weight = draw.permutation(weight), draw.permutation(weight)
    c = degree * n / (weight.sum() ** 2 - creditor_weight @ debtor_weight)
    pairs = links.thinned(
        creditor_weight, debtor_weight, lambda w, v: np.minimum(1.0, c * w * v), draw
    )
    return assembled(pairs, n, amounts, sheets, draw, name=f"Scale-free, {n:,} nodes")


@generated
def pareto_fitness(
    n: int,
    degree: float,
    *,
    exponent: float = 2.5,
    amounts: Amounts = AMOUNTS,
    sheets: Sheets = SHEETS,
    rng: Rng = None,
) -> ExposureNetwork:
    """The probability and the size of a claim depend on the fitness of both nodes.

        p_ij = z x_i x_j / (1 + z x_i x_j),   i ≠ j

    with fitness x Pareto, P(x > u) = u^(1 − exponent), and z such that `degree · n` claims are
    expected. Amounts are multiplied by x_i x_j, divided by its mean over the claims, so that large
    nodes have large claims.

    Parameters
    ----------
    n, degree : as in :func:`erdos_renyi`, the degree below n − 1.
    exponent : of the density of x, above 2.
    amounts, sheets, rng : as in :func:`erdos_renyi`.

    Example
    -------
    >>> net = pareto_fitness(2000, 3.0, rng=1)
    >>> abs(len(net.amount) / 6000 - 1) < 0.06
    True

    Source: after Caldarelli, Capocci, De Los Rios & Muñoz (2002), Physical Review Letters 89; the
    link probability after Cimini, Squartini, Garlaschelli & Gabrielli (2015), Sci. Rep. 5:15758.
    """
    n, draw = count(n), np.random.default_rng(rng)
    if not 0 < degree < n - 1:
        raise NetworkError(f"The degree is {degree}; it has to lie between 0 and {n - 1}.")
    if not exponent > 2:
        raise NetworkError(f"The exponent is {exponent}; above 2 the mean fitness is finite.")
    x = 1.0 + draw.pareto(exponent - 1.0, n)
    z = links.calibrated(x, degree * n)
    creditor, debtor = links.thinned(x, x, lambda a, b: z * a * b / (1.0 + z * a * b), draw)
    size = x[creditor] * x[debtor]
    name, weight = f"Fitness, {n:,} nodes", size / size.mean() if len(size) else size
    pairs = creditor, debtor
    return assembled(pairs, n, amounts, sheets, draw, name=name, weight=weight)


@generated
def ring(
    n: int,
    *,
    amount: float = 1.0,
    neighbours: int = 1,
    sheets: Sheets = SHEETS,
) -> ExposureNetwork:
    """Node i claims `amount` on each of the next `neighbours` nodes; the last ones on the first.

    Example
    -------
    >>> ring(3, amount=10.0).liabilities.toarray().tolist()        # rows owe columns
    [[0.0, 0.0, 10.0], [10.0, 0.0, 0.0], [0.0, 10.0, 0.0]]

    Source: the ring of Allen & Gale (2000), Journal of Political Economy 108(1).
    """
    n = count(n)
    if not 1 <= neighbours < n:
        raise NetworkError(f"{neighbours} neighbours in a ring of {n}: between 1 and {n - 1}.")
    creditor = np.repeat(np.arange(n), neighbours)
    debtor = (creditor + np.tile(np.arange(1, neighbours + 1), n)) % n
    return _regular((creditor, debtor), n, amount, sheets, f"Ring, {n:,} nodes")


@generated
def star(
    n: int, *, amount: float = 1.0, inward: bool = True, sheets: Sheets = SHEETS
) -> ExposureNetwork:
    """A hub and n − 1 others that claim `amount` on it each (inward), or owe it (outward).

    Example
    -------
    >>> star(4, amount=10.0).balance_sheet["debts"].tolist()
    [30.0, 0.0, 0.0, 0.0]
    """
    n = count(n)
    hub, others = np.zeros(n - 1, np.int64), np.arange(1, n)
    pairs = (others, hub) if inward else (hub, others)
    return _regular(pairs, n, amount, sheets, f"Star, {n:,} nodes")


@generated
def complete(n: int, *, amount: float = 1.0, sheets: Sheets = SHEETS) -> ExposureNetwork:
    """Every node claims `amount` / (n − 1) on every other: total claims of `amount` per node.

    Example
    -------
    >>> complete(4, amount=9.0).amount[0]
    np.float64(3.0)
    """
    n = count(n)
    pairs = links.directed(n, n - 1, 1, np.random.default_rng(0))
    return _regular(pairs, n, amount / (n - 1), sheets, f"Complete, {n:,} nodes")


def _regular(
    pairs: links.Links, n: int, amount: float, sheets: Sheets, name: str
) -> ExposureNetwork:
    none = np.random.default_rng(0)
    return assembled(pairs, n, Amounts("even", amount), sheets, none, name=name)


def _within(what: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise NetworkError(f"The {what} is {value}; it has to lie between {low} and {high}.")
