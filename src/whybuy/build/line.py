"""The line of a build: stages in order, none made twice, some side by side, published when all are there."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from whybuy.artifacts import ARTIFACTS_FOLDER, ArtifactStore
from whybuy.build.plan import Plan, Planned, changes, plan
from whybuy.build.stage import Stage
from whybuy.build.workers import Made, Workers, open_workers
from whybuy.errors import ArtifactError
from whybuy.shop import Shop


class State(Enum):
    """State of a stage in a build."""

    STARTED = "started"
    DONE = "done"
    REUSED = "reused"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Progress:
    """A change of state of a stage, for listeners."""

    stage: str
    state: State
    seconds: float = 0.0
    summary: Mapping[str, float | int | str] | None = None
    note: str = ""  # why a stage was skipped


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a finished build made and where."""

    folder: Path
    keys: Mapping[str, str]  # artifact key by kind
    seconds: float
    made: int  # stages that ran
    reused: int
    peak_memory: int  # bytes, the sum of the most that each of its processes held; 0 where nothing was made


Listener = Callable[[Progress], None]


class Line:
    """The stages of one store."""

    def __init__(self, shop: Shop, stages: Sequence[Stage], left_out: Mapping[str, str]) -> None:
        """Plan all stages from settings, source files and judgments; nothing is made.

        left_out: kinds that are not to be made -> why.

        Raises:
            ConfigError: a setting is wrong, or a source file is missing.
            InputError: a file of judgments cannot be understood.
            JournalError: the journal is locked or damaged.
        """
        self._shop = shop
        self._artifacts = ArtifactStore(shop.store / ARTIFACTS_FOLDER)
        self._plan: Plan = plan(self._artifacts, shop, stages, left_out)

    def changes(self) -> dict[str, list[str]]:
        """What has changed since the last finished build, by kind; nothing where the artifact will be taken again."""
        live = self._live()
        folders = {kind: self._artifacts.folder(kind, key) for kind, key in live.items()}
        return {
            one.stage.kind: [] if self._is_there(one) else changes(one, folders.get(one.stage.kind))
            for one in self._plan.stages
        }

    def run(self, listen: Listener, processes: int) -> BuildReport:
        """Make what is not there yet, then publish all. processes: that make stages side by side; 0 makes them here.

        Raises:
            ArtifactError: another process builds here, or one of this build was killed.
        """
        with self._artifacts.building(), open_workers(self._shop, processes) as workers:
            started = time.perf_counter()
            for skipped in self._plan.skipped:
                if skipped.why:
                    listen(Progress(skipped.kind, State.SKIPPED, note=skipped.why))
            made = self._make_all(workers, listen)
            before = self._live()
            self._artifacts.publish(self._plan.keys)
            self._artifacts.sweep(self._plan.keys, before)  # a server may still open what was live until now
        peaks = {one.process: one.peak_memory for one in made}  # of each process the last, which is the highest
        return BuildReport(
            self._artifacts.root,
            self._plan.keys,
            time.perf_counter() - started,
            made=len(made),
            reused=len(self._plan.stages) - len(made),
            peak_memory=sum(peaks.values()),
        )

    def _make_all(self, workers: Workers, listen: Listener) -> list[Made]:
        """Make each stage once those that it is made from are there; of several that may begin, the first."""
        waiting, running, made = list(self._plan.stages), 0, []
        while waiting or running:
            for one in list(waiting):
                if not all(map(self._shop.has, one.after)):
                    continue
                if self._is_there(one):
                    self._finish(one, Progress(one.stage.kind, State.REUSED), listen)
                    waiting.remove(one)
                elif running < workers.size:
                    listen(Progress(one.stage.kind, State.STARTED))
                    workers.start(one)
                    waiting.remove(one)
                    running += 1
            if running:
                done, result = workers.finished()
                running -= 1
                made.append(result)
                self._finish(done, Progress(done.stage.kind, State.DONE, result.seconds, result.summary), listen)
        return made

    def _is_there(self, one: Planned) -> bool:
        """Whether it was made before: in the last build, in one that was stopped, or before the inputs changed back."""
        return self._artifacts.has(one.stage.kind, one.key, one.stage.version)

    def _finish(self, one: Planned, progress: Progress, listen: Listener) -> None:
        self._shop.include(one.stage.kind, self._artifacts.folder(one.stage.kind, one.key))
        listen(progress)

    def _live(self) -> dict[str, str]:
        try:
            return self._artifacts.live()
        except ArtifactError:
            return {}
