"""Clearing after Eisenberg and Noe (2001), for all payment rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..network.exposure_network import ExposureNetwork
from ..results.outcome import Outcome
from .base import Model, Trace
from .settlement import Certify, settle


@dataclass(frozen=True, repr=False)
class EisenbergNoe(Model):
    """The clearing payment vector: every node pays its debts in full or all its assets.

        p = min(p̄, max(0, e + Πᵀ p − external liabilities))

    with `p̄` debts in the graph (n,), `Π` relative liabilities, `e` external assets after the
    shock (money). Claims are paid by each node's own rule: pro rata, by tier, by queue. The
    greatest solution is returned; equities are the same in every solution (theorem 1).

    Parameters
    ----------
    tolerance : bound on the error, the distance to the exact solution, relative to the balance
        sheet of the node. If the error is not computed (batches, and large networks where it
        would cost more than a quarter of the run), the tolerance bounds the residual, and `error`
        is nan.
    certify : compute the error bound "always", "never", or where it is cheap ("auto"). It is also
        nan where debts circulate in a closed group without a shortfall: the greatest solution is
        returned, but it is sensitive to rounding in the data.

    Example
    -------
    a owes b 10 and has 6: b gets 6.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 10], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", external_assets=[12, 1])
    >>> ct.EisenbergNoe().propagate(net, ct.Shock.loss({"a": 6})).payments["a"]
    np.float64(6.0)

    Source: Eisenberg & Noe (2001), Management Science 47(2), DOI 10.1287/mnsc.47.2.236.9835,
    external creditors ahead of the graph and several tiers after Elsinger (2009), OeNB WP 156
    (a working paper without DOI).
    """

    title: ClassVar[str] = "Clearing payments, no default costs"
    source: ClassVar[str] = "Eisenberg & Noe (2001), Management Science 47(2)"
    settles: ClassVar[bool] = True
    spreads_by_default_only: ClassVar[bool] = True

    tolerance: float = 1e-10
    certify: Certify = "auto"

    def run(
        self,
        network: ExposureNetwork,
        losses: np.ndarray,
        recoveries: np.ndarray | None = None,
        prices: np.ndarray | None = None,
        *,
        trace: Trace = "none",
    ) -> Outcome:
        return settle(
            network,
            losses,
            recoveries,
            tolerance=self.tolerance,
            certify=self.certify,
            trace=trace,
        )
