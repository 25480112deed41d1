"""`python -m contagion` is the command `contagion`."""

from __future__ import annotations

from contagion.cli import main

if __name__ == "__main__":
    main()
