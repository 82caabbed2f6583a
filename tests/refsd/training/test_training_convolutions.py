"""Convolutions whose gradients are matrix products give what the library gives."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from refsd.training.convolutions import quicken


@pytest.mark.parametrize(("height", "width"), [(1, 1), (5, 3), (8, 8), (9, 9)])
def test_outputs_and_gradients_are_the_librarys(height: int, width: int) -> None:
    torch.manual_seed(0)
    plain = nn.Conv2d(6, 10, 3, padding=1)
    quick = nn.Conv2d(6, 10, 3, padding=1)
    quick.load_state_dict(plain.state_dict())
    quicken(quick)
    x = torch.randn(4, 6, height, width)
    found = []
    for model in (plain, quick):
        seen = x.clone().requires_grad_()
        made = model(seen)
        (made**3).mean().backward()
        assert seen.grad is not None
        found.append((made, seen.grad, model.weight.grad, model.bias.grad))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other)


def test_other_convolutions_are_left_alone_and_names_stay() -> None:
    model = nn.Sequential(
        nn.Conv2d(4, 4, 3, padding=1, stride=2), nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 3, padding=1)
    )
    names = list(model.state_dict())
    quicken(model)
    assert [type(layer) is nn.Conv2d for layer in model] == [True, True, False]
    assert list(model.state_dict()) == names
    assert model(torch.randn(1, 4, 8, 8)).shape == (1, 4, 4, 4)
