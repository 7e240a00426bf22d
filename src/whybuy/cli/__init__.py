"""The command line, one thin command per function; results are on stdout, progress and notes on stderr."""

from typing import Annotated

import typer

import whybuy
from whybuy.cli import annotate, ask, critic, evaluate, export, generate, lm, recipe, shop, xmr

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Why people buy, and search that knows it.")
app.add_typer(shop.app)
app.add_typer(generate.app)
app.add_typer(ask.app)
app.add_typer(ask.graph_app, name="graph")
app.add_typer(export.app, name="export")
app.add_typer(evaluate.app, name="evaluate")
app.add_typer(recipe.app)
app.add_typer(critic.app, name="critic")
app.add_typer(annotate.app)
app.add_typer(annotate.judgments_app, name="judgments")
app.add_typer(lm.app, name="lm")
app.add_typer(xmr.app, name="xmr")


@app.callback(invoke_without_command=True)
def main(*, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    """Mine why people buy from a shop's catalog and logs, and search with the reasons."""
    if version:
        print(whybuy.__version__)
        raise typer.Exit
