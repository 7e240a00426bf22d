import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from whybuy.kernels import fast_kernel, kernel
from whybuy.xmr.simd import LANES, add_to_lines, prefetch, sum_lines

Floats = NDArray[np.float32]


@fast_kernel
def summed(lines: Floats, numbers: NDArray[np.uint32], factors: Floats, start: int, total: Floats) -> None:
    sum_lines(lines, numbers, factors, start, len(numbers), total)


@fast_kernel
def added(lines: Floats, numbers: NDArray[np.uint32], factors: Floats, start: int, step: Floats) -> None:
    add_to_lines(lines, numbers, factors, start, len(numbers), step)


def case(seed: int) -> tuple[Floats, NDArray[np.uint32], Floats, int, Floats]:
    random = np.random.default_rng(seed)
    count = int(random.integers(0, 12))
    return (
        random.normal(size=(7, LANES)).astype(np.float32),
        random.integers(0, 7, count).astype(np.uint32),
        random.normal(size=count).astype(np.float32),
        int(random.integers(0, count + 1)),
        random.normal(size=LANES).astype(np.float32),
    )


@given(st.integers(0, 1000))
def test_lines_are_summed_as_a_product_would(seed: int) -> None:
    lines, numbers, factors, start, total = case(seed)
    expected = total + factors[start:] @ lines[numbers[start:]]
    summed(lines, numbers, factors, start, total)
    np.testing.assert_allclose(total, expected, rtol=1e-4, atol=1e-4)


@given(st.integers(0, 1000))
def test_a_step_is_added_to_each_line_as_often_as_it_is_named(seed: int) -> None:
    lines, numbers, factors, start, step = case(seed)
    expected = lines.copy()
    for number, factor in zip(numbers[start:], factors[start:], strict=True):
        expected[number] += factor * step
    added(lines, numbers, factors, start, step)
    np.testing.assert_allclose(lines, expected, rtol=1e-4, atol=1e-4)


@kernel
def _sum_with_prefetch(array: NDArray[np.float64], at: np.int64) -> np.float64:
    prefetch(array, at)
    return np.float64(array.sum())


def test_nothing_happens_when_memory_is_asked_for_ahead() -> None:
    for at in (8, 1 << 40, -1 << 40):
        assert _sum_with_prefetch(np.arange(4.0), np.int64(at)) == 6
