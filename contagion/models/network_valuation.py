"""Network valuation (NEVA) after Barucca et al. (2020): mutually consistent equities."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, Literal

import numpy as np

from ..errors import AmbiguousSolution, ArgumentTypeError
from ..kernels.debtrank import reached
from ..kernels.equities import THRESHOLD, Solution, solve
from ..kernels.equities_steps import System
from ..kernels.segments import Segments
from ..kernels.shares import Shares, stack
from ..kernels.valuation import Terms
from ..network.exposure_network import ExposureNetwork
from ..network.hit import Hit
from ..results.outcome import Outcome
from ..text import choice
from .base import Model, Trace
from .claim_rates import ClaimRates
from .settlement import Certify, certified
from .valuation_base import Valuation
from .valuations import EisenbergNoe, from_words

CHUNK = 2**16  # entries of a work array: the kernel solves scenarios in slices of this size
DEFAULT = EisenbergNoe()
SAME = 1e-7  # solutions are equal if equities differ by less, relative to the balance sheet
CHEAP = 30  # largest number of nodes for which the error bound of one scenario is cheap


@dataclass(frozen=True, repr=False)
class NetworkValuation(Model):
    """The value of every claim is a function of the equity of its debtor.

        E_i = Ae_i − Le_i − l_i + Σ_j A_ij V(E_j)

    with Ae external assets after the shock, Le external liabilities, l debts in the graph, A_ij
    the claim of i on j, E equity (n,), all in money. V rises with E, so there are a greatest and
    a least solution. A node set to default by `Shock.default(node, recovery=ρ)` has V = ρ, a node
    that cannot default V = 1. Losses are valuations and need not add up.

    Parameters
    ----------
    valuation : one of `contagion.models.valuations` (EisenbergNoe, Furfine, LinearDebtRank,
        ExponentialDebtRank, RogersVeraart, Merton, BlackCox), or as text, such as
        "merton:volatility=0.1".
    which : "greatest" solution (iteration downward from face values, the paper's choice) or
        "least" (iteration upward from worthless claims; it has no default order: all defaults not
        caused by the shock itself are reported as round 1); `None` raises where they differ.
    tolerance : bound on the error of the equities, relative to each node's balance sheet, if an
        error bound exists and double precision allows it (rounding errors of about 1e-14 are
        amplified like any loss); `outcome.error` has the error reached. If there is no bound
        (losses are amplified, or pass undiminished around a closed cycle), or `certify` skips the
        error, the tolerance bounds the residual instead.
    certify : compute the error bound "always", "never", or ("auto") for single scenarios of up to
        30 nodes, where it is cheap.
    max_rounds : maximum number of rounds; a run that needs more has not converged. Slow rounds are
        replaced by linear solves that cannot overshoot the solution; after 300 rounds if default
        rounds are reported.

    Raises
    ------
    AmbiguousSolution
        With `which=None`, when the two solutions differ; states the number of nodes.
    ConvergenceError
        By `propagate`, when `max_rounds` is reached.
    ArgumentError
        When parameters of the valuation do not fit the network.

    Example
    -------
    a has equity 2, loses 1, and owes b 4: b writes down half of its claim.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 4], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", external_assets=[6, 6])
    >>> model = ct.models.NetworkValuation(ct.models.valuations.LinearDebtRank())
    >>> model.propagate(net, ct.Shock.loss({"a": 1})).table["equity_after"].tolist()
    [1.0, 8.0]

    Source: Barucca, Bardoscia, Caccioli, D'Errico, Visentin, Caldarelli & Battiston (2020),
    Mathematical Finance 30(4), DOI 10.1111/mafi.12272; released code
    github.com/marcobardoscia/neva @ 27b1600.
    """

    title: ClassVar[str] = "Network valuation (NEVA) with pluggable valuation functions"
    source: ClassVar[str] = "Barucca et al. (2020), Mathematical Finance 30(4)"
    settles: ClassVar[bool] = False

    valuation: Valuation | str = DEFAULT
    which: Literal["greatest", "least"] | None = "greatest"
    tolerance: float = 1e-12
    max_rounds: int = 100_000
    certify: Certify = "auto"

    def __post_init__(self) -> None:
        if isinstance(self.valuation, str):
            object.__setattr__(self, "valuation", from_words(self.valuation))
        if not isinstance(self.valuation, Valuation):
            raise ArgumentTypeError(
                f"valuation={self.valuation!r}: give one of ct.models.valuations or its name."
            )
        choice(self.which, ("greatest", "least", None), "which")

    def run(
        self,
        network: ExposureNetwork,
        losses: np.ndarray,
        recoveries: np.ndarray | None = None,
        prices: np.ndarray | None = None,
        *,
        trace: Trace = "none",
    ) -> Outcome:
        n, lead = len(network), losses.shape[:-1]
        flat = losses.reshape(-1, n)
        pins = np.full_like(flat, np.nan) if recoveries is None else recoveries.reshape(-1, n)
        rates = self._rates(network)
        claims, given = self._terms(network, rates)
        size = max(1, CHUNK // max(len(claims.owner), n, 1))
        wanted, cheap = certified(self.certify), len(flat) == 1 and n <= CHEAP
        slice_of = partial(
            self._slice, network, claims, given, trace, cheap if wanted is None else wanted
        )
        parts = [
            slice_of(flat[at : at + size], pins[at : at + size]) for at in range(0, len(flat), size)
        ] or [slice_of(flat, pins)]
        fields: dict[str, Any] = {
            name: np.concatenate([part[name] for part in parts]).reshape(lead + array.shape[1:])
            for name, array in parts[0].items()
            if name != "more"
        }
        outcome = Outcome(
            **fields,
            claim_rates=rates.own,
            products=float(sum(p["more"].products for p in parts)),
            history=tuple(
                (_known(network, equity.T).reshape(losses.shape), now.T.reshape(losses.shape))
                for p in parts[:1]
                for equity, now in p["more"].history
            ),
        )
        if trace == "none":
            outcome = replace(outcome, default_round=None)
        if self.which is None:
            self._compare(network, outcome, losses, recoveries)
        return outcome

    def loss_rates(self, network: ExposureNetwork, hit: Hit, outcome: Outcome) -> np.ndarray:
        """The valuation of the claims; see :meth:`.Model.loss_rates`."""
        claims, given = self._terms(network, self._rates(network))
        system = self._system(network, claims, given, hit.losses[None], hit.pins[None])
        equity = np.nan_to_num(outcome.equity)[:, None]
        missing, _ = system.value(equity, outcome.defaulted[:, None])
        lost = missing.sum(axis=0)[:, 0]
        return np.asarray(lost if self._function.by_claim else lost[: len(network)])

    def _rates(self, network: ExposureNetwork) -> ClaimRates:
        """Loss rates of single claims, if the valuation uses them."""
        if self._function.by_lgd:
            return ClaimRates.of(network)
        return ClaimRates(None, network.liabilities, None)

    def _terms(
        self, network: ExposureNetwork, rates: ClaimRates
    ) -> tuple[Segments, dict[str, np.ndarray]]:
        """The claims, and the parameters of the valuation for each of them, (S,)."""
        claims = _claims(network, self._function, rates)
        given = {name: self._function.parameter(network, name) for name in self._function.by_node}
        given = {name: values[claims.owner] for name, values in given.items()}
        if rates.fixed is not None:
            given["recovery"][len(network) :] = 0.0  # of claims with a rate of their own
        return claims, given

    @property
    def _function(self) -> Valuation:
        assert isinstance(self.valuation, Valuation)
        return self.valuation

    def _compare(
        self,
        network: ExposureNetwork,
        outcome: Outcome,
        losses: np.ndarray,
        recoveries: np.ndarray | None,
    ) -> None:
        other = replace(self, which="least").run(network, losses, recoveries)
        scale = np.where(_scale(network) > 0, _scale(network), 1.0)
        apart = np.nan_to_num(np.abs(outcome.equity - other.equity)) > SAME * scale
        differ = apart.any(axis=tuple(range(losses.ndim - 1)))
        if differ.any():
            raise AmbiguousSolution(
                f"NetworkValuation has more than one solution here: the equity of "
                f"{int(differ.sum())} nodes differs between the greatest and the least. Choose "
                'which="greatest" (only unavoidable defaults) or which="least".'
            )

    def _slice(
        self,
        network: ExposureNetwork,
        claims: Segments,
        given: dict[str, np.ndarray],
        trace: Trace,
        certify: bool,
        flat: np.ndarray,
        pins: np.ndarray,
    ) -> dict[str, Any]:
        """Solve scenarios (B, n) and return the arrays of an outcome."""
        system, function = self._system(network, claims, given, flat, pins), self._function
        done: Solution = solve(
            system,
            least=self.which == "least",
            tolerance=self.tolerance,
            max_rounds=self.max_rounds,
            certify=certify,
            by_round=trace != "none",
            history=trace == "path",
        )
        pin, outside = pins.T, system.outside
        if function.by_claim:
            stated = np.where(outside, (np.nan_to_num(pin) - 1.0) * claims.due[:, None], 0.0)
        else:
            stated = np.minimum(done.equity, 0.0)
        equity = np.where(outside, stated, done.equity)
        return {
            "equity": _known(network, equity.T),
            "claims_lost": claims.shares.spread(done.missing).T,
            "defaulted": done.default.T,
            "default_round": np.where(done.default, done.default_round, -1).T,
            "rounds": done.rounds,
            "residual": done.residual,
            "error": done.error,
            "converged": done.residual <= self.tolerance,
            **(
                {"unpaid": done.missing.T}
                if function.by_claim
                else {"loss_rate": done.missing.T[:, : len(network)]}
            ),
            "more": done,
        }

    def _system(
        self,
        network: ExposureNetwork,
        claims: Segments,
        given: dict[str, np.ndarray],
        flat: np.ndarray,
        pins: np.ndarray,
    ) -> System:
        """The problem of scenarios (B, n)."""
        book, function, owner = network.book, self._function, claims.owner
        left = (book.stated_assets - flat).T  # below 0 where the loss exceeds the assets
        external = np.maximum(left, 0.0)
        left = np.where(book.known[:, None], left, external)
        pin, outside = pins.T, ~np.isnan(pins.T)
        able = book.can_fail[:, None] & ~outside
        absorbing = np.broadcast_to(np.asarray(claims.absorbing, float), book.debts.shape)
        scale = _scale(network)
        terms = Terms(
            claims.start[:, None],
            claims.width[:, None],
            claims.due[owner, None],
            absorbing[owner, None],
            np.nan_to_num(book.equity)[owner, None],
            external[owner],
            {name: values[:, None] for name, values in given.items()},
        )
        room = (-THRESHOLD if function.strict else THRESHOLD) * scale
        base = left + (book.claims - claims.due)[:, None]
        pinned = np.where(outside, 1.0 - np.nan_to_num(pin), 0.0)[owner]
        if not function.by_claim and len(owner) > len(network):
            pinned[len(network) :] = outside  # claims with a rate of their own
        return System(
            function.missing,
            terms,
            owner,
            claims.shares,
            base,
            (~able | _unmoved(network, function, given, flat, pins).T)[owner],
            pinned * terms.width,
            (room - absorbing)[:, None],
            able,
            outside,
            np.where(scale > 0, scale, 1.0)[:, None],
            function.jumps,
        )


def _claims(network: ExposureNetwork, function: Valuation, rates: ClaimRates) -> Segments:
    """The claims as segments: by the rules of their debtors, or one segment per node at one rate.

    Claims with a rate of their own form a second segment of each node; its size is their largest
    possible loss.
    """
    if function.by_claim:
        return network.segments
    n, book, none = len(network), network.book, np.empty(0, np.int64)
    due = book.debts + np.nan_to_num(book.external_liabilities)
    parts = [part for part in (rates.plain, rates.fixed) if part is not None]
    owner, shares = np.tile(np.arange(n), len(parts)), stack([Shares(part) for part in parts], n)
    one = np.ones(len(owner))
    return Segments(owner, 0 * one, one, shares, due, none, np.empty(0))


def _unmoved(
    network: ExposureNetwork,
    function: Valuation,
    given: dict[str, np.ndarray],
    flat: np.ndarray,
    pins: np.ndarray,
) -> np.ndarray:
    """(B, n) bool: nodes with equity of exactly zero that no loss reaches."""
    book, room = network.book, THRESHOLD * _scale(network)
    none = book.can_fail & (book.equity <= 0) & (book.equity >= -room)
    if not function.by_loss or not none.any():
        return np.zeros_like(flat, bool)
    before = book.can_fail & (book.equity < -room)  # their claims have lost without a shock
    passes = np.where(np.isnan(pins), book.can_fail & (given["recovery"] < 1), pins < 1)
    lose = reached(network.liabilities, (flat > 0) | ~np.isnan(pins) | before, passes)
    return np.asarray(none & ~lose)


def _scale(network: ExposureNetwork) -> np.ndarray:
    book = network.book
    return np.asarray(book.claims + book.debts + np.nan_to_num(book.external_liabilities))


def _known(network: ExposureNetwork, equity: np.ndarray) -> np.ndarray:
    known = network.book.known
    return equity if known.all() else np.where(known, equity, np.nan)
