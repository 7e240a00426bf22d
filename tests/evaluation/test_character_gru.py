"""The neural baseline learns what follows what, and writes only what begins with the prefix."""

import pytest

from whybuy.evaluation.character_gru import CharacterGru, GruConfig

pytestmark = pytest.mark.heavy

PAIRS = [("camera", "nikon camera"), ("shoes", "nike shoes"), ("", "boots")] * 60


@pytest.fixture(scope="module")
def network() -> CharacterGru:
    return CharacterGru.fit(PAIRS, GruConfig(width=64, batch=16, learning_rate=1e-2, epochs=12))


@pytest.mark.parametrize(
    ("prefix", "previous", "first"),
    [("n", ("camera",), "nikon camera"), ("nik", ("shoes",), "nike shoes"), ("b", (), "boots")],
)
def test_it_writes_what_followed(network: CharacterGru, prefix: str, previous: tuple[str, ...], first: str) -> None:
    shown = network.complete(prefix, previous)
    assert shown[0] == first
    assert len(shown) <= 10
    assert all(text.startswith(prefix) for text in shown)
    assert len(set(shown)) == len(shown)


def test_letters_that_it_never_saw_are_not_completed(network: CharacterGru) -> None:
    assert network.complete("é", ()) == []
