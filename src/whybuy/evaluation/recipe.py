"""Recipes: measurements that anyone can repeat, each with its commands, its data and the figures to expect.

A recipe is a TOML file; `docs/evaluation.md` describes its tables. In paths and commands, `{data}` is the folder of
public data sets and `{shops}` the folder in which shops are built.
"""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from whybuy.config import ConfigTable, Settings
from whybuy.errors import ConfigError, InputError
from whybuy.evaluation.report import Report, Table

MEASURED_HERE = "measured here"


@dataclass(frozen=True, slots=True)
class About:
    """The table `[recipe]`: what is measured."""

    title: str
    answers: str  # the question
    takes: str  # how long, on two cores


@dataclass(frozen=True, slots=True)
class Data:
    """The table `[data]`: files and folders that must be there before the first command."""

    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """The table `[run]`: what is run, one command after the other."""

    commands: tuple[tuple[str, ...], ...]  # words; the first is `whybuy`, or a Python script below the project
    writes: str = ""  # the JSON file with the figures; by default the last command prints them

    def __post_init__(self) -> None:
        """Raise InputError when a command is neither."""
        if not self.commands:
            raise InputError("commands must name at least one command.")
        for command in self.commands:
            if not command or not (command[0] == "whybuy" or command[0].endswith(".py")):
                raise InputError(f"commands has {list(command)}; each begins with whybuy or with a Python script.")


@dataclass(frozen=True, slots=True)
class Expected:
    """A table `[[expected]]`: one figure."""

    path: str  # keys and places in the JSON, from the outside in, joined by `/`
    value: float
    tolerance: float  # the largest absolute difference that is no news
    source: str = MEASURED_HERE  # or a paper and its table, or a file under results/ and the path in it

    def __post_init__(self) -> None:
        """Raise InputError when path or tolerance cannot be meant."""
        if not all(self.path.split("/")):
            raise InputError(f"path {self.path!r} has an empty key. Write keys joined by /, as rankers/fused/ndcg@10.")
        if self.tolerance < 0:
            raise InputError(f"tolerance {self.tolerance} of {self.path} is negative.")


@dataclass(frozen=True, slots=True)
class Differences:
    """The table `[differs_from_paper]`: what is not as a paper has it, in words."""

    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recipe:
    """One recipe."""

    name: str
    about: About
    data: Data
    run: Run
    expected: tuple[Expected, ...]
    differs_from_paper: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Places:
    """The folders that a recipe works in."""

    project: Path  # where commands run
    data: Path
    shops: Path

    @classmethod
    def of(cls, project: Path) -> "Places":
        """Those that WHYBUY_DATA and WHYBUY_SHOPS name, else `../shared/data` and `../shops` beside the project."""
        data, shops = os.environ.get("WHYBUY_DATA", "../shared/data"), os.environ.get("WHYBUY_SHOPS", "../shops")
        return cls(project.resolve(), (project / data).resolve(), (project / shops).resolve())

    def fill(self, text: str) -> str:
        """A text with the folders in place of `{data}` and `{shops}`."""
        return text.replace("{data}", str(self.data)).replace("{shops}", str(self.shops))

    def environment(self) -> dict[str, str]:
        """The environment of a command, which finds the same folders."""
        return {**os.environ, "WHYBUY_DATA": str(self.data), "WHYBUY_SHOPS": str(self.shops)}


@dataclass(frozen=True, slots=True)
class Measured:
    """One figure as it was expected and as it came out."""

    expected: Expected
    value: float

    @property
    def moved(self) -> float:
        """Difference of the figure from the expected one."""
        return self.value - self.expected.value

    @property
    def within(self) -> bool:
        """Whether it moved by no more than its tolerance, apart from rounding of floats; never for NaN."""
        return abs(self.moved) <= self.expected.tolerance + 1e-9


@dataclass(frozen=True, slots=True)
class RecipeReport:
    """The figures of one run of a recipe."""

    recipe: Recipe
    figures: tuple[Measured, ...]

    @property
    def moved(self) -> int:
        """How many figures are beyond their tolerance."""
        return sum(not one.within for one in self.figures)

    def as_report(self) -> Report:
        """A row for each figure, and how the recipe differs from a paper."""
        rows = {
            one.expected.path: {
                "expected": f"{one.expected.value:.6g}",
                "measured": f"{one.value:.6g}",
                "moved by": f"{one.moved:+.6f}".rstrip("0").rstrip("."),
                "tolerance": f"{one.expected.tolerance:.6g}",
                "within": "yes" if one.within else "no",
                "source": one.expected.source,
            }
            for one in self.figures
        }
        notes = [f"differs from the paper: {line}" for line in self.recipe.differs_from_paper]
        notes.append(f"{self.moved} of {len(self.figures)} figures moved beyond their tolerance.")
        return Report(self.recipe.about.title, (Table(rows, "figure"),), self.as_json, tuple(notes))

    def as_json(self) -> dict[str, object]:
        """The body that `whybuy recipe NAME --json` prints."""
        figures = [
            asdict(one.expected) | {"measured": one.value, "moved_by": one.moved, "within": one.within}
            for one in self.figures
        ]
        differs = list(self.recipe.differs_from_paper)
        return {"recipe": self.recipe.name, "figures": figures, "moved": self.moved, "differs_from_paper": differs}


def recipe_names(folder: Path) -> list[str]:
    """The names of the recipes in a folder, sorted.

    Raises:
        InputError: there are none.
    """
    if names := sorted(path.stem for path in folder.glob("*.toml")):
        return names
    raise InputError(
        f"There are no recipes in {folder}. They are part of whybuy's repository, not of the installed package: "
        "run the command at its root, or name the folder with --folder."
    )


def read_recipe(path: Path) -> Recipe:
    """The recipe in a file.

    Raises:
        ConfigError: the file is no TOML, or a table or setting is unknown, missing or of the wrong form.
    """
    try:
        settings = Settings(tomllib.loads(path.read_text(encoding="utf-8")), path)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}.") from error
    settings.expect_only("recipe", "data", "run", "expected", "differs_from_paper")
    expected = settings.many(ConfigTable("expected", Expected, repeated=True))
    if not expected:
        raise ConfigError(f"{path} expects no figure. Give at least one [[expected]] with path, value and tolerance.")
    return Recipe(
        path.stem,
        settings.one(ConfigTable("recipe", About)),
        settings.one(ConfigTable("data", Data)),
        settings.one(ConfigTable("run", Run)),
        expected,
        settings.one(ConfigTable("differs_from_paper", Differences)).lines,
    )


def missing_data(recipe: Recipe, places: Places) -> list[Path]:
    """The files and folders of a recipe that are missing."""
    needed = [places.project / places.fill(text) for text in recipe.data.needs]
    return [path for path in needed if not path.exists()]


def run_recipe(recipe: Recipe, places: Places, *, listen: Callable[[str], None] = lambda line: None) -> RecipeReport:
    """Run the commands and compare the figures.

    listen: called with each command before it runs, and with the stdout of the one before.

    Raises:
        InputError: a command fails, or there is no JSON or no figure where the recipe expects one.
    """
    printed = ""
    for command in recipe.run.commands:
        words = [places.fill(word) for word in command]
        listen(f"{printed}$ {' '.join(words)}")
        printed = _output_of(words, places)
    figures = _figures(printed, recipe, places)
    return RecipeReport(recipe, tuple(Measured(one, figure_at(figures, one.path)) for one in recipe.expected))


def _output_of(words: Sequence[str], places: Places) -> str:
    """The stdout of a command; its stderr goes to that of this process."""
    python = [sys.executable, "-m", "whybuy.cli"] if words[0] == "whybuy" else [sys.executable, words[0]]
    ended = subprocess.run(  # noqa: S603 - commands of a recipe are meant to be run
        [*python, *words[1:]],
        cwd=places.project,
        env=places.environment(),
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=False,
    )
    if ended.returncode:
        raise InputError(f"`{' '.join(words)}` ended with exit code {ended.returncode}; see its message above.")
    return ended.stdout


def _figures(printed: str, recipe: Recipe, places: Places) -> object:
    """The JSON that holds the figures."""
    file = places.project / places.fill(recipe.run.writes)
    try:
        return json.loads(file.read_text(encoding="utf-8") if recipe.run.writes else printed)
    except (FileNotFoundError, json.JSONDecodeError) as error:
        origin = file if recipe.run.writes else f"`{' '.join(recipe.run.commands[-1])}`"
        raise InputError(f"{recipe.name} finds no JSON in what {origin} gives: {error}.") from None


def figure_at(content: object, path: str) -> float:
    """The number at a path of keys and list places, joined by `/`.

    Raises:
        InputError: there is none.
    """
    for key in path.split("/"):
        match content:
            case Mapping() if key in content:
                content = content[key]
            case list() if key.isdecimal() and int(key) < len(content):
                content = content[int(key)]
            case _:
                raise InputError(f"The figures have nothing at {path}: no {key!r} there.")
    if not isinstance(content, float | int):
        raise InputError(f"The figures have no number at {path}, but {content!r}.")
    return float(content)
