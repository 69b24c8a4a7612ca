#!/usr/bin/env -S uv run --script
# /// script
# dependencies = ["nox"]
# ///
"""Development tasks. `nox -l` lists them; `.ci/run` is what has to pass."""

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["lint", "tests"]

PROJECT = nox.project.load_toml("pyproject.toml")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and formatting."""
    session.install(*nox.project.dependency_groups(PROJECT, "lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests against an installed package."""
    session.install(".[test]")
    session.run("pytest", *session.posargs)


@nox.session
def networks(session: nox.Session) -> None:
    """Compare the gradients of 2,000 random networks with TensorFlow's."""
    session.install(".[test]")
    session.run("pytest", "tests/parity/test_random_networks.py", *session.posargs, env={"DENSEGRAD_NETWORKS": "2000"})


@nox.session
@nox.parametrize("sanitizer", ["address,undefined", "thread"])
def sanitizers(session: nox.Session, sanitizer: str) -> None:
    """Run the Python-free driver under the sanitizers: of addresses and undefined behaviour, and of threads."""
    session.install(*nox.project.dependency_groups(PROJECT, "build"))
    build = session.create_tmp()
    flags = f"-fsanitize={sanitizer} -fno-sanitize-recover=all -fno-omit-frame-pointer"
    options = ("-DDENSEGRAD_DRIVER=ON", "-DCMAKE_BUILD_TYPE=RelWithDebInfo", f"-DCMAKE_CXX_FLAGS={flags}")
    session.run("cmake", "-S", ".", "-B", build, "-G", "Ninja", *options)
    session.run("cmake", "--build", build)
    session.run("ctest", "--test-dir", build, "--output-on-failure")


if __name__ == "__main__":
    nox.main()
