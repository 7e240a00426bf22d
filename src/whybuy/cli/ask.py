"""Asking a built shop: search, complete, explain, intents, graph show."""

from typing import TYPE_CHECKING, Annotated

import typer

import whybuy
from whybuy.cli.terminal import HERE, Json, Limit, Store, as_json, fail, failing_clearly, one_of, stderr

if TYPE_CHECKING:
    from whybuy.records import Answer, Hit

app = typer.Typer()
graph_app = typer.Typer(no_args_is_help=True, help="Look into the knowledge graph.")


@app.command()
def search(
    query: Annotated[str, typer.Argument(help="What the shopper types.")],
    *,
    store: Store = HERE,
    limit: Limit = 10,
    offset: Annotated[int, typer.Option(min=0, max=10_000, help="How many to skip.")] = 0,
    where: Annotated[list[str], typer.Option("--filter", help="field:value, repeatable.", default_factory=list)],
    sort: Annotated[str, typer.Option(help="relevance, price, -price or title.")] = "relevance",
    ranker: Annotated[str, typer.Option(help="All rankers fused, or the name of one.")] = "fused",
    explain: Annotated[bool, typer.Option("--explain", help="Show each hit's path through the label tree.")] = False,
    json: Json = False,
) -> None:
    """Search the shop; each hit says which stage found it and why it answers."""
    from whybuy.discovery import Discovery
    from whybuy.records import Query
    from whybuy.retrieval.rankers import RANKER_NAMES

    asked = Query(query, limit, offset, _filters(where), _sort(sort), one_of(ranker, "Ranker", RANKER_NAMES), explain)
    with failing_clearly():
        answer = Discovery.open(store).search(asked)
        _print_answer(answer, json=json)


@app.command()
def complete(
    prefix: Annotated[str, typer.Argument(help="What the shopper has typed so far.")],
    *,
    store: Store = HERE,
    after: Annotated[
        list[str], typer.Option(help="What they asked before, the latest first; repeatable.", default_factory=list)
    ],
    limit: Limit = 10,
    json: Json = False,
) -> None:
    """Say what a shopper who typed this may be about to ask."""
    from whybuy.discovery import Discovery

    with failing_clearly():
        found = Discovery.open(store).complete(prefix, previous=after, limit=limit)
        if json:
            print(as_json(found))
            return
        for one in found.completions:
            likely = "" if one.session_score is None else f", likely {one.session_score:.2f}"
            told = f" {one.intent.relation.words} {one.intent.tail}" if one.intent else ""
            print(f"{one.text}  ({one.fit.value}, {one.source.value}, {one.score:.2f}{likely}){told}")
        if not found.completions:
            print("nothing to suggest")
        stderr().print(f"in {found.took_ms:.2f} ms", highlight=False)


@app.command()
def explain(
    query: Annotated[str, typer.Argument(help="What the shopper types.")],
    product_id: Annotated[str, typer.Argument(help="The product in question.")],
    *,
    store: Store = HERE,
    json: Json = False,
) -> None:
    """Say how one product answers a query: scores by stage, words, reasons with evidence, path through the tree."""
    from whybuy.discovery import Discovery

    with failing_clearly():
        hit = Discovery.open(store).explain(query, product_id)
        if json:
            print(as_json(hit))
        else:
            _print_hit(hit, 1, evidence=True)


@app.command()
def intents(
    asked: Annotated[str, typer.Argument(help="What the shopper types, or a product's id.")],
    *,
    store: Store = HERE,
    json: Json = False,
) -> None:
    """Say which needs are behind a query, or why a product is bought: from the graph, then from the student."""
    from whybuy.discovery import Discovery

    with failing_clearly():
        found = Discovery.open(store).intents(asked)
        if json:
            print(as_json({"query": asked, "intents": found}))
        for intent in () if json else found:
            source = f"{intent.source}: {intent.words}" if intent.words else intent.source
            print(f"{intent.confidence:.2f}  {intent.relation.words} {intent.tail}  ({source})")


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
            print(as_json(around))
            return
        if not around.nodes:
            fail(f"The graph of {store} has no node {label!r}. Try a need, a product type or a query.")
        names = {node.id: node.label for node in around.nodes}
        for edge in around.edges:
            print(
                f"{names[edge.source]}  --{edge.relation.value}->  {names[edge.target]}   "
                f"plausibility {edge.plausibility:.2f}, typicality {edge.typicality:.2f}, support {edge.support}"
            )
        for said, others in (("a kind of", around.broader), ("kinds of it", around.narrower)):
            if others:
                print(f"{said}: {', '.join(others)}")


def _print_answer(answer: "Answer", *, json: bool) -> None:
    if json:
        print(as_json(answer))
        return
    for intent in answer.intents:
        print(f"understood: {intent.relation.words} {intent.tail} ({intent.confidence:.2f})")
    for place, hit in enumerate(answer.hits, 1):
        _print_hit(hit, place)
    if not answer.hits:
        print("nothing found")
    stderr().print(f"{answer.total:,} found in {answer.took_ms:.1f} ms", highlight=False)


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
    """The path through the label tree: what each step leads to, its score, and the words that carried it."""
    for number, step in enumerate(hit.path):
        words = ", ".join(f"{one.words} {one.amount:+.2g}" for one in step.contributions)
        print(f"    {'->' if number else 'tree:'} {step.name} {step.score:.3g}" + (f"  ({words})" if words else ""))


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

    return Sort(one_of(name, "Sort", list(Sort)))
