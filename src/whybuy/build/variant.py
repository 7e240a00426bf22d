"""Variants: a shop as a build would make it from other artifacts, to measure what a part of its knowledge is worth."""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from whybuy.artifacts import ArtifactStore
from whybuy.build.retrieval import RERANKER, TREE, make_reranker, make_tree
from whybuy.build.stage import Stage, StageShop
from whybuy.journal import JOURNAL_FILE
from whybuy.journal.judgments import read_judgments
from whybuy.shop import Shop

_KEY = "variant"  # of every artifact that is made: a folder holds those of one variant

Change = Callable[[Path, Path], None]
"""Takes the folder of an artifact and fills an empty one with another version of it."""


def make_variant(
    shop: Shop,
    stages: Collection[Stage],
    changes: Mapping[str, Change],
    folder: Path,
    *,
    kept: Collection[str] = (),
    listen: Callable[[str], None] = lambda kind: None,
) -> Shop:
    """The shop with some artifacts changed, and all that is made from these made anew; its own files stay as they are.

    It has the kinds that the shop has. What is in the folder already is taken again, so that a stopped run goes on.

    stages: each after those that it is made from. changes: by kind. folder: of this variant alone; one process at a
    time may write there. kept: kinds that stay as the shop has them. listen: told each kind before it is made.
    """
    artifacts, journaled = ArtifactStore(folder), read_judgments(shop.store / JOURNAL_FILE)
    artifacts.drop_drafts()
    folders = {stage.kind: shop.folder(stage.kind) for stage in stages if shop.has(stage.kind)}
    anew: set[str] = set()
    for stage in stages:
        kind, sources = stage.kind, (*stage.after, *stage.after_if_there)
        if kind not in folders or kind in kept or not (kind in changes or anew.intersection(sources)):
            continue
        anew.add(kind)
        if not artifacts.has(kind, _KEY, stage.version):
            listen(kind)
            with artifacts.create(kind, _KEY, stage.version, {}) as (made, summary):
                if kind in changes:
                    changes[kind](folders[kind], made)
                else:
                    named = {source: folders[source] for source in sources if source in folders}
                    judgments = stage.judgments(shop, journaled)
                    summary.update(stage.make(StageShop(shop.store, shop.settings, named, judgments), made))
        folders[kind] = artifacts.folder(kind, _KEY)
    return Shop(shop.store, shop.settings, folders)


def retrain(shop: Shop, folder: Path, *, seed: int, listen: Callable[[str], None] = lambda kind: None) -> Shop:
    """The shop with label tree and reranker trained by a seed, that of a build being 0; its own files stay as they are.

    folder: of retrained models of this shop alone; what is there is taken again. listen: told each kind before it is
    trained.
    """
    artifacts = ArtifactStore(folder)
    artifacts.drop_drafts()
    for stage, make in ((TREE, make_tree), (RERANKER, make_reranker)):
        if not artifacts.has(stage.kind, str(seed), stage.version):
            listen(stage.kind)
            with artifacts.create(stage.kind, str(seed), stage.version, {}) as (made, summary):
                summary.update(make(shop, made, seed=seed))
        shop = shop.replacing(stage.kind, artifacts.folder(stage.kind, str(seed)))
    return shop
