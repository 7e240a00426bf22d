"""Shops that tests have in common, built once for all processes and runs that would build the same."""

import inspect
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from tempfile import mkdtemp

from filelock import FileLock

import whybuy
from whybuy.artifacts import digest, file_digest
from whybuy.build import build

KEPT = 8  # folders; a small shop has 2 MB, the demo shop 60


@dataclass(frozen=True, slots=True)
class BuiltShops:
    """Built shops in one folder, each under a digest of all that it was made of."""

    folder: Path

    def copy(self, write: Callable[[Path], object], to: Path) -> Path:
        """Copy the built shop whose files `write(folder)` writes to `to`, which must not exist.

        It is built first where none is kept that had the same sources of whybuy, the same module of `write`, the same
        Python and the same versions of libraries. Other processes wait meanwhile.
        """
        kept = self.folder / f"{write.__name__}-{digest(*_made_of(write))}"
        with FileLock(self.folder / f"{write.__name__}.lock"):
            if not kept.exists():
                draft = Path(mkdtemp(dir=self.folder))
                write(draft)
                build(draft)
                draft.rename(kept)
            os.utime(kept)
            self._sweep()
            return shutil.copytree(kept, to)

    def _sweep(self) -> None:
        """Delete all but the folders that were used last."""
        folders = [path for path in self.folder.iterdir() if path.is_dir()]
        for path in sorted(folders, key=lambda path: path.stat().st_mtime)[:-KEPT]:
            shutil.rmtree(path, ignore_errors=True)


def _made_of(write: Callable[[Path], object]) -> Iterator[str]:
    """All that decides what a build of `write` makes."""
    yield sys.version
    package = Path(whybuy.__file__).parent
    for path in sorted(path for path in package.rglob("*") if path.is_file() and path.parent.name != "__pycache__"):
        yield from (str(path.relative_to(package)), file_digest(path))
    yield file_digest(Path(inspect.getfile(write)))
    for requirement in metadata.requires("whybuy") or ():
        if "extra ==" not in requirement:
            name = re.split(r"[^\w.-]", requirement)[0]
            yield from (name, metadata.version(name))
