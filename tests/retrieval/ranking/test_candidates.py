"""Candidates gathered in a kernel against a plain walk through the stages."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from whybuy.retrieval.ranked import Ranked
from whybuy.retrieval.ranking.candidates import STAGE_COLUMNS, gather

STAGES = st.lists(
    st.lists(st.tuples(st.integers(0, 500), st.floats(0, 8, width=32)), max_size=12, unique_by=lambda pair: pair[0]),
    min_size=1,
    max_size=4,
)


def ranking(scored: list[tuple[int, float]]) -> Ranked:
    """Products with their scores, best first."""
    ordered = sorted(scored, key=lambda pair: -pair[1])
    return Ranked(
        np.array([row for row, _ in ordered], np.int32), np.array([score for _, score in ordered], np.float32)
    )


def plain(stage: Ranked, row: int) -> list[float]:
    """The columns of `STAGE_COLUMNS` for one product."""
    if row not in stage.rows:
        return [0.0] * len(STAGE_COLUMNS)
    place = stage.rows.tolist().index(row)
    score, best = stage.scores[place], stage.scores[0]
    return [float(score), float(score / best if best > 0 else score), float(np.float32(1 / (place + 1)))]


@settings(deadline=None)  # the first call compiles
@given(found=STAGES, depth=st.integers(1, 14))
def test_the_first_of_all_stages_are_gathered_once(found: list[list[tuple[int, float]]], depth: int) -> None:
    stages = {str(number): ranking(scored) for number, scored in enumerate(found)}
    gathered = gather(stages, dict.fromkeys(stages, depth))
    every = [row for stage in stages.values() for row in stage.rows[:depth].tolist()]
    assert gathered.rows.tolist() == list(dict.fromkeys(every))
    expected = [[value for stage in stages.values() for value in plain(stage, row)] for row in gathered.rows.tolist()]
    assert gathered.features.shape == (len(gathered.rows), len(STAGE_COLUMNS) * len(stages))
    assert gathered.features.tolist() == expected


def test_a_stage_scores_beyond_its_depth_what_another_found() -> None:
    deep = ranking([(7, 3.0), (8, 2.0), (9, 1.5)])
    found = gather({"deep": deep, "other": ranking([(9, 1.0)])}, {"deep": 1, "other": 5})
    assert found.rows.tolist() == [7, 9]
    assert found.features[1].tolist() == [1.5, 0.5, np.float32(1 / 3), 1, 1, 1]


def test_few_are_kept_within_the_depths_of_training() -> None:
    stages = {"a": ranking([(1, 3.0), (2, 2.0)]), "b": ranking([(3, 1.0), (4, 0.5)])}
    found = gather(stages, {"a": 2, "b": 2}).within(stages, {"a": 1, "b": 1})
    assert found.rows.tolist() == [1, 3]
    assert len(found.features) == 2
