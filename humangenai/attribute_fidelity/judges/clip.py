"""The judge ``clip``: which of an attribute's values does a picture resemble most, in words?

Zero-shot classification with any open_clip model (Radford et al. 2021, arXiv 2103.00020, §3.1.4):
each value is put into the words that prompts of pseudonymized people use, within several templates
whose embeddings are averaged; the probabilities are a softmax over cosine similarities at the
model's own temperature. Nothing else calibrates them: read the calibration error.

Weights are safetensors, or files that torch loads with ``weights_only``; nothing in them is run.
With a local folder no network is used.
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import cache
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any, Protocol

from safetensors import SafetensorError

from humangenai.attribute_fidelity.judges.judge import Ceiling, Unavailable
from humangenai.attribute_fidelity.judges.mapping import DECADES, NATIONALITY, broader
from humangenai.attribute_fidelity.suites import SUITES, load_suite
from humangenai.errors import UserError, unknown
from refsd.prompts import VOCABULARY
from refsd.prompts.wording import visible, write_positive

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    import torch
    from numpy.typing import NDArray

    from humangenai.attribute_fidelity.lines import Crop
    from refsd.prompts import View

NONE = "none of these"
"""What a person shows who has no such mark: a plain picture of a person, in words."""

TEMPLATES: Mapping[Crop, tuple[str, ...]] = {
    "head": (
        "a {}photo of {}", "a {}portrait photo of {}", "a close-up {}photo of {}",
        "a {}picture of the head of {}",
    ),
    "body": (
        "a {}photo of {}", "a full-length {}photo of {}", "a {}picture of {}",
        "a {}photo of the whole body of {}",
    ),
}  # fmt: skip
"""The first braces take ``blurry``, the second a person in the vocabulary's words."""

_VIEWS: Mapping[Crop, View] = {"head": "face", "body": "full"}
_LEFT_OUT: Mapping[Crop, tuple[str, ...]] = {
    "head": ("scene",),
    "body": ("face", "emotion", "picture", "scene"),
}
"""Groups that are not judged: the place is the original's, and whole bodies have small faces."""

_MARKS = (
    "occupation", "activity", "hairline", "sideburns", "eyes", "eyebrows", "nose", "lips",
    "cheeks", "chin", "face shape", "skin", "impression", "neckwear", "jewellery", "bag", "focus",
)  # fmt: skip
"""Attributes that a person may well have no value of."""

_OWN: Mapping[str, tuple[str, ...]] = {
    "age": DECADES,
    "ethnicity": VOCABULARY["ethnicity"].values,
    # ϕ_C's scale: the vocabulary's further words for skin lie between these and count as one.
    "skin tone": ("olive", "cold white", "white", "warm white", "beige", "brown", "black"),
}
"""Attribute → the values that are told apart, where they are not simply the vocabulary's."""

BATCH = 32
TEXTS = 256
"""Texts that are embedded together."""


class OpenClipModel(Protocol):
    """What we use of open_clip's models."""

    logit_scale: torch.Tensor

    def encode_image(self, image: torch.Tensor) -> torch.Tensor:
        """Float (N, 3, S, S) → (N, D)."""
        ...

    def encode_text(self, text: torch.Tensor) -> torch.Tensor:
        """Tokens (N, L) → (N, D)."""
        ...

    def eval(self) -> OpenClipModel:
        """No dropout."""
        ...

    def state_dict(self) -> Mapping[str, torch.Tensor]:
        """All weights by name."""
        ...


class ClipJudge:
    """Zero-shot classification by words.

    Attributes:
        version: the first 16 digits of the sha256 of the weights, and those of all texts.
        licence: what is known of the weights' licence.

    Args:
        model: an open_clip model.
        transform: PIL picture → the model's input (3, S, S).
        tokenize: texts → the model's tokens.
        licence: of the weights.
    """

    name = "clip"

    def __init__(
        self,
        model: OpenClipModel,
        transform: Callable[[Any], torch.Tensor],
        tokenize: Callable[[list[str]], torch.Tensor],
        licence: str,
    ) -> None:
        self._model = model.eval()
        self._transform = transform
        self._tokenize = tokenize
        self._classes: dict[Crop, Mapping[str, torch.Tensor]] = {}
        self.licence = licence
        self.version = f"{_weights_digest(model)}-{_words_digest()}"

    def values(self, crop: Crop) -> Mapping[str, tuple[str, ...]]:
        """All that the crop shows and the vocabulary or a suite can name."""
        return values_of(crop)

    def ceilings(self, crop: Crop) -> Mapping[str, Ceiling]:
        """What was measured on labelled renders here, else NaN."""
        from humangenai.attribute_fidelity.judges.measuring import measured

        return measured(self, crop)

    def judge(self, pictures: NDArray[np.uint8], crop: Crop) -> Mapping[str, NDArray[np.float32]]:
        """Say what pictures show."""
        import torch

        return {
            key: torch.from_numpy(scores).softmax(dim=1).numpy()
            for key, scores in self.logits(pictures, crop).items()
        }

    def logits(self, pictures: NDArray[np.uint8], crop: Crop) -> Mapping[str, NDArray[np.float32]]:
        """Cosine similarity to every value's words, times the model's scale.

        Args:
            pictures: uint8 (N, H, W, 3), sRGB; fitted into the model's square, none of it cut off.
            crop: what they show.

        Returns:
            Attribute → float32 (N, values).
        """
        import torch
        from PIL import Image

        classes = self._embedded(crop)
        parts = []
        with torch.inference_mode():
            for start in range(0, len(pictures), BATCH):
                batch = [
                    self._transform(Image.fromarray(p)) for p in pictures[start : start + BATCH]
                ]
                parts.append(self._normed(self._model.encode_image, torch.stack(batch)))
            seen = (
                torch.cat(parts) if parts else torch.empty(0, next(iter(classes.values())).shape[1])
            )
            scale = self._model.logit_scale.exp()
            return {key: (scale * seen @ rows.T).numpy() for key, rows in classes.items()}

    def _embedded(self, crop: Crop) -> Mapping[str, torch.Tensor]:
        """Attribute → unit vectors (values, D): the mean over templates of each value's texts."""
        import torch

        if crop not in self._classes:
            values = values_of(crop)
            texts = [text for key, named in values.items() for value in named
                     for text in texts_of(key, value, crop)]  # fmt: skip
            with torch.inference_mode():
                rows = torch.cat([
                    self._normed(self._model.encode_text, self._tokenize(texts[at : at + TEXTS]))
                    for at in range(0, len(texts), TEXTS)
                ])  # fmt: skip
                mean = rows.view(-1, len(TEMPLATES[crop]), rows.shape[1]).mean(dim=1)
                parts = torch.split(
                    torch.nn.functional.normalize(mean, dim=1),
                    [len(named) for named in values.values()],
                )
            self._classes[crop] = dict(zip(values, parts, strict=True))
        return self._classes[crop]

    @staticmethod
    def _normed(
        encode: Callable[[torch.Tensor], torch.Tensor], batch: torch.Tensor
    ) -> torch.Tensor:
        import torch

        return torch.nn.functional.normalize(encode(batch).float(), dim=1)


@cache
def values_of(crop: Crop) -> Mapping[str, tuple[str, ...]]:
    """Attribute → the values that are put into words, for one crop.

    >>> values_of("head")["neckwear"]
    ('necktie', 'bow tie', 'scarf', 'none of these')
    """
    asked = _asked(_VIEWS[crop])
    found: dict[str, tuple[str, ...]] = {}
    for key, attribute in VOCABULARY.items():
        hidden = attribute.group in _LEFT_OUT[crop] and key not in asked
        if hidden or not visible(key, _VIEWS[crop]):
            continue
        if key in _OWN:
            found[key] = _OWN[key]
            continue
        named = dict.fromkeys((*attribute.values, *asked.get(key, ())))
        none = (NONE,) if key in _MARKS else ()
        if key.endswith("colour"):
            # Navy would take from blue what a picture of something blue should get.
            named = dict.fromkeys(value for value in named if broader(key, value) is None)
        found[key] = (*named, *none)
    found[NATIONALITY] = _nations()
    return found


def texts_of(key: str, value: str, crop: Crop) -> tuple[str, ...]:
    """A value in words, one text per template.

    >>> texts_of("hair colour", "blond", "head")[0]
    'a photo of a person, blond hair'
    """
    view = _VIEWS[crop]
    key = "ethnicity" if key == NATIONALITY else key
    words, _ = write_positive({} if value == NONE else {key: value}, view, style="")
    person = words.partition(" of ")[2]
    blurry = "blurry " if value == "blurry" else ""
    return tuple(template.format(blurry, person) for template in TEMPLATES[crop])


def load(weights: str = "") -> ClipJudge:
    """The judge with a model's weights.

    Args:
        weights: a folder with ``open_clip_config.json`` and one file of weights, or
            ``MODEL/WEIGHTS`` as ``open_clip.list_pretrained()`` names them, which are fetched from
            a hub unless they are in its cache.

    Raises:
        Unavailable: no weights are named, or they cannot be fetched.
        UserError: there is no such folder or model, or the folder does not hold one.
    """
    if not weights:
        raise Unavailable("no weights are named; give clip:FOLDER or clip:MODEL/WEIGHTS")
    folder = Path(weights).expanduser()
    if folder.is_dir():
        return _from_folder(folder)
    if weights.startswith(("/", ".", "~")):
        raise UserError(f"judge 'clip': there is no folder {folder}")
    return _from_id(weights)


def _from_folder(folder: Path) -> ClipJudge:
    config = folder / "open_clip_config.json"
    try:
        text = json.loads(config.read_text(encoding="utf-8"))["model_cfg"]["text_cfg"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"judge 'clip': cannot read {config}: {type(error).__name__}; put an open_clip model's "
            "config and weights into that folder"
        ) from error
    if text.get("hf_model_name"):
        raise UserError(
            f"judge 'clip': {config} names the text encoder {text['hf_model_name']}, which is only "
            "on a hub; take a model whose text encoder is its own"
        )
    try:
        return _made(f"local-dir:{folder}", None, _stated_licence(folder))
    except (RuntimeError, ValueError, OSError, UnpicklingError, SafetensorError) as error:
        raise UserError(
            f"judge 'clip': {folder} holds no weights of its model that can be loaded safely: "
            f"{_first_line(error)}"
        ) from error


def _from_id(name: str) -> ClipJudge:
    import open_clip  # type: ignore[import-untyped]

    model, _, tag = name.rpartition("/")
    known = [f"{model}/{tag}" for model, tag in open_clip.list_pretrained()]
    if name not in known:
        raise UserError(unknown("open_clip model", name, known))
    licence = "MIT (model card)" if tag.startswith("laion") else "see the model card"
    try:
        return _made(model, tag, f"{licence} of {name}")
    except Exception as error:  # a hub can fail in any way
        raise Unavailable(f"the weights {name} cannot be had: {_first_line(error)}") from error


def _made(name: str, tag: str | None, licence: str) -> ClipJudge:
    """A model by open_clip's own name for it, on the processor, with nothing of a file run."""
    import open_clip
    from open_clip.transform import (  # type: ignore[import-untyped]
        PreprocessCfg,
        image_transform_v2,
    )

    model = open_clip.create_model(
        name,
        pretrained=tag,
        require_pretrained=True,
        weights_only=True,
        # Whole people are twice as high as wide: the usual crop would take heads and feet off.
        force_preprocess_cfg={"resize_mode": "longest"},
    )
    transform = image_transform_v2(PreprocessCfg(**model.visual.preprocess_cfg), is_train=False)
    return ClipJudge(model, transform, open_clip.get_tokenizer(name), licence)


def _stated_licence(folder: Path) -> str:
    """What the model card's header says, as folders from a hub have it."""
    card = folder / "README.md"
    text = card.read_text(encoding="utf-8", errors="replace") if card.exists() else ""
    found = re.search(r"^license:\s*([\w.-]+)\s*$", text, flags=re.MULTILINE)
    return f"{found[1]} (model card)" if found else "not stated in the folder"


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _weights_digest(model: OpenClipModel) -> str:
    """The first 16 digits of the sha256 of all tensors, in the order of their names."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def _nations() -> tuple[str, ...]:
    """What ϕ_C's pairs call ethnicities."""
    pairs = [pair for pair in load_suite("phi_C").pairs if pair.key == "ethnicity"]
    return tuple(dict.fromkeys(value for pair in pairs for value in (pair.before, pair.after)))


def _words_digest() -> str:
    """The first 16 digits of the sha256 of everything that pictures are compared with."""
    words = [
        [crop, key, value, *texts_of(key, value, crop)]
        for crop in TEMPLATES
        for key, values in values_of(crop).items()
        for value in values
    ]
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()[:16]


@cache
def _asked(view: View) -> Mapping[str, tuple[str, ...]]:
    """Attribute → all values that the suites of a view ask for."""
    found: dict[str, dict[str, None]] = {}
    for suite in (load_suite(name) for name in SUITES):
        if suite.view != view:
            continue
        for prompt in suite.prompts:
            for key, value in prompt.attributes.items():
                found.setdefault(key, {})[value] = None
        for pair in suite.pairs:
            found.setdefault(pair.key, {}).update({pair.before: None, pair.after: None})
    return {key: tuple(values) for key, values in found.items()}
