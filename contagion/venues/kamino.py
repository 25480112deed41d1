"""Kamino Lend: a council writes bad debt off, pro rata for the depositors of the reserve.

A borrower without collateral keeps the debt until the risk council of the market socializes the
loss; until then depositors stay at par and those that leave first are paid in full (`rule`).
"""

from __future__ import annotations

from ..rules.rule import Rule
from .debt_shares import burned as burned
from .parameters import shared_or_run
from .record import Document, Terms, Venue


def rule(socialized: bool = True, by: str = "exit") -> Rule:
    """Kamino: pro rata for the depositors of the reserve once the council has written off the debt.

        socialized:  loss_k = forgiven debt × deposit_k / Σ deposit;  before: in order of the exits

    The council can forgive the debt of an account that has no deposits left, up to the whole debt.
    If it forgives an amount equal to the whole reserve, the reserve is closed.

    Parameters
    ----------
    socialized : False before the council acts.
    by : column with the exit of the depositors; needed only before the council acts.

    Claims: all depositors of one reserve; on a graph each reserve is a node.

    Raises
    ------
    RuleError : `socialized` that is neither true nor false.

    Example
    -------
    >>> from contagion.venues import kamino
    >>> claims = {"claimant": ["a", "b"], "amount": [600.0, 400.0], "exit": [1, None]}
    >>> kamino.rule().allocate(20, claims).table["loss"].tolist()
    [12.0, 8.0]
    >>> kamino.rule(socialized=False).allocate(20, claims).table["loss"].tolist()
    [0.0, 20.0]

    Source: Kamino-Finance/klend, programs/klend/src/lending_market/lending_operations.rs
    (socialize_loss), read @ 00d82d2, and handlers/handler_socialize_loss.rs, read @ 0173b40.
    """
    return shared_or_run(socialized, by, "socialized")


CATALOGUE = (
    Venue(
        name="kamino",
        build=rule,
        title="Pro rata for the depositors of the reserve, when the risk council decides it",
        documents=(Document("Kamino-Finance/klend @ 00d82d2", "commit 00d82d2", "in full"),),
        read="The code of socializing a loss and who may call it.",
        simplified="The council may forgive in parts; liquidations, with a bonus that grows with "
        "the loan-to-value ratio, are not modelled.",
        terms=Terms(
            fund="none",
            basis="deposit; order of exit before the council acts",
            price="the exchange rate falls when the council acts",
            cap="the claim; a reserve that loses all is closed",
            pause="withdrawals wait in a queue for liquidity",
        ),
    ),
)
