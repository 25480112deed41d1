"""Core and periphery: the best fit of a two-tier structure to the network."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from scipy.sparse import csr_array

from ..errors import ArgumentError, expect
from ..network.exposure_network import ExposureNetwork
from ..records import Scores
from ..vocabulary import SEED, Rng
from .registry import Measure, of_system
from .spectra import claim_matrix, links

MOST = 30_000  # steps of the exhaustive search for better cores
NO_CLAIMS = "there are no claims in the network"


@dataclass(frozen=True)
class CorePeriphery:
    """The best split of a network into core and periphery.

    Attributes
    ----------
    core : the nodes of the core, by their number of links, largest first.
    error_score : errors divided by links; 0 is a perfect fit, 1 is no better than no core; nan in
        a network without claims.
    links : pairs of creditor and debtor.
    missing_core : pairs of core nodes, in both directions, without a link.
    periphery_links : links between nodes of the periphery.
    no_lending, no_borrowing : errors of core nodes without a claim on, or without a debt to, the
        periphery: each counts as many errors as the periphery has nodes.
    exact : True if no other split has fewer errors; False if it is only the best one found.
    reason : why the score is nan, otherwise "".
    """

    core: tuple[object, ...]
    error_score: float
    links: int
    missing_core: int
    periphery_links: int
    no_lending: int
    no_borrowing: int
    exact: bool
    reason: str = ""

    @property
    def errors(self) -> int:
        """All errors of the split."""
        return self.missing_core + self.periphery_links + self.no_lending + self.no_borrowing

    def to_dict(self) -> dict[str, object]:
        """The record as a dict, with the sum of the errors."""
        return asdict(self) | {"errors": self.errors}


def core_periphery(network: ExposureNetwork, *, starts: int = 20, rng: Rng = None) -> CorePeriphery:
    """Fit a core–periphery model: core nodes deal with each other, periphery nodes only with them.

    With c of n nodes in the core C, the rest in the periphery P and a_ij = 1 where i claims on j:

        errors = c(c − 1) − Σ_{C,C} a_ij         links that the core lacks
               + Σ_{P,P} a_ij                    links within the periphery
               + (n − c) · #{i in C : Σ_{j in P} a_ij = 0}      core that does not lend to P
               + (n − c) · #{j in C : Σ_{i in P} a_ij = 0}      core that does not borrow from P

    and the error score is errors / links. The first two lines are `c(c − 1) + links − Σ_C degree`,
    with degree the number of claims plus debts of a node. For a given c they are smallest for the
    c nodes of highest degree. If the best of those cores has no error of the other two kinds, the
    fit is exact. Otherwise a local search moves single nodes, starting from these cores and from
    random ones; then every core whose first two lines are below the errors found is evaluated. The
    fit is exact if this enumeration completes, as in small or clearly tiered networks.

    Among equally good cores the largest is returned; nodes of the same degree are ordered by
    amount, then by name.

    Parameters
    ----------
    network : the exposures; amounts only break ties.
    starts : random cores to start from, if the cores of highest degree do not give an exact fit.
    rng : seed or generator of the draw. The measure `core_periphery_error` and `topology` use a
        fixed seed, so their results are reproducible.

    Returns
    -------
    CorePeriphery.

    Raises
    ------
    ArgumentError : for a negative number of starts.

    Example
    -------
    A hub lends to b and c and borrows from both: a perfect core of one.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 1, 1], [1, 0, 0], [1, 0, 0]], ["hub", "b", "c"],
    ...     orientation="creditor->debtor", equity=[1, 1, 1])
    >>> fit = core_periphery(net)
    >>> fit.core, fit.error_score, fit.exact
    (('hub',), 0.0, True)

    Source: after Craig & von Peter (2014), Journal of Financial Intermediation 23(3): block model
    and error score, written down from memory; the bound by degrees after Lip (2011).
    """
    expect(network=network)
    if starts < 0:
        raise ArgumentError(f"starts={starts!r}: the number of drawn cores is 0 or more.")
    claims = claim_matrix(network)
    if not claims.nnz:
        return CorePeriphery((), np.nan, 0, 0, 0, 0, 0, False, NO_CLAIMS)
    degree = links(claims).sum(axis=0) + links(claims).sum(axis=1)
    money = claims.sum(axis=0) + claims.sum(axis=1)
    names = network.names.astype(str).to_numpy(object)
    order = np.lexsort((names.astype(str), -money, -degree))
    board = _Board(links(claims)[order][:, order])
    core, exact = _fit(board, starts, np.random.default_rng(rng))
    members = tuple(network.names[order[core]])
    missing, periphery, lend, borrow = (int(part) for part in board.parts(core))
    score = (missing + periphery + lend + borrow) / board.links
    return CorePeriphery(members, score, board.links, missing, periphery, lend, borrow, exact)


class _Board:
    """The links, nodes in decreasing order of degree, and the errors of a core (n,) bool."""

    def __init__(self, claims: csr_array):
        self.out, self.back = claims, csr_array(claims.T)
        self.n, self.links = claims.shape[0], int(claims.nnz)
        self.degree = claims.sum(axis=0) + claims.sum(axis=1)

    def parts(self, core: np.ndarray) -> tuple[float, float, float, float]:
        """Errors in the four blocks."""
        rest = ~core
        c = int(core.sum())
        inside = (self.out @ core.astype(float))[core].sum()
        outside = (self.out @ rest.astype(float))[rest].sum()
        idle = [(to @ rest.astype(float))[core] == 0 for to in (self.out, self.back)]
        lend, borrow = ((self.n - c) * int(none.sum()) for none in idle)
        return c * (c - 1) - inside, outside, lend, borrow

    def bound(self) -> np.ndarray:
        """(n + 1,) lower bound on the errors of a core of each size."""
        c = np.arange(self.n + 1)
        most = np.concatenate([[0.0], np.cumsum(np.sort(self.degree)[::-1])])
        return np.asarray(c * (c - 1) + self.links - most)

    def top(self) -> np.ndarray:
        """(n + 1,) errors of the cores that consist of the first c nodes."""
        first = np.arange(self.n)
        least = self.bound()
        idle = np.zeros(self.n + 1)
        for to in (self.out, self.back):
            # node i has no partner outside the first c nodes if its last partner is among them
            last = np.full(self.n, -1)
            rows = np.repeat(first, np.diff(to.indptr))
            np.maximum.at(last, rows, to.indices)
            begins = np.maximum(first, last) + 1  # from this c on, i has no partner outside
            idle += np.cumsum(np.bincount(begins, minlength=self.n + 1))
        return np.asarray(least + (self.n - np.arange(self.n + 1)) * idle)

    def moves(self, core: np.ndarray) -> np.ndarray:
        """(n,) errors after each single node has moved between core and periphery."""
        rest = (~core).astype(float)
        c = int(core.sum())
        after = c + np.where(core, -1, 1)
        degree = self.degree[core].sum() + np.where(core, -1, 1) * self.degree
        idle = np.zeros(self.n)
        for to, back in ((self.out, self.back), (self.back, self.out)):
            partners = to @ rest
            none = core & (partners == 0)
            only = core & (partners == 1)
            joins = none.sum() + back @ only.astype(float) + (partners == 0)
            leaves = none.sum() - none - back @ none.astype(float)
            idle += np.where(core, leaves, joins)
        return np.asarray(after * (after - 1) + self.links - degree + (self.n - after) * idle)


def _fit(board: _Board, starts: int, rng: np.random.Generator) -> tuple[np.ndarray, bool]:
    """The best core found, and whether it is proven to be optimal."""
    n, top = board.n, board.top()
    size = n - int(np.argmin(top[::-1]))  # the largest of equally good cores
    first = np.arange(n)
    best, errors = first < size, float(top[size])
    if errors <= board.bound().min():
        return best, True
    likely = np.argsort(top, kind="stable")[: max(starts, 1)]
    cores = [first < c for c in likely]
    cores += [rng.random(n) < rng.random() for _ in range(starts)]
    for start in cores:
        core, found = _descend(board, start)
        if (found, -core.sum()) < (errors, -best.sum()):
            best, errors = core, found
    others = _could_be_better(board, errors)
    if others is None:
        return best, bool(errors <= board.bound().min())
    for core in others:
        found = float(sum(board.parts(core)))
        if (found, -core.sum()) < (errors, -best.sum()):
            best, errors = core, found
    return best, True


def _descend(board: _Board, start: np.ndarray) -> tuple[np.ndarray, float]:
    """Move the node that reduces the errors most, until no move does."""
    core, errors = start.copy(), float(sum(board.parts(start)))
    while True:
        after = board.moves(core)
        at = int(np.argmin(after))
        if after[at] >= errors:
            return core, errors
        core[at], errors = not core[at], float(after[at])


def _could_be_better(board: _Board, errors: float) -> list[np.ndarray] | None:
    """Every core whose bound is below `errors`; `None` if there are too many to enumerate."""
    bound, degree = board.bound(), board.degree
    prefix = np.concatenate([[0.0], np.cumsum(degree)])
    found: list[np.ndarray] = []
    steps = 0
    for c in np.flatnonzero(bound < errors):
        least = c * (c - 1) + board.links - errors  # the sum of degrees has to exceed it
        stack: list[tuple[tuple[int, ...], float]] = [((), 0.0)]
        while stack:
            chosen, total = stack.pop()
            missing = int(c) - len(chosen)
            if not missing:
                found.append(np.isin(np.arange(board.n), chosen))
                continue
            begin = chosen[-1] + 1 if chosen else 0
            for at in range(begin, board.n - missing + 1):
                steps += 1
                if steps > MOST:
                    return None
                if total + prefix[at + missing] - prefix[at] <= least:
                    break
                stack.append(((*chosen, at), total + degree[at]))
    return found


def _score(network: ExposureNetwork) -> Scores:
    fit = core_periphery(network, rng=SEED)
    return of_system("core_periphery_error", fit.error_score, fit.reason)


DEFINITIONS = (
    Measure(
        "core_periphery_error",
        "errors of the best block model / links",
        "number",
        "after Craig & von Peter (2014), Journal of Financial Intermediation 23(3)",
        title="core–periphery error score",
        denominator="links",
        about="position",
        scope="system",
        of=_score,
    ),
)
