"""`import whybuy` is cheap, and everything it promises is there."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import whybuy

HEAVY = (
    "pandas",
    "pyarrow",
    "numpy",
    "scipy",
    "duckdb",
    "ibis",
    "tantivy",
    "simplemma",
    "fastapi",
    "torch",
    "pydantic",
)


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()


def test_importing_loads_nothing_heavy() -> None:
    code = f"import sys, whybuy; print([name for name in {HEAVY!r} if name in sys.modules])"
    assert run(code) == "[]"


def test_importing_loads_no_other_module_of_ours() -> None:
    code = "import sys, whybuy; print(sorted(name for name in sys.modules if name.startswith('whybuy.')))"
    assert run(code) == "[]"


def test_all_names_what_resolves_lazily_and_what_type_checkers_see() -> None:
    tree = ast.parse(Path(str(whybuy.__file__)).read_text(encoding="utf-8"))
    typed = {
        alias.name: node.module
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert typed == whybuy._HOMES
    assert set(whybuy.__all__) == {*typed, "__version__"}


@pytest.mark.parametrize("name", whybuy.__all__)
def test_every_name_resolves(name: str) -> None:
    assert getattr(whybuy, name) is getattr(whybuy, name)


def test_an_unknown_name_is_an_ordinary_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'whybuy' has no attribute 'Discovry'"):
        whybuy.Discovry  # noqa: B018 - asking is the test
