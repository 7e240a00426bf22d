"""Artifacts: versioned, hashed folders on disk that are published atomically and read only when complete."""

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from whybuy.errors import ArtifactError
from whybuy.keys import SEPARATOR

MANIFEST = "manifest.json"
CURRENT = "current.json"
LOCK = "build.lock"
ARTIFACTS_FOLDER = "artifacts"  # in a store


@dataclass(frozen=True, slots=True)
class FileEntry:
    """Size in bytes and SHA-256 of one file of an artifact."""

    size: int
    sha256: str


NOTHING_SHARED: Mapping[str, FileEntry] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Manifest:
    """The contents of an artifact folder; written last, so its presence means that the folder is complete."""

    kind: str
    format_version: int
    key: str  # hash of everything that it was built from
    built_from: dict[str, str] = field(default_factory=dict)
    summary: dict[str, float | int | str] = field(default_factory=dict)
    files: dict[str, FileEntry] = field(default_factory=dict)


def digest(*parts: str) -> str:
    """Sixteen hexadecimal digits that change when any part changes."""
    return hashlib.sha256(SEPARATOR.join(parts).encode()).hexdigest()[:16]


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class ArtifactStore:
    """The artifact folders of one shop: `root/<kind>-<key>/`, and `root/current.json` that names the live ones."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, kind: str, key: str) -> Path:
        """Where the artifact of this kind and key lives, whether or not it exists."""
        return self.root / f"{kind}-{key}"

    def has(self, kind: str, key: str, format_version: int) -> bool:
        """Whether a whole artifact of this kind, key and format is there."""
        try:
            read_manifest(self.folder(kind, key), kind, format_version)
        except ArtifactError:
            return False
        return True

    @contextmanager
    def create(
        self,
        kind: str,
        key: str,
        format_version: int,
        built_from: Mapping[str, str],
        shared: Mapping[str, FileEntry] = NOTHING_SHARED,
    ) -> Iterator[tuple[Path, dict[str, float | int | str]]]:
        """Yield an empty folder to fill and a summary to fill in; publish the folder when the block ends well.

        shared: the entries of files that another artifact has too, whose hash is not taken again.

        Whatever stops the block (an error, Ctrl-C, a full disk) leaves no trace under the final name.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        draft = self.root / f".draft-{kind}-{key}-{uuid.uuid4().hex[:8]}"
        summary: dict[str, float | int | str] = {}
        try:  # from here on, as Ctrl-C may come as soon as the folder is there
            draft.mkdir()
            yield draft, summary
            files = {
                (name := str(path.relative_to(draft))): shared.get(name)
                or FileEntry(path.stat().st_size, file_digest(path))
                for path in sorted(draft.rglob("*"))
                if path.is_file()
            }
            manifest = Manifest(kind, format_version, key, dict(built_from), summary, files)
            write_json(draft / MANIFEST, asdict(manifest))
            final = self.folder(kind, key)
            if final.exists():
                shutil.rmtree(final)
            draft.rename(final)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def publish(self, keys: Mapping[str, str]) -> None:
        """Make the artifacts of these keys, by kind, the live ones: one atomic replacement of the pointer."""
        write_json(self.root / CURRENT, dict(keys))

    def current(self) -> dict[str, Path]:
        """The live artifact folder of each kind.

        Raises:
            ArtifactError: nothing was ever published here, or the pointer is damaged.
        """
        return {kind: self.folder(kind, key) for kind, key in self.live().items()}

    def live(self) -> dict[str, str]:
        """The key of the live artifact of each kind.

        Raises:
            ArtifactError: nothing was ever published here, or the pointer is damaged.
        """
        pointer = self.root / CURRENT
        try:
            keys: dict[str, str] = json.loads(pointer.read_text())
        except FileNotFoundError:
            raise ArtifactError(
                f"{self.root} holds no finished build (no {CURRENT}). "
                f"Run `whybuy build --store {self.root.parent}` first."
            ) from None
        except ValueError as error:
            raise ArtifactError(
                f"{pointer} is damaged ({error}). Run `whybuy build` again to write it anew."
            ) from error
        return keys

    @contextmanager
    def building(self) -> Iterator[None]:
        """Hold the build lock of this store, which one process can have at a time.

        Raises:
            ArtifactError: another process is building, or the file of the lock cannot be written.
        """
        from filelock import FileLock, Timeout  # noqa: PLC0415 - 12 ms, for builds alone

        self.root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.root / LOCK, blocking=False)
        try:
            lock.acquire()
        except Timeout:
            raise ArtifactError(
                f"Another process is building in {self.root}. Wait until it is done, or stop it, and run again."
            ) from None
        except OSError as error:
            raise ArtifactError(
                f"The build lock {self.root / LOCK} cannot be taken: {error.strerror or error}. Nothing half-written "
                "was published; make it a file that you may write, on a disk with room, and run again."
            ) from error
        try:
            yield
        finally:
            lock.release()

    def drop_drafts(self) -> None:
        """Delete what processes that were killed left half-written; nobody else may be building."""
        for draft in self.root.glob(".draft-*"):
            shutil.rmtree(draft, ignore_errors=True)

    def sweep(self, *keep: Mapping[str, str]) -> int:
        """Delete drafts and artifacts that are not among the kept generations; returns how many folders went."""
        kept = {self.folder(kind, key) for generation in keep for kind, key in generation.items()}
        stale = [path for path in self.root.iterdir() if path.is_dir() and path not in kept]
        for path in stale:
            shutil.rmtree(path, ignore_errors=True)
        return len(stale)


def read_manifest(folder: Path, kind: str, format_version: int, *, verify: bool = False) -> Manifest:
    """The manifest of a whole artifact; sizes are always checked, hashes only with `verify`.

    Raises:
        ArtifactError: the folder is missing or half-written, is of another kind or format, or a file is damaged.
    """
    try:
        raw = json.loads((folder / MANIFEST).read_text())
        raw["files"] = {name: FileEntry(**entry) for name, entry in raw["files"].items()}
        manifest = Manifest(**raw)
    except FileNotFoundError:
        raise ArtifactError(
            f"{folder} is no whole {kind!r} artifact: it has no {MANIFEST}. Run `whybuy build`."
        ) from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ArtifactError(
            f"{folder / MANIFEST} is damaged ({error}). Delete the folder, then run `whybuy build`."
        ) from error
    if (manifest.kind, manifest.format_version) != (kind, format_version):
        raise ArtifactError(
            f"{folder} holds {manifest.kind!r} in format {manifest.format_version}; "
            f"this whybuy reads {kind!r} in format {format_version}. Run `whybuy build` to make it anew."
        )
    for name, entry in manifest.files.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != entry.size or (verify and file_digest(path) != entry.sha256):
            raise ArtifactError(f"{path} is missing or damaged. Delete {folder}, then run `whybuy build`.")
    return manifest


def write_json(path: Path, value: object) -> None:
    """Write JSON so that a reader sees the old file or the new one, never a part."""
    text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False).encode()
    _replace(path, lambda stream: stream.write(text))


@dataclass(frozen=True, slots=True)
class ArrayFolder:
    """A kind of saved model: named arrays, memory-mapped when read, beside one JSON file of facts, written last."""

    kind: str  # as messages call it
    version: int
    about: str  # name of the JSON file
    made_by: str = "whybuy build"

    def save(self, folder: Path, arrays: Mapping[str, NDArray[Any]], **facts: object) -> None:
        """Write the folder that `load` reads; it is made when missing. facts: anything that JSON can say."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, array in arrays.items():
            write_array(folder / f"{name}.npy", array)
        sizes = {name: len(array) for name, array in arrays.items()}
        write_json(folder / self.about, {"format_version": self.version, "sizes": sizes, **facts})

    def load(self, folder: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """The arrays, read-only, and the facts.

        Raises:
            ArtifactError: the folder holds none of this kind, one of another format version, or a damaged one.
        """
        try:
            facts: dict[str, Any] = json.loads((folder / self.about).read_text())
            version, sizes = facts["format_version"], facts["sizes"]
            if version == self.version:
                arrays = {name: np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r")) for name in sizes}
        except (OSError, ValueError, TypeError, KeyError, EOFError) as error:
            raise ArtifactError(f"{folder} holds no readable {self.kind} ({error}). Run `{self.made_by}`.") from error
        if version != self.version:
            raise ArtifactError(
                f"{folder} holds {self.kind} in format {version}; this whybuy reads format {self.version}. "
                f"Run `{self.made_by}` to make it anew."
            )
        if {name: len(array) for name, array in arrays.items()} != sizes:
            raise ArtifactError(f"The {self.kind} in {folder} are damaged: arrays are cut. Run `{self.made_by}`.")
        return arrays, facts


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Replace a `.npy` file atomically; the old content stays valid for whoever has it memory-mapped, even `array`."""
    _replace(path, lambda stream: np.save(stream, array, allow_pickle=False))


def _replace(path: Path, write: Callable[[BinaryIO], object]) -> None:
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        with draft.open("wb") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
