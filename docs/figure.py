"""Draws the figure of the README: python docs/figure.py"""

from __future__ import annotations

from pathlib import Path

import contagion as ct

net = ct.datasets.load("cefi_credit_2022")
shock = ct.Shock.default("three_arrows", recovery=0.0)
result = ct.EisenbergNoe().propagate(net, shock, baseline="cleared")
figure = ct.plot.cascade(result).get_figure(root=True)
figure.savefig(Path(__file__).with_name("cascade.png"), dpi=110)
