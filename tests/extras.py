"""Which tests need an extra that the other Pythons of CI are tested without."""

from importlib.util import find_spec

import pytest

LM = ("torch", "transformers", "trl", "peft")
needs_neural = pytest.mark.skipif(not all(map(find_spec, LM[:2])), reason="the neural extra is not installed")
needs_lm = pytest.mark.skipif(not all(map(find_spec, LM)), reason="the lm extra is not installed")
needs_onnx = pytest.mark.skipif(
    not all(map(find_spec, ("onnxruntime", "tokenizers", "transformers"))), reason="the onnx extra is not installed"
)
