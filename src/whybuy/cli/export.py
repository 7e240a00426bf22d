"""The command that exports the knowledge graph in formats that other tools read."""

from pathlib import Path
from typing import Annotated

import typer

from whybuy.cli.terminal import HERE, Store, failing_clearly, one_of

app = typer.Typer(no_args_is_help=True, help="Write what was learned in formats that other tools read.")


@app.command("graph")
def export_graph(
    target: Annotated[Path, typer.Argument(help="Folder or file to write.")],
    *,
    store: Store = HERE,
    file_format: Annotated[str, typer.Option("--format", help="parquet, neo4j, ntriples or graphml.")] = "parquet",
) -> None:
    """Write the knowledge graph for other tools."""
    from whybuy.graph.export import FORMATS
    from whybuy.graph.export import export_graph as export
    from whybuy.shop import Shop

    one_of(file_format, "Format", list(FORMATS))
    with failing_clearly():
        folder = Shop.open(store).folder("graph")
        for path in export(folder, target, file_format):
            print(path)
