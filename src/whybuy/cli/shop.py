"""The commands that make and serve a shop: init, validate, build, demo, serve."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from whybuy.cli.terminal import HERE, Json, Store, as_json, failing_clearly, stderr

if TYPE_CHECKING:
    from whybuy.build import Listener

app = typer.Typer()
Processes = Annotated[
    int | None,
    typer.Option(
        min=0,
        envvar="WHYBUY_PROCESSES",
        help="Processes that make stages side by side; 0 makes all in this one. Default: one a processor.",
    ),
]


@app.command()
def init(
    files: Annotated[list[Path], typer.Argument(help="Product feeds and logs, in any format that is known.")],
    *,
    store: Store = HERE,
    overwrite: Annotated[bool, typer.Option(help="Replace a store.toml that is there.")] = False,
) -> None:
    """Look at a shop's files, say what they are, and write `store.toml`, which a person can correct."""
    from whybuy.behavior.init import init_store

    with failing_clearly():
        report = init_store(store, files, overwrite=overwrite)
        for line in report.lines():
            print(line)
        stderr().print(
            f"Wrote {report.store_file}. Correct it if need be, then: whybuy build --store {store}",
            highlight=False,
            soft_wrap=True,
        )


@app.command()
def validate(*, store: Store = HERE, json: Json = False) -> None:
    """Read all files of a shop and report what was kept, what was set aside and why."""
    from whybuy.behavior.validate import validate_store
    from whybuy.config import read_settings

    with failing_clearly():
        report = validate_store(read_settings(store), store)
        print(as_json(report) if json else "\n".join(report.lines()))


@app.command()
def build(
    *,
    store: Store = HERE,
    catalog_only: Annotated[bool, typer.Option(help="Leave the logs out, as a shop without any would.")] = False,
    processes: Processes = None,
    why: Annotated[
        bool, typer.Option("--why", help="Say what changed since the last build, stage by stage, and build nothing.")
    ] = False,
) -> None:
    """Build the shop: catalog, behavior pairs, hypotheses, graph, indexes. Resumes where it was stopped."""
    if why:
        _print_changes(store, catalog_only=catalog_only)
        return
    with failing_clearly(), _progress() as listen:
        from whybuy.build import build as run

        at_once = (os.cpu_count() or 1) if processes is None else processes
        report = run(store, listen=listen, with_events=not catalog_only, processes=at_once)
        memory = f", {report.peak_memory / 1e9:.1f} GB at most" if report.peak_memory else ""
        stderr().print(
            f"[bold]Built[/] {store} in {report.seconds:.1f} s ({report.made} stages made, {report.reused} reused"
            f'{memory}). Next: whybuy search --store {store} "..."  or  whybuy serve --store {store}',
            highlight=False,
            soft_wrap=True,
        )


@app.command()
def demo(
    *,
    store: Store = HERE,
    serve: Annotated[bool, typer.Option(help="Open the pages when the build is done.")] = True,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes any free one.")] = 8000,
    seed: Annotated[int, typer.Option(help="Another seed is another shop.")] = 7,
    judgments: Annotated[
        int, typer.Option(min=0, help="Reasons that a simulated judge, who errs in a tenth, says yes or no to.")
    ] = 0,
    processes: Processes = None,
) -> None:
    """Write the demo shop, build it and open its pages."""
    with failing_clearly():
        from whybuy.demo.store import EXAMPLES, make_store

        with stderr().status("writing the demo shop"):
            made = make_store(store, seed=seed)
        if made is not None:
            stderr().print(
                f"Demo shop: {made.products:,} products of {made.types} types, {made.sessions:,} sessions, "
                f"{made.purchases:,} purchases.",
                highlight=False,
            )
    build(store=store, processes=processes)
    if judgments:
        with failing_clearly():
            from whybuy.demo.judge import judge_shop

            judged = judge_shop(store, judgments, seed=seed)
            stderr().print(f"A simulated judge said yes or no to {judged:,} reasons.", highlight=False)
        build(store=store, processes=processes)
    if serve:
        _serve(store, host, port, examples=EXAMPLES)


@app.command()
def serve(
    *,
    store: Store = HERE,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes any free one.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processes that answer; at most one a processor helps.")] = 1,
) -> None:
    """Serve the API and the pages of a built shop."""
    _serve(store, host, port, workers=workers)


def _serve(store: Path, host: str, port: int, *, workers: int = 1, examples: tuple[str, ...] = ()) -> None:
    from whybuy.serving.run import serve as run

    def listening(address: str) -> None:
        stderr().print(f"[bold]{address}[/]  (Ctrl-C stops)", highlight=False)

    with failing_clearly():
        run(store, host=host, port=port, workers=workers, examples=examples, listening=listening)


def _print_changes(store: Path, *, catalog_only: bool) -> None:
    from whybuy.build import changes

    with failing_clearly():
        for stage, lines in changes(store, with_events=not catalog_only).items():
            print(f"{stage:<11} {'made anew' if lines else 'unchanged'}")
            for line in lines:
                print(f"            {line}")


@contextmanager
def _progress() -> "Iterator[Listener]":
    """A listener that shows the stages of a build on stderr."""
    from whybuy.build import Progress, State

    console = stderr()
    with console.status("starting") as status:

        def listen(progress: Progress) -> None:
            if progress.state is State.STARTED:
                status.update(progress.stage)
                return
            words = {State.REUSED: "unchanged", State.SKIPPED: f"skipped: {progress.note}"}.get(progress.state, "")
            facts = ", ".join(
                f"{name} {value:,}" for name, value in (progress.summary or {}).items() if isinstance(value, int)
            )
            took = f"{progress.seconds:.1f} s" if progress.state is State.DONE else ""
            console.print(f"  {progress.stage:<11} {words or facts}  {took}", highlight=False, soft_wrap=True)
            for value in (progress.summary or {}).values():
                if isinstance(value, str):
                    console.print(f"              {value}", style="dim", highlight=False, soft_wrap=True)

        yield listen
