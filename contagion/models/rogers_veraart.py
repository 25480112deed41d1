"""Clearing with default costs after Rogers and Veraart (2013)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from ..errors import AmbiguousSolution
from ..network.exposure_network import ExposureNetwork
from ..results.outcome import Outcome
from ..text import choice
from .base import Model, Trace
from .parameters import RATE, Parameter, Range
from .settlement import Certify, settle


@dataclass(frozen=True, repr=False)
class RogersVeraart(Model):
    """Clearing in which default destroys value.

        p_i = p̄_i                        where e_i + (Πᵀp)_i covers what is due
        p_i = α e_i + β (Πᵀp)_i          otherwise, shared by the rule of the node

    The value destroyed, `(1−α) e_i + (1−β) (Πᵀp)_i`, is booked as deadweight. With default costs
    the greatest and the least solution can differ.

    Parameters
    ----------
    alpha, beta : shares (0 to 1) of external assets and of interbank payments that a node in
        default realizes; each is one number, {node: number}, one number per node in the order of
        `net.names`, or a column of the node table.
    which : "greatest" or "least" solution; `None` raises where they differ. The least has no
        default order: all defaults that the shock alone does not cause are reported as round 1.
    strict : `True`: default if funds are below the debts due (the paper); `False`: also if they
        equal them (equity 0 is default, as in NEVA).
    tolerance, certify : as in :class:`EisenbergNoe`.

    Raises
    ------
    AmbiguousSolution
        With `which=None`, when the solutions differ; states the number of nodes.

    Example
    -------
    a owes b 10, has 6 left and realizes half of that amount:

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

    by_node: ClassVar[Mapping[str, Range]] = {"alpha": RATE, "beta": RATE}

    alpha: Parameter = 0.9
    beta: Parameter = 0.9
    which: Literal["greatest", "least"] | None = None
    strict: bool = True
    tolerance: float = 1e-10
    certify: Certify = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        choice(self.which, ("greatest", "least", None), "which")

    def kept(self, network: ExposureNetwork) -> tuple[np.ndarray, np.ndarray] | None:
        """α and β by node, (n,) each; `None` where default destroys nothing."""
        alpha, beta = self.parameter(network, "alpha"), self.parameter(network, "beta")
        return None if (alpha == 1).all() and (beta == 1).all() else (alpha, beta)

    def run(
        self,
        network: ExposureNetwork,
        losses: np.ndarray,
        recoveries: np.ndarray | None = None,
        prices: np.ndarray | None = None,
        *,
        trace: Trace = "none",
    ) -> Outcome:
        kept = self.kept(network)

        def solution(*, least: bool, trace: Trace) -> Outcome:
            return settle(
                network,
                losses,
                recoveries,
                kept=kept,
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
        if self.which is None and kept is not None:
            other = replace(self, which="least").run(network, losses, recoveries)
            differ = (outcome.defaulted != other.defaulted).any(axis=tuple(range(losses.ndim - 1)))
            if differ.any():
                raise AmbiguousSolution(
                    f"RogersVeraart has more than one clearing vector here: {int(differ.sum())} "
                    "nodes pay in full in the greatest and default in the least. Choose "
                    'which="greatest" (only unavoidable defaults) or which="least".'
                )
        return outcome
