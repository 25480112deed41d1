"""The invariants of a result, checked on the result itself."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .run_arrays import RunArrays
from .socialization import Socialization

CONSERVATION = 1e-9
ROUNDING = 1e-9


def audit(result: RunArrays, s: Socialization | None) -> pd.DataFrame:
    """Check a result against what has to hold; one row a check: check, value, bound, ok.

    `s` are the sums of a result that settles claims, `None` for other models.

    Values are relative to the balance-sheet total. Checks: the residual against the model's
    tolerance; every claim loses between nothing and itself; a node that stands pays in full, but
    for the layers that share losses by its rule;
    and for models that settle claims: payments are the sum of the claims paid, a node in
    default keeps nothing, and value is conserved (losses of owners and of external creditors =
    initial loss + deadweight + relief + missing before).

    Example
    -------
    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 10], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", external_assets=[12, 1])
    >>> bool(ct.EisenbergNoe().propagate(net, ct.Shock.loss({"a": 6})).audit()["ok"].all())
    True
    """
    net, outcome = result.network, result.outcome
    book, lost = net.book, result.claim_losses
    total = float(np.nansum(book.external_assets) + book.claims.sum()) or 1.0
    standing = ~outcome.defaulted
    rows = [
        ("residual", float(np.max(outcome.residual)), getattr(result.model, "tolerance", ROUNDING)),
        (
            "claims lose between 0 and their amount",
            float(max(-lost.min(initial=0), (lost - net.amount).max(initial=0))) / total,
            ROUNDING,
        ),
    ]
    if s is not None:
        assert outcome.payments is not None
        shortfall = result.shortfall - net.segments.absorbing
        paid = np.bincount(net.debtor, net.amount - lost, len(net))
        kept = np.where(outcome.defaulted, outcome.equity, 0.0)
        rows += [
            (
                "nodes that stand pay in full",
                float(shortfall[standing].max(initial=0)) / total,
                ROUNDING,
            ),
            (
                "payments are the claims paid",
                float(np.abs(paid - outcome.payments).max(initial=0)) / total,
                ROUNDING,
            ),
            ("nodes in default keep nothing", float(np.nanmax(kept, initial=0)) / total, ROUNDING),
            (
                "conservation of value",
                _unaccounted(result) / total,
                CONSERVATION,
            ),
        ]
    frame = pd.DataFrame(rows, columns=["check", "value", "bound"])
    return frame.assign(ok=frame["value"] <= frame["bound"])


def _unaccounted(result: RunArrays) -> float:
    """What the ledger of the shock, and that of before, leave open together, in money."""
    found, before, book = result.entries, result.before, result.network.book
    caused = found.initial[found.triggers].sum() + found.destroyed.sum() + found.relief.sum()
    gap = abs(float(found.borne.sum() - caused))
    if before is not None:
        hole = np.maximum(-book.equity[book.can_fail & book.known], 0.0).sum()
        gap += abs(float(before.borne.sum() - hole - before.destroyed.sum()))
    return gap
