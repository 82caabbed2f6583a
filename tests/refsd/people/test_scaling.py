"""People found in a small copy of a picture."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from refsd.people import Person
from refsd.people.scaling import enlarged


@given(
    left=st.integers(0, 10), top=st.integers(0, 10), width=st.integers(1, 12),
    height=st.integers(1, 12), factor=st.floats(1, 7.7),
)  # fmt: skip
def test_stays_in_the_picture_and_loses_nothing(
    left: int, top: int, width: int, height: int, factor: float
) -> None:
    small = (22, 22)
    large = (round(22 * factor), round(22 * factor))
    person = Person(
        box=np.array([left, top, left + width, top + height], dtype=np.float32),
        window=(left, top, left + width, top + height),
        mask=np.ones((height, width), dtype=np.bool_),
        landmarks=np.full((33, 2), (left, top), dtype=np.float32),
    )
    found = enlarged(person, small, large)
    x0, y0, x1, y1 = found.window
    assert 0 <= x0 < x1 <= large[0]
    assert 0 <= y0 < y1 <= large[1]
    assert found.mask.shape == (y1 - y0, x1 - x0)
    assert found.mask.all()
    # Every pixel whose middle lies in the small box is in the window.
    scale = large[0] / 22
    assert x0 <= left * scale + 1e-3
    assert x1 >= (left + width) * scale - 1e-3
    assert found.landmarks is not None
    np.testing.assert_allclose(found.landmarks[0], (left * scale, top * scale), rtol=1e-5)
    np.testing.assert_allclose(found.box, person.box * scale, rtol=1e-5)
    assert found.box.dtype == found.landmarks.dtype == np.float32
