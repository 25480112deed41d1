"""The interactive map against its bounds: drawing, size of the page, time in a browser.

    python benchmarks/maps.py [--nodes 10 500 5000 100000]

Prints one JSON object a line: processor seconds of the drawing (bound: 2), size of the page in kB
(bound: 300), and seconds by the clock until it answers in Chromium, where one is installed (bound:
3; other load on the machine enters, and is printed).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import contagion as ct
from contagion.plot.maps.scene import scene

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from browser import FOUND, Browser


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, nargs="+", default=[10, 500, 5_000, 100_000])
    make = ct.synthetic.generate
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        tab = stack.enter_context(Browser()) if FOUND else None
        for n in parser.parse_args().nodes:
            net = make.erdos_renyi(n, 5, sheets=make.Sheets(capital=0.04, interbank=0.5), rng=1)
            hit = ct.Shock.default(net.names[int(net.book.debts.argmax())])
            result = ct.EisenbergNoe().propagate(net, hit)
            assert len(result.hops) == len(result.borne[0])  # of the run, not of the map
            began = time.process_time()
            scene(net, result)
            drawn = time.process_time() - began
            page = ct.plot.interactive(result).write(folder / f"{n}.html")
            found = {"nodes": n, "seconds": drawn, "kB": page.stat().st_size / 1000}
            if tab is not None:
                tab.size(1280)
                found |= {"browser": tab.open(page), "load": os.getloadavg()[0]}
            print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
