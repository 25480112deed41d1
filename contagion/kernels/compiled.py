"""Loops that are compiled when there is enough work: one source, plain Python or machine code.

Compiled code comes from numba and is cached on disk. The import takes about 0.3 s, more than a
small network needs in total, so functions run as plain Python until a certain amount of work is
done. Both forms do the same floating-point operations in the same order.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, cast

import numpy as np

SPARE = 60_000  # array entries processed in plain Python first, about 0.2 s in total


class Compiled:
    """A function on arrays and numbers that calls no other function of the package.

    Example
    -------
    >>> @compiled
    ... def total(x):
    ...     out = 0.0
    ...     for value in x:
    ...         out += value
    ...     return out
    >>> float(total(np.array([1.0, 2.0])))
    3.0
    """

    left = SPARE  # shared: remaining entries to process in plain Python

    def __init__(self, function: Callable[..., Any]):
        self.plain = function
        self.fast: Callable[..., Any] | None = None

    def __call__(self, *arguments: Any) -> Any:
        if self.fast is not None:
            return self.fast(*arguments)
        if Compiled.left > 0:
            Compiled.left -= sum(a.size for a in arguments if isinstance(a, np.ndarray))
        if Compiled.left > 0 and "numba" not in sys.modules:
            return self.plain(*arguments)
        self.fast = self._compile()
        return self.fast(*arguments)

    def _compile(self) -> Callable[..., Any]:
        from numba import njit

        try:
            fast = njit(cache=True, nogil=True)(self.plain)
        except RuntimeError:  # there is no folder to cache the machine code
            fast = njit(nogil=True)(self.plain)
        return cast(Callable[..., Any], fast)


compiled = Compiled
