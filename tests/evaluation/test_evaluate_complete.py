"""Completion measured by hand, and on a built shop."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from whybuy.errors import InputError
from whybuy.evaluation.complete import Keystroke, bleu_rr, evaluate_completion, keystrokes_of
from whybuy.evaluation.completion_trial import CompletionTrial, evaluate_log_completion, evaluate_store_completion
from whybuy.records import QUERIES
from whybuy.shop import Shop

SHELF = ["shoe", "shoes for nurses", "shirt"]
TYPED = [
    Keystroke("s", "shirt", ()),
    Keystroke("sho", "shoes for nurses", ("boots",)),
    Keystroke("shoe", "shoe", ("boots",)),
    Keystroke("sh", "shelf", ("boots",)),
]


def alphabet(prefix: str, previous: tuple[str, ...]) -> Sequence[str]:
    """In the order of the shelf, after a query from its end."""
    found = [text for text in SHELF if text.startswith(prefix)]
    return found[::-1] if previous else found


def nothing(prefix: str, previous: tuple[str, ...]) -> Sequence[str]:
    return []


def test_figures_are_those_of_a_hand_calculation() -> None:
    report = evaluate_completion({"session": alphabet, "nothing": nothing}, TYPED)
    assert report.methods["session"].rank.tolist() == [3, 1, 2, 0]
    body = report.as_json()
    methods = body["methods"]
    assert isinstance(methods, dict)
    ours = methods["session"]
    assert body["keystrokes"] == 4
    assert ours["mrr@10"] == pytest.approx((1 / 3 + 1 + 1 / 2) / 4)
    assert (ours["success@1"], ours["success@10"]) == (0.25, 0.75)
    assert ours["by_length"]["1-3"]["mrr@10"] == pytest.approx((1 / 3 + 1) / 3)
    assert ours["by_length"]["4-6"]["mrr@10"] == 0.5
    assert ours["by_context"]["after_a_query"]["mrr@10"] == 0.5
    assert ours["by_context"]["first_of_a_session"]["success@1"] == 0.0
    # shirt: 1 of 5 letters, shoes for nurses 1 of 16, shoe 1 of 4; shelf has to be typed out
    assert ours["keystrokes_saved"] == pytest.approx(1 - (1 + 1 + 1 + 5) / (5 + 16 + 4 + 5))
    assert methods["nothing"]["mrr@10"] == methods["nothing"]["keystrokes_saved"] == 0.0


def test_a_misspelled_query_may_be_completed_by_its_right_spelling() -> None:
    typed = keystrokes_of([("shrit", ()), ("shirt", ())], corrected=lambda text: text.replace("shrit", "shirt"))
    shelf = {"session": lambda prefix, _: ["shoe", "shirt", "shrit"], "mfq": lambda prefix, _: ["shrit", "shirt"]}
    report = evaluate_completion(shelf, typed)
    assert report.methods["session"].rank.tolist() == [3, 3, 2, 2]
    assert report.methods["session"].corrected.tolist() == [2, 2, 2, 2]
    assert report.methods["mfq"].corrected.tolist() == [1, 1, 2, 2]
    assert report.above("mfq", corrected=True)["all"].mean == pytest.approx(1 / 2 - 3 / 4)


def test_the_share_of_the_oracles_gain_counts_short_prefixes_after_a_query() -> None:
    def oracle(prefix: str, previous: tuple[str, ...]) -> Sequence[str]:
        return [one.meant for one in TYPED if one.prefix == prefix]

    report = evaluate_completion({"session": alphabet, "mfq": nothing, "oracle": oracle}, TYPED)
    share = report.share_of_oracle_gain()
    assert share is not None
    assert share.mean == pytest.approx(1 / 2)  # of "sho" and "sh", the oracle has both and the session one
    assert report.above("mfq")["all"].mean == pytest.approx((1 / 3 + 1 + 1 / 2) / 4)
    assert evaluate_completion({"session": alphabet}, TYPED).share_of_oracle_gain() is None


@pytest.mark.parametrize(
    ("meant", "shown", "expected"),
    [
        ("shoes", ["shoes"], 0.1778),  # as NLTK's sentence_bleu gives it
        ("running shoes", ["running shoes"], 0.3162),
        ("red running shoes", ["red running shoes"], 0.5623),
        ("good red running shoes", ["good red running shoes"], 1.0),
        ("good red running shoes", ["x", "good red running shoes"], (1 / 2) / (1 + 1 / 2)),
        ("shoes", [], 0.0),
    ],
)
def test_bleu_is_weighed_by_rank_as_published(meant: str, shown: list[str], expected: float) -> None:
    assert bleu_rr(meant, shown) == pytest.approx(expected, abs=1e-4)


def test_a_query_is_typed_once_in_each_range_of_lengths() -> None:
    found = keystrokes_of([("ab", ()), ("sleeping bag", ("tent",))])
    assert [(one.meant, len(one.prefix) <= 3) for one in found] == [
        ("ab", True), ("sleeping bag", True), ("sleeping bag", False), ("sleeping bag", False)
    ]  # fmt: skip
    assert all(one.meant.startswith(one.prefix) and one.prefix for one in found)
    assert [one.previous for one in found] == [(), ("tent",), ("tent",), ("tent",)]


def test_nobody_typing_is_said() -> None:
    with pytest.raises(InputError, match=r"There is no keystroke to measure"):
        evaluate_completion({"nothing": nothing}, [])


def test_a_shop_is_measured_by_the_late_part_of_its_log(small_store: Path) -> None:
    lines: list[str] = []
    trial = CompletionTrial(held_out=0.3, queries=40, configurations=())
    report = evaluate_store_completion(small_store, trial, listen=lines.append)
    assert {"mfq", "trie", "session"} <= report.methods.keys()
    assert "oracle" not in report.methods  # there is no simulator
    assert 40 <= len(report.keystrokes) <= 120
    assert report.methods["mfq"].as_json(report.parts()["all"])["success@10"] > 0
    assert lines


def test_a_shop_is_measured_by_a_later_log(small_store: Path, tmp_path: Path) -> None:
    later, asked = tmp_path / "later.csv", Shop.open(small_store).table(QUERIES)["query"][-1].as_py()
    rows = [f"2027-01-0{day} 10:00:00,{query},c{day}" for day, query in enumerate([asked, "nobody's thing"], 1)]
    later.write_text("\n".join(["timestamp,query,user_id", *rows]) + "\n")
    lines: list[str] = []
    trial = CompletionTrial(configurations=())
    report = evaluate_store_completion(small_store, trial, later=[later], listen=lines.append)
    assert lines[:2] == ["later.csv is read as queries", "2 queries, 0 copies of rows, 0 set aside"]
    assert {one.meant for one in report.keystrokes} == {asked, "nobody s thing"}
    found = {one.meant for one, rank in zip(report.keystrokes, report.methods["mfq"].rank, strict=True) if rank}
    assert found == {asked}, "of the last query of the shop's log"


def aol_log(path: Path, *, users: int = 40) -> Path:
    """In the form of the AOL query log: a row for each click, two for the same query when two results were clicked."""
    lines = ["AnonID\tQuery\tQueryTime\tItemRank\tClickURL"]
    for user in range(users):
        thing = ("camera", "tent", "shoes")[user % 3]
        day = f"2006-03-{1 + user % 28:02d}"
        lines += [
            f"{user}\t{thing}\t{day} 10:00:00\t\t",
            f"{user}\tgood {thing}\t{day} 10:01:00\t1\thttp://www.example.com",
            f"{user}\tgood {thing}\t{day} 10:01:00\t2\thttp://www.example.org",
            f"{user}\t-\t{day} 10:02:00\t\t",
        ]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_an_aol_log_needs_no_shop(tmp_path: Path) -> None:
    lines: list[str] = []
    trial = CompletionTrial(held_out=0.3, configurations=())
    report = evaluate_log_completion([aol_log(tmp_path / "user-ct-test.txt")], trial, listen=lines.append)
    assert lines[:2] == [
        "user-ct-test.txt is read as queries",
        "120 queries, 40 copies of rows, 0 set aside",
    ]
    things = ("camera", "tent", "shoes")
    assert {one.meant for one in report.keystrokes} == {*things, *(f"good {thing}" for thing in things)}
    after = report.parts()["1-3_after_a_query"]
    assert report.methods["trie"].as_json(after)["success@10"] == 1.0


def test_a_log_without_queries_says_so(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("order_id,product_id\n1,a\n1,b\n")
    with pytest.raises(InputError, match=r"The log has no query"):
        evaluate_log_completion([path], CompletionTrial(configurations=()))
