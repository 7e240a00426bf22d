"""Its place lets every test import `fakes`, `snapshot` and whatever else stands beside it."""

from pathlib import Path

import pytest
from hypothesis import settings

from small_shop import write_judged_store, write_store
from whybuy.build import build
from whybuy.discovery import Discovery

settings.register_profile("whybuy", deadline=None)  # the first call of a kernel compiles it
settings.load_profile("whybuy")


@pytest.fixture(scope="session")
def small_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small shop, built; to be read only."""
    store = write_store(tmp_path_factory.mktemp("small"))
    build(store)
    return store


@pytest.fixture(scope="session")
def small_discovery(small_store: Path) -> Discovery:
    """The small shop, opened."""
    return Discovery.open(small_store)


@pytest.fixture(scope="session")
def judged_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small shop with an order learned from judgments; to be read only."""
    store = write_judged_store(tmp_path_factory.mktemp("judged"))
    build(store)
    return store
