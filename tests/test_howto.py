"""The pages of docs/howto run from top to bottom, and every value that they show is the value.

In a Python block, `line  # -> text` shows the value of that line: the expression's, or what the line assigns. Numbers
count up to half a unit of their last digit as shown. A ```text block after a Python block is what it prints.
"""

from __future__ import annotations

import ast
import doctest
import re
from pathlib import Path

import densegrad as dg
import numpy as np
import pytest

DOCS = Path(__file__).parent.parent / "docs"
PAGES = sorted((DOCS / "howto").glob("*.md"))
README = DOCS.parent / "README.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
NUMBER = re.compile(r"-?\d+(?:\.(\d*))?(?:e([-+]?\d+))?")


def blocks(text):
    """(line number, code, expected output or None) of every Python block."""
    found = [(m[1], m[2], text.count("\n", 0, m.start(2)) + 1, m.start(), m.end()) for m in BLOCK.finditer(text)]
    for i, (language, code, line, _, end) in enumerate(found):
        if language == "python":
            follows = i + 1 < len(found) and found[i + 1][0] == "text" and not text[end : found[i + 1][3]].strip()
            yield line, code, found[i + 1][1] if follows else None


def run(text, name, namespace, capsys):
    """Executes the Python blocks of a page; returns how many shown values were compared."""
    compared = 0
    for first, code, expected in blocks(text):
        lines = code.splitlines()
        for statement in ast.parse(code).body:
            place = f"{name}, line {first + statement.lineno - 1}"
            ast.increment_lineno(statement, first - 1)
            shown = re.search(r"# -> (.*)$", lines[statement.end_lineno - first])
            if isinstance(statement, ast.Expr):
                value = eval(compile(ast.Expression(statement.value), place, "eval"), namespace)
            else:
                exec(compile(ast.Module([statement], []), place, "exec"), namespace)
                if shown:
                    value = eval(ast.unparse(statement.targets[0]), namespace)
            if shown:
                compared += 1
                assert same(shown[1].strip(), value), f"{place}: the page shows {shown[1]}, the value is {value}"
        printed = capsys.readouterr().out
        if printed or expected:
            compared += 1
            flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
            fits = doctest.OutputChecker().check_output(expected or "", printed, flags)
            assert fits, f"{name}, block at line {first}: the page shows\n{expected}\nthe code prints\n{printed}"
    return compared


def same(text, value):
    """Whether `text` shows `value`."""
    try:
        return matches(ast.parse(text, mode="eval").body, text, value)
    except SyntaxError:
        return text == str(value)


def matches(node, text, value):
    """Whether an expression of `text`, a number or nested lists of numbers, shows `value`."""
    if isinstance(node, (ast.List, ast.Tuple)):
        if isinstance(value, dg.Tensor):
            value = value.numpy()
        if not isinstance(value, (list, tuple, np.ndarray)) or len(value) != len(node.elts):
            return False
        return all(matches(part, text, item) for part, item in zip(node.elts, value))
    shown = ast.get_source_segment(text, node)
    number = NUMBER.fullmatch(shown)
    if number is None or isinstance(value, (str, tuple, list)):
        return shown == str(value)
    if value is None or np.shape(value) != ():
        return False
    decimals, exponent = number[1], number[2]
    unit = 0.0 if decimals is None and exponent is None else 10.0 ** (int(exponent or 0) - len(decimals or ""))
    # half a unit, and what the 24 bits of a float32 leave open
    return bool(abs(float(value) - float(shown)) <= 0.5 * unit + 2.0**-22 * abs(float(shown)))


@pytest.mark.parametrize("page", [*PAGES, README], ids=lambda p: p.stem)
def test_every_value_on_a_page_is_true(page, capsys):
    dg.set_random_seed(0)
    compared = run(page.read_text(), page.name, {"__name__": page.stem}, capsys)
    assert compared >= 5 or page == README, "a page shows what it says"


def test_every_page_is_listed_with_its_title():
    index = (DOCS / "README.md").read_text()
    assert len(PAGES) == 11
    for page in PAGES:
        title = page.read_text().splitlines()[0].removeprefix("# ")
        assert f"[{title}](howto/{page.name})" in index, page.name
        assert f"(docs/howto/{page.name})" in README.read_text(), page.name


def test_every_link_leads_to_a_file():
    for page in [*PAGES, *DOCS.glob("*.md"), README]:
        for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", BLOCK.sub("", page.read_text())):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize(
    "body",
    [
        "```python\n1 + 1  # -> 3\n```",
        "```python\nx = 0.25  # -> 0.26\n```",
        "```python\nprint(1)\n```\n```text\n2\n```",
        "```python\nprint(1)\n```",
        "```python\n1\n```\n```text\n1\n```",
        "```python\n[1.0, 2.0]  # -> [1.0]\n```",
        "```python\n[[1.0, 2.0]]  # -> [1.0, 2.0]\n```",
        "```python\nNone  # -> 0.0\n```",
        "```python\n'a'  # -> b\n```",
    ],
)
def test_a_page_that_shows_a_wrong_value_fails(body, capsys):
    with pytest.raises(AssertionError):
        run(body, "page", {}, capsys)


def test_a_page_that_shows_right_values_passes(capsys):
    body = (
        "```python\nx = dg.constant([0.5, 1/3])  # -> [0.5, 0.3333]\n(x.shape, 'a')[0]  # -> (2,)\n"
        "x.dtype  # -> float32\nNone  # -> None\nfor i in range(2):\n    print(i)\n```\n\n```text\n0\n1\n```\n"
        "```python\n[x, x[0]]  # -> [[0.5, 0.333], 0.50]\n'text'  # -> text\n```"
    )
    assert run(body, "page", {"dg": dg}, capsys) == 7
