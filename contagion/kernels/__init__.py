"""Fixed-point solvers on arrays. Last axis nodes, leading axes scenarios.

They use numpy, scipy and, for large problems, numba; no names, no tables, no pandas. Start with
`fixed_point` (the solver) and `segments`.

- `segments`, `ladder`, `shares`: the common form to which every monotone sharing rule is compiled
- `fixed_point`, `blocks`: the solver, for one scenario and for many; `climb*` its compiled loops,
  `closed_groups` groups in which losses circulate, `enclosure` its error bound
- `clearing*`: clearing payments of a batch of scenarios, in waves and with guarantees
- `calls`, `cover`, `levy`: guarantees, paid when called
- `default_waterfall`, `rationing`: the losses of a default at a clearing house
- `valuation`, `equities*`, `debtrank`, `allnodes*`: claims that lose value before default
- `cascade`, `funding`, `firesale`: default, funding and price cascades
- `market_*`, `closing`: accounts, prices and sales, round by round
- `ownership`: nodes that own each other; `circulation`: claims that cycles can cancel
- `linear`: `x = b + A x` for a nonnegative A; `certificate`: bound on the error of a fixed point
- `adjoint`, `shapley`: derivatives and attributions of a solved system
"""
