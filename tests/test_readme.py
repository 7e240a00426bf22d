"""What the documents say of the project is so."""

import re
import tomllib
from pathlib import Path
from pkgutil import resolve_name

import pytest

import whybuy

PROJECT = Path(whybuy.__file__).parents[2]
PAGES = sorted(
    path.relative_to(PROJECT)
    for path in [*PROJECT.glob("*.md"), *PROJECT.glob("docs/*.md"), PROJECT / "benchmarks/README.md"]
)


def read(name: str | Path) -> str:
    return (PROJECT / name).read_text(encoding="utf-8")


def test_a_newcomer_reads_a_readme_of_few_lines() -> None:
    assert len(read("README.md").splitlines()) <= 120


def test_the_map_is_the_tree() -> None:
    entries = re.findall(r"^[├└]── (\S+)\s+\S", read("README.md"), flags=re.MULTILINE)
    tree = {
        path.name for path in (PROJECT / "src" / "whybuy").iterdir() if path.suffix == ".py" or any(path.glob("*.py"))
    }
    assert len(entries) == len(set(entries))
    assert set(entries) == tree - {"__init__.py"}


def test_the_map_is_in_the_order_of_the_import_contract() -> None:
    contract = tomllib.loads(read("pyproject.toml"))["tool"]["importlinter"]["contracts"][0]["layers"]
    layers = [set(re.findall(r"\w+", re.sub(r"\(\w+\)", "", layer))) for layer in contract]
    tree = re.search(r"^src/whybuy\n(.*?)^```", read("README.md"), flags=re.MULTILINE | re.DOTALL)
    assert tree is not None
    groups = [set(re.findall(r"── (\w+)", group)) for group in re.split(r"^│$", tree[1], flags=re.MULTILINE)]
    assert groups == [layer for layer in layers if layer]


def test_the_changelog_begins_with_this_version() -> None:
    versions = re.findall(r"^## (\d+\.\d+\.\d+)", read("CHANGELOG.md"), flags=re.MULTILINE)
    assert versions[0] == whybuy.__version__
    assert tomllib.loads(read("pyproject.toml"))["project"]["version"] == whybuy.__version__


def test_the_index_of_benchmarks_names_each_script_and_result() -> None:
    index = read("benchmarks/README.md")
    files = [*PROJECT.glob("benchmarks/*.py"), *PROJECT.glob("results/*.json")]
    names = [re.sub("^(edges|claims)_.*", r"\1_*.json", path.name) for path in files]
    unnamed = [name for name in names if f"`{name}`" not in index]
    assert unnamed == []
    assert all((PROJECT / "benchmarks" / name).is_file() for name in re.findall(r"`(\w+\.py)`", index))


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"(?<!!)\[[^\]]+\]\(([^)#]+)\)", read(page))
    missing = [link for link in links if "://" not in link and not (PROJECT / page.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_make_target_and_script_that_a_page_names_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", read("Makefile"), flags=re.MULTILINE))
    assert set(re.findall(r"(?:`|\$ )make ([a-z-]+)", read(page))) <= targets
    scripts = re.findall(r"python (benchmarks/\w+\.py)", read(page))
    assert all((PROJECT / script).is_file() for script in scripts)


def test_the_glossary_names_what_carries_each_word() -> None:
    rows = re.findall(
        r"^\| (?!word \||---)([^|]+) \| [^|]+ \| ([^|]+) \|$", read("docs/GLOSSARY.md"), flags=re.MULTILINE
    )
    carriers = [name for _, cell in rows for name in re.findall(r"`([\w.]+)`", cell)]
    assert len(carriers) >= len(rows) >= 50
    missing = [name for name in carriers if not is_there(f"whybuy.{name}")]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_modules_that_a_page_names_exist(page: Path) -> None:
    if page.name not in ("CHANGELOG.md", "LOG.md"):  # which name what there was
        names = re.findall(r"`(whybuy(?:\.\w+)+)(?:\(\))?`", read(page))
        assert [name for name in names if not is_there(name)] == []


def is_there(name: str) -> bool:
    """Whether a module, or something in one, has this dotted name."""
    try:
        resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True
