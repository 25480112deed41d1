"""Checks of a result: one round recomputed, the model run again, the ledger added up."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pandas as pd

from ..network.exposure_network import ExposureNetwork
from . import one_round
from .ledger import CONTAGION, MISSING, SHOCK, Ledger
from .one_round import apart
from .outcome import Outcome
from .run_arrays import RunArrays

ROUNDING = 1e-9  # rounding error, relative to the balance sheet of a node
BOOKKEEPING = ("products", "history")
STEPS = ("residual", "error", "rounds", "converged", "default_round")  # how the solution was found

Row = tuple[str, float, float]


def audit(result: RunArrays, ledger: pd.DataFrame) -> pd.DataFrame:
    """Check a result for consistency; one row a check: check, value, bound, ok.

    Three groups of checks. Values are relative, so that small nodes are checked as strictly as
    large ones: an amount is divided by the balance sheet of its node (assets, debts inside and
    outside the graph, and guarantees given). Rates and residuals are not scaled; flags are counted.

    1. *One round*, recomputed from the result itself, without a solver: losses on claims from
       unpaid amounts (or loss rates), funds and equity from these losses, payments by the rule of
       each node from its funds, defaults from equity, loss rates by the model's valuation.
    2. *Solved again: ...*, one row for every field of the outcome. The model is run once more, with
       a proven error bound where it has one, and must give the same outcome within that bound. A
       wrong fixed point (the least where the model promises the greatest) passes the first group
       and fails here. `products` and `history` are bookkeeping, not results, and are left out.
    3. *The ledger* adds up: total borne = initial loss + deadweight + relief, with
       `baseline="book"` also amounts missing before; its table has the entries of its arrays.

    The cost is a few runs of the model. `ledger` is the table of the ledger of the result.

    Example
    -------
    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 10], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", external_assets=[12, 1])
    >>> result = ct.EisenbergNoe().propagate(net, ct.Shock.loss({"a": 6}))
    >>> bool(result.audit()["ok"].all())
    True

    A payment that was changed is found:

    >>> from dataclasses import replace
    >>> outcome = replace(result.outcome, payments=result.payments.to_numpy() + [0.1, 0])
    >>> audit = replace(result, outcome=outcome).audit()
    >>> audit.loc[~audit["ok"], "check"].tolist()
    ['payments are the claims paid', 'solved again: payments']
    """
    tolerance = float(getattr(result.model, "tolerance", 0.0))
    size = one_round.sizes(result.network)
    rows: list[Row] = [
        ("residual", float(np.max(result.outcome.residual)), max(tolerance, ROUNDING)),
        ("the hit is that of the shock", _hit(result, size), ROUNDING),
    ]
    follows = one_round.settled if result.model.settles else one_round.valued
    round_ = one_round.balance(result, size) | follows(result, size)
    rows += [(check, value, ROUNDING + tolerance) for check, value in round_.items()]
    return _judged([*rows, *again(result, result.network, ledger)])


def again(result: RunArrays, network: ExposureNetwork, ledger: pd.DataFrame) -> list[Row]:
    """Groups 2 and 3 of :func:`audit`: the model run once more on the same network, and the sums
    of the ledger."""
    tolerance = float(getattr(result.model, "tolerance", 0.0))
    size = one_round.sizes(network)
    bound = ROUNDING + 2 * tolerance
    rows = _solved_again(result, network, size, tolerance)
    return rows + _ledger(result, ledger, float(size.sum()), bound)


def extended(frame: pd.DataFrame, rows: list[Row]) -> pd.DataFrame:
    """A table of checks with further rows."""
    return pd.concat([frame, _judged(rows)], ignore_index=True)


def _judged(rows: list[Row]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["check", "value", "bound"])
    return frame.assign(ok=frame["value"] <= frame["bound"])


def _hit(result: RunArrays, size: np.ndarray) -> float:
    """Distance between the stored hit and the shock applied to the balance sheets again."""
    losses, recoveries, prices = result.shock.arrays(result.network)
    hit = result.hit
    gaps = [apart(hit.losses, losses, size), _far(hit.recoveries, recoveries, 1.0)]
    return max(*gaps, _far(hit.prices, prices, 1.0))


def _solved_again(
    result: RunArrays, net: ExposureNetwork, size: np.ndarray, tolerance: float
) -> list[Row]:
    """The outcome against a second run of the model, where possible with a proven error bound."""
    model: Any = result.model
    hit, own = result.shock.arrays(net), result.outcome
    again = model.run(net, *hit, trace="none" if own.default_round is None else "rounds")
    sure = again
    if hasattr(model, "certify") and again.error is not None and np.isnan(again.error).any():
        sure = replace(model, certify="always").run(net, *hit)
    proven = 0.0 if sure.error is None else float(np.nan_to_num(sure.error).max())
    bound, rows = ROUNDING + 2 * max(proven, tolerance), []
    for field in fields(Outcome):
        if (name := field.name) in BOOKKEEPING:
            continue
        found, steps = getattr(own, name), name in STEPS
        wanted = getattr(again if steps else sure, name)
        if name == "default_round" and found is None:
            continue
        if found is not None or wanted is not None:
            value = _far(found, wanted, _scale(result, name, size))
            rows.append((f"solved again: {name}", value, bound))
    return rows


def _scale(result: RunArrays, name: str, size: np.ndarray) -> np.ndarray | float:
    """The amount by which the deviation of a field is divided."""
    segments = result.network.segments
    if name in ("called", "unmet") and segments.calls is not None:
        return np.asarray(np.maximum(size[segments.calls.guarantor], size[segments.calls.debtor]))
    if name == "unpaid":
        return np.asarray(size[segments.owner])
    return 1.0 if name in (*STEPS, "loss_rate", "claim_rates") else size


def _far(found: Any, wanted: Any, scale: np.ndarray | float) -> float:
    """The deviation of one field: amounts, rates, flags (number that differ), or channels."""
    if found is None or wanted is None:
        return 0.0 if found is wanted else float("inf")
    if isinstance(wanted, dict):
        if set(found) != set(wanted):
            return float("inf")
        return max((apart(found[key], wanted[key], scale) for key in wanted), default=0.0)
    if np.asarray(wanted).dtype.kind in "biu":
        same = np.shape(found) == np.shape(wanted)
        return float(np.count_nonzero(found != wanted)) if same else float("inf")
    return apart(found, wanted, scale)


def _ledger(result: RunArrays, table: pd.DataFrame, total: float, bound: float) -> list[Row]:
    """The sums of the ledger, relative to the sum of all balance sheets."""
    found, before = result.entries, result.before
    sums = {SHOCK: found.shock.sum(), CONTAGION: found.contagion.sum() + found.outside.sum()}
    if before is not None:
        sums[MISSING] = before.contagion.sum() + before.outside.sum()
    by = table.groupby("cause")["amount"].sum().reindex(list(sums), fill_value=0.0)
    gap = float(np.abs(by.to_numpy() - list(sums.values())).max())
    rows: list[Row] = [("the table of the ledger has all its entries", gap / total, bound)]
    if result.model.settles:
        rows.append(("the ledger adds up", _open(found) / total, bound))
        if before is not None:
            rows.append(
                ("so does what was missing before", _missing(result, before) / total, bound)
            )
    return rows


def _open(found: Ledger) -> float:
    """Amount borne minus initial loss, deadweight and relief, absolute."""
    caused = found.initial[found.triggers].sum() + found.destroyed.sum() + found.relief.sum()
    return abs(float(found.borne.sum() - caused))


def _missing(result: RunArrays, before: Ledger) -> float:
    """Amount missing before minus negative equity and deadweight, absolute."""
    book = result.network.book
    hole = np.maximum(-book.equity[book.can_fail & book.known], 0.0).sum()
    return abs(float(before.borne.sum() - hole - before.destroyed.sum()))
