import gzip
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from whybuy.cli import app
from whybuy.errors import ArtifactError, InputError
from whybuy.tables import ReadReport
from whybuy.xmr.text_files import read_queries, read_training
from whybuy.xmr.text_model import TextModel

TRAIN = """steel\tsteel toe boot
steel:2,slip\tboot with steel toe
slip:0.5\tslip on shoe
slip\teasy slip on
sku:9:1.5\tsandal for the beach
"""


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_lines_become_texts_with_weighted_labels(tmp_path: Path) -> None:
    report = ReadReport()
    data = read_training(written(tmp_path / "train.tsv", TRAIN), report=report)
    assert data.names == ["steel", "slip", "sku:9"]
    assert data.texts[1] == "boot with steel toe"
    assert data.labels.toarray().tolist() == [[1, 0, 0], [2, 1, 0], [0, 0.5, 0], [0, 1, 0], [0, 0, 1.5]]
    assert data.label_texts == ["", "", ""]
    assert (report.rows_read, report.rows_kept) == (5, 5)


def test_the_label_file_numbers_the_labels_and_may_be_compressed(tmp_path: Path) -> None:
    labels = tmp_path / "labels.tsv.gz"
    labels.write_bytes(gzip.compress(b"unsold\trubber boot\nslip\tslip-on shoe\n"))
    data = read_training(written(tmp_path / "train.tsv", TRAIN), labels, report=ReadReport())
    assert data.names == ["unsold", "slip", "steel", "sku:9"]
    assert data.label_texts == ["rubber boot", "slip-on shoe", "", ""]
    assert data.labels[:, [0]].nnz == 0


def test_bad_lines_are_set_aside_with_their_place(tmp_path: Path) -> None:
    bad = "no tab here\n\nsteel\t \n\tboot\nsteel:0\tboot\nsteel:-1\tboot\nsteel:nan\tboot\na,,b\tboot\nsteel:x\tboot\n"
    report = ReadReport()
    data = read_training(written(tmp_path / "train.tsv", bad + TRAIN), report=report)
    assert len(data.texts) == 5
    assert dict(report.set_aside) == {"no tab": 1, "no text": 1, "no labels, or a weight that is not above 0": 6}
    assert [(example.file, example.line) for example in report.examples][:3] == [
        ("train.tsv", 1),
        ("train.tsv", 3),
        ("train.tsv", 4),
    ]
    labels = written(tmp_path / "labels.tsv", "slip\tshoe\nslip\tagain\n\tnone\n")
    report = ReadReport()
    assert read_training(tmp_path / "train.tsv", labels, report=report).label_texts[0] == "shoe"
    assert report.set_aside["label again"] == report.set_aside["no label"] == 1


def test_a_file_without_a_usable_line_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"train\.tsv has no line that can be used\. Allowed: label"):
        read_training(written(tmp_path / "train.tsv", "nothing\n"), report=ReadReport())
    with pytest.raises(InputError, match=r"missing\.tsv cannot be read"):
        read_training(tmp_path / "missing.tsv", report=ReadReport())


def test_a_model_is_trained_saved_and_asked_from_the_terminal(tmp_path: Path) -> None:
    train = written(tmp_path / "train.tsv", TRAIN + "bad line\n")
    labels = written(tmp_path / "labels.tsv", "rain\trubber boot for rain\nslip\tslip on shoe\n")
    queries = written(tmp_path / "queries.txt", "steel toe\n\nrubber boot\n")
    model = tmp_path / "model"
    run = CliRunner().invoke(app, ["xmr", "train", str(train), str(model), "--labels", str(labels)])
    assert run.exit_code == 0, run.stderr
    assert "Trained 4 labels on 5 texts" in run.stderr
    assert "1 of 8 lines set aside: no tab" in run.stderr
    assert "train.tsv:6: bad line" in run.stderr

    printed = CliRunner().invoke(app, ["xmr", "predict", str(model), str(queries), "--limit", "1"]).stdout
    assert [line.split("\t")[:2] for line in printed.splitlines()] == [["steel toe", "steel"], ["rubber boot", "rain"]]
    asked = CliRunner().invoke(app, ["xmr", "predict", str(model), "-", "--json"], input="steel toe\n").stdout
    answer = json.loads(asked)
    assert answer["text"] == "steel toe"
    assert answer["labels"][0]["label"] == "steel"
    found = TextModel.load(model).predict(["steel toe"])[0]
    assert [(entry["label"], entry["score"]) for entry in answer["labels"]] == found


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"is no trained model: it has no labels\.json.*whybuy xmr train"):
        TextModel.load(tmp_path)
    (tmp_path / "labels.json").write_text("{")
    with pytest.raises(ArtifactError, match=r"labels\.json is damaged"):
        TextModel.load(tmp_path)
    run = CliRunner().invoke(app, ["xmr", "predict", str(tmp_path / "none"), "-"], input="x\n")
    assert (run.exit_code, run.stdout) == (1, "")


def test_queries_are_read_as_training_texts_are() -> None:
    lines = [b"\xef\xbb\xbfsteel toe\r\n", b" \n", b"caf\xe9 chair\n", "one\u2028text".encode()]
    assert read_queries(lines) == ["steel toe", "café chair", "one\u2028text"]
