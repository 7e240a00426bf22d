"""The commands of the label-tree engine on its own: train on texts with labels, predict labels."""

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from whybuy.cli.terminal import Json, Limit, as_json, failing_clearly, print_set_aside, stderr

app = typer.Typer(no_args_is_help=True, help="The label-tree engine alone: texts to labels, from text files.")


@app.command("train")
def train_tree(
    train: Annotated[Path, typer.Argument(help="Lines of label[:weight][,label...]<TAB>text.")],
    model: Annotated[Path, typer.Argument(help="Folder to write.")],
    *,
    labels: Annotated[Path | None, typer.Option(help="Lines of label<TAB>text: a text about each label.")] = None,
    branching: Annotated[int, typer.Option(help="Children of a node, a power of 2.")] = 32,
    leaf_size: Annotated[int, typer.Option(help="Labels under a leaf, at most.")] = 100,
    threshold: Annotated[float, typer.Option(help="Weights below are left out.")] = 0.1,
    cost: Annotated[float, typer.Option(help="Of an instance on the wrong side.")] = 1.0,
    words: Annotated[int, typer.Option(help="Longest word n-gram; 0: none.")] = 3,
    characters: Annotated[int, typer.Option(help="Length of letter n-grams; 0: none.")] = 3,
    bits: Annotated[int, typer.Option(help="Of a stored weight: 8, 16 or 32.")] = 8,
    threads: Annotated[int, typer.Option(min=1, help="Threads to train with.")] = 1,
) -> None:
    """Train a label tree on texts with labels."""
    from whybuy.tables import ReadReport
    from whybuy.vectors.ngrams import NgramConfig
    from whybuy.xmr.text_files import read_training
    from whybuy.xmr.training.clustering import BalancedKMeans
    from whybuy.xmr.training.solver import SvmRanker
    from whybuy.xmr.training.text_trainer import train_text_model
    from whybuy.xmr.training.trainer import TrainingConfig

    with failing_clearly(), stderr().status("reading") as status:
        report = ReadReport()
        data = read_training(train, labels, report=report)
        print_set_aside(report)
        config = TrainingConfig(BalancedKMeans(branching, leaf_size), SvmRanker(cost, threshold=threshold), bits=bits)
        ngrams = NgramConfig(words, characters)
        trained = train_text_model(
            data,
            ngrams=ngrams,
            config=config,
            threads=threads,
            listen=lambda done, work: status.update(f"training {done / max(work, 1):.0%}"),
        )
        trained.save(model)
        stderr().print(
            f"Trained {len(data.names):,} labels on {len(data.texts):,} texts, {trained.tree.size / 1e6:.1f} MB. "
            f"Next: whybuy xmr predict {model} queries.txt",
            highlight=False,
            soft_wrap=True,
        )


@app.command("predict")
def predict_labels(
    model: Annotated[Path, typer.Argument(help="Folder of a trained model.")],
    queries: Annotated[Path, typer.Argument(help="A text per line; - reads standard input.")] = Path("-"),
    *,
    beam: Annotated[int, typer.Option(min=1, help="Nodes kept on each level.")] = 10,
    limit: Limit = 10,
    threads: Annotated[int, typer.Option(min=1, help="Threads to search with.")] = 1,
    json: Json = False,
) -> None:
    """Print the best labels of each text: lines of text, label and score, or one JSON object per text."""
    from whybuy.xmr.text_files import read_queries
    from whybuy.xmr.text_model import TextModel

    with failing_clearly():
        opened = TextModel.load(model)
        with nullcontext(sys.stdin.buffer) if str(queries) == "-" else queries.open("rb") as lines:
            texts = read_queries(lines)
        for text, best in zip(texts, opened.predict(texts, beam=beam, limit=limit, threads=threads), strict=True):
            if json:
                print(as_json({"text": text, "labels": [{"label": name, "score": score} for name, score in best]}))
            for name, score in () if json else best:
                print(f"{text}\t{name}\t{score:.6f}")
