"""An artifact is whole or it is not there."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from whybuy.artifacts import CURRENT, LOCK, MANIFEST, ArtifactStore, digest, read_manifest, write_json
from whybuy.errors import ArtifactError

KIND, VERSION = "index", 3


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


def make(store: ArtifactStore, key: str = "k1", content: str = "words") -> Path:
    with store.create(KIND, key, VERSION, {"catalog": "c1"}) as (folder, summary):
        (folder / "deep").mkdir()
        (folder / "deep" / "terms.txt").write_text(content)
        summary["terms"] = 1
    return store.folder(KIND, key)


def stop_halfway(store: ArtifactStore, interruption: BaseException) -> None:
    with store.create(KIND, "k1", VERSION, {}) as (folder, _):
        (folder / "half.txt").write_text("half")
        raise interruption


def everything(store: ArtifactStore) -> list[str]:
    return sorted(path.name for path in store.root.iterdir())


def test_what_is_made_is_found_with_its_manifest(store: ArtifactStore) -> None:
    folder = make(store)
    manifest = read_manifest(folder, KIND, VERSION, verify=True)
    assert (manifest.kind, manifest.format_version, manifest.key) == (KIND, VERSION, "k1")
    assert (manifest.built_from, manifest.summary) == ({"catalog": "c1"}, {"terms": 1})
    assert manifest.files[str(Path("deep") / "terms.txt")].size == 5
    assert store.has(KIND, "k1", VERSION)
    assert not store.has(KIND, "k2", VERSION)
    assert everything(store) == ["index-k1"]


@pytest.mark.parametrize(
    "interruption", [KeyboardInterrupt(), OSError(28, "No space left on device"), ValueError("a bug"), SystemExit(1)]
)
def test_whatever_stops_the_block_leaves_nothing(store: ArtifactStore, interruption: BaseException) -> None:
    with pytest.raises(type(interruption)):
        stop_halfway(store, interruption)
    assert everything(store) == []
    assert not store.has(KIND, "k1", VERSION)


def test_an_interrupted_rebuild_keeps_the_old_artifact(store: ArtifactStore) -> None:
    folder = make(store)
    with pytest.raises(KeyboardInterrupt), store.create(KIND, "k1", VERSION, {}):
        raise KeyboardInterrupt
    assert (folder / "deep" / "terms.txt").read_text() == "words"
    assert store.has(KIND, "k1", VERSION)


def test_a_disk_that_fills_while_the_manifest_is_written_leaves_nothing(
    store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("whybuy.artifacts.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        make(store)
    assert everything(store) == []


def test_making_it_again_replaces_it(store: ArtifactStore) -> None:
    make(store)
    assert (make(store, content="other words") / "deep" / "terms.txt").read_text() == "other words"
    assert everything(store) == ["index-k1"]


def test_a_folder_without_manifest_is_half_written(store: ArtifactStore) -> None:
    folder = make(store)
    (folder / MANIFEST).unlink()
    with pytest.raises(ArtifactError, match=r"index-k1 is no whole 'index' artifact: it has no manifest\.json"):
        read_manifest(folder, KIND, VERSION)
    assert not store.has(KIND, "k1", VERSION)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"kind": "index"}', '{"files": {"a": 3}}', '{"files": []}', '"x"'])
def test_a_damaged_manifest_is_named(store: ArtifactStore, text: str) -> None:
    folder = make(store)
    (folder / MANIFEST).write_text(text)
    with pytest.raises(ArtifactError, match=r"manifest\.json is damaged .* Delete the folder, then run `whybuy build`"):
        read_manifest(folder, KIND, VERSION)


@pytest.mark.parametrize(("kind", "version"), [("graph", VERSION), (KIND, 4)])
def test_another_kind_or_format_is_refused(store: ArtifactStore, kind: str, version: int) -> None:
    with pytest.raises(
        ArtifactError, match=rf"holds 'index' in format 3; this whybuy reads '{kind}' in format {version}"
    ):
        read_manifest(make(store), kind, version)


def test_a_missing_or_cut_file_is_named(store: ArtifactStore) -> None:
    folder = make(store)
    (folder / "deep" / "terms.txt").write_text("cut")
    with pytest.raises(ArtifactError, match=r"terms\.txt is missing or damaged"):
        read_manifest(folder, KIND, VERSION)
    (folder / "deep" / "terms.txt").unlink()
    with pytest.raises(ArtifactError, match=r"terms\.txt is missing or damaged"):
        read_manifest(folder, KIND, VERSION)


def test_a_changed_byte_is_seen_when_hashes_are_asked_for(store: ArtifactStore) -> None:
    folder = make(store)
    (folder / "deep" / "terms.txt").write_text("Words")
    assert read_manifest(folder, KIND, VERSION).key == "k1"
    with pytest.raises(ArtifactError, match=r"terms\.txt is missing or damaged"):
        read_manifest(folder, KIND, VERSION, verify=True)


def test_publishing_points_to_the_live_artifacts(store: ArtifactStore) -> None:
    first, second = make(store, "k1"), make(store, "k2")
    store.publish({KIND: "k1"})
    assert store.current() == {KIND: first}
    store.publish({KIND: "k2"})
    assert store.current() == {KIND: second}


def test_a_shop_without_a_build_says_what_to_do(store: ArtifactStore) -> None:
    with pytest.raises(ArtifactError, match=r"holds no finished build .* Run `whybuy build --store"):
        store.current()


def test_a_damaged_pointer_is_named(store: ArtifactStore) -> None:
    make(store)
    (store.root / CURRENT).write_text('{"index": ')
    with pytest.raises(ArtifactError, match=r"current\.json is damaged .* Run `whybuy build` again"):
        store.current()


def test_sweeping_takes_drafts_and_old_artifacts_and_nothing_else(store: ArtifactStore) -> None:
    make(store, "old")
    kept = make(store, "new")
    (store.root / ".draft-index-x-1").mkdir()
    store.publish({KIND: "new"})
    assert store.sweep({KIND: "new"}) == 2
    assert everything(store) == [CURRENT, kept.name]
    assert store.sweep({KIND: "new"}) == 0


def test_a_lock_that_cannot_be_taken_is_named(store: ArtifactStore) -> None:
    (store.root / LOCK).mkdir(parents=True)
    with (
        pytest.raises(ArtifactError, match=r"build\.lock cannot be taken: Is a directory\. .* may write, on a disk"),
        store.building(),
    ):
        pass


def test_a_stopped_write_of_json_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "pointer.json"
    write_json(path, {"a": "ü"})
    loop: dict[str, object] = {}
    loop["itself"] = loop
    with pytest.raises(ValueError, match="Circular"):
        write_json(path, loop)
    assert json.loads(path.read_text()) == {"a": "ü"}
    assert [entry.name for entry in tmp_path.iterdir()] == ["pointer.json"]


@pytest.mark.parametrize(("one", "other"), [(("a", "b"), ("ab",)), (("a", "b"), ("b", "a")), (("a",), ("a", ""))])
def test_a_digest_tells_parts_apart(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert digest(*one) != digest(*other)
    assert digest(*one) == digest(*one)
    assert len(digest(*one)) == 16


def test_a_summary_is_written_as_it_stands_at_the_end(store: ArtifactStore) -> None:
    with store.create(KIND, "k1", VERSION, {}) as (_, summary):
        summary["edges"] = 1
        summary["edges"] = 2
    kept: Mapping[str, object] = read_manifest(store.folder(KIND, "k1"), KIND, VERSION).summary
    assert kept == {"edges": 2}
