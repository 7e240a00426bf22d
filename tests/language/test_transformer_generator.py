"""A causal language model out of a folder."""

import shutil
from pathlib import Path

import pytest

from chat_server import LIST, prompts
from extras import needs_neural
from tiny_writer import LONGEST, write_tiny_writer
from whybuy.errors import InputError
from whybuy.language.generator import Finish, Message, Prompt, Sampling
from whybuy.language.transformer_generator import TransformerGenerator


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_writer(tmp_path_factory.mktemp("writer") / "tiny", [LIST])


def test_an_answer_does_not_depend_on_what_is_answered_beside_it(folder: Path) -> None:
    some = prompts(5, Sampling(temperature=0.0, max_tokens=8))
    some.append(Prompt((Message("user", "a much longer prompt " * 10),), some[0].sampling))
    alone = dict(TransformerGenerator(str(folder), batch=1)(some))
    together = dict(TransformerGenerator(str(folder), batch=6)(some))
    assert {place: answer.text for place, answer in alone.items()} == {
        place: answer.text for place, answer in together.items()
    }
    assert [alone[place].prompt_tokens for place in alone] == [together[place].prompt_tokens for place in alone]


def test_a_seed_draws_the_same_and_another_seed_another(folder: Path) -> None:
    writer = TransformerGenerator(str(folder))

    def drawn(seed: int) -> str:
        ((_, answer),) = writer(prompts(1, Sampling(temperature=1.0, max_tokens=20, seed=seed)))
        return answer.text

    assert drawn(1) == drawn(1) != drawn(2)


def test_prompts_of_several_samplings_are_all_answered(folder: Path) -> None:
    some = prompts(2, Sampling(max_tokens=3)) + prompts(2, Sampling(max_tokens=9))
    answers = dict(TransformerGenerator(str(folder))(some))
    assert [answers[place].completion_tokens for place in range(4)] == [3, 3, 9, 9]


def test_tokens_are_counted_as_the_model_reads_them(folder: Path) -> None:
    writer, (one,) = TransformerGenerator(str(folder)), prompts(1, Sampling(max_tokens=2))
    ((_, answer),) = writer([one])
    assert writer.count_tokens(one) == answer.prompt_tokens > 10


def test_a_prompt_longer_than_the_model_is_told_by_its_length(folder: Path) -> None:
    ((_, answer),) = TransformerGenerator(str(folder))([Prompt((Message("user", "why? " * LONGEST),), Sampling())])
    assert answer.finish is Finish.FAILED
    assert f"the model has room for {LONGEST - Sampling().max_tokens}" in answer.problem


def test_a_folder_whose_weights_changed_is_another_model(folder: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(folder, tmp_path / "tiny"))
    assert TransformerGenerator(str(copied)).model == TransformerGenerator(str(folder)).model
    assert TransformerGenerator(str(copied)).model.startswith("tiny@")
    write_tiny_writer(copied, ["other words make another tokenizer"])
    assert TransformerGenerator(str(copied)).model != TransformerGenerator(str(folder)).model


@needs_neural
def test_a_folder_that_holds_no_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"There is no language model .*: .*Give a folder, or a name on your hub"):
        TransformerGenerator(str(tmp_path))
