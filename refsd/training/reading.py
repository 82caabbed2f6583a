"""The text encoder learns to read before anybody paints.

Which shirt is blue is grammar, and a denoiser learns grammar slowly: each step shows it sixteen
captions and hides them behind noise. Here the text encoder alone reads a hundred captions a
second and must say every attribute of each, in two ways: through one attention over its tokens for
each attribute, as the denoiser's cross-attention will ask one day, and from the mean of all
tokens, which is what an attention sees that has not learnt yet where to look.
Afterwards it is not trained any more (Stable Diffusion's was not either: it came from CLIP,
Radford et al. 2021).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from refsd.prompts import VOCABULARY
from refsd.training.captions import in_words, said, taught
from refsd.training.hardware import DEVICE, reduced
from refsd.training.loop import Loop
from refsd.training.people import sample_person
from refsd.training.text import WIDTH, kept_tokenizer, make_text_encoder, tokens

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from refsd.prompts import View

READ = "text_encoder.pt"
"""The trained text encoder's weights, in the folder of the run."""

STEPS = 800
BATCH = 64
_RATE = 1e-3
_VIEWS: tuple[View, View] = ("full", "face")
_UNSAID = 0


def questions() -> dict[str, tuple[str, ...]]:
    """Attribute → its values, of all that captions may say."""
    known = {key: tuple(values) for key, values in taught().values.items()}
    return known | {"age group": VOCABULARY["age group"].values}


class Reader(nn.Module):
    """A text encoder, and questions to it about each attribute.

    Args:
        text_encoder: of captions.
        asked: attribute → its values.
    """

    def __init__(self, text_encoder: nn.Module, asked: Mapping[str, Sequence[str]]) -> None:
        super().__init__()
        self.text_encoder = text_encoder
        self.asked = {key: tuple(values) for key, values in asked.items()}
        self.questions = nn.Parameter(torch.randn(len(asked), WIDTH) / math.sqrt(WIDTH))
        self.to_k = nn.Linear(WIDTH, WIDTH, bias=False)
        self.to_v = nn.Linear(WIDTH, WIDTH, bias=False)
        counts = [1 + len(values) for values in self.asked.values()]
        self.answers = nn.ModuleList(nn.Linear(WIDTH, count) for count in counts)
        self.at_a_glance = nn.ModuleList(nn.Linear(WIDTH, count) for count in counts)

    def forward(self, read: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Logits of every attribute's values, the first of them for what is not said.

        Args:
            read: int64 (N, 77), tokens.

        Returns:
            For each attribute two of float (N, 1 + values): what attention finds, and the mean.
        """
        embedded = self.text_encoder(read)[0]
        weights = self.questions @ self.to_k(embedded).transpose(1, 2) / math.sqrt(WIDTH)
        found = weights.softmax(dim=2) @ self.to_v(embedded)
        mean = embedded.mean(1)
        return [
            (answer(found[:, place]), glance(mean))
            for place, (answer, glance) in enumerate(
                zip(self.answers, self.at_a_glance, strict=True)
            )
        ]


def train(folder: Path, tokenizer: Path, steps: int = STEPS) -> None:
    """Train, or go on training; the text encoder's weights are in :data:`READ` at the end.

    Args:
        folder: of the run.
        tokenizer: where the denoiser's run keeps its tokenizer.
        steps: of 64 captions.
    """
    torch.manual_seed(0)
    words = kept_tokenizer(tokenizer)
    reader = Reader(make_text_encoder(words, WIDTH), questions()).to(DEVICE)
    optimizer = torch.optim.AdamW(reader.parameters(), _RATE, betas=(0.9, 0.98))
    loop = Loop(folder, steps)
    if (state := loop.resume()) is not None:
        reader.load_state_dict(state["reader"])
        optimizer.load_state_dict(state["optimizer"])
    for step in loop.numbers():
        captions, wanted = examples(np.random.default_rng([step, 6]), reader.asked)
        for group in optimizer.param_groups:
            late = 0.5 * (1 + math.cos(math.pi * step / steps))
            group["lr"] = _RATE * min(1.0, (step + 1) / 100) * (0.02 + 0.98 * late)
        with reduced():
            answers = reader(tokens(words, captions))
        rows = list(zip(answers, wanted.T.to(DEVICE), strict=True))
        loss = torch.stack(
            [functional.cross_entropy(said.float(), true) for both, true in rows for said in both]
        ).mean()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(reader.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        loop.add(reading=float(loss.detach()), **_wrong(rows))
        if loop.is_due():
            loop.save_after({"reader": reader.state_dict(), "optimizer": optimizer.state_dict()})
    torch.save(reader.text_encoder.state_dict(), folder / READ)


def _wrong(
    rows: Sequence[tuple[tuple[torch.Tensor, torch.Tensor], torch.Tensor]],
) -> dict[str, float]:
    """Share of what captions say that is misread, by attention and at a glance."""
    wrong = []
    for way in range(2):
        shares = [
            float((both[way].argmax(1) != true)[true != _UNSAID].float().mean())
            for both, true in rows
            if bool((true != _UNSAID).any())
        ]
        wrong.append(float(np.mean(shares)))
    return {"wrong": wrong[0], "wrong at a glance": wrong[1]}


def examples(
    rng: np.random.Generator, asked: Mapping[str, Sequence[str]], count: int = BATCH
) -> tuple[list[str], torch.Tensor]:
    """Captions of people whom nobody renders, and what they say.

    Args:
        rng: all chance.
        asked: attribute → its values.
        count: how many.

    Returns:
        Captions, and int64 (count, attributes): 0 for what is not said, else 1 + the value's place.
    """
    captions, wanted = [], []
    for number in range(count):
        view = _VIEWS[number % 2]
        words, known = in_words(said(sample_person(rng).labels, view, rng), view, rng)
        captions.append(words)
        wanted.append(
            [1 + values.index(known[key]) if key in known else _UNSAID
             for key, values in asked.items()]
        )  # fmt: skip
    return captions, torch.tensor(wanted)
