"""Loss given default of single claims: the column `lgd` overrides the parameter of a model."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from ..network.exposure_network import ExposureNetwork


class ClaimRates(NamedTuple):
    """Losses given default by claim, for models with a fixed loss rate; n nodes, m claims.

    Attributes
    ----------
    own : (m,) rates given in the column `lgd`, nan where it is empty; `None` if no claim has one.
    plain : CSR (n, n), row = debtor: amounts of the claims without a rate of their own, money.
    fixed : CSR (n, n) or `None`: losses on the other claims if the debtor defaults, money; a
        recovery rate given by the shock does not change them.
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
