"""Loss given default of single claims: the column `lgd` goes before a parameter."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from ..network.exposure_network import ExposureNetwork


class ClaimRates(NamedTuple):
    """What claims lose in default, for models that take it as given; n nodes, m claims.

    Attributes
    ----------
    own : (m,) rates that claims bring along, nan where they have none; `None` without any.
    plain : CSR (n, n), row = debtor: the claims without a rate of their own, money.
    fixed : CSR (n, n) or `None`: what the others lose when the debtor is in default, money, also
        where the recovery of a pinned default is given.
    """

    own: np.ndarray | None
    plain: csr_array
    fixed: csr_array | None

    @classmethod
    def of(cls, network: ExposureNetwork) -> ClaimRates:
        """Read the column.

        Example
        -------
        >>> import contagion as ct, pandas as pd
        >>> owed = pd.DataFrame({"creditor": ["a", "b"], "debtor": "c", "amount": 10.0,
        ...                      "lgd": [0.2, None]})
        >>> net = ct.ExposureNetwork(pd.DataFrame({"node": list("abc"), "equity": 5.0}), owed)
        >>> shock = ct.Shock.default("c", recovery=0.1)
        >>> ct.models.Furfine().propagate(net, shock).flows["loss"].tolist()
        [2.0, 9.0]
        """
        if "lgd" not in network._columns or network._columns["lgd"].isna().all():
            return cls(None, network.liabilities, None)
        own = network._columns["lgd"].to_numpy(float, na_value=np.nan)
        free, n = np.isnan(own), len(network)
        at = network.debtor, network.creditor
        plain = csr_array((np.where(free, network.amount, 0.0), at), shape=(n, n))
        fixed = csr_array((np.where(free, 0.0, own * network.amount), at), shape=(n, n))
        return cls(own, plain, fixed)
