"""People who stand before a wall, drawn and given: a dataset for tests of ϕ's sources and track."""

from __future__ import annotations

import numpy as np

from humangenai.datasets import Item, TruePerson
from refsd.people import Person

HEIGHT, WIDTH = 240, 160

STANDING = {
    0: (0, 10), 7: (4, 8), 8: (-4, 8), 11: (12, 20), 12: (-12, 20), 13: (16, 37), 14: (-16, 37),
    15: (18, 50), 16: (-18, 50), 23: (7, 52), 24: (-7, 52), 25: (8, 75), 26: (-8, 75),
    27: (8, 95), 28: (-8, 95), 29: (7, 98), 30: (-7, 98), 31: (10, 100), 32: (-10, 100),
}  # fmt: skip
"""BlazePose's landmarks of somebody who stands and faces us, in hundredths of their height; x from
the middle, y from the crown."""


def standing(x: float = 80, top: float = 30, height: float = 180, turned: float = 0) -> Person:
    """Somebody whose crown is at (x, top); turned by so many degrees."""
    scale = height / 100
    landmarks = np.tile(np.array([x, top + 9 * scale], np.float32), (33, 1))
    visibility = np.zeros(33, dtype=np.float32)
    for index, place in STANDING.items():
        landmarks[index] = np.array([x, top], np.float32) + np.array(place, np.float32) * scale
        visibility[index] = 1.0
    flat = (landmarks - np.array([x, top + 52 * scale], np.float32)) * (1.7 / height)
    depth = np.zeros(33, dtype=np.float32)
    depth[0] = -0.1
    turn = np.radians(turned)
    world = np.stack(
        [
            np.cos(turn) * flat[:, 0] - np.sin(turn) * depth,
            flat[:, 1],
            np.sin(turn) * flat[:, 0] + np.cos(turn) * depth,
        ],
        axis=1,
    ).astype(np.float32)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    mask = ((columns - x) / (24 * scale)) ** 2 + ((rows - top) / (height / 2) - 1) ** 2 <= 1
    box = np.array([x - 24 * scale, top, x + 24 * scale, top + height], np.float32)
    return Person(box, (0, 0, WIDTH, HEIGHT), mask, landmarks, world, visibility)


class Wall:
    """A picture per person; whoever is in ``turned`` looks away by so many degrees."""

    name = "wall"
    crops = True
    rendered = True

    def __init__(self, people: int = 12, turned: dict[int, float] | None = None) -> None:
        self._people = people
        self._turned = turned or {}

    def items(self) -> list[Item]:
        return [
            Item(f"query/{pid}_{camera}", "query", pid, camera)
            for pid in range(self._people)
            for camera in (0, 1)
        ]

    def image(self, item: Item) -> np.ndarray:
        rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
        return np.stack([rows, columns, rows * 0 + 7 * (item.pid or 0)], axis=2).astype(np.uint8)

    def people(self, item: Item) -> list[Person]:
        return [standing(turned=self._turned.get(item.pid or 0, 0.0))]

    def truth(self, item: Item) -> list[TruePerson]:
        person = standing()
        gender = "female" if (item.pid or 0) % 2 else "male"
        labels = {"gender": gender, "upper pattern": "gingham", "lower": "unheard of, 3"}
        return [TruePerson(person.box, person.mask, attributes=labels)]

    def manifest_hash(self) -> str:
        return "wall"
