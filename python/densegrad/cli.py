"""The command line: `densegrad demo`, `densegrad --version`."""

from __future__ import annotations

import sys


def _epochs(text):
    import argparse

    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number of epochs: it must be a non-negative integer.")
    return int(text)


def main(arguments=None) -> int:
    """Run the command line and return its exit code.

    Args:
        arguments: list of str; None takes those of the process.
    """
    import argparse

    from densegrad import __version__

    parser = argparse.ArgumentParser(prog="densegrad", description="Gradients of dense networks on the CPU.")
    parser.add_argument("--version", action="version", version=f"densegrad {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="command")
    demo = commands.add_parser("demo", help="train on real digits and show every gradient, checked against TensorFlow")
    demo.add_argument("--epochs", type=_epochs, default=None, help="passes over the training data")
    demo.add_argument("--quiet", action="store_true", help="no progress bars")
    demo.add_argument("--no-tensorflow", action="store_true", help="do not look for TensorFlow")
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help()
        return 2
    from densegrad.demo import DemoError, run

    try:
        run(options.epochs, quiet=options.quiet, tensorflow=not options.no_tensorflow)
    except DemoError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
