"""Liquidity hoarding after Gai, Haldane and Kapadia (2011)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from ..kernels.funding import spread
from ..network.checks.draft import column
from ..network.exposure_network import ExposureNetwork
from ..results.outcome import Outcome
from ..results.propagation_result import PropagationResult
from .base import Model, Trace
from .parameters import RATE, Parameter, Range


@dataclass(frozen=True, repr=False)
class LiquidityHoarding(Model):
    """Illiquid nodes withdraw funding from their debtors, which may become illiquid in turn.

    With H the nodes that hoard and A_ji the claim of j on i, the position of i is (money)

        liquid_i + (1 − h) collateral_i − secured_i − shock_i − Σ_{j∈H} w_j A_ji

    and i hoards when it is below 0. A node that hoards withdraws the share w of all its claims and
    does not stop hoarding. A shock is an outflow of cash; a rise of h is a shock to haircuts. A
    trigger `Shock.default(node)` withdraws like a hoarder. `defaulted` means "hoards": withdrawals
    cost no equity, only claims on triggers lose (1 − recovery).

    Optional columns: `liquid_assets`, `sellable_assets` (collateral at market value, pledged or
    not, including collateral received in reverse repo) and `secured_funding` (borrowed against it).

    Parameters
    ----------
    withdrawal : w in [0, 1], the share of its claims that a hoarding node withdraws.
    haircut : h in [0, 1], on collateral.
    liquid_share : share of external assets that is liquid where `liquid_assets` is empty, in
        [0, 1]; the default of this package, not of the paper.

    Example
    -------
    a is short by 1 and withdraws 10 from b, which has 4 and withdraws 5 from c, which has 6.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 0, 0], [10, 0, 0], [0, 5, 0]], ["a", "b", "c"],
    ...     orientation="debtor->creditor", external_assets=[5, 10, 9])
    >>> net = net.with_nodes(liquid_assets=[1, 4, 6])
    >>> result = ct.models.LiquidityHoarding().propagate(net, ct.Shock.loss({"a": 2}))
    >>> result.model.positions(result)["position"].tolist()
    [-1.0, -6.0, 1.0]

    Source: Gai, Haldane & Kapadia (2011), Journal of Monetary Economics 58(5), 453-470,
    DOI 10.1016/j.jmoneco.2011.05.005. The liquidity condition is stated from memory, unverified
    against the text, with the collateral of reverse repo in `sellable_assets`, without new
    unsecured borrowing, and with withdrawals by amount.
    """

    title: ClassVar[str] = "Liquidity hoarding: nodes short of cash call in their claims"
    source: ClassVar[str] = (
        "after Gai, Haldane & Kapadia (2011), Journal of Monetary Economics 58(5)"
    )
    settles: ClassVar[bool] = False
    fails_at_zero: ClassVar[bool] = False

    by_node: ClassVar[Mapping[str, Range]] = {
        "withdrawal": RATE,
        "haircut": RATE,
        "liquid_share": RATE,
    }

    withdrawal: Parameter = 1.0
    haircut: Parameter = 0.0
    liquid_share: Parameter = 0.1

    def run(
        self,
        network: ExposureNetwork,
        losses: np.ndarray,
        recoveries: np.ndarray | None = None,
        prices: np.ndarray | None = None,
        *,
        trace: Trace = "none",
    ) -> Outcome:
        shape, n, book = losses.shape, len(network), network.book
        flat = losses.reshape(-1, n)
        pins = np.full_like(flat, np.nan) if recoveries is None else recoveries.reshape(-1, n)
        started = ~np.isnan(pins)
        rate = np.where(started, 1.0 - pins, 0.0)
        liquid, raised, secured = self._sources(network)
        nothing, owed = np.zeros(n), network.liabilities
        called = owed.data * self.parameter(network, "withdrawal")[owed.indices]
        done = spread(
            csr_array((called, owed.indices, owed.indptr), shape=owed.shape),
            network.liabilities,
            None,
            capital=np.full(n, np.inf),
            scale=liquid + raised + secured + book.claims + book.debts,
            shock=flat,
            rate=rate,
            not_replaced=np.ones(n),
            sale_cost=nothing,
            price_impact=0.0,
            liquid=liquid + raised - secured - flat,
            sellable=nothing,
            marked=nothing,
            can_fail=book.can_fail,
            started=started,
            strict=True,
            history=trace == "path",
        )
        hoards = done.default_round >= 0
        after = book.equity - flat - done.credit
        lead = shape[:-1]
        return Outcome(
            equity=np.where(started, np.minimum(after, 0.0), after).reshape(shape),
            claims_lost=done.credit.reshape(shape),
            defaulted=hoards.reshape(shape),
            rounds=np.full(lead, done.rounds),
            residual=np.zeros(lead),
            converged=np.ones(lead, bool),
            default_round=done.default_round.reshape(shape),
            loss_rate=rate.reshape(shape),
            illiquid=done.illiquid.reshape(shape),
            history=tuple(
                ((book.equity - loss).reshape(shape), now.reshape(shape))
                for loss, now in done.history
            ),
        )

    def positions(self, result: PropagationResult) -> pd.DataFrame:
        """The liquidity of every node at the end, in money.

        Returns
        -------
        DataFrame, one row per node: liquid, raised (on collateral, after the haircut), secured (to
        be rolled over), shock, withdrawn (by creditors that hoard), position (the first two minus
        the next three), hoards. See the example of the class.
        """
        net = result.network
        liquid, raised, secured = self._sources(net)
        hoards = result.outcome.defaulted
        withdrawn = net.liabilities @ np.where(hoards, self.parameter(net, "withdrawal"), 0.0)
        columns = {
            "liquid": liquid,
            "raised": raised,
            "secured": secured,
            "shock": result.hit.losses,
            "withdrawn": withdrawn,
            "position": liquid + raised - secured - result.hit.losses - withdrawn,
            "hoards": hoards,
        }
        return pd.DataFrame(columns, index=net.names)

    def _sources(self, network: ExposureNetwork) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Liquid assets, funding available against collateral, secured borrowing, (n,) each."""
        liquid = column(network._nodes, "liquid_assets")
        share = self.parameter(network, "liquid_share") * network.book.stated_assets
        collateral = np.nan_to_num(column(network._nodes, "sellable_assets"))
        secured = np.nan_to_num(column(network._nodes, "secured_funding"))
        raised = (1 - self.parameter(network, "haircut")) * collateral
        return np.where(np.isnan(liquid), share, liquid), raised, secured
