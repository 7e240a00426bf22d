"""What a build will make: for each stage a key of all that it is made from, before anything is made."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from whybuy.artifacts import ArtifactStore, digest, file_digest, read_manifest
from whybuy.build.stage import Stage
from whybuy.errors import ArtifactError, ConfigError
from whybuy.journal import JOURNAL_FILE
from whybuy.journal.judgments import read_judgments
from whybuy.shop import Shop


@dataclass(frozen=True, slots=True)
class Planned:
    """A stage with what it is made from in one shop."""

    stage: Stage
    key: str
    inputs: Mapping[str, str]  # name -> digest or value; the key is a digest of these
    judgments: pa.Table  # that went into the key, in JUDGMENT_SCHEMA
    files: Mapping[Path, tuple[int, int]]  # size and time of last change of each source file, when it was hashed

    @property
    def after(self) -> tuple[str, ...]:
        """The kinds of this shop that it is made from."""
        return tuple(kind for kind in (*self.stage.after, *self.stage.after_if_there) if kind in self.inputs)

    def changed_file(self) -> Path | None:
        """A source file that was written since it was hashed; None where all are as they were."""
        return next((path for path, before in self.files.items() if _last_change(path) != before), None)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A stage that a shop has no use for."""

    kind: str
    why: str  # empty where a stage that it needs is skipped


@dataclass(frozen=True, slots=True)
class Plan:
    """All stages of one build, each after those that it is made from."""

    stages: tuple[Planned, ...]
    skipped: tuple[Skipped, ...]

    @property
    def keys(self) -> dict[str, str]:
        """The key of each artifact that there will be, by kind."""
        return {one.stage.kind: one.key for one in self.stages}


def plan(artifacts: ArtifactStore, shop: Shop, stages: Sequence[Stage], left_out: Mapping[str, str]) -> Plan:
    """The keys of all stages of a shop. left_out: kinds that are not to be made -> why.

    Raises:
        ConfigError: a setting is wrong, or a source file is missing.
        InputError: a file of judgments cannot be understood.
        JournalError: the journal is locked or damaged.
    """
    journaled = read_judgments(shop.store / JOURNAL_FILE)
    ahead = Shop(shop.store, shop.settings, {})  # has the kinds that there will be, made or not
    planned: dict[str, Planned] = {}
    skipped: list[Skipped] = []
    for stage in _in_order(stages):
        missing = [kind for kind in stage.after if kind not in planned]
        judgments = stage.judgments(ahead, journaled)
        why = left_out.get(stage.kind) or ("" if missing else stage.skip(ahead, judgments))
        if missing or why:
            skipped.append(Skipped(stage.kind, why))
            continue
        planned[stage.kind] = one = _planned(stage, ahead, judgments, planned)
        ahead.include(stage.kind, artifacts.folder(stage.kind, one.key))
    return Plan(tuple(planned.values()), tuple(skipped))


def changes(planned: Planned, live: Path | None) -> list[str]:
    """What changed since the live artifact of a stage was made, a line each. live: its folder; None if there is none.

    Raises nothing: a damaged artifact is a reason.
    """
    if live is None:
        return ["it was never made"]
    try:
        manifest = read_manifest(live, planned.stage.kind, planned.stage.version)
    except ArtifactError as error:
        return [str(error)]
    before, now = manifest.built_from, planned.inputs
    added = [f"{name}: new ({_short(now[name])})" for name in now.keys() - before.keys()]
    gone = [f"{name}: gone" for name in before.keys() - now.keys()]
    other = [
        f"{name}: {_short(before[name])} -> {_short(now[name])}"
        for name in before.keys() & now.keys()
        if before[name] != now[name]
    ]
    return sorted(added + gone + other)


def _short(value: str) -> str:
    return value if len(value) <= 60 else value[:57] + "..."


def _in_order(stages: Sequence[Stage]) -> Iterator[Stage]:
    """The stages, each after those that it may be made from; else as they are given.

    Raises:
        ConfigError: a stage comes after one that there is not, or after itself.
    """
    known = {stage.kind for stage in stages}
    done: set[str] = set()
    waiting = list(stages)
    while waiting:
        ready = next((one for one in waiting if {*one.after, *one.after_if_there} & known <= done), None)
        if ready is None or not set(ready.after) <= known:
            names = ", ".join(one.kind for one in waiting)
            raise ConfigError(f"The stages {names} come after each other, or after a stage that there is not.")
        waiting.remove(ready)
        done.add(ready.kind)
        yield ready


def _planned(stage: Stage, shop: Shop, judgments: pa.Table, planned: Mapping[str, Planned]) -> Planned:
    inputs = {kind: planned[kind].key for kind in (*stage.after, *stage.after_if_there) if kind in planned}
    for table in stage.config:
        inputs |= shop.settings.results(table)
    named = _single_files(stage.files(shop))
    files = {path: _last_change(path) for path in named}  # before they are hashed
    inputs |= {os.path.relpath(path, shop.store): file_digest(path) for path in named} | dict(stage.also(shop))
    if judgments.num_rows:
        inputs["judgments"] = digest(repr(judgments.to_pylist()))
    key = digest(stage.kind, str(stage.version), *(f"{name}={value}" for name, value in sorted(inputs.items())))
    return Planned(stage, key, inputs, judgments, files)


def _single_files(paths: Iterable[Path]) -> list[Path]:
    """Files, and the tables in folders."""
    return [file for path in paths for file in (sorted(path.glob("*.csv")) if path.is_dir() else [path])]


def _last_change(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist. Correct its path in store.toml.") from None
    return status.st_size, status.st_mtime_ns
