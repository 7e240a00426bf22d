"""Candidates out of whatever a model writes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whybuy.knowledge.prompting.parsing import LONGEST_CANDIDATE, SCHEMA, Parsed, parse_answer

ASKED_FOR = ("hiking in winter", "pregnant women", "keeping feet dry")


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"reasons": ASKED_FOR}),
        json.dumps({"reasons": [{"reason": one} for one in ASKED_FOR]}),
        json.dumps(ASKED_FOR),
        json.dumps({"reasons": ASKED_FOR}, indent=2) + "\nI hope this helps!",
        "Sure!\n```json\n" + json.dumps({"reasons": ASKED_FOR}) + "\n```\nAnything else?",
        "```\n1. hiking in winter\n2. pregnant women\n3. keeping feet dry\n```",
        "1. hiking in winter\n2. pregnant women\n3. keeping feet dry",
        "hiking in winter\n2. pregnant women\n3. keeping feet dry",
        " hiking in winter 2. pregnant women 3. keeping feet dry",
        "Here are three reasons:\n\n1) Hiking in winter.\n2) **Pregnant women**\n3) “Keeping feet dry”;\n\nBye!",
        "- hiking in winter\n* pregnant women\n• keeping feet dry",
        "(1) hiking in winter\n(2) pregnant women (who stand all day)\n(3) keeping feet dry - they hate being wet",
        "1. **Hiking in winter**: cold trails need it\n2. pregnant women: swollen feet\n3. keeping feet dry",
        "hiking in winter\npregnant women\nkeeping feet dry\n",
        "<think>1. maybe skiing\n2. no</think>\n1. hiking in winter\n2. pregnant women\n3. keeping feet dry",
        "1. hiking in winter\n2. pregnant women\n3. keeping feet dry\n4. Hiking in Winter",
        "1. hiking in winter\n2.\n3. pregnant women\n4. N/A\n5. keeping feet dry",
    ],
)
def test_a_list_is_found_however_it_is_written(text: str) -> None:
    assert tuple(one.casefold() for one in parse_answer(text).candidates) == ASKED_FOR


@pytest.mark.parametrize(
    "text",
    [
        '{"reasons": ["hiking in winter", "pregnant women", "keeping fe',
        '{"reasons": ["hiking in winter", "pregnant women"',
        '```json\n["hiking in winter", "pregnant women", "kee',
        '[{"reason": "hiking in winter"}, {"reason": "pregnant women"}, {"rea',
        "1. hiking in winter\n2. pregnant women\n3. keeping fe",
        "hiking in winter\npregnant women\nkeeping",
    ],
)
def test_of_half_an_answer_what_is_whole(text: str) -> None:
    assert parse_answer(text, cut=True).candidates == ASKED_FOR[:2]


@pytest.mark.parametrize("text", ["[]", "{}", '{"reasons": []}', "```json\n[]\n```", ' {"reasons": [ ] }'])
def test_an_empty_list_is_an_answer(text: str) -> None:
    assert parse_answer(text) == Parsed((), (), is_empty_list=True)


@pytest.mark.parametrize(
    "text", ["", " \n", "1.", "-", "{", "[", '{"reasons": [', "<think>well, let me see", "...", "42"]
)
def test_nothing_in_it_is_no_answer(text: str) -> None:
    parsed = parse_answer(text, cut=True)
    assert parsed.candidates == ()
    assert not parsed.is_empty_list


def test_half_a_character_is_mended() -> None:
    assert parse_answer('["camping \\ud83d again"]').candidates == ("camping ? again",)


def test_what_is_set_aside_is_told() -> None:
    long = " ".join(["very"] * (LONGEST_CANDIDATE + 1))
    parsed = parse_answer(f"1. camping\n2. {long}\n3. none\n4. Camping.\n5. fish", cut=True)
    assert parsed.candidates == ("camping",)
    assert dict(parsed.set_aside) == {
        f"longer than {LONGEST_CANDIDATE} words": long,
        "says nothing": "none",
        "said twice": "Camping.",
        "cut off": "fish",
    }


@given(reasons=st.lists(st.from_regex(r"[a-z]{2,8}( [a-z]{2,8}){0,5}", fullmatch=True), min_size=1, unique=True))
def test_what_keeps_to_the_schema_comes_back(reasons: list[str]) -> None:
    kept = tuple(one for one in reasons if one not in ("none", "na", "null", "true", "false", "nothing", "unknown"))
    assert parse_answer(json.dumps({"reasons": reasons})).candidates == kept
    assert json.loads(SCHEMA)["required"] == ["reasons"]


PIECES = st.sampled_from(
    ['{"reasons": [', '"', "]", "}", "[", "{", ",", ":", "\\", "\\u12", "1.", "2) ", "\n", "- ", "**", "```", "```json",
     "<think>", "</think>", "camping", "none", "(", ")", " - ", "\x00", "\ud800", "é", "null", "1e999", "\t"]
)  # fmt: skip


@given(text=st.one_of(st.text(), st.lists(PIECES, max_size=40).map("".join)), cut=st.booleans())
def test_no_text_breaks_it(text: str, cut: bool) -> None:
    parsed = parse_answer(text, cut=cut)
    assert all(one == one.strip() and 0 < len(one.split()) <= LONGEST_CANDIDATE for one in parsed.candidates)
    assert len({one.casefold() for one in parsed.candidates}) == len(parsed.candidates)
    "".join(parsed.candidates).encode()  # what no file could hold would break later


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 100_000, "1. " * 30_000, '"' * 100_000, " " * 100_000, "*" * 9999]
)
def test_no_long_text_breaks_it(text: str) -> None:
    assert parse_answer(text).candidates == ()
