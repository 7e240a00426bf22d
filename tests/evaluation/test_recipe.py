"""Recipes: those of the project can be run and expect what results/ holds; what a run says of figures that moved."""

import json
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner, Result

import whybuy
from whybuy.cli import app
from whybuy.errors import ConfigError, InputError
from whybuy.evaluation.recipe import Places, figure_at, read_recipe, recipe_names

PROJECT = Path(whybuy.__file__).parents[2]
RECIPES = PROJECT / "benchmarks" / "recipes"

TINY = """
[recipe]
title = "Sums"
answers = "How much is it?"
takes = "a second"
[data]
needs = ["{data}/numbers.txt"]
[run]
commands = [["whybuy", "--version"], ["benchmarks/sum.py", "{data}/numbers.txt"]]
[[expected]]
path = "sums/0/total"
value = 6
tolerance = 0
[[expected]]
path = "sums/0/mean"
value = 2.1
tolerance = 0.2
source = "Table 1"
[differs_from_paper]
lines = ["integers alone"]
"""
SCRIPT = """
import json, sys
numbers = [int(word) for word in open(sys.argv[1]).read().split()]
print(json.dumps({"sums": [{"total": sum(numbers), "mean": sum(numbers) / len(numbers)}]}))
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one recipe and its data; also the current folder."""
    (tmp_path / "benchmarks" / "recipes").mkdir(parents=True)
    (tmp_path / "benchmarks" / "recipes" / "sums.toml").write_text(TINY, encoding="utf-8")
    (tmp_path / "benchmarks" / "sum.py").write_text(SCRIPT, encoding="utf-8")
    (tmp_path / "numbers.txt").write_text("1 2 3", encoding="utf-8")
    monkeypatch.setenv("WHYBUY_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["recipe", *words])


# ---------------------------------------------------------------- those of the project
@pytest.mark.parametrize("name", recipe_names(RECIPES))
def test_a_recipe_names_commands_and_options_that_exist(name: str) -> None:
    places = Places(PROJECT, Path("/data"), Path("/shops"))
    for words in read_recipe(RECIPES / f"{name}.toml").run.commands:
        assert not [word for word in map(places.fill, words) if "{" in word]
        if words[0] != "whybuy":
            assert (PROJECT / words[0]).is_file()
            continue
        command, rest = get_command(app), list(words[1:])
        while commands := getattr(command, "commands", None):
            command = commands[rest.pop(0)]
        options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        assert {word for word in rest if word.startswith("--")} <= options


@pytest.mark.parametrize("name", recipe_names(RECIPES))
def test_a_recipe_expects_the_figures_of_the_results(name: str) -> None:
    for one in read_recipe(RECIPES / f"{name}.toml").expected:
        file, _, path = one.source.partition(" ")
        assert file.startswith("results/")
        content = json.loads((PROJECT / file).read_text(encoding="utf-8"))
        assert figure_at(content, path) == pytest.approx(one.value, abs=5e-5)


# ---------------------------------------------------------------- running one
def test_figures_within_their_tolerance_end_with_0(project: Path) -> None:
    ran = run("sums")
    assert ran.exit_code == 0, ran.stderr
    assert [line.split() for line in ran.stdout.splitlines()[2:5]] == [
        ["figure", "expected", "measured", "moved", "by", "tolerance", "within", "source"],
        ["sums/0/total", "6", "6", "+0", "0", "yes", "measured", "here"],
        ["sums/0/mean", "2.1", "2", "-0.1", "0.2", "yes", "Table", "1"],
    ]
    assert "differs from the paper: integers alone" in ran.stdout
    assert f"$ benchmarks/sum.py {project}/numbers.txt" in ran.stderr
    assert f"{whybuy.__version__}\n$ " in ran.stderr


def test_a_figure_that_moved_ends_with_1(project: Path) -> None:
    (project / "numbers.txt").write_text("1 2 4", encoding="utf-8")
    ran = run("sums", "--json", "--folder", str(project / "benchmarks" / "recipes"))
    assert ran.exit_code == 1
    body = json.loads(ran.stdout)
    assert body["moved"] == 2
    assert body["figures"][0] == {
        "path": "sums/0/total",
        "value": 6,
        "tolerance": 0,
        "source": "measured here",
        "measured": 7,
        "moved_by": 1,
        "within": False,
    }


def test_figures_can_be_in_a_file(project: Path) -> None:
    script = SCRIPT.replace("print(", "open('sums.json', 'w').write(") + "print('done')"
    (project / "benchmarks" / "sum.py").write_text(script, encoding="utf-8")
    assert "finds no JSON in what `benchmarks/sum.py" in run("sums").stderr
    path = project / "benchmarks" / "recipes" / "sums.toml"
    path.write_text(TINY.replace("[run]", '[run]\nwrites = "sums.json"'), encoding="utf-8")
    assert run("sums").exit_code == 0


def test_a_recipe_without_its_data_is_skipped_with_2(project: Path) -> None:
    (project / "numbers.txt").unlink()
    ran = run("sums")
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert f"sums is skipped: there is no {project}/numbers.txt" in ran.stderr.replace("\n", "")


def test_a_command_that_fails_is_named(project: Path) -> None:
    (project / "numbers.txt").write_text("one", encoding="utf-8")
    ran = run("sums")
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert "ended with exit code 1" in ran.stderr


def test_without_a_name_the_recipes_are_listed(project: Path) -> None:
    assert run().stdout == "sums  Sums: How much is it? (a second)\n"
    assert json.loads(run("--json").stdout)["recipes"][0]["name"] == "sums"
    assert "Recipe 'sum' is not one of sums" in " ".join(run("sum").stderr.split())
    assert f"There are no recipes in {project}" in run("--folder", str(project)).stderr.replace("\n", "")


# ---------------------------------------------------------------- files that are no recipes
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[data]", "[dat]", r"no part reads the table \[dat\]"),
        ("needs =", "need =", r"\[data\] has no setting 'need'"),
        ('takes = "a second"', "", r"\[recipe\] takes"),
        ('["whybuy", "--version"]', '["rm", "-r"]', r"begins with whybuy or with a Python script"),
        ("sums/0/total", "sums//total", r"'sums//total' has an empty key"),
        ("tolerance = 0.2", "tolerance = -1", r"tolerance -1.0 of sums/0/mean is negative"),
        ("value = 6", "value =", r"is not valid TOML"),
    ],
)
def test_a_file_that_is_no_recipe_says_why(old: str, new: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "sums.toml"
    path.write_text(TINY.replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        read_recipe(path)


def test_a_recipe_that_expects_nothing_is_none(tmp_path: Path) -> None:
    path = tmp_path / "sums.toml"
    path.write_text(TINY.partition("[[expected]]")[0], encoding="utf-8")
    with pytest.raises(ConfigError, match="expects no figure"):
        read_recipe(path)


@pytest.mark.parametrize("path", ["sums/1", "sums/0/most", "sums/0", "sums/0/total/3", "name"])
def test_a_path_without_a_number_is_named(path: str) -> None:
    with pytest.raises(InputError, match=path):
        figure_at({"sums": [{"total": 6}], "name": "x"}, path)
