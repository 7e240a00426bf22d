"""The endpoint generator against a server that is not ours: `transformers serve`."""

from pathlib import Path

import pytest

from chat_server import LIST, prompts
from model_server import transformers_serve
from tiny_writer import write_tiny_writer
from whybuy.language.endpoint import EndpointConfig, EndpointGenerator
from whybuy.language.generator import Sampling
from whybuy.language.transformer_generator import TransformerGenerator

pytestmark = pytest.mark.slow


def test_a_served_model_answers_as_the_same_model_run_here(tmp_path: Path) -> None:
    folder = write_tiny_writer(tmp_path / "tiny", [LIST])
    some = prompts(6, Sampling(temperature=0.0, max_tokens=12, seed=1, schema='{"type": "object"}'))
    here = dict(TransformerGenerator(str(folder))(some))
    with transformers_serve(folder) as url:
        served = dict(EndpointGenerator(EndpointConfig(url, str(folder), concurrency=3))(some))
    assert {place: answer.text for place, answer in served.items()} == {
        place: answer.text for place, answer in here.items()
    }
    assert all(served[place].prompt_tokens == here[place].prompt_tokens for place in here)
    assert all(answer.good and answer.completion_tokens <= 12 for answer in served.values())
