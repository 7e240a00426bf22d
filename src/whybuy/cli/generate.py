"""The command that prompts a language model for the reasons of behavior pairs."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from whybuy.cli.terminal import HERE, Json, Store, as_json, escaped, failing_clearly, print_set_aside, stderr

if TYPE_CHECKING:
    from whybuy.generate import Generated, Generation, Listener, Plan
    from whybuy.language.endpoint import EndpointConfig

app = typer.Typer()


@app.command()
def generate(
    *,
    store: Store = HERE,
    endpoint: Annotated[str, typer.Option(help="Address of an OpenAI-compatible server, with its /v1.")] = "",
    model: Annotated[str, typer.Option(help="Its name at the endpoint, or in batch files.")] = "",
    api_key_env: Annotated[str, typer.Option(help="Environment variable that holds the endpoint's key.")] = "",
    local: Annotated[str, typer.Option(help="Folder or hub name of a model to run here instead.")] = "",
    write_batch: Annotated[Path | None, typer.Option(help="Write the prompts to a batch file instead.")] = None,
    read_batch: Annotated[
        list[Path], typer.Option(help="Read answers from a batch file, repeatable.", default_factory=list)
    ],
    pairs: Annotated[int | None, typer.Option(min=1, help="Behavior pairs to ask about.")] = None,
    rounds: Annotated[
        int | None, typer.Option(min=1, max=2, help="1: seed relations only; 2: all relations too.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would take, and ask nothing.")] = False,
    json: Json = False,
) -> None:
    """Ask a language model why pairs were bought; the next build takes its reasons in. Resumes where it was stopped."""
    from whybuy.config import read_settings
    from whybuy.generate import Generation, Prices
    from whybuy.knowledge.prompting.pair_prompts import GENERATE_CONFIG
    from whybuy.language.batch_files import OfflineGenerator
    from whybuy.language.endpoint import ENDPOINT_CONFIG, EndpointGenerator
    from whybuy.language.transformer_generator import TransformerGenerator

    with failing_clearly():
        settings = read_settings(store)
        at = settings.one(ENDPOINT_CONFIG)
        at = replace(
            at,
            url=endpoint or at.url,
            model=model or at.model,
            api_key_env=api_key_env or at.api_key_env,
        )
        config = settings.one(GENERATE_CONFIG)
        config = replace(config, pairs=pairs or config.pairs, rounds=rounds or config.rounds)
        _expect_somebody(at, local, elsewhere=bool(write_batch or read_batch))
        generation = Generation(store, config, Prices(at.prompt_price, at.answer_price))
        if read_batch:
            _read_answers(generation, read_batch)
        opened = TransformerGenerator(local) if local else None
        if dry_run:
            plan = generation.plan(opened.model, opened.count_tokens) if opened else generation.plan(at.model)
            print(as_json(plan)) if json else _print_plan(plan, at, counted=opened is not None)
        elif write_batch:
            files = generation.write_batch(write_batch, at.model)
            print(as_json({"files": [str(path) for path in files]}) if json else "\n".join(map(str, files)))
        else:
            generator = opened or (OfflineGenerator(at.model) if read_batch else EndpointGenerator(at))
            with _progress() as listen:
                made = generation.run(generator, listen=listen)
            print(as_json(made)) if json else _print_made(made)
            stderr().print(f"Next: whybuy build --store {store}", highlight=False, soft_wrap=True)


def _expect_somebody(at: "EndpointConfig", local: str, *, elsewhere: bool) -> None:
    from whybuy.errors import ConfigError

    if not local and not (at.model and (at.url or elsewhere)):
        raise ConfigError(
            "Nobody is named to answer. Give --endpoint URL --model NAME (or the table [endpoint] with url and model "
            "in store.toml), --local FOLDER, or --write-batch FILE --model NAME."
        )


def _read_answers(generation: "Generation", files: list[Path]) -> None:
    from whybuy.tables import ReadReport

    reading = ReadReport()
    count = generation.read_batch(files, reading)
    print_set_aside(reading)
    stderr().print(f"{count:,} answers read", highlight=False)


def _print_plan(plan: "Plan", at: "EndpointConfig", *, counted: bool) -> None:
    print(f"{plan.questions:,} questions, {plan.known:,} answered before; {plan.to_ask:,} prompts to ask")
    by = "counted by the model's tokenizer" if counted else "a quarter of their letters"
    print(f"prompts: {plan.prompt_tokens:,} tokens, {by}")
    print(f"answers: about {plan.answer_tokens:,} tokens, at eight a candidate")
    priced = at.prompt_price or at.answer_price
    print(f"money: about {plan.money:,.2f}" if priced else "money: give prompt_price and answer_price in [endpoint]")


def _print_made(made: "Generated") -> None:
    answers = made.answers
    print(
        f"{made.asked:,} prompts asked, {made.reused:,} known; "
        f"{answers.answered:,} of {answers.questions:,} questions answered"
    )
    print(f"{made.prompt_tokens:,} tokens of prompts, {made.answer_tokens:,} of answers, money {made.money:,.2f}")
    for problem, count in answers.failed.most_common(5):
        print(f"  {count:,} failed: {problem}")
    print(f"{answers.candidates:,} candidates, {made.hypotheses:,} reasons in {made.file}")
    for why, count in answers.set_aside.most_common():
        print(f"  {count:,} set aside: {why}")
    for name, count in answers.relations.most_common():
        print(f"  {count:,} {name}")
    for proposal in answers.proposals[:10]:
        print(f"  no relation says: {proposal.wordings[0]} ... ({proposal.count:,}), as in {proposal.examples[0]}")


@contextmanager
def _progress() -> "Iterator[Listener]":
    with stderr().status("asking") as status:

        def listen(prompts: int, answered: int, failed: int) -> None:
            status.update(escaped(f"{answered:,} of {prompts:,} answered" + (f", {failed:,} failed" if failed else "")))

        yield listen
