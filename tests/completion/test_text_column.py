"""Single texts of a column against Arrow's own look at them."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from whybuy.completion.text_column import TextColumn

parts = st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), max_size=4), max_size=3)


@given(parts, st.integers(0, 3))
def test_each_text_is_that_of_the_column(texts: list[list[str]], begin: int) -> None:
    chunks = [pa.array(part, pa.string()) for part in texts]
    column = pa.chunked_array(chunks, pa.string()).slice(begin)
    looked_at = TextColumn(column)
    assert [looked_at[row] for row in range(len(column))] == column.to_pylist()
