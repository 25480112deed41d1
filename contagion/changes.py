"""Ways to change an exposure network: each method returns a new one and leaves the old alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from . import transforms

if TYPE_CHECKING:
    from .network import ExposureNetwork


class Changes:
    """The methods of :class:`~contagion.ExposureNetwork` that return a changed network."""

    def set_off(self, *pairs: tuple[Any, Any]) -> ExposureNetwork:
        """Bilateral set-off: mutual claims of two nodes cancel up to the smaller side.

        The larger side keeps the difference, spread over its claims pro rata. Equity does not
        change, external assets and liabilities do not either.

        Parameters
        ----------
        *pairs : the pairs that may set off (a netting set is a legal fact: name it). Without
            pairs every mutual pair nets.

        Raises
        ------
        KeyError
            For an unknown node.

        Example
        -------
        >>> net = ExposureNetwork.from_matrix([[0, 75], [68, 0]], ["stream", "elixir"],
        ...     orientation="creditor->debtor", external_assets=[10, 10])
        >>> net.set_off(("stream", "elixir")).exposures.values.tolist()
        [['stream', 'elixir', 7.0]]
        """
        net = cast("ExposureNetwork", self)
        return transforms.rebuilt(net, transforms.set_off(net, pairs), net._completed())

    def with_nodes(self, **columns: Mapping[Any, Any] | Iterable[Any]) -> ExposureNetwork:
        """The network with node columns replaced, from a mapping node → value or n values.

        The other side of the balance sheet follows: with `external_assets` or
        `external_liabilities` given, equity is recomputed; with `equity` given, external assets.

        Raises
        ------
        KeyError
            For an unknown node.
        TypeError
            For a column that is spelled almost like one of the schema.
        NetworkError
            Where the new figures do not pass the input checks.

        Example
        -------
        >>> net = ExposureNetwork.from_matrix([[0, 4], [0, 0]], ["a", "b"],
        ...     orientation="debtor->creditor", external_assets=[5, 1])
        >>> net.with_nodes(external_assets={"a": 9}).balance_sheet.loc["a", "equity"]
        np.float64(5.0)
        """
        net = cast("ExposureNetwork", self)
        return transforms.rebuilt(net, net.exposures, transforms.with_columns(net, columns))
