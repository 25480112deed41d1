"""Every exhibit of the report: its definition, and where its numbers stand with all digits.

A new exhibit is a line here; the list of exhibits at the end of a report is made from it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """What an exhibit shows; the call with the same numbers; the table in a folder of results."""

    definition: str
    call: str
    results: str = ""


EXHIBITS = {
    "T0": Entry("who bears the loss in each case of the report: owners, holders of claims whose "
                "balance sheet is not known, outside creditors", "result.ledger", "run/bearers"),
    "C1": Entry("the card of the dataset: source, evidence, terms", "datasets.card(name)"),
    "C2": Entry("the sources that the rows of the tables name", "card.sources"),
    "C3": Entry("what was done to make the network, in order", "network.provenance.table"),
    "T1": Entry("how much of the network is known, observed and graded",
                "network.balance_sheet; network.exposures"),
    "T2": Entry("what the input checks found", "network.check()"),
    "T3": Entry("assumptions about the data, conventions, limits", "network.assumptions"),
    "T3R": Entry("how a node shares a shortfall among the claims on it", "network.rules"),
    "T3G": Entry("guarantees, paid when called", "network.guarantees"),
    "T3N": Entry("set-off, netting and collateral settled before any shock", "network.changes"),
    "F1": Entry("nodes and exposures; area: assets, width: exposure, colour: kind or outcome",
                "plot.network"),
    "T4": Entry("counts and shares of the graph of claims", "measures.topology(network)"),
    "T4D": Entry("quantiles over nodes of partners, claims and debts", "network.balance_sheet"),
    "F2": Entry("face value of claims by kind of creditor and kind of debtor", "plot.kind_heat"),
    "T2K": Entry("face value of claims by kind of creditor and of debtor, with sums",
                 "network.exposures"),
    "D1": Entry("how names and sums that would tell a node were hidden", "report.Disclosure"),
    "T5": Entry("share of the k largest, Herfindahl–Hirschman index Σs², Gini coefficient",
                "measures.concentration_table(network)"),
    "F4": Entry("share of the k largest nodes, k from 1 to all", "plot.cumulative_shares"),
    "T6": Entry("face value of all claims of a creditor on a debtor, over its capital",
                "measures.scorecards.large_exposures(network)"),
    "T7": Entry("claims less debts inside the network", "network.balance_sheet"),
    "T7I": Entry("face value of claims by instrument, currency, layer, maturity",
                 "network.exposures"),
    "T7V": Entry("at how many venues a node holds claims, owes, or guarantees",
                 "network.exposures"),
    "F6": Entry("losses of others when each node defaults, direct and by the cascade",
                "experiments.every_default", "defaults/triggers"),
    "T8": Entry("one row a trigger: contagion index 100·Σℓ(j|i)/ΣK_j, induced defaults, rounds, "
                "direct loss, cascade, amplification cascade/direct",
                "experiments.every_default", "defaults/triggers"),
    "F7": Entry("the loss, step by step, from the nodes hit to its bearers", "plot.cascade"),
    "T9": Entry("one row a victim: vulnerability index 100·Σℓ(i|j)/((N−1)K_i), hazard rate, worst "
                "trigger", "experiments.every_default", "defaults/victims"),
    "F9": Entry("loss of owners of each victim when each trigger defaults", "plot.victim_heat",
                "defaults/losses"),
    "F10B": Entry("what each bears because of the shock", "result.bearers", "run/bearers"),
    "T10": Entry("what each bears because of the shock, by role", "result.bearers", "run/bearers"),
    "F10": Entry("the loss of one venue, layer by layer", "result.layers", "run/layers"),
    "T10L": Entry("the layers of each venue that was hit, in the order in which they lose",
                  "result.layers", "run/layers"),
    "T10C": Entry("what guarantors were called for, and paid", "result.calls", "run/calls"),
    "S1": Entry("the sums of the ledger", "result.socialization"),
    "T10H": Entry("the ledger by steps from the nearest node hit", "result.ledger"),
    "T10P": Entry("losses on claims, split by the path on which they came",
                  "result.explain(node)", "explain/paths"),
    "T10N": Entry("loss of owners, shortfall and default of every node", "result.table",
                  "run/table"),
    "T11": Entry("measures of systemic importance side by side", "rank(network)", "rank/ranking"),
    "F11R": Entry("smallest and largest rank of each node over the measures",
                  "measures.ranking.agreement"),
    "F12": Entry("a measure over two parameters", "sweep(case, grid)", "sweep/cells"),
    "T12S": Entry("measures over the values of the parameters", "sweep(case, grid)",
                  "sweep/cells"),
    "T12": Entry("smallest shock, fewest defaults, smallest fund that do a given thing",
                 "experiments.reverse", "reverse/answer"),
    "T13": Entry("mean, quantiles and standard error over scenarios", "stress_test",
                 "stress/losses"),
    "F13": Entry("probability that the loss is above an amount", "plot.exceedance",
                 "stress/scenarios"),
    "T13V": Entry("value at risk and expected shortfall with intervals", "stress_test",
                  "stress/losses"),
    "T13N": Entry("probability of default and mean loss of every node", "test.nodes",
                  "stress/nodes"),
    "T13E": Entry("the losses of one shock over the networks of an ensemble",
                  "experiments.over_networks", "ensemble/networks"),
    "T13P": Entry("share of the networks in which each node defaults",
                  "experiments.over_networks", "ensemble/nodes"),
    "T11S": Entry("ranks over networks: median, range, P(rank ≤ k)",
                  "measures.ranking.stability", "stability/ranks"),
    "F14": Entry("what each bears under each set of rules", "compare_rules", "compare/table"),
    "T14": Entry("what each node bears as given, and the difference under other rules",
                 "compare_rules", "compare/differences"),
    "T15": Entry("the same by kind of node", "compare_rules", "compare/by_kind"),
    "T16": Entry("how evenly the loss is spread under each set of rules", "compare_rules",
                 "compare/fairness"),
    "T17": Entry("the rules of each set", "comparison.results"),
    "T18": Entry("losses with and without each intervention, and its cost",
                 "experiments.policy.compare", "policy/table"),
    "T18I": Entry("what the interventions are", "comparison.interventions"),
    "A1": Entry("the words of this report", "–"),
    "A2": Entry("the measures of this report", "measures.MEASURES"),
    "A3": Entry("models, parameters, shocks", "result.model"),
    "A4": Entry("the formulas behind the exhibits", "–"),
    "A5": Entry("papers of models and measures", "result.model.source"),
    "R1": Entry("the study and the command that make this report again", "run.study.toml()"),
}  # fmt: skip
