"""The compiled loops: the same numbers as plain Python, and no numba where it would be slower."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from conftest import random_network

import contagion as ct
from contagion.kernels import climb, climb_blocks
from contagion.kernels.compiled import Compiled

LOOPS = {
    name: loop
    for module in (climb, climb_blocks)
    for name, loop in vars(module).items()
    if isinstance(loop, Compiled)
}
SMALL = """
import sys
import contagion as ct
net = ct.datasets.load("cefi_credit_2022")
result = ct.EisenbergNoe().propagate(net, ct.Shock.default("three_arrows"))
print("numba" in sys.modules, float(result.loss.sum()))
"""


def solved(net: ct.ExposureNetwork) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    losses = net.book.external_assets * rng.random((40, len(net)))
    out = []
    for model in (ct.EisenbergNoe(), ct.models.RogersVeraart(0.8, 0.7, which="greatest")):
        one, many = model.solve(net, losses[0]), model.solve(net, losses)
        out += [one.equity, one.payments, np.asarray(one.error), many.equity, many.payments]
    return out


@pytest.mark.parametrize("seed", range(3))
def test_plain_python_and_machine_code_give_the_same_numbers(seed, monkeypatch):
    """To the last digit: the same operations in the same order."""
    net = random_network(seed, 12, 2.0, {"tiers", "pari_passu"})
    plain = []
    with monkeypatch.context() as patch:
        for loop in LOOPS.values():
            patch.setattr(loop, "fast", loop.plain)
        plain = solved(net)
    monkeypatch.setattr(Compiled, "left", 0)
    for one, two in zip(plain, solved(net), strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_small_network_does_not_wait_for_the_compiler():
    """And what is printed is what the program prints."""
    run = subprocess.run([sys.executable, "-c", SMALL], capture_output=True, text=True, check=True)
    loaded, loss = run.stdout.split()
    assert loaded == "False" and float(loss) > 0 and not run.stderr


def test_every_loop_is_used_as_compiled_code_when_there_is_much_to_do(monkeypatch):
    monkeypatch.setattr(Compiled, "left", 0)
    solved(random_network(1, 10, 2.0, set()))
    assert {"climb", "climb_block", "push", "bound"} <= {n for n, x in LOOPS.items() if x.fast}
