"""`python -m keras_suite [part of a module's path ...] [-v]` in `tests/`: every test of Keras and what came of it."""

import sys
from collections import Counter

from keras_suite.expected import MODULES
from keras_suite.running import run

verbose = "-v" in sys.argv
parts = [argument for argument in sys.argv[1:] if argument != "-v"]
total = Counter()
for path in MODULES:
    if parts and not any(part in path for part in parts):
        continue
    outcomes = run(path)
    count = Counter(outcome for outcome, _ in outcomes.values())
    total += count
    print(f"{path}: {', '.join(f'{n} {outcome}' for outcome, n in count.items())}")
    for name, (outcome, detail) in outcomes.items():
        if outcome == "failed":
            last = [line for line in detail.splitlines() if line and not line.startswith(" ")][-1]
            print(f"    {name.split('::', 1)[1]}: {detail if verbose else last[:200]}")
    absent = Counter(detail for outcome, detail in outcomes.values() if outcome == "absent")
    if absent:
        print(f"    not here: {', '.join(f'{name} ({n})' for name, n in absent.items())}")
print(dict(total))
