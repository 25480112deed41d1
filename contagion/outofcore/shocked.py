"""A shock to a network on disk: the direct loss of each node, and how it passes on losses."""

from __future__ import annotations

from typing import Any

from ..errors import ShockError
from ..shocks import Shock
from ..text import listing, plural
from .disk import Disk
from .inputs import NODES

START = "start.parquet"
KINDS = ("losses", "fractions", "defaults", "equities", "equity_fractions")
# A claim on a node loses the share min(1, max(0, (base + claims lost) / size)); `fixed` if it is
# known beforehand. For a node of size 0 any loss gives a share of 1.
FORMS = {
    "clear": "loss - equity as base, debts as size",
    "distress": "loss as base, if(equity > 0, equity, 0) as size",
}


def struck(network: Disk, disk: Disk, shock: Shock, model: str) -> None:
    """start.parquet: id, loss, recovery (null: not given), base, size, fixed, scale, of each node.

    Raises
    ------
    ShockError : for unknown names, for losses above the assets of a node, and for price shocks.
    """
    if shock.prices or shock.depegs:
        raise ShockError(
            "A network on disk has no holdings: prices and depegs cannot move there. Use "
            "Shock.loss, .relative, .equity or .default."
        )
    import pyarrow as pa

    pairs = [(kind, *pair) for kind in KINDS for pair in getattr(shock, kind)]
    kind, node, value = zip(*pairs, strict=True) if pairs else ((), (), ())
    named = [None if name is None else str(name) for name in node]
    table = {"kind": pa.array(kind, pa.string()), "node": pa.array(named, pa.string()),
             "value": pa.array(value, pa.float64())}  # fmt: skip
    disk.work.register("hit", pa.table(table))
    sums = ", ".join(
        f"coalesce({'max' if kind == 'defaults' else 'sum'}(value) filter (kind = '{kind}'), "
        f"{'null' if kind == 'defaults' else '0.0'}) as {kind}"
        for kind in KINDS
    )
    disk.work.execute(
        f"create or replace temp table everywhere as select {sums} from hit where node is null; "
        f"create or replace temp table named as select node, {sums}, count(*) filter "
        "((kind = 'equities' or kind = 'equity_fractions') and value > 0) > 0 as needs_equity "
        "from hit where node is not null group by node"
    )
    nodes = network.rows(NODES)
    _unknown(disk, nodes)
    disk.work.execute(
        f"""create or replace temp view struck as
        select n.*, h.defaults as recovery, coalesce(h.needs_equity, false) as needs_equity,
          coalesce(h.losses, 0)
            + (coalesce(h.fractions, 0) + a.fractions) * external_assets as sold,
          coalesce(h.fractions, 0) + a.fractions > 0 as part,
          coalesce(h.equities, 0)
            + (coalesce(h.equity_fractions, 0) + a.equity_fractions) * greatest(equity, 0) as gone
        from {nodes} n left join named h using (node) cross join everywhere a"""
    )
    _excessive(disk)
    disk.write(
        START,
        f"""
        with lost as (select *, least(sold, external_assets) + gone as loss from struck)
        select id, node, debts, claims, external_assets, external_liabilities, equity, can_fail,
          loss, recovery, {FORMS[model]},
          case when recovery is not null then 1 - recovery when not can_fail then 0.0 end as fixed,
          {_scale(model)} as scale
        from lost
        """,
    )


def _scale(model: str) -> str:
    """The scale of a change: the balance sheet; for distress the equity, unless it is negligible.

    Rounding errors in claims of 1 change the distress of a node with equity of 1e-9 by 1e-7.
    """
    sheet = "external_assets + claims"
    return (
        f"greatest({sheet}, debts)" if model == "clear" else f"greatest(equity, 1e-5 * ({sheet}))"
    )


def _unknown(disk: Disk, nodes: str) -> None:
    """ShockError for names that are not in the network."""
    strange = f"from named anti join {nodes} using (node)"
    if count := disk.one(f"select count(*) {strange}")[0]:
        names = disk.work.execute(f"select node {strange} order by node limit 3").fetchall()
        raise ShockError(
            f"The shock names {plural(count, 'node')} that the network does not have: "
            f"{listing([name for (name,) in names])}."
        )


def _excessive(disk: Disk) -> None:
    """ShockError for losses above the available amount, or on a quantity that is unknown."""
    for test, said in (
        ("recovery is null and sold > external_assets * (1 + 1e-12)",
         "would lose more than its external assets"),
        ("only_equity and part", "has equity but no stated external assets, so that a share of "
         "them is not defined: use Shock.equity(relative=...)"),
        ("needs_equity and not equity > 0", "has no positive equity that could be lost"),
        ("gone > greatest(equity, 0) * (1 + 1e-12)", "would lose more than its equity"),
    ):  # fmt: skip
        count = disk.one(f"select count(*) from struck where {test}")[0]
        if count:
            names: list[Any] = disk.work.execute(
                f"select node from struck where {test} order by id limit 3"
            ).fetchall()
            more = f" ({count:,} such nodes)" if count > 1 else ""
            raise ShockError(f"{listing([name for (name,) in names])} {said}{more}.")
