"""The results of a run on disk: one table with a row per node, and its sums."""

from __future__ import annotations

from .disk import Disk
from .fixedpoint import LOST, RATE, lost, rates
from .shocked import START

TABLE = "table.parquet"
COLUMNS = {
    "equity_before": "equity before the shock, from which losses are measured, money",
    "equity_after": "equity after the shock, signed, money",
    "loss": "loss of owners, the fall of max(equity, 0), money",
    "direct_loss": "the part of the loss caused directly by the shock, money",
    "contagion_loss": "the rest of the loss, by contagion, money",
    "claims_lost": "losses of the node on its claims, from face value, money",
    "shortfall": "amount unpaid to the creditors of the node, never part of the loss, money",
    "external_loss": "losses of its external creditors because of the shock, money",
    "recovery_rate": "payments over debts in the graph, a share",
    "defaulted": "whether the node is in default",
}
SUMS = {  # of the columns: the same names as in the socialization of a result
    "initial_loss": "greatest(initial, 0)",
    "owners_loss": "loss",
    "external_loss": "external_loss",
    "socialized": "greatest(contagion_loss, 0) + external_loss",
    "claims_lost": "claims_lost",
    "shortfall": "shortfall",
}
DUE = "(debts + external_liabilities)"
# Claims have the loss rate of their debtor in the last round; equity follows from it.
LEFT = "equity - loss - lost"
AFTER = {
    "clear": f"if(recovery is null, {LEFT}, (recovery - 1) * {DUE})",
    "distress": f"if(recovery is null, {LEFT}, least({LEFT}, 0))",
}
FAILED = {
    "clear": "can_fail and loss + lost - equity > 1e-12 * scale",
    "distress": "can_fail and (rate >= 1 or equity <= 0)",
}
SHORT = {
    "clear": f"case when recovery is not null then (1 - recovery) * {DUE} "
    "when can_fail then greatest(loss + lost - equity, 0) else 0 end",
    "distress": "rate * debts",
}


def tabulated(network: Disk, disk: Disk, model: str, before: Disk | None) -> None:
    """table.parquet, and the sums in the state of the run.

    `before` is the run without the shock; `None` if there is no shortfall without it.
    """
    reference = "(select null::uinteger as id, 0.0 as e0, 0.0 as l0, 0.0 as o0 where false)"
    if before is not None:
        reference = (
            "(select id, equity_after as e0, claims_lost as l0, external_short as o0 "
            f"from {before.rows(TABLE)})"
        )
    rate, came_in = RATE.format(lost="lost"), lost(network, disk, rates(disk))
    disk.write(
        TABLE,
        f"""
        with found as (
          select s.* exclude (loss), s.loss as hit, s.loss, coalesce(l.lost, 0) as lost,
            coalesce(b.e0, equity) as e0, coalesce(b.l0, 0) as l0, coalesce(b.o0, 0) as o0,
            r.rate as kept
          from {disk.rows(START)} s left join {came_in} l using (id)
          left join {rates(disk)} r using (id) left join {reference} b using (id)),
        rated as (select *, if(debts > 0, coalesce(kept, 0), {rate}) as rate from found),
        ended as (
          select *, {AFTER[model]} as after, {SHORT[model]} as short,
            recovery is not null or ({FAILED[model]}) as failed,
            if(recovery is null, hit, external_assets + claims - lost - recovery * {DUE}) as initial
          from rated),
        borne as (
          select *, if(can_fail or recovery is not null,
              greatest(e0, 0) - greatest(after, 0), hit + lost - l0) as owners,
            greatest(short - rate * debts, 0) as external_short
          from ended),
        split as (
          select *, least(greatest(initial, 0), greatest(owners, 0),
              if(can_fail or recovery is not null, greatest(e0, 0), 'inf'::double)) as direct
          from borne)
        select id, node, e0 as equity_before, after as equity_after, owners as loss,
          direct as direct_loss, owners - direct as contagion_loss, lost as claims_lost,
          short as shortfall, greatest(external_short - o0, 0) as external_loss, external_short,
          if(debts > 0, 1 - rate, null) as recovery_rate, failed as defaulted, initial
        from split
        """,
    )
    disk.drop(LOST)
    sums = ", ".join(f"coalesce({network.sum(term)}, 0)" for term in SUMS.values())
    *money, failed = disk.one(f"select {sums}, count(*) filter (defaulted) from {disk.rows(TABLE)}")
    disk.state["totals"] = dict(zip(SUMS, money, strict=True)) | {"defaults": failed}
    disk.state["tabulated"] = len(disk.state["rounds"])
    disk.note()
