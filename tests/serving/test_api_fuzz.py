"""Whatever schemathesis thinks of, the API answers as its OpenAPI document says, and never with a 500."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import BaseSchema, Case, GenerationMode

from whybuy.discovery import Discovery
from whybuy.journal import Journal
from whybuy.serving.app import create_app

EXAMPLES = int(os.environ.get("WHYBUY_FUZZ_EXAMPLES", "30"))
ASKING = [
    ("GET", "/v1/search"),
    ("POST", "/v1/search"),
    ("GET", "/v1/complete"),
    ("GET", "/v1/explain"),
    ("GET", "/v1/intents"),
    ("POST", "/v1/events"),
]
TELLING = [("GET", "/livez"), ("GET", "/readyz"), ("GET", "/version"), ("GET", "/metrics")]
CASES = [
    *((*operation, mode) for operation in ASKING for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)),
    *((*operation, GenerationMode.POSITIVE) for operation in TELLING),
]


@pytest.fixture(scope="module")
def schema(small_discovery: Discovery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BaseSchema]:
    with Journal(tmp_path_factory.mktemp("fuzz") / "journal.sqlite") as journal:
        yield schemathesis.openapi.from_asgi("/openapi.json", create_app(small_discovery, journal))


def test_every_operation_is_fuzzed(schema: BaseSchema) -> None:
    document = schema.raw_schema
    documented = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert documented == {*ASKING, *TELLING}


@pytest.mark.parametrize(("method", "path", "mode"), CASES)
def test_the_api_keeps_its_word(schema: BaseSchema, method: str, path: str, mode: GenerationMode) -> None:
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=schema[path][method].as_strategy(generation_mode=mode))
    def ask(case: Case[Any]) -> None:
        case.call_and_validate()

    ask()
