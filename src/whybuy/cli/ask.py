"""The commands that query a built shop: one for each operation, and the edges around a node of the graph."""

import inspect
from collections.abc import Callable
from enum import EnumType
from typing import TYPE_CHECKING, Annotated, Any, get_origin

import typer
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from whybuy.cli.terminal import HERE, Json, Limit, Store, as_json, fail, failing_clearly, stderr
from whybuy.operations import COMPLETE, EXPLAIN, INTENTS, SEARCH, Operation

if TYPE_CHECKING:
    from whybuy.records import Answer, Completions, Hit, QueryIntents

app = typer.Typer()
graph_app = typer.Typer(no_args_is_help=True, help="Look into the knowledge graph.")

_NAMES = {"q": "query", "previous": "after"}
"""Parameters that are called otherwise on the command line than in an address."""


def add_command(to: typer.Typer, operation: Operation[Any], show: Callable[[Any], None]) -> None:
    """Add the command of an operation to an application. show: prints its answer for a person."""

    def command(**given: Any) -> None:  # noqa: ANN401 - its signature is made below
        store, json = given.pop("store"), given.pop("json")
        named = {name: given[_NAMES.get(name, name)] for name in operation.request.model_fields}
        request = _request(operation, named)
        with failing_clearly():
            from whybuy.discovery import Discovery

            answer = operation.run(Discovery.open(store), request)
            print(as_json(answer)) if json else show(answer)

    parameters = [_parameter(name, field) for name, field in operation.request.model_fields.items()]
    parameters += [_keyword("store", Store, HERE), _keyword("json", Json, default=False)]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {one.name: one.annotation for one in parameters}
    to.command(operation.name, help=f"{operation.help}.")(command)


def _request(operation: Operation[Any], named: dict[str, object]) -> Any:  # noqa: ANN401
    try:
        return operation.request.model_validate(named)
    except ValidationError as error:
        problem = error.errors()[0]
        name = str(problem["loc"][0])
        text = operation.request.model_fields[name].description
        pattern = problem["type"] == "string_pattern_mismatch"  # which the text says in words
        why = " does not fit:" if pattern else f": {problem['msg']}."
        raise typer.BadParameter(f"{_NAMES.get(name, name)} {problem['input']!r}{why} {text}") from None


def _parameter(name: str, field: FieldInfo) -> inspect.Parameter:
    """A field of a request as a parameter of a command: an argument where it is required, else an option."""
    name, text = _NAMES.get(name, name), field.description or ""
    several = get_origin(field.annotation) is list
    shown = field.annotation in (int, bool) or isinstance(field.annotation, EnumType)  # by Typer, with what is allowed
    kind: Any = list[str] if several else field.annotation if shown else str
    if field.is_required():
        argument = Annotated[kind, typer.Argument(help=text)]
        return inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=argument)
    if several:
        option = typer.Option(help=f"{text} Repeatable.", default_factory=list, show_default=False)
        return _keyword(name, Annotated[kind, option])
    option = typer.Option(help=text, min=_bound(field, "ge"), max=_bound(field, "le"))
    return _keyword(name, Annotated[kind, option], default=field.default)


def _bound(field: FieldInfo, end: str) -> int | None:
    """The least (ge) or largest (le) value of a number."""
    return next((getattr(one, end) for one in field.metadata if hasattr(one, end)), None)


def _keyword(name: str, annotation: object, default: object = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _print_answer(answer: "Answer") -> None:
    for intent in answer.intents:
        print(f"understood: {intent.relation.words} {intent.tail} ({intent.confidence:.2f})")
    parted = not answer.hits
    for place, hit in enumerate(answer.hits, 1):
        if not (parted or hit.answers):
            print("not quite, but near:")
            parted = True
        _print_hit(hit, place)
    if not answer.hits:
        print("nothing found")
    found = (
        f"{answer.total:,} found, {answer.related_total:,} near" if answer.related_total else f"{answer.total:,} found"
    )
    stderr().print(f"{found} in {answer.took_ms:.1f} ms", highlight=False)


def _print_completions(answer: "Completions") -> None:
    for one in answer.completions:
        in_session = "" if one.session_score is None else f", in session {one.session_score:.2f}"
        intent = f" {one.intent.relation.words} {one.intent.tail}" if one.intent else ""
        print(f"{one.text}  ({one.fit.value}, {one.source.value}, {one.score:.2f}{in_session}){intent}")
    if not answer.completions:
        print("nothing to suggest")
    stderr().print(f"in {answer.took_ms:.2f} ms", highlight=False)


def _print_explanation(hit: "Hit") -> None:
    _print_hit(hit, 1, evidence=True)


def _print_intents(understood: "QueryIntents") -> None:
    for intent in understood.intents:
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
        for direction, others in (("a kind of", around.broader), ("kinds of it", around.narrower)):
            if others:
                print(f"{direction}: {', '.join(others)}")


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


for _operation, _show in (
    (SEARCH, _print_answer),
    (COMPLETE, _print_completions),
    (EXPLAIN, _print_explanation),
    (INTENTS, _print_intents),
):
    add_command(app, _operation, _show)
