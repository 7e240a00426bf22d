"""A shop as a build would make it from other artifacts: to measure what a part of its knowledge is worth."""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from whybuy.artifacts import ArtifactStore
from whybuy.build.stage import Stage, StageShop
from whybuy.journal import JOURNAL_FILE
from whybuy.journal.judgments import read_judgments
from whybuy.shop import Shop

_KEY = "variant"  # of every new artifact: a root holds those of one variant

Change = Callable[[Path, Path], None]
"""Fills an empty folder with another version of the artifact in a folder."""


def variant(
    shop: Shop,
    stages: Collection[Stage],
    changes: Mapping[str, Change],
    root: Path,
    *,
    kept: Collection[str] = (),
    listen: Callable[[str], None] = lambda kind: None,
) -> Shop:
    """The shop with some artifacts changed, and all that is made from these made anew; the store stays as it is.

    stages: each after those that it is made from. changes: by kind. root: where new artifacts go; those that are there
    already are taken again. kept: kinds that stay as they are in the shop. listen: told each kind that is made.
    """
    artifacts, journaled = ArtifactStore(root), read_judgments(shop.store / JOURNAL_FILE)
    folders = {stage.kind: shop.folder(stage.kind) for stage in stages if shop.has(stage.kind)}
    changed: set[str] = set()
    for stage in stages:
        kind, sources = stage.kind, {*stage.after, *stage.after_if_there}
        if kind not in folders or kind in kept or (kind not in changes and not sources & changed):
            continue
        changed.add(kind)
        if not artifacts.has(kind, _KEY, stage.version):
            listen(kind)
            with artifacts.create(kind, _KEY, stage.version, {}) as (folder, summary):
                if kind in changes:
                    changes[kind](folders[kind], folder)
                else:
                    judgments = stage.judgments(shop, journaled)
                    summary.update(stage.make(StageShop(shop.store, shop.settings, folders, judgments), folder))
        folders[kind] = artifacts.folder(kind, _KEY)
    return Shop(shop.store, shop.settings, folders)
