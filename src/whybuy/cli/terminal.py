"""What commands share: common options, error messages, and printing."""

import errno
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from whybuy.errors import WhybuyError

if TYPE_CHECKING:
    from rich.console import Console

    from whybuy.evaluation.report import Report, Row
    from whybuy.tables import ReadReport

Store = Annotated[Path, typer.Option("--store", help="Folder of the shop.", envvar="WHYBUY_STORE")]
Json = Annotated[bool, typer.Option("--json", help="Print the API body and nothing else.")]
Limit = Annotated[int, typer.Option(min=0, max=1000, help="How many to print.")]
HERE = Path("shop")


@contextmanager
def failing_clearly() -> Iterator[None]:
    """Turn expected failures into one clear message and exit code 1."""
    try:
        yield
    except WhybuyError as error:
        fail(str(error))
    except KeyboardInterrupt:
        fail("Stopped. What was finished is kept; run the same command again to go on.")
    except OSError as error:
        fail(_trouble_of_system(error))
    except _engine_error() as error:
        reason = str(error).splitlines()[0].rstrip(".")
        fail(f"DuckDB stopped: {reason}. Nothing half-written was published. If memory ran out, raise memory_limit in "
              "the [import] and [pairs] tables of store.toml; then run the same command again.")  # fmt: skip


_SHORT_WRITE = re.compile(r"\d+ requested and \d+ written")  # NumPy's words when an array finds no room


def _trouble_of_system(error: OSError) -> str:
    full = error.errno == errno.ENOSPC or _SHORT_WRITE.fullmatch(str(error)) is not None
    what = os.strerror(errno.ENOSPC) if full else error.strerror or str(error)
    where = f": {error.filename}" if error.filename else ""
    remedy = "make room" if full else "mend it"
    return f"{what}{where}. Nothing half-written was published; {remedy} and run the same command again."


def _engine_error() -> type[Exception]:
    """DuckDB's error class; imported only after a failure."""
    from duckdb import Error

    return Error


def fail(message: str, *, code: int = 1) -> None:
    """Print one error and end with an exit code."""
    stderr().print(f"[bold red]error:[/] {escaped(message)}", highlight=False, soft_wrap=True)
    raise typer.Exit(code)


def escaped(text: str) -> str:
    """Text that rich prints as it stands."""
    from rich.markup import escape

    return escape(text)


def stderr() -> "Console":
    """The console on stderr, for progress and notes."""
    from rich.console import Console

    return Console(stderr=True)


def one_of(name: str, what: str, allowed: Sequence[str]) -> str:
    """A name, when it is allowed; else a usage error."""
    if name not in allowed:
        raise typer.BadParameter(f"{what} {name!r} is not one of {', '.join(allowed)}.")
    return name


def as_json(value: object) -> str:
    """Records as one line of JSON."""
    import orjson

    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()


def print_report(report: "Report", *, json: bool) -> None:
    """Print the tables and notes of an evaluation, or its JSON body."""
    if json:
        print(as_json(report.body()))
        return
    print(report.title)
    for table in report.tables:
        print()
        print_table(table.title, table.rows_are, table.rows)
    if report.notes:
        print("", *report.notes, sep="\n")


def print_table(title: str, first: str, rows: "Mapping[str, Row]") -> None:
    """Print figures by row name, columns aligned. first: what the rows are."""
    columns = list(dict.fromkeys(column for values in rows.values() for column in values))
    cells = [[name, *(_cell(values.get(column)) for column in columns)] for name, values in rows.items()]
    table = [[first, *columns], *cells]
    widths = [max(map(len, cells)) for cells in zip(*table, strict=True)]
    if title:
        print(title)
    for name, *figures in table:
        print("  ".join([name.ljust(widths[0]), *map(str.rjust, figures, widths[1:])]).rstrip())


def _cell(figure: float | str | None) -> str:
    if figure is None or isinstance(figure, str):
        return figure or ""
    return f"{figure:,}" if isinstance(figure, int) else f"{figure:.3f}"


def print_set_aside(report: "ReadReport") -> None:
    """Say which lines were not used."""
    for reason, count in report.set_aside.items():
        stderr().print(f"{count:,} of {report.rows_read:,} lines set aside: {escaped(reason)}", highlight=False)
    for example in report.examples:
        stderr().print(f"  {example.file}:{example.line}: {escaped(example.excerpt)}", highlight=False, soft_wrap=True)
