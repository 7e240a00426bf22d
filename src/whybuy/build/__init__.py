"""Offline composition: a shop's files -> the artifact folders that `discovery` opens; resumable, nothing made twice."""

from collections.abc import Sequence
from pathlib import Path

from whybuy.build.behavior import EVENTS, PAIRS
from whybuy.build.catalog import CATALOG
from whybuy.build.completion import COMPLETIONS
from whybuy.build.intents import STUDENT
from whybuy.build.knowledge import CRITIC, GRAPH, HYPOTHESES_STAGE, open_critic, read_known
from whybuy.build.line import BuildReport, Line, Listener, Progress, State
from whybuy.build.retrieval import (
    ASKED_STAGE,
    EXPANSION,
    IMPLIED_STAGE,
    LEXICAL,
    NAMED_STAGE,
    RERANKER,
    SIGNALS,
    SYNONYMS_STAGE,
    TREE,
)
from whybuy.build.stage import Stage, Summary
from whybuy.build.variant import Change, make_variant, retrain
from whybuy.catalog.shop import SHOP_CONFIG
from whybuy.completion.completer import COMPLETION_CONFIG
from whybuy.config import Settings, read_settings
from whybuy.knowledge.prompting.pair_prompts import GENERATE_CONFIG
from whybuy.knowledge.proposing.patterns import load_patterns
from whybuy.language.endpoint import ENDPOINT_CONFIG
from whybuy.shop import SEARCH_CONFIG, Shop

__all__ = [
    "STAGES",
    "BuildReport",
    "Change",
    "Listener",
    "Progress",
    "Stage",
    "State",
    "Summary",
    "build",
    "changes",
    "make_variant",
    "open_critic",
    "read_known",
    "retrain",
]

STAGES: tuple[Stage, ...] = (
    *(CATALOG, EVENTS, PAIRS, HYPOTHESES_STAGE, CRITIC, GRAPH),
    *(
        EXPANSION,
        LEXICAL,
        NAMED_STAGE,
        SYNONYMS_STAGE,
        IMPLIED_STAGE,
        ASKED_STAGE,
        SIGNALS,
        TREE,
        RERANKER,
        COMPLETIONS,
        STUDENT,
    ),
)
"""What a build makes. Where several stages may begin, the earlier does: the longest chain of stages comes first."""

_READ_BY_OTHERS = (SEARCH_CONFIG, COMPLETION_CONFIG, GENERATE_CONFIG, ENDPOINT_CONFIG)
_CATALOG_ONLY = "building from the catalog alone"


def build(
    store: Path,
    *,
    listen: Listener = lambda progress: None,
    with_events: bool = True,
    processes: int = 0,
    stages: Sequence[Stage] = STAGES,
) -> BuildReport:
    """Build a shop from the files that its `store.toml` names, and make the result the live one.

    Artifacts whose inputs did not change are taken from before, so a stopped build goes on where it was. The live build
    stays untouched until the new one is whole.

    Args:
        store: The folder with `store.toml`.
        listen: Called when a stage begins, and when it is done, reused or skipped.
        with_events: False builds from the catalog alone, as a shop without logs and judgments would.
        processes: That make stages side by side; 0 makes one after the other in this process.
        stages: What is made; a part that is being developed may add its own.

    Raises:
        ConfigError: `store.toml` is missing or wrong, or names a file that is missing.
        InputError: a file cannot be understood.
        JournalError: the journal is locked or damaged.
        ArtifactError: another process builds here, or one of this build was killed.
    """
    return _line(store, with_events, stages).run(listen, processes)


def changes(store: Path, *, with_events: bool = True) -> dict[str, list[str]]:
    """What a build would make anew and why: by stage what has changed since the last one; nothing where it is reused.

    Raises:
        ConfigError: `store.toml` is missing or wrong, or names a file that is missing.
        InputError: a file of judgments cannot be understood.
        JournalError: the journal is locked or damaged.
    """
    return _line(store, with_events, STAGES).changes()


def _line(store: Path, with_events: bool, stages: Sequence[Stage]) -> Line:
    settings = read_settings(store)
    _check(settings, stages)
    of_logs = () if with_events else (EVENTS, SYNONYMS_STAGE, ASKED_STAGE, RERANKER)
    return Line(Shop(store, settings, {}), stages, {stage.kind: _CATALOG_ONLY for stage in of_logs})


def _check(settings: Settings, stages: Sequence[Stage]) -> None:
    """Read every table, so that a wrong one is named before hours go into the first stages."""
    tables = [*(table for stage in stages for table in stage.config), SHOP_CONFIG, *_READ_BY_OTHERS]
    settings.expect_only(*dict.fromkeys(table.name for table in tables))
    for table in tables:
        settings.many(table) if table.repeated else settings.one(table)
    load_patterns(settings.one(SHOP_CONFIG).language)
