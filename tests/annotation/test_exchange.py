"""Judgments out and in again: Label Studio JSON and plain tables; what cannot be understood is set aside."""

from pathlib import Path
from xml.etree import ElementTree

import orjson
import pytest
from annotation_queue import make_queue
from hypothesis import given
from hypothesis import strategies as st

from whybuy.annotation.label_studio import from_label_studio, labeling_config, to_label_studio
from whybuy.annotation.tables import COLUMNS, from_rows, to_csv
from whybuy.errors import InputError
from whybuy.journal.judgments import in_order
from whybuy.knowledge.annotation.settling import by_item
from whybuy.knowledge.critic.text_judgments import read_judged_statements
from whybuy.records import Judgment, Question, Role
from whybuy.tables import ReadReport

QUEUE = make_queue(6)
judgments = st.builds(
    lambda task, *said: Judgment(*task.item, *said),
    st.sampled_from(QUEUE.tasks),
    st.sampled_from(["ana", "ben@shop.example", "Cleo, the third"]),
    st.sampled_from(Role),
    st.dictionaries(st.sampled_from(Question), st.booleans()).map(in_order),
)


@given(st.lists(judgments, max_size=8))
def test_label_studio_gives_back_what_it_got(given_judgments: list[Judgment]) -> None:
    written = to_label_studio(QUEUE.tasks, by_item(given_judgments))
    report, file = ReadReport(), Path("tasks.json")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "read_bytes", lambda _: written)
        found = list(from_label_studio(file, report))
    assert sorted(map(repr, found)) == sorted(map(repr, given_judgments))
    assert not report.set_aside


@given(given_judgments=st.lists(judgments, max_size=8))
def test_tables_give_back_what_they_got(
    given_judgments: list[Judgment], tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("table") / "judgments.csv"
    file.write_text(to_csv(given_judgments, QUEUE.by_item), encoding="utf-8", newline="")
    assert list(from_rows(file, ReadReport())) == given_judgments


def test_a_table_teaches_a_critic(tmp_path: Path) -> None:
    file = tmp_path / "judgments.csv"
    said = [Judgment(*task.item, "ana", Role.JUDGE, in_order(dict.fromkeys(Question, True))) for task in QUEUE.tasks]
    file.write_text(to_csv(said, QUEUE.by_item), encoding="utf-8", newline="")
    judged = read_judged_statements(file, ReadReport())
    assert judged.statements.heads == [task.heads for task in QUEUE.tasks]
    assert judged.answers["typical"].tolist() == [1.0] * 6


def test_the_labeling_interface_asks_all_questions() -> None:
    view = ElementTree.fromstring(labeling_config())
    assert [choices.get("name") for choices in view.iter("Choices")] == [question.value for question in Question]
    assert {text.get("value") for text in view.iter("Text")} == {"$reason"}


def test_a_real_export_is_read_and_what_is_broken_set_aside(tmp_path: Path) -> None:
    """As Label Studio writes it: accounts by number, more keys than were sent, cancelled and half-done annotations."""
    (task,) = orjson.loads(to_label_studio(QUEUE.tasks[:1], {}))
    choice = {"id": "x1", "from_name": "complete", "to_name": "reason", "type": "choices", "origin": "manual"}
    yes = {**choice, "value": {"choices": ["yes"]}}
    task |= {
        "id": 7,
        "annotations": [
            {"id": 1, "completed_by": 3, "was_cancelled": False, "lead_time": 2.5, "result": [yes]},
            {"id": 2, "completed_by": 3, "was_cancelled": True, "result": [yes]},
            {"id": 3, "completed_by": 3, "result": [{**choice, "value": {"choices": ["perhaps"]}}]},
            {"id": 4, "result": [yes]},
        ],
    }
    file, report = tmp_path / "export.json", ReadReport()
    file.write_bytes(orjson.dumps([task, "nonsense"]))
    (found,) = from_label_studio(file, report)
    assert (found.judge, found.role, found.answers) == ("3", Role.JUDGE, ((Question.COMPLETE, True),))
    assert report.set_aside.total() == 4
    assert {(one.file, one.line) for one in report.examples} == {("export.json", 1), ("export.json", 2)}


@pytest.mark.parametrize(("text", "message"), [("{}", "is no list of tasks"), ("nonsense", "is not JSON")])
def test_a_file_that_is_no_export_is_named(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "export.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        list(from_label_studio(file, ReadReport()))
    with pytest.raises(InputError, match="There is no file"):
        list(from_label_studio(tmp_path / "none.json", ReadReport()))


def test_bad_rows_are_set_aside_with_their_line(tmp_path: Path) -> None:
    file, report = tmp_path / "judgments.csv", ReadReport()
    good = '"thing 0","","","type","[""thing 0""]","used_by","cooks","ana","judge",1,0,"","",""'
    rows = [",".join(COLUMNS), good, good.replace("used_by", "liked_by"), good.replace("1,0", "1,perhaps"),
            good.replace('"ana"', '""'), good.replace('"[""thing 0""]"', "thing 0")]  # fmt: skip
    file.write_text("\n".join(rows) + "\n", encoding="utf-8")
    (found,) = from_rows(file, report)
    assert found.answers == ((Question.COMPLETE, True), (Question.RELEVANT, False))
    assert [one.line for one in report.examples] == [3, 4, 5, 6]


def test_a_table_without_keys_says_what_it_lacks(tmp_path: Path) -> None:
    file = tmp_path / "judgments.csv"
    file.write_text("head,tail\nshoe,women\n", encoding="utf-8")
    with pytest.raises(InputError, match="judgments lack head_kind, head_key, relation, judge"):
        list(from_rows(file, ReadReport()))
