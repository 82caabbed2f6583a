"""Convolutions whose weights' gradients are a matrix product.

On processors, oneDNN takes four times as long for the gradient of a 3 x 3 convolution's weights as
for its output where pictures are a few places high and wide; a third of a training step went there.
The same gradient is one matrix product of all neighbourhoods with what comes back
(im2col; Chellapilla, Puri and Simard 2006).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

PLACES = 64
"""Pictures of more places than these are left to the library."""


class _SmallConvolution(torch.autograd.Function):
    """A 3 x 3 convolution, stride 1, padding 1."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return functional.conv2d(x, weight, bias, padding=1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x, weight = ctx.saved_tensors
        back = gradients[0].contiguous(memory_format=torch.channels_last)
        mirrored = weight.flip(2, 3).transpose(0, 1).contiguous(memory_format=torch.channels_last)
        rows = back.permute(0, 2, 3, 1).reshape(-1, back.shape[1])
        of_weight = (rows.t() @ _neighbourhoods(x)).view(len(weight), 3, 3, -1).permute(0, 3, 1, 2)
        return functional.conv2d(back, mirrored, padding=1), of_weight, rows.sum(0)


def _neighbourhoods(x: Tensor) -> Tensor:
    """(N H W, 9 C) of (N, C, H, W): what each place's output is made of."""
    count, channels, height, width = x.shape
    padded = functional.pad(x.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1))
    s = padded.stride()
    views = padded.as_strided((count, height, width, 3, 3, channels), (*s[:3], *s[1:]))
    return views.reshape(count * height * width, 9 * channels)


class _Convolution(nn.Conv2d):
    """As its parent, quicker on its way back where pictures are small."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  (torch's name)
        if input.shape[2] * input.shape[3] > PLACES or not torch.is_grad_enabled():
            return super().forward(input)
        kind = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else input.dtype
        made: Tensor = _SmallConvolution.apply(
            input.to(kind),
            self.weight.to(kind),
            self.bias.to(kind),  # type: ignore[union-attr]
        )
        return made


def quicken(model: nn.Module) -> None:
    """Have a model's plain 3 x 3 convolutions computed so, on a processor; in place."""
    for module in model.modules():
        plain = isinstance(module, nn.Conv2d) and (
            module.kernel_size, module.stride, module.padding, module.dilation, module.groups
        ) == ((3, 3), (1, 1), (1, 1), (1, 1), 1)  # fmt: skip
        if plain and module.bias is not None:
            module.__class__ = _Convolution
