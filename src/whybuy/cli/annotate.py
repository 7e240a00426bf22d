"""The commands of annotation: serve its pages, export, import and count judgments."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from whybuy.cli.terminal import (
    HERE,
    Json,
    Store,
    as_json,
    escaped,
    failing_clearly,
    print_set_aside,
    print_table,
    stderr,
)

if TYPE_CHECKING:
    from whybuy.annotation.drawing import Judge
    from whybuy.annotation.people import Person
    from whybuy.annotation.progress import Progress

app = typer.Typer()
judgments_app = typer.Typer(no_args_is_help=True, help="What people said: take it out, bring it in, count it.")


@app.command()
def annotate(
    *,
    store: Store = HERE,
    judge: Annotated[
        list[str], typer.Option(help="Name of a judge, repeatable; each reason takes two.", default_factory=list)
    ],
    adjudicator: Annotated[
        list[str],
        typer.Option(help="Name of one who decides where judges differ, and audits; repeatable.", default_factory=list),
    ],
    sample: Annotated[int, typer.Option(min=0, help="Reasons in the queue; more are drawn when it has fewer.")] = 200,
    seed: Annotated[int, typer.Option(help="Another seed draws others.")] = 0,
    critic: Annotated[
        Path | None, typer.Option(help="Folder of a trained critic, whose guess is shown after the answer.")
    ] = None,
    active: Annotated[
        bool,
        typer.Option("--active", help="Draw what a critic is least sure of: that of --critic, else that of the shop."),
    ] = False,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes any free one.")] = 8010,
) -> None:
    """Let people judge proposed reasons in the browser. Goes on where it was stopped."""
    from whybuy.annotation.drawing import draw
    from whybuy.annotation.people import read_people, write_people
    from whybuy.annotation.queue import read_queue, write_queue
    from whybuy.annotation.run import annotate as run
    from whybuy.annotation.run import link
    from whybuy.records import Role

    def listening(start: str, people: "tuple[Person, ...]") -> None:
        for person in people:
            print(f"{person.name} ({person.part.value}): {link(start, person)}", flush=True)
        stderr().print(f"[bold]{start}[/]  (Ctrl-C stops)", highlight=False)

    with failing_clearly():
        queue = read_queue(store)
        if len(queue) < sample:
            with stderr().status("drawing reasons to judge"):
                queue = draw(store, queue, size=sample, seed=seed, judge=_critic(critic), active=active)
                write_queue(store, queue)
            stderr().print(f"{len(queue):,} reasons to judge.", highlight=False)
        if judge or adjudicator:
            people = read_people(store).joined_by(judge, Role.JUDGE).joined_by(adjudicator, Role.ADJUDICATOR)
            write_people(store, people)
        run(store, host=host, port=port, listening=listening)


@judgments_app.command("export")
def export_judgments(
    target: Annotated[Path, typer.Argument(help="File to write: .csv, or .json for Label Studio.")],
    *,
    store: Store = HERE,
    settled: Annotated[bool, typer.Option("--settled", help="One row for each settled reason (CSV).")] = False,
) -> None:
    """Write judgments: a table that `whybuy critic train` reads, or tasks for Label Studio."""
    from whybuy.annotation.label_studio import labeling_config, to_label_studio
    from whybuy.annotation.queue import read_queue
    from whybuy.annotation.tables import to_csv
    from whybuy.journal import JOURNAL_FILE, Journal
    from whybuy.journal.judgments import JudgmentLog, from_table
    from whybuy.knowledge.annotation.settling import by_item, is_finished, settle

    _one_of_two(target)
    with failing_clearly(), Journal(store / JOURNAL_FILE) as journal:
        judgments = [entered.judgment for entered in JudgmentLog(journal).current() if is_finished(entered.judgment)]
        queue = read_queue(store)
        if target.suffix == ".json":
            target.write_bytes(to_label_studio(queue.tasks, by_item(judgments)))
            config = target.with_suffix(".xml")
            config.write_text(labeling_config(), encoding="utf-8")
            print(f"{target}\n{config}")
            return
        chosen = list(from_table(settle(judgments))) if settled else judgments
        target.write_text(to_csv(chosen, queue.by_item), encoding="utf-8", newline="")
        print(target)


@judgments_app.command("import")
def import_judgments(
    source: Annotated[Path, typer.Argument(help="A table (CSV, TSV, JSONL, Parquet), or Label Studio's .json.")],
    *,
    store: Store = HERE,
    json: Json = False,
) -> None:
    """Bring judgments in from a table or from Label Studio; those that are here already are passed over."""
    from whybuy.annotation.label_studio import from_label_studio
    from whybuy.annotation.tables import from_rows
    from whybuy.journal import JOURNAL_FILE, Journal
    from whybuy.journal.judgments import JudgmentLog
    from whybuy.tables import ReadReport

    with failing_clearly(), Journal(store / JOURNAL_FILE) as journal:
        reading = ReadReport()
        read = from_label_studio if source.suffix == ".json" else from_rows
        judgments = list(dict.fromkeys(read(source, reading)))
        log = JudgmentLog(journal)
        here = {entered.judgment for entered in log.current()}
        new = [judgment for judgment in judgments if judgment not in here]
        log.add(new)
        print_set_aside(reading)
        counts = {"read": reading.rows_read, "new": len(new), "set_aside": reading.set_aside.total()}
        print(as_json(counts) if json else f"{len(new):,} new judgments of {reading.rows_read:,} read")


@judgments_app.command("status")
def judgments_status(*, store: Store = HERE, json: Json = False) -> None:
    """Say how far the annotation is, how fast people are, and how far they agree."""
    from whybuy.annotation.progress import progress
    from whybuy.annotation.queue import read_queue
    from whybuy.journal import JOURNAL_FILE, Journal
    from whybuy.journal.judgments import JudgmentLog

    with failing_clearly(), Journal(store / JOURNAL_FILE) as journal:
        now = progress(read_queue(store), JudgmentLog(journal))
        print(as_json(now)) if json else _print_progress(now)


def _print_progress(now: "Progress") -> None:
    states = ", ".join(f"{count:,} {state}" for state, count in now.states.items())
    print(f"{now.tasks:,} reasons: {states}")
    print(f"audits: {now.audits_agreed:,} of {now.audits:,} agreed, {now.audits_due:,} due")
    print(f"rejected in the graph: {now.rejections:,}; rows of the journal set aside: {now.set_aside:,}")
    for worker in now.workers:
        seconds = "" if worker.seconds is None else f", {worker.seconds:.1f} s an answer"
        print(f"{escaped(worker.name)}: {worker.finished:,} finished{seconds}")
    rows = {
        name: {"items": each.items, "agreed": each.observed, "kappa": each.kappa, "alpha": each.alpha}
        for name, each in now.agreement.items()
    }
    print_table("agreement of judges", "question", rows)


def _critic(folder: Path | None) -> "Judge | None":
    """A trained critic as it pre-judges tasks."""
    from whybuy.knowledge.critic.text_judgments import Statements, statement
    from whybuy.knowledge.critic.text_loading import open_text_critic

    if folder is None:
        return None
    opened = open_text_critic(folder)
    return lambda heads, relations, tails: opened.score(
        Statements(heads, [statement(relation, tail) for relation, tail in zip(relations, tails, strict=True)])
    )


def _one_of_two(target: Path) -> None:
    if target.suffix not in (".csv", ".json"):
        raise typer.BadParameter(f"{target} ends in neither .csv nor .json, for Label Studio.")
