"""Every person is whole in a square that is not too large for them."""

from hypothesis import given
from hypothesis import strategies as st

from refsd.people.tiling import BEYOND, LEAST_SIDE, MAX_SQUARES, SHRINK, squares


@given(
    height=st.integers(300, 1200), width=st.integers(300, 1200),
    x=st.floats(0, 1), y=st.floats(0, 1), share=st.floats(0.15, 0.5),
)  # fmt: skip
def test_everybody_fills_a_square(
    height: int, width: int, x: float, y: float, share: float
) -> None:
    """Somebody of any height from 0.15 to 0.5 of the picture's shorter side, anywhere."""
    tall = share * min(height, width)
    found = squares((height, width))
    if tall < LEAST_SIDE / 2 / SHRINK:
        return
    x0, y0 = x * (width - tall / 2), y * (height - tall)
    whole = [
        s
        for s in found
        if s.x - s.size / 2 <= x0 + 0.01
        and s.x + s.size / 2 >= x0 + tall / 2 - 0.01
        and s.y - s.size / 2 <= y0 + 0.01
        and s.y + s.size / 2 >= y0 + tall - 0.01
    ]
    assert min(s.size for s in whole) <= 2 / SHRINK * tall + 0.01


@given(height=st.integers(1, 9000), width=st.integers(1, 9000))
def test_squares_are_bounded_and_inside(height: int, width: int) -> None:
    first, *others = squares((height, width))
    assert len(others) < MAX_SQUARES
    assert first.size == max(height, width)
    for square in others:
        beyond = BEYOND * square.size + 0.01
        assert square.x - square.size / 2 >= -beyond
        assert square.x + square.size / 2 <= width + beyond
        assert square.y - square.size / 2 >= -beyond
        assert square.y + square.size / 2 <= height + beyond
