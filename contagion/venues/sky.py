"""Sky and Spark: capital of the agent, surplus, genesis capital, SKY, and USDS last.

An agent (Prime, such as Spark) borrows USDS and invests it. Its own risk capital bears losses
first, then the protocol, in layers whose order was changed by a vote of April 2026 (`rule`). The
auctions of surplus and of debt are those of `contagion.venues.maker`.
"""

from __future__ import annotations

from ..rules.waterfall import Layer, Waterfall
from .parameters import capacity, fund_then
from .record import Document, Terms, Venue


def rule(
    prime: float | None = None,
    surplus: float | None = None,
    genesis: float | None = None,
    sky: float | None = None,
) -> Waterfall:
    """Sky: the agent's risk capital, surplus buffer, genesis capital, SKY, then USDS.

        each layer takes min(rest, its capacity), in this order; USDS bears the remainder, pro rata

    Parameters
    ----------
    prime : risk capital of the agent that made the loss, an amount.
    surplus : surplus buffer, an amount.
    genesis : capital of agents that can be taken back, an amount.
    sky : largest amount that minting SKY can raise.

    `None` is the sum of the claims in the layer.

    Claims: layers `prime capital`, `surplus`, `genesis capital`, `sky`, `usds`; deposits in Spark
    Savings rank equally with USDS.

    Unverified: the place of the surplus buffer and that USDS is cut pro rata (read in summaries of
    Spark's text); the order of genesis capital before SKY is that of the poll of April 2026.

    Raises
    ------
    RuleError : a parameter out of range.

    Example
    -------
    >>> from contagion.venues import sky
    >>> claims = {"claimant": ["a", "b"], "layer": "usds", "amount": [300.0, 100.0]}
    >>> done = sky.rule(prime=35, surplus=20, genesis=10, sky=50).allocate(123, claims)
    >>> done.layers["absorbed"].tolist(), done.table["loss"].tolist()[:2]
    ([35.0, 20.0, 10.0, 50.0, 8.0], [6.0, 2.0])

    Source: Sky, Atlas Edit Weekly Cycle Proposal, 2026-04-20; Spark, "Spark Security Framework",
    2026-05-14 (stored copy, the beginning) and press on it.
    """
    return fund_then(
        prime,
        Layer("surplus", capacity=capacity(surplus, "surplus")),
        Layer("genesis capital", capacity=capacity(genesis, "genesis")),
        Layer("sky", capacity=capacity(sky, "sky")),
        Layer("usds"),
        name="prime capital",
        parameter="prime",
    )


CATALOGUE = (
    Venue(
        name="sky",
        build=rule,
        title="Risk capital of the agent, surplus, genesis capital, SKY, then USDS",
        documents=(
            Document("Spark, Security Framework", "2026-05-14", "excerpt"),
            Document("Sky, Atlas edit, summary of the poll", "2026-04-20", "in full"),
            Document("Sky, Atlas, and the place of the surplus buffer", "undated", "not read"),
        ),
        read="The summary of the poll and the beginning of Spark's text; the Atlas itself was not "
        "read, and the place of the surplus buffer is unverified.",
        simplified="Internal and external capital of an agent are one layer, its own token is left "
        "out, and so are reserves of SparkLend that hold other assets.",
        terms=Terms(
            fund="risk capital of the agent, surplus buffer, genesis capital",
            basis="SKY held, then USDS held",
            price="price of SKY; USDS is cut last",
            cap="each layer: its capital",
            pause="rate limits on where an agent may move funds",
        ),
    ),
)
