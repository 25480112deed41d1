"""Default cascade with zero recovery after Gai and Kapadia (2010)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..errors import ModelError
from ..network.exposure_network import ExposureNetwork
from ..results.outcome import Outcome
from .base import Model, Trace
from .claim_rates import ClaimRates
from .furfine import default_cascade


@dataclass(frozen=True, repr=False)
class GaiKapadia(Model):
    """Rounds of default in which a failed debtor pays nothing.

    A bank is solvent while `(1 − φ) A_IB + A_M − L_IB − D > 0`, with φ the lost share of its
    interbank assets. The paper requires strictly positive capital, so a bank that loses exactly
    its capital fails; in much of the later literature it survives.

    Parameters
    ----------
    strict : `False`: default if losses equal or exceed the capital, as printed in the paper;
        `True`: only if they exceed it, as in :class:`Furfine`.

    Raises
    ------
    ModelError
        For claims with an `lgd` below 1.

    Example
    -------
    A loss that just equals the capital of b:

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 3], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", equity=[1, 3])
    >>> shock = ct.Shock.default("a")
    >>> [bool(ct.models.GaiKapadia(strict=s).propagate(net, shock).table.defaulted["b"])
    ...  for s in (False, True)]
    [True, False]

    Source: Gai & Kapadia (2010), Proceedings of the Royal Society A 466, DOI
    10.1098/rspa.2009.0410, the solvency condition of a bank.
    """

    title: ClassVar[str] = "Default cascade with zero recovery"
    source: ClassVar[str] = "Gai & Kapadia (2010), Proc. R. Soc. A 466"
    settles: ClassVar[bool] = False
    spreads_by_default_only: ClassVar[bool] = True
    loss_given_default: ClassVar[float] = 1.0

    strict: bool = False

    def run(
        self,
        network: ExposureNetwork,
        losses: np.ndarray,
        recoveries: np.ndarray | None = None,
        prices: np.ndarray | None = None,
        *,
        trace: Trace = "none",
    ) -> Outcome:
        own = ClaimRates.of(network).own
        if own is not None and (own < 1).any():
            raise ModelError(
                f"GaiKapadia has no recovery, but {int((own < 1).sum())} claims have an lgd below "
                f"1. Use Furfine(1.0, strict={self.strict}), which reads it."
            )
        rate = self.loss_given_default
        return default_cascade(network, losses, recoveries, rate, strict=self.strict, trace=trace)
