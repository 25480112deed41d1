"""One number a node from single defaults: impact, contagion and vulnerability index, DebtRank."""

from __future__ import annotations

from ..models.base import Model
from ..models.node_values import Weights
from ..network.exposure_network import ExposureNetwork
from ..records import Scores
from .impact import each_default


def default_impact(
    network: ExposureNetwork,
    model: Model,
    *,
    recovery: float = 0.0,
    n_jobs: int = 1,
    progress: bool = False,
) -> Scores:
    """Loss of the owners of all other nodes when the node defaults: `Σ_{j≠i} ℓ(j|i)`.

    Parameters
    ----------
    network, model : any model.
    recovery : recovery rate on claims on the defaulting node, in [0, 1].
    n_jobs, progress : as in :func:`each_default`.

    Returns
    -------
    Scores : (n,), money; `reasons` explains each nan.

    Raises
    ------
    ShockError : for a recovery outside [0, 1].
    ConvergenceError : when a run does not reach the tolerance of the model.

    Example
    -------
    b (capital 3) has a claim of 10 on a; c (capital 1) has no claims.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix(
    ...     [[0, 10, 0], [0, 0, 0], [0, 0, 0]], ["a", "b", "c"], orientation="debtor->creditor",
    ...     equity=[1, 3, 1])
    >>> default_impact(net, ct.models.Furfine()).tolist()
    [3.0, 0.0, 0.0]

    Source: own; loss of others as in the definitions of :func:`contagion_index`.
    """
    table = each_default(network, model, recovery=recovery, n_jobs=n_jobs, progress=progress)
    return table.scores("default_impact")


def contagion_index(
    network: ExposureNetwork,
    model: Model,
    *,
    recovery: float = 0.0,
    n_jobs: int = 1,
    progress: bool = False,
) -> Scores:
    """Loss of the others when a node defaults, in % of capital: `100 Σ_{j≠i} ℓ(j|i) / Σ_{j≠i} K_j`.

    Parameters and errors as :func:`default_impact`.

    Returns
    -------
    Scores : (n,), % of the capital of the others; nan with a reason where they have none.

    Example
    -------
    The default of a costs 3 of the total capital of b and c, which is 3 + 1.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix(
    ...     [[0, 10, 0], [0, 0, 0], [0, 0, 0]], ["a", "b", "c"], orientation="debtor->creditor",
    ...     equity=[1, 3, 1])
    >>> contagion_index(net, ct.models.Furfine()).tolist()
    [75.0, 0.0, 0.0]

    Source: after Espinosa-Vega & Solé (2010), IMF WP/10/105; ℓ capped at the capital of the loser.
    """
    table = each_default(network, model, recovery=recovery, n_jobs=n_jobs, progress=progress)
    return table.scores("contagion_index")


def vulnerability_index(
    network: ExposureNetwork,
    model: Model,
    *,
    recovery: float = 0.0,
    n_jobs: int = 1,
    progress: bool = False,
) -> Scores:
    """Loss of a node by defaults of others, % of capital: `100 Σ_{j≠i} ℓ(i|j) / ((N − 1) K_i)`.

    Parameters and errors as :func:`default_impact`.

    Returns
    -------
    Scores : (n,), % of own capital, mean over triggers; nan with a reason without capital.

    Example
    -------
    b loses all its capital for one of two triggers.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix(
    ...     [[0, 10, 0], [0, 0, 0], [0, 0, 0]], ["a", "b", "c"], orientation="debtor->creditor",
    ...     equity=[1, 3, 1])
    >>> vulnerability_index(net, ct.models.Furfine()).tolist()
    [0.0, 50.0, 0.0]

    Source: after the bank-contagion annexes of IMF FSAPs; ℓ capped at the capital of the node.
    """
    table = each_default(network, model, recovery=recovery, n_jobs=n_jobs, progress=progress)
    return table.scores("vulnerability_index")


def debtrank(
    network: ExposureNetwork,
    model: Model,
    *,
    recovery: float = 0.0,
    weights: Weights | None = None,
    n_jobs: int = 1,
    progress: bool = False,
) -> Scores:
    """Weighted distress of the others when the node defaults: `Σ_{j≠i} v_j h_j`, with `Σ v = 1`.

    Parameters and errors as :func:`default_impact`. The name refers to the model
    :class:`~contagion.DebtRank`, but any model can be used. h_j is the loss of the owners of j over
    its equity; a node without positive known equity counts as 0.

    Parameters
    ----------
    weights : v, as in :class:`~contagion.DebtRank`; by default those of the model, or equity,
        `v_j = E_j / ΣE`, if the model has none.

    Returns
    -------
    Scores : (n,), in [0, 1]: a share of the equity, or lending, of all nodes; nan with a reason
    if no node has a positive weight.

    Example
    -------
    b loses its equity of 3; total equity is 5.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix(
    ...     [[0, 10, 0], [0, 0, 0], [0, 0, 0]], ["a", "b", "c"], orientation="debtor->creditor",
    ...     equity=[1, 3, 1])
    >>> debtrank(net, ct.DebtRank()).round(9).tolist()
    [0.6, 0.0, 0.0]

    Only b lends, so the loss of its whole equity is a DebtRank of 1.

    >>> debtrank(net, ct.DebtRank(), weights="lending").round(9).tolist()
    [1.0, 0.0, 0.0]

    Source: Battiston, Puliga, Kaushik, Tasca & Caldarelli (2012), Scientific Reports 2:541, with
    "lending", which leaves out the initial distress of the trigger in the same way; "equity" is
    after Bardoscia et al. (2015), PLoS ONE 10(6).
    """
    chosen = getattr(model, "weights", "equity") if weights is None else weights
    table = each_default(
        network, model, recovery=recovery, weights=chosen, n_jobs=n_jobs, progress=progress
    )
    return table.scores("debtrank")
