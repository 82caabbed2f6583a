"""A dataset as another distribution would bring it: drawn pictures, people and truth given."""

from __future__ import annotations

import hashlib

import numpy as np
from pydantic import BaseModel, ConfigDict

from humangenai.datasets import Item, TruePerson
from refsd.images import ImageError
from refsd.people import Person

HEIGHT, WIDTH = 64, 32
BOX = (10, 8, 22, 58)


class Options(BaseModel):
    """How many people; which query pictures cannot be read; whether masks hold noise."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    people: int = 4
    broken: tuple[str, ...] = ()
    noise: int = 0
    splits: bool = True


class TinyCrowd:
    """Every person has a colour of their own; two queries and three gallery pictures each."""

    name = "tinycrowd"
    crops = True
    rendered = True

    def __init__(self, options: Options) -> None:
        self._options = options

    def items(self) -> list[Item]:
        numbers = range(self._options.people)
        query = [Item(f"query/{p}_{c}", "query", p, c) for p in numbers for c in (0, 1)]
        gallery = [Item(f"gallery/{p}_{c}", "gallery", p, c) for p in numbers for c in (0, 1, 2)]
        if self._options.splits:
            return query + gallery
        return [Item(item.key, "all") for item in query]

    def _key_numbers(self, item: Item) -> tuple[int, int]:
        person, camera = item.key.split("/")[1].split("_")
        return int(person), int(camera)

    def image(self, item: Item) -> np.ndarray:
        if item.key in self._options.broken:
            raise ImageError(f"{item.key}: is not a picture")
        person, camera = self._key_numbers(item)
        rng = np.random.default_rng([person, camera, len(item.key)])
        image = rng.integers(80, 120, (HEIGHT, WIDTH, 3)).astype(np.uint8)
        mask = self._mask()
        colour = np.random.default_rng(person).integers(20, 235, 3)
        body = colour + rng.integers(-10, 10, (int(mask.sum()), 3))
        if self._options.noise:
            body = np.random.default_rng(self._options.noise).integers(0, 256, body.shape)
        image[mask] = body
        return image

    def _mask(self) -> np.ndarray:
        mask = np.zeros((HEIGHT, WIDTH), dtype=np.bool_)
        mask[BOX[1] : BOX[3], BOX[0] : BOX[2]] = True
        return mask

    def people(self, item: Item) -> list[Person]:
        body = np.ones((BOX[3] - BOX[1], BOX[2] - BOX[0]), dtype=np.bool_)
        return [Person(np.array(BOX, np.float32), BOX, body, source="dataset")]

    def truth(self, item: Item) -> list[TruePerson]:
        return [TruePerson(np.array(BOX, np.float32), self._mask())]

    def manifest_hash(self) -> str:
        content = hashlib.sha256()
        for item in self.items():
            content.update(item.key.encode())
            if item.key not in self._options.broken:
                content.update(self.image(item).tobytes())
        return content.hexdigest()


def load(options: Options) -> TinyCrowd:
    return TinyCrowd(options)
