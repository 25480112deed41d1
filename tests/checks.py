"""What has to hold for every result, recomputed from its definition with plain Python.

Nothing here calls the kernels: balance sheets and claims come from the network, payments from
`result.flows`, and every node is gone through one by one. Each check has a test in
`test_checks.py` that it can fail.
"""

from __future__ import annotations

import numpy as np

import contagion as ct

TOLERANCE = 1e-9


def waterfall(funds: float, claims: list[tuple[float, float]]) -> list[float]:
    """Share funds among claims (order, amount): lowest order first, equal orders pro rata.

    >>> waterfall(7.0, [(1, 6.0), (2, 4.0), (2, 4.0)])
    [6.0, 0.5, 0.5]
    """
    paid, left = [0.0] * len(claims), max(funds, 0.0)
    for order in sorted({order for order, _ in claims}):
        rows = [k for k, claim in enumerate(claims) if claim[0] == order]
        due = sum(claims[k][1] for k in rows)
        part = min(left, due)
        for k in rows:
            paid[k] = claims[k][1] * part / due if due > 0 else 0.0
        left -= part
    return paid


def claims_in_order(net: ct.ExposureNetwork) -> list[list[tuple[float, float, int]]]:
    """Per node what it owes as (order, amount, row of the exposure table; −1 outside)."""
    nodes, table = net.nodes, net.exposures
    rules = nodes["rule"].fillna("priority") if "rule" in nodes else ["priority"] * len(nodes)
    tiers = table["tier"] if "tier" in table else [1] * len(table)
    ranks = table["rank"] if "rank" in table else [0] * len(table)
    default = 1 if net.external_creditors == "pari_passu" else 0
    outside = nodes["external_tier"] if "external_tier" in nodes else [default] * len(nodes)
    place = {name: i for i, name in enumerate(nodes["node"])}
    rule_of = list(rules)
    owed: list[list[tuple[float, float, int]]] = [[] for _ in place]
    rows = zip(table["debtor"], table["amount"], tiers, ranks, strict=True)
    for row, (debtor, amount, tier, rank) in enumerate(rows):
        i = place[debtor]
        order = {"priority": tier, "pro_rata": 1, "queue": rank}[rule_of[i]]
        owed[i].append((float(order), float(amount), row))
    for i, (tier, due) in enumerate(
        zip(outside, net.balance_sheet["external_liabilities"], strict=True)
    ):
        if due > 0:
            together = 1.0 if rule_of[i] == "pro_rata" else float(tier)
            order = -np.inf if tier == 0 else together
            owed[i].append((order, float(due), -1))
    return owed


def scale(net: ct.ExposureNetwork) -> float:
    """The balance-sheet total, the yardstick of every tolerance."""
    sheet = net.balance_sheet
    return float(sheet["external_assets"].sum() + sheet["claims"].sum()) or 1.0


def costs(model: ct.models.Model) -> tuple[float, float]:
    """The parts of external assets and of payments that survive default under a model."""
    return getattr(model, "alpha", 1.0), getattr(model, "beta", 1.0)


def funds(result: ct.results.PropagationResult) -> tuple[np.ndarray, np.ndarray]:
    """External assets after the shock and payments received, from the flows; (n,) each."""
    net = result.network
    assets = np.nan_to_num(net.balance_sheet["external_assets"].to_numpy())
    place = {name: i for i, name in enumerate(net.names)}
    received = np.zeros(len(net))
    for creditor, paid in zip(result.flows["creditor"], result.flows["paid"], strict=True):
        received[place[creditor]] += paid
    return np.maximum(assets - result.hit.losses, 0.0), received


def assert_claim_bounds(result: ct.results.PropagationResult, tolerance: float = TOLERANCE) -> None:
    """No claim loses less than nothing or more than itself; nobody pays more than is due."""
    flows, room = result.flows, tolerance * scale(result.network)
    assert (flows["loss"] >= -room).all(), "a claim gains"
    assert (flows["loss"] <= flows["amount"] + room).all(), "a claim loses more than itself"
    assert np.allclose(flows["paid"] + flows["loss"], flows["amount"], rtol=0, atol=room), (
        "paid and lost do not add up to the claim"
    )
    table, loss = result.table, result.table["loss"]
    assert (loss >= -room).all(), "owners gain"
    known = np.isfinite(table["equity_before"]) & result.network.book.can_fail
    assert (loss[known] <= table["equity_before"][known].clip(lower=0) + room).all(), (
        "owners lose more than they have"
    )


def assert_valid_clearing(
    result: ct.results.PropagationResult, tolerance: float = TOLERANCE
) -> None:
    """Limited liability, absolute priority, and the order of each node's own rule.

    Every node pays what is due or everything it has (less default costs); a node that fails
    for outside reasons pays its pinned rate; a node that cannot fail pays in full.
    """
    net, model = result.network, result.model
    room = tolerance * scale(net)
    assets, received = funds(result)
    alpha, beta = costs(model)
    paid, owed = result.flows["paid"].to_numpy(), claims_in_order(net)
    outside = result.outcome.external_paid
    after = result.table["equity_after"].to_numpy()
    for i, name in enumerate(net.names):
        due = sum(amount for _, amount, _ in owed[i])
        pot, defaulted = assets[i] + received[i], bool(result.outcome.defaulted[i])
        if not np.isnan(result.hit.pins[i]):
            assert defaulted, f"{name} is pinned and has to count as in default"
            want = [result.hit.pins[i] * amount for _, amount, _ in owed[i]]
        elif not net.book.can_fail[i]:
            assert not defaulted, f"{name} cannot fail"
            want = [amount for _, amount, _ in owed[i]]
        else:
            short = pot < due - room if abs(pot - due) > room else defaulted
            assert defaulted == short, f"{name}: default flag {defaulted}, {pot} against {due}"
            if short:
                left = alpha * assets[i] + beta * received[i]
                want = waterfall(left, [(order, amount) for order, amount, _ in owed[i]])
                assert sum(want) <= pot + room, f"{name} pays more than it has"
            else:
                want = [amount for _, amount, _ in owed[i]]
            assert abs(after[i] - (pot - due)) <= room, f"{name}: equity is not funds less dues"
        for (_, amount, row), expected in zip(owed[i], want, strict=True):
            got = outside[i] if row < 0 else paid[row]
            assert abs(got - expected) <= room, (
                f"{name}: {'outside' if row < 0 else f'claim {row}'} of {amount} gets {got}, "
                f"the rule says {expected}"
            )
        inside = sum(paid[row] for _, _, row in owed[i] if row >= 0)
        assert abs(result.payments.iloc[i] - inside) <= room, f"{name}: payments are not the flows"


def added_up(result: ct.results.PropagationResult) -> dict[str, float]:
    """What a run destroys and who bears it, from balance sheets and flows, against face values."""
    net, owed = result.network, claims_in_order(result.network)
    sheet = net.balance_sheet
    assets, received = funds(result)
    alpha, beta = costs(result.model)
    before, claims = sheet["equity"].to_numpy(), sheet["claims"].to_numpy()
    paid, outside = result.flows["paid"].to_numpy(), result.outcome.external_paid
    initial = missing = dead = owners = external = 0.0
    for i in range(len(net)):
        due = sum(amount for _, amount, _ in owed[i])
        mine = sum(amount for _, amount, row in owed[i] if row < 0)
        out = sum(paid[row] for _, _, row in owed[i] if row >= 0) + (outside[i] if mine else 0.0)
        pinned, known = not np.isnan(result.hit.pins[i]), np.isfinite(before[i])
        bottomless = not net.book.can_fail[i] and not pinned
        lost_on_claims = claims[i] - received[i]
        external += mine - (outside[i] if mine else 0.0)
        if known:
            start = before[i] + due  # everything it had
            pot = assets[i] + received[i]
            gone = start - lost_on_claims - out if pinned else result.hit.losses[i]
            left = out - due if pinned else pot - due
            if bottomless:
                owners += before[i] - left
            else:
                owners += max(before[i], 0.0) - max(left, 0.0)
                missing += max(-before[i], 0.0)
        elif pinned:
            gone = max(due - out - lost_on_claims, 0.0)
            owners += max(lost_on_claims - (due - out), 0.0)
        else:
            gone = result.hit.losses[i]
            owners += result.hit.losses[i] + lost_on_claims
        initial += gone
        if result.outcome.defaulted[i] and not pinned:
            dead += (1 - alpha) * assets[i] + (1 - beta) * received[i]
    return {"initial": initial, "missing": missing, "dead": dead, "borne": owners + external}


def assert_conserves_value(
    result: ct.results.PropagationResult, tolerance: float = TOLERANCE
) -> None:
    """Initial loss + missing before + deadweight = loss of owners + of external creditors.

    Everything is added up again, with the shock and without it, and what the shock adds is
    compared with `result.socialization`, `result.ledger` and `result.bearers`.
    """
    room = tolerance * scale(result.network)
    whole = added_up(result)
    none = ct.results.PropagationResult(
        result.network, result.model, ct.Shock(), ct.Shock().arrays(result.network),
        result.reference,
    )  # fmt: skip
    base = added_up(none)
    gap = whole["borne"] - (whole["initial"] + whole["missing"] + whole["dead"])
    assert abs(gap) <= room, f"value is not conserved: {gap} of {scale(result.network)}"
    s, by = result.socialization, result.ledger.groupby("cause")["amount"].sum()
    assert abs(result.bearers["amount"].sum() - s.borne) <= room, "bearers do not add up to borne"
    caused = s.initial_loss + s.deadweight + s.relief
    assert abs(by.get("shock", 0.0) + by.get("contagion", 0.0) - caused) <= room, (
        "shock and contagion are not initial loss + deadweight + relief"
    )
    assert abs(by.get("missing before", 0.0) - s.missing_before) <= room, "missing before"
    old = base["borne"] if result.baseline == "book" else 0.0
    for name, mine, theirs in (
        ("initial loss", whole["initial"], s.initial_loss),
        ("missing before", old, s.missing_before),
        ("deadweight", whole["dead"] - base["dead"], s.deadweight),
        ("borne", whole["initial"] + whole["dead"] - base["dead"] + s.relief + old, s.borne),
    ):
        # a pinned node of unknown size: what it had lost before is no part of what it destroys
        unknown = result.pinned & ~result.network.book.known
        assert abs(mine - theirs) <= room or unknown.any(), f"{name}: {theirs}, added up {mine}"


def assert_same_result(
    one: ct.results.PropagationResult,
    two: ct.results.PropagationResult,
    factor: float = 1.0,
    tol: float = 1e-8,
) -> None:
    """Two results agree node by node (by name), the second in units `factor` times smaller."""
    left, right = one.table, two.table.loc[one.table.index]
    room = tol * scale(one.network)
    for column in ("equity_after", "loss", "direct_loss", "shortfall"):
        gap = np.abs(left[column] - right[column] / factor)
        assert not (gap > room).any(), f"{column} differs by {gap.max()} at {gap.idxmax()}"
        assert left[column].isna().equals(right[column].isna()), f"{column}: unknown differ"
    close = np.abs(left["equity_after"]) <= room
    assert (left["defaulted"] == right["defaulted"])[~close].all(), "defaults differ"
