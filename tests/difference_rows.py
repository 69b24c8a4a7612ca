"""Which test shows which row of docs/differences.md."""

import pathlib

PAGE = pathlib.Path(__file__).parent.parent / "docs" / "differences.md"
ROWS = {}


def row(case):
    """Marks the test of the row whose first cell is `case`."""

    def register(test):
        ROWS[case] = test
        return test

    return register
