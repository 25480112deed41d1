"""Ethena: the reserve fund, then the backing of USDe.

The reserve fund pays in times of negative funding. Staked USDe cannot lose USDe in its contract;
the remaining loss reduces the backing of every USDe, staked or not (`rule`).
"""

from __future__ import annotations

from ..rules.waterfall import Layer, Waterfall
from .parameters import fund_then
from .record import NOT_READ, Document, Terms, Venue


def rule(reserve: float | None = None) -> Waterfall:
    """Ethena: the reserve fund, then all USDe pro rata.

        the fund pays min(L, reserve);  the rest reduces the backing of each USDe in proportion

    Rewards of stakers fall first, but no staked USDe is taken: the contract of sUSDe only receives.

    Parameters
    ----------
    reserve : balance of the reserve fund, an amount; `None`: the claims in its layer.

    Claims: layer `usde`, one row per holder, USDe in the staking contract included.

    Unverified: the order after the fund. The documents do not say who bears the loss. It is assumed
    that all USDe is cut pro rata, and that no holder redeems before the cut. Others expect stakers
    to lose first.

    Raises
    ------
    RuleError : a parameter out of range.

    Example
    -------
    The fund of June 2025 and a loss of 161.1m on a supply of 5,880m:

    >>> from contagion.venues import ethena
    >>> claims = {"claimant": ["holders"], "layer": "usde", "amount": [5_880.0]}
    >>> done = ethena.rule(reserve=61.1).allocate(161.1, claims)
    >>> done.table["loss"].round(9).tolist()
    [100.0, 61.1]

    Source: docs.ethena.fi, "Reserve Fund" and "Staking USDe" (stored copies); the figures of
    gov.ethenafoundation.com, Reserve Fund Subcommittee June 2025 Update.
    """
    return fund_then(reserve, Layer("usde"), name="reserve fund", parameter="reserve")


CATALOGUE = (
    Venue(
        name="ethena",
        build=rule,
        title="Reserve fund, then all USDe pro rata (assumed)",
        documents=(
            Document("docs.ethena.fi, Reserve Fund", "2025-06", "in full"),
            Document("docs.ethena.fi, Staking USDe", "undated", "in full"),
            Document("assumption about the bearers of the remaining loss", "undated", "memory"),
        ),
        read="Both pages: the purpose of the fund, and that staked USDe is not taken; the bearers "
        "of the remaining loss are unverified.",
        simplified="The fund also buys USDe in the market; early redemptions are paid in full as "
        "long as there is backing.",
        terms=Terms(
            fund="reserve fund",
            basis="USDe held (assumed)",
            price=NOT_READ,
            cap="the claim",
            pause="staked USDe leaves after a cooldown",
        ),
    ),
)
