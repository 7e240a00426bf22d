"""One thin command per function; what a command prints is on stdout, what it says meanwhile on stderr."""

import errno
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import whybuy
from whybuy.errors import WhybuyError

if TYPE_CHECKING:
    from rich.console import Console

    from whybuy.build import Listener
    from whybuy.discovery import Discovery
    from whybuy.evaluation.graph import GraphReport
    from whybuy.evaluation.search import Rank, SearchReport
    from whybuy.judgments import Scale
    from whybuy.records import Answer, Hit
    from whybuy.tables import ReadReport

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Why people buy, and search that knows it.")
graph_app = typer.Typer(no_args_is_help=True, help="Look into the knowledge graph.")
export_app = typer.Typer(no_args_is_help=True, help="Write what was learned in formats that other tools read.")
evaluate_app = typer.Typer(no_args_is_help=True, help="Measure search and graph against judgments and truth.")
app.add_typer(graph_app, name="graph")
app.add_typer(export_app, name="export")
xmr_app = typer.Typer(no_args_is_help=True, help="The label-tree engine alone: texts to labels, from text files.")
critic_app = typer.Typer(
    no_args_is_help=True, help="The critic: which reasons people would call plausible and typical."
)
app.add_typer(evaluate_app, name="evaluate")
app.add_typer(critic_app, name="critic")
app.add_typer(xmr_app, name="xmr")

Store = Annotated[Path, typer.Option("--store", help="Folder of the shop.", envvar="WHYBUY_STORE")]
Json = Annotated[bool, typer.Option("--json", help="Print the API body and nothing else.")]
Limit = Annotated[int, typer.Option(min=0, max=1000, help="How many to print.")]
HERE = Path("shop")


@app.callback(invoke_without_command=True)
def main(*, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    """Mine why people buy from a shop's catalog and logs, and search with the reasons."""
    if version:
        print(whybuy.__version__)
        raise typer.Exit


@contextmanager
def failing_clearly() -> Iterator[None]:
    """Turn expected failures into one clear message and exit code 1."""
    try:
        yield
    except WhybuyError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        _fail("Stopped. What was finished is kept; run the same command again to go on.")
    except OSError as error:
        _fail(_trouble_of_system(error))
    except _engine_error() as error:
        reason = str(error).splitlines()[0].rstrip(".")
        _fail(f"DuckDB stopped: {reason}. Nothing half-written was published. If memory ran out, raise memory_limit in "
              "the [import] and [pairs] tables of store.toml; then run the same command again.")  # fmt: skip


_SHORT_WRITE = re.compile(r"\d+ requested and \d+ written")  # NumPy's words when an array finds no room


def _trouble_of_system(error: OSError) -> str:
    full = error.errno == errno.ENOSPC or _SHORT_WRITE.fullmatch(str(error)) is not None
    what = os.strerror(errno.ENOSPC) if full else error.strerror or str(error)
    where = f": {error.filename}" if error.filename else ""
    remedy = "make room" if full else "mend it"
    return f"{what}{where}. Nothing half-written was published; {remedy} and run the same command again."


def _engine_error() -> type[Exception]:
    """What the log engine raises of its own; asked for only when something has gone wrong."""
    from duckdb import Error

    return Error


def _fail(message: str) -> None:
    _stderr().print(f"[bold red]error:[/] {_escaped(message)}", highlight=False, soft_wrap=True)
    raise typer.Exit(1)


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def _stderr() -> "Console":
    from rich.console import Console

    return Console(stderr=True)


# ---------------------------------------------------------------- making a shop
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
        _stderr().print(
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
        print(_json(report) if json else "\n".join(report.lines()))


@app.command()
def build(
    *,
    store: Store = HERE,
    catalog_only: Annotated[bool, typer.Option(help="Leave the logs out, as a shop without any would.")] = False,
) -> None:
    """Build the shop: catalog, behavior pairs, hypotheses, graph, indexes. Resumes where it was stopped."""
    with failing_clearly(), _progress() as listen:
        from whybuy.build import build as run

        report = run(store, listen=listen, with_events=not catalog_only)
        _stderr().print(
            f"[bold]Built[/] {store} in {report.seconds:.1f} s ({report.made} stages made, {report.reused} reused). "
            f'Next: whybuy search --store {store} "..."  or  whybuy serve --store {store}',
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
) -> None:
    """Write the demo shop, build it and open its pages."""
    with failing_clearly():
        from whybuy.demo.store import EXAMPLES, make_store

        with _stderr().status("writing the demo shop"):
            made = make_store(store, seed=seed)
        if made is not None:
            _stderr().print(
                f"Demo shop: {made.products:,} products of {made.types} types, {made.sessions:,} sessions, "
                f"{made.purchases:,} purchases.",
                highlight=False,
            )
    build(store=store)
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
        _stderr().print(f"[bold]{address}[/]  (Ctrl-C stops)", highlight=False)

    with failing_clearly():
        run(store, host=host, port=port, workers=workers, examples=examples, listening=listening)


# ---------------------------------------------------------------- asking
@app.command()
def search(
    query: Annotated[str, typer.Argument(help="What the shopper types.")],
    *,
    store: Store = HERE,
    limit: Limit = 10,
    offset: Annotated[int, typer.Option(min=0, max=10_000, help="How many to skip.")] = 0,
    where: Annotated[list[str], typer.Option("--filter", help="field:value, repeatable.")] = [],  # noqa: B006
    sort: Annotated[str, typer.Option(help="relevance, price, -price or title.")] = "relevance",
    ranker: Annotated[str, typer.Option(help="fused, lexical, intents or tree.")] = "fused",
    explain: Annotated[bool, typer.Option("--explain", help="Show each hit's way through the label tree.")] = False,
    json: Json = False,
) -> None:
    """Search the shop; each hit says which stage found it and why it answers."""
    from whybuy.discovery import Discovery
    from whybuy.records import Query
    from whybuy.retrieval.finder import RANKERS

    asked = Query(query, limit, offset, _filters(where), _sort(sort), _one_of(ranker, "Ranker", RANKERS), explain)
    with failing_clearly():
        answer = Discovery.open(store).search(asked)
        _print_answer(answer, json=json)


@app.command()
def explain(
    query: Annotated[str, typer.Argument(help="What the shopper types.")],
    product_id: Annotated[str, typer.Argument(help="The product in question.")],
    *,
    store: Store = HERE,
    json: Json = False,
) -> None:
    """Say how one product answers a query: scores by stage, words, reasons with evidence, way through the tree."""
    from whybuy.discovery import Discovery

    with failing_clearly():
        hit = Discovery.open(store).explain(query, product_id)
        if json:
            print(_json(hit))
        else:
            _print_hit(hit, 1, evidence=True)


@app.command()
def intents(
    query: Annotated[str, typer.Argument(help="What the shopper types.")], *, store: Store = HERE, json: Json = False
) -> None:
    """Say which needs are understood in a query."""
    from whybuy.discovery import Discovery

    with failing_clearly():
        found = Discovery.open(store).intents(query)
        if json:
            print(_json({"query": query, "intents": found}))
        for intent in () if json else found:
            print(f"{intent.confidence:.2f}  {intent.relation.words} {intent.tail}  ({intent.source}: {intent.words})")


@graph_app.command()
def show(
    label: Annotated[str, typer.Argument(help='A need, type, query or product: "pregnant women".')],
    *,
    store: Store = HERE,
    limit: Limit = 20,
    json: Json = False,
) -> None:
    """Show the edges around a node."""
    from whybuy.discovery import Discovery

    with failing_clearly():
        around = Discovery.open(store).neighborhood(label, limit=limit)
        if json:
            print(_json(around))
            return
        if not around.nodes:
            _fail(f"The graph of {store} has no node {label!r}. Try a need, a product type or a query.")
        names = {node.id: node.label for node in around.nodes}
        for edge in around.edges:
            print(
                f"{names[edge.source]}  --{edge.relation.value}->  {names[edge.target]}   "
                f"plausibility {edge.plausibility:.2f}, typicality {edge.typicality:.2f}, support {edge.support}"
            )


@export_app.command("graph")
def export_graph(
    target: Annotated[Path, typer.Argument(help="Folder or file to write.")],
    *,
    store: Store = HERE,
    format: Annotated[str, typer.Option("--format", help="parquet, neo4j, ntriples or graphml.")] = "parquet",  # noqa: A002
) -> None:
    """Write the knowledge graph for other tools."""
    from whybuy.artifacts import ARTIFACTS_FOLDER, ArtifactStore
    from whybuy.graph.export import FORMATS
    from whybuy.graph.export import export_graph as export

    _one_of(format, "Format", list(FORMATS))
    with failing_clearly():
        folder = ArtifactStore(store / ARTIFACTS_FOLDER).current()["graph"]
        for path in export(folder, target, format):
            print(path)


# ---------------------------------------------------------------- measuring
@evaluate_app.command("search")
def evaluate_search(
    judgments: Annotated[Path, typer.Option("--judgments", help="Parquet, CSV, TREC qrels, ESCI or WANDS.")],
    *,
    store: Store = HERE,
    rankers: Annotated[str, typer.Option(help="Comma-separated.")] = "lexical,intents,tree,fused",
    scale: Annotated[str, typer.Option(help="Lowest and highest grade: 1..3. Default: those of the file.")] = "",
    relevant_from: Annotated[float | None, typer.Option(help="Grade from which a product is relevant.")] = None,
    trec: Annotated[Path | None, typer.Option(help="Folder for TREC run files.")] = None,
    json: Json = False,
) -> None:
    """Measure every ranker on judged queries: nDCG, recall, MRR, zero results, latency."""
    from whybuy.discovery import Discovery
    from whybuy.evaluation.search import evaluate_search as evaluate
    from whybuy.judgments import read_judgments
    from whybuy.retrieval.finder import RANKERS

    names, span = [_one_of(name.strip(), "Ranker", RANKERS) for name in rankers.split(",")], _scale(scale)
    with failing_clearly():
        discovery = Discovery.open(store)
        judged = read_judgments(judgments, scale=span)
        if discovery.was_taught_by(judgments):
            _stderr().print(f"{judgments} taught the learned order: what fused shows here is no evidence.", style="red")
        ranks = {name: _rank_with(discovery, name) for name in names}
        report = evaluate(ranks, judged, relevant_from=relevant_from)
        if trec is not None:
            _write_runs(report, trec)
        print(_json(report.as_json())) if json else _print_search_report(report)


@evaluate_app.command("graph")
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
        print(_json(report.as_json())) if json else _print_graph_report(report)


@evaluate_app.command("critic")
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
    from whybuy.knowledge.critic.critic import Critic
    from whybuy.tables import ReadReport

    with failing_clearly():
        opened, reading = Critic.load(critic), ReadReport()
        asked = read_questions(questions, reading)
        _print_set_aside(reading)
        report = evaluate(lambda statements: opened.score(statements)[opened.questions[-1]], asked)
        if json:
            print(_json(report.as_json()))
            return
        print(f"{report.n:,} questions, answered by what is {opened.questions[-1]}")
        print(f"distractors drawn anew: {report.accuracy_redrawn:.3f}  (option alone {report.option_only:.3f})")
        print(f"as they are:            {report.accuracy:.3f}  (option alone {report.option_only_original:.3f})")
        print(f"AUC, drawn anew:        {report.auc:.3f}")


# ---------------------------------------------------------------- the critic
@critic_app.command("train")
def train_critic(
    *,
    judgments: Annotated[
        Path, typer.Option(help="head (or item_a_title, item_b_title), relation, tail, plausible, typical.")
    ],
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    encoder: Annotated[
        str, typer.Option(help="Folder or hub name of a pretrained encoder. Default: one fitted on the judged texts.")
    ] = "",
    curve: Annotated[bool, typer.Option("--curve", help="Also say how good fewer judgments would be.")] = False,
    json: Json = False,
) -> None:
    """Learn from judgments how plausible and how typical reasons are."""
    from whybuy.knowledge.critic.judged import read_judged
    from whybuy.knowledge.critic.learning import learn_critic, learning_curve, texts_of
    from whybuy.language.catalog_encoder import CatalogEncoder
    from whybuy.language.encoder import Remembering
    from whybuy.language.transformer_encoder import TransformerEncoder
    from whybuy.tables import ReadReport

    with failing_clearly(), _stderr().status("reading") as status:
        reading = ReadReport()
        judged = read_judged(judgments, reading)
        _print_set_aside(reading)
        status.update("encoding and learning")
        found = Remembering(TransformerEncoder(encoder) if encoder else CatalogEncoder.fit(texts_of(judged)))
        critic = learn_critic(judged, found)
        critic.save(out)
        status.update("learning from fewer judgments")
        points = learning_curve(judged, found) if curve else []
        figures = {"judgments": len(judged), "out_of_fold": critic.lesson.out_of_fold, "curve": points}
        print(_json(figures)) if json else _print_lesson(critic.lesson.out_of_fold, points)
        _stderr().print(
            f"Learned from {len(judged):,} judgments. Next: whybuy evaluate critic --critic {out} --questions FILE",
            highlight=False,
            soft_wrap=True,
        )


def _print_lesson(out_of_fold: dict[str, dict[str, float]], points: list[dict[str, float]]) -> None:
    """What a critic is worth on heads that it had not seen, by question and by number of judgments."""
    names = ("auc", "average_precision", "calibration_error", "precision", "recall", "share_yes")
    rows = {**out_of_fold, **{f"{point['judgments']:,.0f} judgments": point for point in points}}
    print(f"{'':18}" + "".join(f"{name:>19}" for name in names))
    for title, row in rows.items():
        print(f"{title:18}" + "".join(f"{row[name]:19.3f}" for name in names))


# ---------------------------------------------------------------- the engine alone
@xmr_app.command("train")
def train_tree(
    train: Annotated[Path, typer.Argument(help="Lines of label[:weight][,label...]<TAB>text.")],
    model: Annotated[Path, typer.Argument(help="Folder to write.")],
    *,
    labels: Annotated[
        Path | None, typer.Option(help="Lines of label<TAB>text: what the labels say of themselves.")
    ] = None,
    branching: Annotated[int, typer.Option(help="Children of a node, a power of 2.")] = 32,
    leaf_size: Annotated[int, typer.Option(help="Most labels under a leaf.")] = 100,
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
    from whybuy.xmr.clustering import BalancedKMeans
    from whybuy.xmr.estimator import TrainingConfig
    from whybuy.xmr.solver import SvmRanker
    from whybuy.xmr.text_files import read_training
    from whybuy.xmr.text_model import TextModel

    with failing_clearly(), _stderr().status("reading") as status:
        report = ReadReport()
        data = read_training(train, labels, report=report)
        _print_set_aside(report)
        config = TrainingConfig(BalancedKMeans(branching, leaf_size), SvmRanker(cost, threshold=threshold), bits=bits)
        ngrams = NgramConfig(words, characters)
        trained = TextModel.fit(
            data,
            ngrams=ngrams,
            config=config,
            threads=threads,
            listen=lambda done, work: status.update(f"training {done / max(work, 1):.0%}"),
        )
        trained.save(model)
        _stderr().print(
            f"Trained {len(data.names):,} labels on {len(data.texts):,} texts, {trained.tree.size / 1e6:.1f} MB. "
            f"Next: whybuy xmr predict {model} queries.txt",
            highlight=False,
            soft_wrap=True,
        )


@xmr_app.command("predict")
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
        for text, found in zip(texts, opened.predict(texts, beam=beam, limit=limit, threads=threads), strict=True):
            if json:
                print(_json({"text": text, "labels": [{"label": name, "score": score} for name, score in found]}))
            for name, score in () if json else found:
                print(f"{text}\t{name}\t{score:.6f}")


def _print_set_aside(report: "ReadReport") -> None:
    """Say which lines were not used."""
    for reason, count in report.set_aside.items():
        _stderr().print(f"{count:,} of {report.rows_read:,} lines set aside: {_escaped(reason)}", highlight=False)
    for example in report.examples:
        _stderr().print(
            f"  {example.file}:{example.line}: {_escaped(example.excerpt)}", highlight=False, soft_wrap=True
        )


# ---------------------------------------------------------------- printing
def _json(value: object) -> str:
    import orjson

    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()


def _print_answer(answer: "Answer", *, json: bool) -> None:
    if json:
        print(_json(answer))
        return
    for intent in answer.intents:
        print(f"understood: {intent.relation.words} {intent.tail} ({intent.confidence:.2f})")
    for place, hit in enumerate(answer.hits, 1):
        _print_hit(hit, place)
    if not answer.hits:
        print("nothing found")
    _stderr().print(f"{answer.total:,} found in {answer.took_ms:.1f} ms", highlight=False)


def _print_hit(hit: "Hit", place: int, *, evidence: bool = False) -> None:
    stages = ", ".join(f"{name} {score:.3g}" for name, score in hit.scores.items())
    print(f"{place:2d}. {hit.title}  [{hit.product_id}]")
    print(f"    {hit.score:.3f} by {hit.source} ({stages})")
    if hit.matched:
        print("    matched: " + ", ".join(f"{match.term} in {match.field}" for match in hit.matched))
    for reason in hit.reasons:
        print(f"    because: {reason.head} -- {reason.relation.words} {reason.tail} ({reason.confidence:.2f})")
        for line in reason.evidence if evidence else reason.evidence[:1]:
            print(f"             {line}")
    _print_path(hit)


def _print_path(hit: "Hit") -> None:
    """The way through the label tree: what each step leads to, its score, and the words that carried it."""
    for number, step in enumerate(hit.path):
        signs = ", ".join(f"{sign.words} {sign.amount:+.2g}" for sign in step.signs)
        print(f"    {'->' if number else 'tree:'} {step.name} {step.score:.3g}" + (f"  ({signs})" if signs else ""))


def _print_search_report(report: "SearchReport") -> None:
    rankers = {name: ranker.as_json() for name, ranker in report.rankers.items()}
    _print_table(f"{len(report.queries)} queries", "ranker", rankers)


def _print_graph_report(report: "GraphReport") -> None:
    parts = {"all": report.overall, "looked at": report.seen, "unseen": report.unseen}
    parts |= {relation.value: score for relation, score in report.per_relation.items()}
    _print_table("graph against latent truth", "part", {name: score.as_json() for name, score in parts.items()})


def _print_table(title: str, first: str, rows: Mapping[str, Mapping[str, float]]) -> None:
    columns = list(next(iter(rows.values()), {}))
    table = [[first, *columns]]
    for name, values in rows.items():
        cells = (values[column] for column in columns)
        table.append([name, *(f"{value:,}" if isinstance(value, int) else f"{value:.3f}" for value in cells)])
    widths = [max(map(len, cells)) for cells in zip(*table, strict=True)]
    print(title)
    for name, *figures in table:
        print("  ".join([name.ljust(widths[0]), *map(str.rjust, figures, widths[1:])]))


def _write_runs(report: "SearchReport", folder: Path) -> None:
    from whybuy.evaluation.search import write_trec_run

    folder.mkdir(parents=True, exist_ok=True)
    for name, ranker in report.rankers.items():
        write_trec_run(folder / f"{name}.run", name, ranker.run)


def _scale(span: str) -> "Scale | None":
    from whybuy.judgments import Scale

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


def _filters(given: list[str]) -> "tuple[whybuy.records.Filter, ...]":
    from whybuy.records import Filter

    by_field: dict[str, list[str]] = {}
    for entry in given:
        field, colon, value = entry.partition(":")
        if not colon:
            raise typer.BadParameter(f'Filter {entry!r} is not "field:value", for example "brand:Marlowe".')
        by_field.setdefault(field, []).append(value)
    return tuple(Filter(field, tuple(values)) for field, values in by_field.items())


def _sort(name: str) -> "whybuy.records.Sort":
    from whybuy.records import Sort

    return Sort(_one_of(name, "Sort", list(Sort)))


def _one_of(name: str, what: str, allowed: Sequence[str]) -> str:
    if name not in allowed:
        raise typer.BadParameter(f"{what} {name!r} is not one of {', '.join(allowed)}.")
    return name


@contextmanager
def _progress() -> "Iterator[Listener]":
    """A listener that shows the stages of a build on stderr."""
    from whybuy.build import Progress, State

    console = _stderr()
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


if __name__ == "__main__":
    sys.exit(app())
