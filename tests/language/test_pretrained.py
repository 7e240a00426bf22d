"""Opening pretrained models: what is not there is named, with the way out."""

import re
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from extras import needs_lm, needs_neural
from judged_titles import judged_titles
from tiny_transformer import write_tiny_transformer
from whybuy.errors import InputError, MissingExtraError
from whybuy.knowledge.critic.text_fine_tuned import FineTunedCritic, FineTuning
from whybuy.knowledge.critic.text_fine_tuning import fine_tune_critic
from whybuy.knowledge.tuning.tune import TuningConfig, tune
from whybuy.language import pretrained
from whybuy.language.pretrained import open_chat_model
from whybuy.language.transformer_encoder import TransformerEncoder
from whybuy.language.transformer_fluency import TransformerFluency
from whybuy.language.transformer_generator import TransformerGenerator
from whybuy.tables import ReadReport


def tuned(model: str) -> object:
    return tune(Path("data"), model, Path("out"), TuningConfig(), report=ReadReport(), listen=print)


def critic_of(model: str) -> FineTunedCritic:
    return fine_tune_critic(judged_titles(), FineTuning(model))


@needs_neural
@pytest.mark.parametrize(
    ("opened", "what"),
    [
        (TransformerEncoder, "encoder"),
        (TransformerFluency, "language model"),
        (TransformerGenerator, "language model"),
        (open_chat_model, "language model"),
        (critic_of, "classifier"),
    ],
)
def test_a_model_that_is_not_there_is_named(opened: Callable[[str], object], what: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"no {what} '.*nowhere' to open: .* Give a folder, or a name on your hub"):
        opened(str(tmp_path / "nowhere"))


def test_a_model_whose_weights_are_cut_is_named(tmp_path: Path) -> None:
    weights = write_tiny_transformer(tmp_path, ["dome tent"]) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"no encoder '.*' to open: .* Give a folder, or a name on your hub"):
        TransformerEncoder(str(tmp_path))


@needs_lm
@pytest.mark.parametrize(
    ("missing", "opened", "said"),
    [
        ("torch", TransformerEncoder, "The encoder it needs torch. Install what it needs with `pip install "
         "'whybuy[neural]'`, or leave --encoder out to have one fitted on your own texts."),
        ("transformers", TransformerFluency, "The language model it needs transformers. Install what it needs with "
         "`pip install 'whybuy[neural]'`, or leave fluency_model out of [filters]"),
        ("torch", TransformerGenerator, "or ask an endpoint with --endpoint URL."),
        ("transformers", critic_of, "Fine-tuning needs transformers. Install what it needs with `pip install "
         "'whybuy[neural]'`, or leave --model out to train the default critic."),
        ("peft", tuned, "Tuning needs peft. Install what it needs with `pip install 'whybuy[lm]'`."),
    ],
)  # fmt: skip
def test_without_a_package_the_extra_is_named(
    missing: str, opened: Callable[[str], object], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pretrained, "find_spec", lambda name: None if name == missing else find_spec(name))
    with pytest.raises(MissingExtraError, match=re.escape(said)):
        opened("it")
