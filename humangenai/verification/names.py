"""Does a name, path, seed or key of the originals appear in the release?

What is looked for: the keys of the items with the folders, names and stems in them, the paths of
the user's files, the names of the user and of the machine, the run's key and its seeds. They are
looked for as whole words, in capitals or not, in the names and in the content of all files, but
for pixels: ``metadata`` sees to it that there is nothing but pixels in a picture. Words
that this suite writes by itself, and short ones, tell nothing and are left out.
"""

from __future__ import annotations

import getpass
import json
import platform
import re
from collections import defaultdict
from contextlib import suppress
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from humangenai.config import PRIVATE_OPTIONS, Kind, names
from humangenai.labels import DESCRIPTION
from humangenai.records import RunRecord
from humangenai.registry import DATASETS, METHODS, METRICS
from humangenai.store import slug
from humangenai.verification.files import list_files
from humangenai.verification.metadata import beside_pixels
from humangenai.verification.records import CheckRecord, Finding, conclude
from refsd.diffusion import checkpoint_names
from refsd.labels import COCO_KEYPOINTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from humangenai.progress import Progress
    from humangenai.verification.opened import OpenedMethod, OpenedRun

LEAST = 4
"""Shorter words are not looked for: they are found everywhere by chance."""

LEAST_DIGITS = 5
"""Numbers of fewer digits are not looked for."""

LABEL_WORDS = frozenset(
    {
        "annotations", "area", "bbox", "beside", "categories", "category_id", "counts", "files",
        "file_name", "flip_idx", "gallery", "images", "image_id", "info", "into", "iscrowd",
        "keypoints", "kpt_shape", "labels", "licenses", "names", "num_keypoints", "path", "person",
        "pictures", "query", "segmentation", "size", "skeleton", "supercategory", "them", "train",
        "yolo",
    }
)  # fmt: skip
"""Words of the label files (``humangenai.labels``), and of data with a query and a gallery."""

OUTLINE = re.compile(r'"counts": "[^" ]*"')
"""COCO's packed outline of somebody: signs in which short words are found by chance."""

ACCOUNTS = frozenset({"root", "user", "admin", "ubuntu", "runner", "localhost", "home"})
"""Names that are on every other machine."""

KINDS: tuple[Kind, ...] = ("benchmarks", "datasets", "methods")

ABSOLUTE = re.compile(r"(?<![\w.:/~-])(?:file:/|~)?(?:/[\w.+@-]+){2,}|\b[A-Za-z]:\\\\?[\w.]+")
"""Something that looks like the path of a file, from its root."""


def check_names(run: OpenedRun, methods: Sequence[OpenedMethod], progress: Progress) -> CheckRecord:
    """Look for names, paths, seeds and keys in all files of a release.

    Args:
        run: the run.
        methods: its methods.
        progress: told of every file.
    """
    release = run.folder.release
    words = Words(secrets(run, methods))
    paths = [path for path in list_files(release) if path.is_file() and not path.is_symlink()]
    findings = []
    with progress.stage("names", len(paths)) as advance:
        for path in paths:
            where = path.relative_to(release).as_posix()
            found = {f"its name holds {what}" for what in words.found(where)}
            found |= _inside(path, words)
            if where == "record.json":
                found |= _seed(path)
            findings += [Finding(where=where, what=what) for what in sorted(found)]
            advance(1)
    verdict, reason = conclude(findings)
    return CheckRecord(
        check="names",
        verdict=verdict,
        checked=len(paths),
        total=len(paths),
        findings=tuple(findings),
        reason=reason,
    )


class Words:
    """Words to look for, many at once.

    Args:
        kinds: word → what it is, in words that do not repeat it. Words without a letter or digit
            are passed over.
    """

    def __init__(self, kinds: Mapping[str, str]) -> None:
        self._by_part: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for word, kind in kinds.items():
            parts = _parts(word.lower())
            if parts:
                self._by_part[max(parts, key=len)].append((word.lower(), kind))

    def found(self, text: str) -> set[str]:
        """Kinds of the words that stand in a text as whole words.

        Args:
            text: where to look.
        """
        text = text.lower()
        return {
            kind
            for part in set(_parts(text)) & self._by_part.keys()
            for word, kind in self._by_part[part]
            if _stands_in(word, text)
        }


def secrets(run: OpenedRun, methods: Sequence[OpenedMethod]) -> dict[str, str]:
    """What must not appear in a release.

    Returns:
        Word → what it is.
    """
    found: dict[str, str] = {}
    # A checkpoint's folder may be called what the method is called, and that is told to all.
    told = [text for m in methods for text in (m.name.lower(), slug(m.name))]
    for path in _private_paths(run):
        found[str(path)] = "the path of a folder or file of yours"
        name = path.name
        if name not in ACCOUNTS and not any(_stands_in(name.lower(), text) for text in told):
            found |= _telling({name: "the name of a folder or file of yours"})
    keys = {key for method in methods for key in method.lines} | set(run.items)
    for key in keys:
        found |= _of_key(key)
    found |= _telling(dict.fromkeys(_accounts(), "the name of a user or machine"))
    for method in methods:
        settings = method.record.settings_hash
        seeds = {str(run.folder.seed(key, settings)) for key in method.lines}
        found |= dict.fromkeys(seeds, "the seed of a picture")
    found |= _telling({str(run.config.seed): "the run's seed"})
    key_file = run.folder.private / "run.key"
    if key_file.is_file():
        found[key_file.read_text(encoding="ascii").strip()] = "the run's key"
    return found


def _of_key(key: str) -> dict[str, str]:
    """The words in an item's key, which often is the path of a file in the dataset."""
    place = PurePosixPath(key)
    folders = dict.fromkeys(place.parts[:-1], "the name of an original's folder")
    whole = {word for word in (key, place.name) if word != place.stem}
    return (
        _telling(folders)
        | _telling({place.stem: "the name of an original"})
        | {word: "the name of an original" for word in whole if _is_long_enough(word)}
    )


def _private_paths(run: OpenedRun) -> Iterator[Path]:
    """The paths of the user's files: home, the run's folder, and those in the configs."""
    yield run.folder.root.resolve()
    with suppress(RuntimeError):  # an account without a home
        if len(Path.home().parts) > 1:
            yield Path.home()
    for options in (run.config.dataset.options, *(part.options for part in run.config.methods)):
        for name, value in options.items():
            path = Path(str(value))
            if value is not None and (name in PRIVATE_OPTIONS or path.is_absolute()):
                yield path


def _accounts() -> set[str]:
    """Names of the user and of the machine, unless they are on every other machine."""
    found = {platform.node()}
    with suppress(OSError, KeyError, ImportError):  # an account that the system does not know
        found.add(getpass.getuser())
    return found - ACCOUNTS


def _telling(words: Mapping[str, str]) -> dict[str, str]:
    """Those words that are not found by chance, nor written by this suite itself."""
    return {
        word: kind
        for word, kind in words.items()
        if _is_long_enough(word) and word.lower() not in own_words()
    }


def _is_long_enough(word: str) -> bool:
    return len(word) >= (LEAST_DIGITS if word.isdecimal() else LEAST)


@cache
def own_words() -> frozenset[str]:
    """Words that a release holds whoever made it, in small letters."""
    registered = [name for registry in (DATASETS, METHODS, METRICS) for name in registry.entries()]
    configs = [name for kind in KINDS for name in names(kind)]
    configs += [*checkpoint_names("refiners"), *checkpoint_names("inpainters"), "none"]
    schema = json.dumps(RunRecord.model_json_schema())
    text = " ".join([schema, DESCRIPTION, *COCO_KEYPOINTS, *registered, *configs]).lower()
    return (
        frozenset([*_parts(text), *re.findall(r"\w+", text), *registered, *configs]) | LABEL_WORDS
    )


def _inside(path: Path, words: Words) -> set[str]:
    """What is found in a file's content."""
    data = path.read_bytes()
    if path.suffix.lower() == ".png":
        data = beside_pixels(data)
    text = OUTLINE.sub("", data.decode("utf-8", errors="replace"))
    kinds = words.found(text)
    if ABSOLUTE.search(text):
        kinds.add("a path from the root of a disk")
    return {f"it holds {kind}" for kind in kinds}


def _seed(path: Path) -> set[str]:
    """Whether the published record tells the run's seed."""
    try:
        record = json.loads(path.read_bytes())
        seeds = (record.get("seed"), record.get("config", {}).get("seed"))
    except (ValueError, AttributeError):
        return {"it is not the record of a run"}
    return {"it holds the run's seed"} if any(seed is not None for seed in seeds) else set()


def _parts(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text)


def _stands_in(word: str, text: str) -> bool:
    """Whether a word stands in a text with no letter or digit before or behind it."""
    return re.search(rf"(?<![^\W_]){re.escape(word)}(?![^\W_])", text) is not None
