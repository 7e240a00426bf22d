"""The commands of the critic: train one on judgments, report the quality of the one of a graph."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from whybuy.cli.terminal import HERE, Json, Store, as_json, failing_clearly, print_set_aside, print_table, stderr

if TYPE_CHECKING:
    from whybuy.knowledge.critic.text_critic import TextCritic

app = typer.Typer(no_args_is_help=True, help="The critic: which reasons people would call plausible and typical.")


@app.command("train")
def train_critic(
    *,
    judgments: Annotated[
        Path, typer.Option(help="head (or item_a_title, item_b_title), relation, tail, plausible, typical.")
    ],
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    encoder: Annotated[
        str, typer.Option(help="Folder or hub name of a pretrained encoder. Default: one fitted on the judged texts.")
    ] = "",
    model: Annotated[
        str, typer.Option(help="Folder or hub name of a transformer to fine-tune, in place of the default critic.")
    ] = "",
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Times that --model is trained on all judgments. Default: 10.")
    ] = None,
    curve: Annotated[bool, typer.Option("--curve", help="Also say how good fewer judgments would be.")] = False,
    json: Json = False,
) -> None:
    """Train a critic on judgments: how plausible and how typical reasons are."""
    from whybuy.knowledge.critic.text_fine_tuned import FineTuning
    from whybuy.knowledge.critic.text_fine_tuning import fine_tune_critic
    from whybuy.knowledge.critic.text_judgments import read_judged_statements
    from whybuy.knowledge.critic.text_training import learning_curve, texts_of, train_critic
    from whybuy.language.catalog_encoder import CatalogEncoder
    from whybuy.language.encoder import CachingEncoder
    from whybuy.language.transformer_encoder import TransformerEncoder
    from whybuy.tables import ReadReport

    _check_model(encoder, model, epochs, curve=curve)
    with failing_clearly(), stderr().status("reading") as status:
        reading = ReadReport()
        judged = read_judged_statements(judgments, reading)
        print_set_aside(reading)
        points = []
        if model:
            status.update("opening the model")
            recipe = FineTuning(model, epochs) if epochs else FineTuning(model)
            critic: TextCritic = fine_tune_critic(judged, recipe, lambda now: status.update(str(now)))
        else:
            status.update("encoding and training")
            text_encoder = CachingEncoder(
                TransformerEncoder(encoder) if encoder else CatalogEncoder.fit(texts_of(judged))
            )
            critic = train_critic(judged, text_encoder)
            if curve:
                status.update("training on fewer judgments")
                points = learning_curve(judged, text_encoder)
        critic.save(out)
        figures = {"judgments": len(judged), "out_of_fold": critic.fit_report.out_of_fold, "curve": points}
        print(as_json(figures)) if json else _print_quality(critic.fit_report.out_of_fold, points)
        stderr().print(
            f"Trained on {len(judged):,} judgments. Next: whybuy evaluate critic --critic {out} --questions FILE",
            highlight=False,
            soft_wrap=True,
        )


@app.command("report")
def report_critic(*, store: Store = HERE, json: Json = False) -> None:
    """Say what the critic of a shop's graph was trained on, how good it is, and how good with fewer judgments."""
    from whybuy.build import open_critic
    from whybuy.shop import Shop

    with failing_clearly():
        critic, judgments = open_critic(Shop.open(store))
        report, points = critic.fit_report(judgments), critic.curve(judgments)
        if json:
            print(as_json({**asdict(report), "curve": points}))
            return
        print(", ".join(f"{count:,} answers to {question}" for question, count in report.answers.items()))
        print(f"{report.unknown:,} judgments of reasons that are not proposed any more")
        _print_quality(report.held_out, points)


def _check_model(encoder: str, model: str, epochs: int | None, *, curve: bool) -> None:
    if model and encoder:
        raise typer.BadParameter(
            "--model is a critic by itself, --encoder a part of the default one. Give one of them."
        )
    if model and curve:
        raise typer.BadParameter("--curve tells of the default critic alone. Leave it out, or --model.")
    if epochs and not model:
        raise typer.BadParameter("--epochs is of a critic that is fine-tuned. Give --model, too, or leave it out.")


def _print_quality(out_of_fold: dict[str, dict[str, float]], points: list[dict[str, float]]) -> None:
    """Print the quality of a critic on held-out heads, by question and by number of judgments."""
    names = ("auc", "average_precision", "calibration_error", "precision", "recall", "share_yes")
    kinds = {**out_of_fold, **{f"{point['judgments']:,.0f} judgments": point for point in points}}
    rows = {kind: {name: figures[name] for name in names} for kind, figures in kinds.items()}
    print_table("on heads that the critic was not trained on", "question", rows)
