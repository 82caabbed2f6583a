"""The tokenizer and text encoder of refsd-tiny: CLIP's layout, our own words only."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
from tokenizers import Tokenizer, pre_tokenizers, trainers
from tokenizers.models import BPE
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from refsd.prompts import VOCABULARY
from refsd.training.captions import caption
from refsd.training.hardware import DEVICE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import torch

WIDTH = 192
"""Width of the text encoder, which the UNet attends to."""

LENGTH = 77
"""Tokens of a prompt, as CLIP's text encoders read."""

WORDS = 2000
"""Tokens at most: every word of the vocabulary has its own."""

BEGIN, END = "<|startoftext|>", "<|endoftext|>"


def make_tokenizer() -> CLIPTokenizer:
    """Learn byte pairs from captions of people whom nobody renders, and from the vocabulary."""
    tokenizer = Tokenizer(BPE(end_of_word_suffix="</w>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Punctuation(), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=WORDS,
        special_tokens=[BEGIN, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    tokenizer.train_from_iterator(_words(), trainer)
    model = json.loads(tokenizer.to_str())["model"]
    vocab = {token: index for token, index in model["vocab"].items() if token not in (BEGIN, END)}
    # Bytes that end a word, which only appear where a word is one byte long.
    for byte in pre_tokenizers.ByteLevel.alphabet():
        vocab.setdefault(f"{byte}</w>", 0)
    ordered = {token: index for index, token in enumerate(sorted(vocab, key=vocab.__getitem__))}
    ordered |= {BEGIN: len(ordered), END: len(ordered) + 1}
    merges = [tuple(pair) if isinstance(pair, list) else tuple(pair.split(" ")) for pair in
              model["merges"]]  # fmt: skip
    return CLIPTokenizer(ordered, merges, model_max_length=LENGTH)


def _words() -> Iterator[str]:
    from refsd.training.people import sample_person

    for number in range(2000):
        rng = np.random.default_rng([number, 77])
        labels = sample_person(rng).labels
        for view in ("face", "full"):
            yield from caption(labels, view, rng).lower().split()
    for attribute in VOCABULARY.values():
        for value in attribute.values:
            yield from 20 * value.lower().split()


def make_text_encoder(tokenizer: CLIPTokenizer, width: int = WIDTH) -> CLIPTextModel:
    """A small CLIP text encoder with random weights."""
    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=4 * width,
        projection_dim=width,
        num_hidden_layers=4,
        num_attention_heads=4,
        max_position_embeddings=LENGTH,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return CLIPTextModel(config)


def tokens(tokenizer: CLIPTokenizer, captions: Sequence[str]) -> torch.Tensor:
    """int64 (N, 77), as the text encoder reads captions."""
    ids: torch.Tensor = tokenizer(
        list(captions), padding="max_length", truncation=True, max_length=LENGTH,
        return_tensors="pt",
    ).input_ids  # fmt: skip
    return ids.to(DEVICE)


def kept_tokenizer(folder: Path) -> CLIPTokenizer:
    """The tokenizer of a training run: made when the run begins, the same ever after.

    Words may be added to the vocabulary while a run is stopped; its embeddings would then stand
    for other tokens.

    Args:
        folder: where the run keeps it.
    """
    if not folder.is_dir():
        save_tokenizer(make_tokenizer(), folder)
    kept: CLIPTokenizer = CLIPTokenizer.from_pretrained(str(folder))
    return kept


def save_tokenizer(tokenizer: CLIPTokenizer, folder: Path) -> None:
    """Write it as ``CLIPTokenizer.from_pretrained`` reads it."""
    tokenizer.save_pretrained(str(folder))
