"""The commands of COSMO-LM: write instruction data, tune a model on it, measure a model."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from whybuy.cli.terminal import (
    HERE,
    Json,
    Store,
    as_json,
    failing_clearly,
    print_report,
    print_set_aside,
    print_table,
    stderr,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from whybuy.knowledge.tuning.instructions import Instruction, Part

app = typer.Typer(no_args_is_help=True, help="COSMO-LM: a language model that knows why people buy here.")


@app.command("export")
def export_instructions(
    *,
    store: Store = HERE,
    out: Annotated[Path, typer.Option(help="Folder for train.jsonl and held_out.jsonl.")],
    judgments: Annotated[
        Path | None, typer.Option(help="Parquet of judged reasons, in place of those that the store has.")
    ] = None,
    relevance: Annotated[
        Path | None, typer.Option(help="Judged query-product pairs, in place of what was bought.")
    ] = None,
    most: Annotated[int, typer.Option(min=1, help="Instructions of each task, for training.")] = 5000,
    most_held_out: Annotated[int, typer.Option(min=1, help="Instructions of each task that are held out.")] = 1000,
    held_out: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Share of queries, products and types that training never names.")
    ] = 0.2,
    seed: Annotated[int, typer.Option(help="Another seed draws others.")] = 0,
    json: Json = False,
) -> None:
    """Write what the shop knows as chats of five tasks, from which a language model learns."""
    from whybuy.build import read_known
    from whybuy.knowledge.tuning.instruction_export import InstructionConfig, make_instructions
    from whybuy.knowledge.tuning.instructions import Part, Task, path_of, write_instructions

    with failing_clearly(), stderr().status("reading the shop"):
        config = InstructionConfig(most, most_held_out, held_out, seed)
        made = make_instructions(read_known(store, judgments, relevance), config)
        out.mkdir(parents=True, exist_ok=True)
        for part in Part:
            write_instructions(path_of(out, part), made[part])
    counts = _counts(made)
    print(as_json(counts)) if json else print_table(f"instructions in {out}", "task", counts)
    if Task.PLAUSIBILITY not in counts:
        stderr().print("Nobody has judged a reason, so plausibility and typicality are left out.", style="yellow")
    stderr().print(f"Next: whybuy lm tune --data {out} --model MODEL --out DIR", highlight=False, soft_wrap=True)


@app.command("tune")
def tune_model(
    *,
    data: Annotated[Path, typer.Option(help="Folder that `lm export` wrote.")],
    model: Annotated[str, typer.Option(help="Folder or hub name of a causal language model.")],
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    epochs: Annotated[float, typer.Option(help="Times that all is learned.")] = 3.0,
    learning_rate: Annotated[float, typer.Option(help="Of LoRA; all weights of a pretrained model take 1e-5.")] = 2e-4,
    batch: Annotated[int, typer.Option(min=1, help="Chats a step.")] = 32,
    rank: Annotated[int, typer.Option(min=0, help="Of LoRA; 0 tunes all weights.")] = 16,
    longest: Annotated[int, typer.Option(min=16, help="Tokens of a chat; of longer ones, the first.")] = 512,
    save_seconds: Annotated[float, typer.Option(min=0.0, help="Seconds between checkpoints.")] = 120.0,
    seed: Annotated[int, typer.Option(help="Another seed learns in another order.")] = 0,
    json: Json = False,
) -> None:
    """Tune a model on instructions, measure it on those held out; goes on where it was stopped."""
    from whybuy.knowledge.tuning.tune import TuningConfig, tune
    from whybuy.tables import ReadReport

    config, reading = TuningConfig(epochs, learning_rate, batch, rank, longest, save_seconds, seed), ReadReport()
    with failing_clearly(), stderr().status("opening the model") as status:
        tuned = tune(data, model, out, config, report=reading, listen=lambda now: status.update(str(now)))
        print_set_aside(reading)
        went_on = f", {tuned.kept:,} of them before it was stopped" if tuned.kept else ""
        done = f"Tuned in {tuned.steps:,} steps{went_on}." if tuned.steps else "Nothing to do: it was tuned already."
        stderr().print(f"{done} {out} opens as any model of transformers.", highlight=False, soft_wrap=True)
    evaluate_model(data=data, model=str(out), json=json)


@app.command("evaluate")
def evaluate_model(
    *,
    data: Annotated[Path, typer.Option(help="Folder that `lm export` wrote.")],
    model: Annotated[str, typer.Option(help="Folder or hub name of a causal language model.")],
    json: Json = False,
) -> None:
    """Measure a model on held-out instructions: each task as well as the data allow."""
    from whybuy.evaluation.lm import evaluate_lm, report_of
    from whybuy.knowledge.tuning.instructions import Part, path_of, read_instructions
    from whybuy.tables import ReadReport

    with failing_clearly(), stderr().status("opening the model") as status:
        reading = ReadReport()
        instructions = read_instructions(path_of(data, Part.HELD_OUT), reading)
        print_set_aside(reading)
        scores = evaluate_lm(model, instructions, lambda done, of: status.update(f"asked {done:,} of {of:,}"))
    print_report(report_of(scores), json=json)


def _counts(made: "Mapping[Part, Iterable[Instruction]]") -> dict[str, dict[str, float]]:
    """Instructions by task and part, and how many of those for training are answered with yes."""
    from whybuy.knowledge.tuning.instructions import YES, Part, Task

    tasks = {part: Counter(one.task for one in made[part]) for part in Part}
    yes = Counter(one.task for one in made[Part.TRAIN] if one.answer == YES)
    return {
        task.value: {**{part.value: tasks[part][task] for part in Part}, "yes": yes[task]}
        for task in Task
        if any(tasks[part][task] for part in Part)
    }
