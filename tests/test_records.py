"""The package of records offers exactly what its modules define for others."""

import ast
from pathlib import Path

from whybuy import records

FOLDER = Path(str(records.__file__)).parent


def imported(path: Path) -> dict[str, str]:
    """Each name that a module imports from another, with that module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        alias.name: node.module
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }


def defined(path: Path) -> set[str]:
    """The public names that a module defines at its top level."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    targets = [target for node in body if isinstance(node, ast.Assign) for target in node.targets]
    names = {name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}
    names |= {node.name for node in body if isinstance(node, ast.ClassDef)}
    return {name for name in names if not name.startswith("_")}


def test_all_names_what_is_imported_from_the_modules() -> None:
    assert sorted(records.__all__) == sorted(imported(FOLDER / "__init__.py"))


def test_everything_public_is_imported_from_where_it_is_defined() -> None:
    homes = {
        name: f"whybuy.records.{path.stem}"
        for path in FOLDER.glob("*.py")
        if path.stem != "__init__"
        for name in defined(path)
    }
    assert imported(FOLDER / "__init__.py") == homes
