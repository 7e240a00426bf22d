"""The demo shop as a store: its files and a `store.toml`, as `whybuy init` would make it from any shop's files."""

import json
from dataclasses import asdict
from importlib import resources
from pathlib import Path

import whybuy
from whybuy.artifacts import digest, write_json
from whybuy.behavior.init import init_store
from whybuy.config import STORE_FILE
from whybuy.demo.shop import EVENTS, FEED, QUERIES, ShopSummary, write_shop
from whybuy.errors import ConfigError

MADE = "demo.json"
EXAMPLES = (
    "shoes for pregnant women",
    "gifts for new parents",
    "winter camping",
    "pillow for side sleepers",
    "something for rainy weekends",
    "black yoga mat",
)
"""Queries that the start page offers."""


def make_store(store: Path, *, seed: int = 7, sessions: int = 60_000) -> ShopSummary | None:
    """Write the demo shop's files and `store.toml` into a folder; None when the same shop is there already.

    Raises:
        ConfigError: the folder is another shop.
        InputError: the world does not fit together.
    """
    wanted = digest(whybuy.__version__, str(seed), str(sessions), _world_digest())
    made = store / MADE
    if made.is_file() and json.loads(made.read_text()).get("made_from") == wanted and (store / STORE_FILE).is_file():
        return None
    if (store / STORE_FILE).is_file() and not made.is_file():
        raise ConfigError(f"{store} is a shop already, and not the demo. Give the demo another folder with --store.")
    store.mkdir(parents=True, exist_ok=True)
    summary = write_shop(store, seed=seed, sessions=sessions)
    init_store(store, [store / FEED, store / QUERIES, store / EVENTS], overwrite=True)
    text = (store / STORE_FILE).read_text(encoding="utf-8")
    (store / STORE_FILE).write_text(text + '\n[shop]\nname = "Demo shop"\n', encoding="utf-8")
    write_json(made, {"made_from": wanted, **asdict(summary)})
    return summary


def _world_digest() -> str:
    home = resources.files("whybuy.demo")
    files = sorted((home / "world").iterdir(), key=lambda file: file.name)
    texts = [
        file.read_text(encoding="utf-8") for file in [*files, home / "phrasing.toml"] if file.name.endswith(".toml")
    ]
    return digest(*texts)
