"""Pictures of red posts and blue boxes on noise, and a detector that learns them in seconds."""

from __future__ import annotations

import numpy as np

from humangenai.utility.detection import Truth
from humangenai.utility.detection.centres import CentreDetector
from humangenai.utility.detection.detector import Recipe
from humangenai.utility.detection.pictures import Pictures

HEIGHT, WIDTH = 64, 96
CATEGORIES = ("person", "crate")
SIZES = {0: (28, 12), 1: (18, 18)}
COLOURS = {0: (200, 60, 60), 1: (60, 60, 200)}

DETECTOR = CentreDetector(
    name="toy",
    height=HEIGHT,
    width=WIDTH,
    channels=16,
    recipe=Recipe(updates=150, batch=8, learning_rate=6e-3),
)


def toy(count: int, seed: int, categories: tuple[int, ...] = (0, 1)) -> Pictures:
    """Pictures with one to three things each, apart from each other."""
    rng = np.random.default_rng(seed)
    images, truth = [], []
    for _ in range(count):
        image = rng.integers(70, 150, (HEIGHT, WIDTH, 3)).astype(np.uint8)
        boxes, kinds = [], []
        thirds = rng.permutation(3)[: int(rng.integers(1, 4))]
        for third in thirds:
            kind = int(rng.choice(categories))
            height, width = SIZES[kind]
            left = int(third) * WIDTH // 3 + int(rng.integers(0, WIDTH // 3 - width))
            top = int(rng.integers(0, HEIGHT - height))
            paint = np.array(COLOURS[kind]) + rng.integers(-25, 25, 3)
            image[top : top + height, left : left + width] = paint
            boxes.append([left, top, left + width, top + height])
            kinds.append(kind)
        images.append(image)
        truth.append(Truth(np.array(boxes, float), np.array(kinds), np.zeros(len(kinds), bool)))
    return Pictures(images, truth)
