"""The commands that measure search, graph, filters, intents, completion and critic."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from whybuy.cli.terminal import (
    HERE,
    Json,
    Store,
    failing_clearly,
    one_of,
    print_report,
    print_set_aside,
    stderr,
)
from whybuy.completion.limits import MIN_SHOPPERS
from whybuy.errors import WhybuyError

if TYPE_CHECKING:
    from whybuy.discovery import Discovery
    from whybuy.evaluation.search import Rank, SearchReport
    from whybuy.qrels import Scale

app = typer.Typer(no_args_is_help=True, help="Measure search, graph, intents and critic against judgments and truth.")


@app.command("search")
def evaluate_search(
    *,
    store: Store = HERE,
    judgments: Annotated[
        Path | None, typer.Option("--judgments", help="Parquet, CSV, TREC qrels, ESCI or WANDS.")
    ] = None,
    clicks: Annotated[
        list[Path] | None,
        typer.Option(help="Instead, a later log: a click is a query with one right product; repeatable."),
    ] = None,
    rankers: Annotated[
        str, typer.Option(help="Comma-separated, of lexical, intents, tree, signals, fused. Default: all.")
    ] = "",
    scale: Annotated[str, typer.Option(help="Lowest and highest grade: 1..3. Default: those of the file.")] = "",
    relevant_from: Annotated[float | None, typer.Option(help="Grade from which a product is relevant.")] = None,
    ablate: Annotated[
        str,
        typer.Option(
            help="What the fused ranking is measured without as well, comma-separated: reasons, synonyms, types, "
            "complements, graph (all of these). A shop with a reranker is trained anew: minutes for each."
        ),
    ] = "",
    fits: Annotated[int, typer.Option(min=1, help="How often --ablate trains either side.")] = 5,
    trec: Annotated[Path | None, typer.Option(help="Folder for TREC run files.")] = None,
    json: Json = False,
) -> None:
    """Measure every ranker on judged queries, or on later clicks: nDCG, recall, MRR, zero results, latency."""
    from whybuy.discovery import Discovery
    from whybuy.evaluation.ablation import Knowledge, ablate_search
    from whybuy.evaluation.clicked import most_clicked_of, read_clicked
    from whybuy.evaluation.search import evaluate_search as evaluate
    from whybuy.qrels import read_qrels
    from whybuy.retrieval.rankers import RANKER_NAMES

    chosen = rankers.split(",") if rankers else RANKER_NAMES
    names, span = [one_of(name.strip(), "Ranker", RANKER_NAMES) for name in chosen], _scale(scale)
    parts = [
        Knowledge(one_of(name.strip(), "Knowledge", list(Knowledge))) for name in ablate.split(",") if name.strip()
    ]
    if (judgments is None) == (not clicks):
        raise typer.BadParameter("Give either --judgments FILE or --clicks LOG.")
    if clicks and span:
        raise typer.BadParameter("--scale is of --judgments; clicks have no grades. Leave it out.")
    with failing_clearly():
        discovery = Discovery.open(store)
        qrels = read_qrels(judgments, scale=span) if judgments else read_clicked(clicks or [])
        if judgments and discovery.was_trained_on(judgments):
            stderr().print(
                f"The reranker was trained on {judgments}: what fused shows here is no evidence.", style="red"
            )
        ranks = {name: _rank_with(discovery, name) for name in names}
        ranks |= {} if judgments else {"most_clicked": most_clicked_of(store)}
        report = evaluate(ranks, qrels, relevant_from=relevant_from)
        if trec is not None:
            _write_runs(report, trec)
        shown = report.as_report()
        if parts:
            listen = partial(stderr().print, highlight=False)
            shown |= ablate_search(
                store, qrels, parts, fits=fits, relevant_from=relevant_from, listen=listen
            ).as_report()
        print_report(shown, json=json)


@app.command("graph")
def evaluate_graph(
    *,
    store: Store = HERE,
    truth: Annotated[
        Path | None, typer.Option(help="Latent truth. Default: truth/reasons.parquet of the store.")
    ] = None,
    json: Json = False,
) -> None:
    """Measure the graph against the demo's latent truth: precision and recall, by relation, seen and unseen."""
    from whybuy.evaluation.store import evaluate_store_graph

    with failing_clearly():
        report = evaluate_store_graph(store, truth or store / "truth" / "reasons.parquet")
        print_report(report.as_report(), json=json)


@app.command("filters")
def evaluate_filters(
    *,
    store: Store = HERE,
    judgments: Annotated[
        Path | None, typer.Option(help="Parquet of judgments. Default: those that the next build would hear.")
    ] = None,
    json: Json = False,
) -> None:
    """Say what became of the hypotheses: taken by which filter, kept, in the graph; by relation, category, behavior."""
    from whybuy.config import read_settings
    from whybuy.evaluation.filter_report import evaluate_filters as evaluate
    from whybuy.knowledge.critic.edge_critic import CRITIC_CONFIG
    from whybuy.knowledge.critic.edge_judgments import read_judgment_table, read_reason_judgments

    with failing_clearly():
        config = read_settings(store).one(CRITIC_CONFIG)
        judged = read_judgment_table(judgments) if judgments else read_reason_judgments(store, config.judgments)
        report = evaluate(store, judged if judged.num_rows else None)
        print_report(report.as_report(), json=json)


@app.command("intents")
def evaluate_intents(
    *,
    store: Store = HERE,
    named: Annotated[
        Path | None, typer.Option(help="Queries and their intents. Default: truth/named.parquet of the store.")
    ] = None,
    json: Json = False,
) -> None:
    """Ask graph, student and nearest neighbors for the intents of queries that the shop's logs do not have."""
    from whybuy.evaluation.student import evaluate_store_intents

    with failing_clearly():
        report = evaluate_store_intents(store, named or store / "truth" / "named.parquet")
        print_report(report.as_report(), json=json)


@app.command("complete")
def evaluate_complete(
    *,
    store: Store = HERE,
    log: Annotated[
        list[Path] | None,
        typer.Option(help="Any log with queries instead of the shop's: UBI, GA4, AOL, plain; repeatable."),
    ] = None,
    later: Annotated[
        list[Path] | None,
        typer.Option(help="A log that goes on where the shop's ends, to type instead of its late part; repeatable."),
    ] = None,
    least_shoppers: Annotated[
        int, typer.Option(min=1, help="Shoppers who asked a query that may be suggested; with --log.")
    ] = MIN_SHOPPERS,
    held_out: Annotated[float, typer.Option(min=0.01, max=0.9, help="Share of the log, the latest, to type.")] = 0.1,
    queries: Annotated[int, typer.Option(min=1, help="Queries to type at most.")] = 3000,
    configurations: Annotated[
        str, typer.Option(help="Of the published tree, 0 to 11, comma-separated; empty for none.")
    ] = "0,5,6,7,8,9",
    network: Annotated[
        bool, typer.Option("--network", help="Train a recurrent network too: minutes; needs whybuy[neural].")
    ] = False,
    json: Json = False,
) -> None:
    """Train completion on the early part of the shop's log, type the late part: MRR, BLEU_RR, keys saved, latency."""
    from whybuy.evaluation.completion_trial import CompletionTrial, evaluate_log_completion, evaluate_store_completion
    from whybuy.evaluation.published_tree import CONFIGURATIONS

    known = [str(number) for number in CONFIGURATIONS]
    chosen = [int(one_of(name.strip(), "Configuration", known)) for name in configurations.split(",") if name.strip()]
    trial = CompletionTrial(held_out, queries, tuple(chosen), network, least_shoppers)
    with failing_clearly():
        listen = partial(stderr().print, highlight=False)
        if log:
            report = evaluate_log_completion(log, trial, listen=listen)
        else:
            report = evaluate_store_completion(store, trial, later=later or (), listen=listen)
        print_report(report.as_report(), json=json)


@app.command("critic")
def evaluate_critic(
    *,
    critic: Annotated[Path, typer.Option(help="Folder of a trained critic.")],
    questions: Annotated[
        Path, typer.Option(help="Parquet, CSV or JSONL: item_a_title, item_b_title, options, answer.")
    ],
    json: Json = False,
) -> None:
    """Measure a critic on questions of many choices, as they are and with distractors drawn anew."""
    from whybuy.evaluation.critic import evaluate_critic as evaluate
    from whybuy.evaluation.critic import read_questions
    from whybuy.knowledge.critic.text_loading import open_text_critic
    from whybuy.tables import ReadReport

    with failing_clearly():
        opened, reading = open_text_critic(critic), ReadReport()
        multiple_choice = read_questions(questions, reading)
        print_set_aside(reading)
        report = evaluate(lambda statements: opened.score(statements)[opened.questions[-1]], multiple_choice)
        print_report(report.as_report(opened.questions[-1]), json=json)


@app.command("relevance")
def evaluate_relevance(
    *,
    store: Store = HERE,
    judgments: Annotated[Path, typer.Option(help="Parquet, CSV, TREC qrels, ESCI or WANDS.")],
    encoder: Annotated[
        str, typer.Option(help="Folder (transformers or ONNX) or hub name. Default: one fitted on the products.")
    ] = "",
    models: Annotated[
        str, typer.Option(help="Comma-separated; default: all that the encoder allows. Wrong names show what there is.")
    ] = "",
    triples: Annotated[
        str, typer.Option(help="Knowledge that models are given, of reasons, synonyms, complements.")
    ] = "reasons,synonyms,complements",
    folds: Annotated[int, typer.Option(min=2, help="By query.")] = 5,
    fits: Annotated[
        int | None, typer.Option(min=1, help="How often all is trained, by other folds and seeds. Default: 5, or 1.")
    ] = None,
    trained: Annotated[
        bool,
        typer.Option("--trained", help="Train encoders, too, on two thirds of the queries: minutes a model; neural."),
    ] = False,
    sample_queries: Annotated[int | None, typer.Option(min=4, help="Queries drawn from the judged ones.")] = None,
    scale: Annotated[str, typer.Option(help="Lowest and highest grade: 1..3. Default: those of the file.")] = "",
    json: Json = False,
) -> None:
    """Train models of relevance and measure them on unseen queries, with reasons, without, and with shuffled ones."""
    from whybuy.evaluation.ablation import Knowledge
    from whybuy.evaluation.relevance import METHODS, TRIPLES, RelevanceTrial
    from whybuy.evaluation.relevance import evaluate_relevance as evaluate
    from whybuy.qrels import read_qrels

    chosen = tuple(one_of(name.strip(), "Model", list(METHODS)) for name in models.split(",") if name.strip())
    kinds = tuple(
        Knowledge(one_of(name.strip(), "Knowledge", list(TRIPLES))) for name in triples.split(",") if name.strip()
    )
    often = fits or (1 if trained else 5)
    trial, span = RelevanceTrial(chosen, kinds, trained, folds, often, sample_queries), _scale(scale)
    with failing_clearly():
        listen = partial(stderr().print, highlight=False)
        report = evaluate(store, read_qrels(judgments, scale=span), trial, encoder=encoder, listen=listen)
        print_report(report.as_report(), json=json)


def _write_runs(report: "SearchReport", folder: Path) -> None:
    from whybuy.evaluation.search import write_trec_run

    folder.mkdir(parents=True, exist_ok=True)
    for name, ranker in report.rankers.items():
        write_trec_run(folder / f"{name}.run", name, ranker.run)


def _scale(span: str) -> "Scale | None":
    from whybuy.qrels import Scale

    if not span:
        return None
    low, _, high = span.partition("..")
    try:
        return Scale(float(low), float(high))
    except ValueError:
        raise typer.BadParameter(f'Scale {span!r} is not "low..high", for example "1..3".') from None
    except WhybuyError as error:
        raise typer.BadParameter(str(error)) from None


def _rank_with(discovery: "Discovery", ranker: str) -> "Rank":
    def rank(query: str, limit: int) -> list[str]:
        return discovery.rank(query, limit=limit, ranker=ranker)

    return rank
