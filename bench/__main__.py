"""One table: densegrad beside TensorFlow, Keras, PyTorch, JAX and scikit-learn.

    python -m bench [--quick] [--cases ...] [--peers ...] [--dtypes ...] [--what ...] [--rounds N] [--threads N]

Prints the table, writes `bench.json`, and draws `bench.svg` if matplotlib is installed. See bench/README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # as for the other scripts here, which run by their path
import harness
import nets
import picture
import report
from side_by_side import CONTENDERS, WHATS, Run, measure


def main(arguments: list[str] | None = None) -> int:
    options = _options(arguments)
    rounds, seconds = (3, 0.02) if options.quick else (options.rounds, 0.1)
    run = Run(harness.machine(), options.threads, rounds, seconds)
    by_name = {net.name: net for net in (*nets.NETS, nets.DIGITS)}
    chosen = [by_name[name] for name in options.cases]
    measure(run, chosen, options.peers, tuple(options.dtypes), options.what, lambda line: print(line, file=sys.stderr))
    run.machine["load at the end"] = harness.machine()["load"]
    print(report.render(run))
    options.json.write_text(json.dumps(asdict(run), indent=1))
    drawn = picture.draw(run, options.picture)
    print(f"\nall samples: {options.json}; {drawn}")
    return 1 if run.failures else 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    names = [net.name for net in (*nets.NETS, nets.DIGITS)]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="3 short rounds, float32, small nets: to see that it runs")
    parser.add_argument("--cases", nargs="+", choices=names, metavar="CASE", help=f"of {', '.join(names)}")
    parser.add_argument("--peers", nargs="+", choices=list(CONTENDERS), metavar="PEER", default=list(CONTENDERS),
                        help=f"of {', '.join(map(repr, CONTENDERS))}")  # fmt: skip
    parser.add_argument("--dtypes", nargs="+", choices=list(nets.EPSILON))
    parser.add_argument("--what", nargs="+", choices=WHATS, default=list(WHATS))
    parser.add_argument("--rounds", type=int, default=15, help="interleaved rounds, at least 15")
    parser.add_argument("--threads", type=int, default=cores, help="and cores, the same for every peer")
    parser.add_argument("--json", type=Path, default=Path("bench.json"), metavar="FILE")
    parser.add_argument("--picture", type=Path, default=Path("bench.svg"), metavar="FILE")
    options = parser.parse_args(arguments)
    options.cases = options.cases or (names[:2] if options.quick else names)
    options.dtypes = options.dtypes or (["float32"] if options.quick else list(nets.EPSILON))
    if options.rounds < 15 and not options.quick:
        parser.error("--rounds must be at least 15")
    if not 1 <= options.threads <= cores:
        parser.error(f"--threads must be 1 to {cores}, the cores that this process may use")
    return options


if __name__ == "__main__":
    sys.exit(main())
