"""`python -m densegrad` is the command `densegrad`."""

import sys

from densegrad.cli import main

if __name__ == "__main__":
    sys.exit(main())
