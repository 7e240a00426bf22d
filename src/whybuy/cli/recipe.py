"""The command that runs recipes: benchmarks with their expected figures."""

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from whybuy.cli.terminal import Json, as_json, fail, failing_clearly, one_of, print_report, stderr

if TYPE_CHECKING:
    from whybuy.evaluation.recipe import Recipe

app = typer.Typer()


@app.command("recipe")
def recipe(
    name: Annotated[str, typer.Argument(help="Of a file NAME.toml in the folder. Default: list all.")] = "",
    *,
    folder: Annotated[Path, typer.Option(help="Folder of recipes, two below whybuy's repository.")] = Path(
        "benchmarks/recipes"
    ),
    json: Json = False,
) -> None:
    """Repeat a measurement and say which figures moved; without a name, list what can be repeated."""
    from whybuy.evaluation.recipe import Places, missing_data, read_recipe, recipe_names, run_recipe

    with failing_clearly():
        names = recipe_names(folder)
        if not name:
            _print_list([read_recipe(folder / f"{each}.toml") for each in names], json=json)
            return
        chosen = read_recipe(folder / f"{one_of(name, 'Recipe', names)}.toml")
        places = Places.of(folder.resolve().parents[1])
        if missing := missing_data(chosen, places):
            fail(
                f"{name} is skipped: there is no {', '.join(map(str, missing))}. Public data sets are looked for below "
                "WHYBUY_DATA, built shops below WHYBUY_SHOPS.",
                code=2,
            )
        listen = partial(stderr().print, highlight=False, markup=False, soft_wrap=True)
        report = run_recipe(chosen, places, listen=listen)
        print_report(report.as_report(), json=json)
    if report.moved:
        raise typer.Exit(1)


def _print_list(recipes: "list[Recipe]", *, json: bool) -> None:
    if json:
        listed = [{"name": one.name, **asdict(one.about), "needs": one.data.needs} for one in recipes]
        print(as_json({"recipes": listed}))
        return
    width = max(len(one.name) for one in recipes)
    for one in recipes:
        print(f"{one.name:{width}}  {one.about.title}: {one.about.answers} ({one.about.takes})")
