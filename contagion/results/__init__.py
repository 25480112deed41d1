"""Results of a run: the outcome of a model with labels, the ledger of losses, paths and an audit.

Start with :class:`PropagationResult`, which `model.propagate(network, shock)` returns.

- `outcome`: the arrays that a model returns; `run_arrays`: inputs, outcome and losses as arrays
- `propagation_result`: one shock through one network, with every number labelled
- `ledger`: the losses that the shock causes, by bearer, as arrays and as a table
- `socialization`: totals of the ledger and the socialized share; `hops`: steps from the shock
- `waterfalls`: how each node shared its shortfall, layer by layer
- `assumed`: whether the socialized share depends on an assumed equity
- `explain`: the paths behind the loss of one node
- `audit`: checks of a result: `one_round` recomputed, the model solved again, the ledger summed
"""

from __future__ import annotations

from .ledger import Ledger
from .outcome import Outcome
from .propagation_result import PropagationResult
from .socialization import Socialization

__all__ = ["Ledger", "Outcome", "PropagationResult", "Socialization"]
