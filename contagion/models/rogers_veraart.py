"""Clearing with default costs after Rogers and Veraart (2013)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from ..errors import AmbiguousSolution, ArgumentError
from ..network.exposure_network import ExposureNetwork
from ..results.outcome import Outcome
from ..text import choice
from .base import Model, Trace
from .settlement import Certify, settle


@dataclass(frozen=True, repr=False)
class RogersVeraart(Model):
    """Clearing in which default destroys value.

        p_i = p̄_i                        where e_i + (Πᵀp)_i covers what is due
        p_i = α e_i + β (Πᵀp)_i          otherwise, shared by the rule of the node

    The destroyed rest, `(1−α) e_i + (1−β) (Πᵀp)_i`, is booked as deadweight. With costs the
    greatest and the least solution can differ.

    Parameters
    ----------
    alpha, beta : parts (0 to 1) of external assets and of interbank payments that a node in
        default realizes.
    which : "greatest" or "least" solution; `None` raises where they differ. The least has no
        waves: what the shock alone does not fail, fails in round 1, all at once.
    strict : default when funds fall short of what is due (the paper); `False`: also when they
        just equal it (equity 0 is default, as in NEVA).
    tolerance, certify : as in :class:`EisenbergNoe`.

    Raises
    ------
    AmbiguousSolution
        With `which=None`, when the solutions differ; names how many nodes.

    Example
    -------
    a owes b 10, has 6 left and realizes half of it:

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 10], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", external_assets=[12, 1])
    >>> ct.models.RogersVeraart(0.5, 0.5).propagate(net, ct.Shock.loss({"a": 6})).payments["a"]
    np.float64(3.0)

    Source: Rogers & Veraart (2013), Management Science 59(4), DOI 10.1287/mnsc.1120.1569, clearing
    vector with default costs and definition 3.6 (greatest clearing vector algorithm).
    """

    title: ClassVar[str] = "Clearing payments with default costs"
    source: ClassVar[str] = "Rogers & Veraart (2013), Management Science 59(4), definition 3.6"
    settles: ClassVar[bool] = True

    alpha: float = 0.9
    beta: float = 0.9
    which: Literal["greatest", "least"] | None = None
    strict: bool = True
    tolerance: float = 1e-10
    certify: Certify = "auto"

    def __post_init__(self) -> None:
        if not (0 <= self.alpha <= 1 and 0 <= self.beta <= 1):
            raise ArgumentError(f"alpha={self.alpha}, beta={self.beta}: both lie between 0 and 1.")
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
        def solution(*, least: bool, trace: Trace) -> Outcome:
            return settle(
                network,
                losses,
                recoveries,
                alpha=self.alpha,
                beta=self.beta,
                least=least,
                strict=self.strict,
                tolerance=self.tolerance,
                certify=self.certify,
                trace=trace,
            )

        if self.which == "least":
            outcome = solution(least=True, trace="none")
            if trace == "none":
                return outcome
            alone = solution(least=False, trace="path").history[0]
            when = np.where(outcome.defaulted, np.where(alone[1], 0, 1), -1)
            states = (alone, (outcome.equity, outcome.defaulted))
            return replace(outcome, default_round=when, history=states if trace == "path" else ())
        outcome = solution(least=False, trace=trace)
        if self.which is None and (self.alpha < 1 or self.beta < 1):
            other = replace(self, which="least").run(network, losses, recoveries)
            differ = (outcome.defaulted != other.defaulted).any(axis=tuple(range(losses.ndim - 1)))
            if differ.any():
                raise AmbiguousSolution(
                    f"RogersVeraart has more than one clearing vector here: {int(differ.sum())} "
                    "nodes pay in full in the greatest and default in the least. Choose "
                    'which="greatest" (nobody defaults on a rumour) or which="least".'
                )
        return outcome
