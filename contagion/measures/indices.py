"""One number a node from single defaults: impact, contagion and vulnerability index, DebtRank."""

from __future__ import annotations

import numpy as np

from ..models.base import Model
from ..network.exposure_network import ExposureNetwork
from ..records import Scores, Table
from .impact import each_default
from .registry import scored


def default_impact(
    network: ExposureNetwork,
    model: Model,
    *,
    recovery: float = 0.0,
    n_jobs: int = 1,
    progress: bool = False,
) -> Scores:
    """Money that the owners of all others lose when the node defaults: `Σ_{j≠i} ℓ(j|i)`.

    Parameters
    ----------
    network, model : any model.
    recovery : recovery rate on claims on the failing node, in [0, 1].
    n_jobs, progress : as in :func:`each_default`.

    Returns
    -------
    Scores : (n,), money; `reasons` says why where it is nan.

    Raises
    ------
    ShockError : for a recovery outside [0, 1].
    ConvergenceError : where the default of a node does not reach the tolerance of the model.

    Example
    -------
    b (capital 3) holds 10 on a, c (capital 1) nothing.

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
    """What the default of a node costs the others: `100 · Σ_{j≠i} ℓ(j|i) / Σ_{j≠i} K_j`.

    Parameters and errors as :func:`default_impact`.

    Returns
    -------
    Scores : (n,), % of the capital of the others; nan with a reason where they have none.

    Example
    -------
    Of the capital of b and c, 3 + 1, the default of a takes 3.

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
    """What a node loses by the defaults of others: `100 · Σ_{j≠i} ℓ(i|j) / ((N − 1) K_i)`.

    Parameters and errors as :func:`default_impact`.

    Returns
    -------
    Scores : (n,), % of own capital, mean over triggers; nan with a reason where there is none.

    Example
    -------
    b loses all it has by one of two triggers.

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
    n_jobs: int = 1,
    progress: bool = False,
) -> Scores:
    """Share of all known equity that the others lose: `Σ_{j≠i} v_j h_j`, `v_j = E_j / ΣE`.

    Parameters and errors as :func:`default_impact`; the model is a :class:`~contagion.DebtRank` by
    the meaning of the word, and can be any.

    Returns
    -------
    Scores : (n,), share of the equity of all nodes; nan with a reason where nobody has equity.

    Example
    -------
    b loses its 3 of the 5 that all have.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix(
    ...     [[0, 10, 0], [0, 0, 0], [0, 0, 0]], ["a", "b", "c"], orientation="debtor->creditor",
    ...     equity=[1, 3, 1])
    >>> debtrank(net, ct.DebtRank()).round(9).tolist()
    [0.6, 0.0, 0.0]

    Source: Battiston et al. (2012), Sci. Rep. 2:541, which leaves out the initial distress of the
    trigger in the same way, with the weights of Bardoscia et al. (2015), PLoS ONE 10(6).
    """
    table = each_default(network, model, recovery=recovery, n_jobs=n_jobs, progress=progress)
    return debtrank_of(network, table)


def debtrank_of(network: ExposureNetwork, impact: Table) -> Scores:
    """:func:`debtrank` from the table of `each_default`."""
    capital = np.maximum(np.nan_to_num(network.book.equity), 0.0)
    others = capital.sum() - capital
    lost = np.nan_to_num(impact["contagion_index"].to_numpy()) / 100.0 * others
    share = lost / capital.sum() if capital.sum() > 0 else lost
    none = {"no node has equity": np.full(len(share), not capital.sum() > 0)}
    return scored("debtrank", share, impact.index, none)
