"""The small detector of the embedded profile: one feature map, a heat map of centres, and sizes.

Every cell of a map of stride 8 says, per category, whether something's centre lies there (focal
loss with a Gaussian around the centre, after Zhou et al., "Objects as Points", 2019), and how far
the four sides are from the cell (as in Tian et al., "FCOS", ICCV 2019; generalized IoU loss). It
has about half a million weights and learns from scratch in a few hundred updates on a CPU.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torchvision.ops import batched_nms, generalized_box_iou_loss

from humangenai.utility.detection.detector import Recipe
from humangenai.utility.detection.scores import MOST_BOXES, Detections

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from humangenai.utility.detection.scores import Truth

STRIDE = 8

SPREAD = 6.0
"""A box is so many standard deviations of its Gaussian wide and high."""

LEAST_SPREAD = 0.6
"""Standard deviation of small boxes, in cells."""

NEAR_CENTRE = 0.5
"""Where the Gaussian is above that, sides are learned."""

LEAST_SCORE = 0.02
OVERLAP = 0.6
"""Of two boxes of a category that have more in common, only the surer stays."""

GREY = 114
"""Fills the rest of a picture of another shape."""

_VERSION = 1
"""Counts up when the network or its losses change."""


class CentreNetwork(nn.Module):
    """A residual network down to stride 16 and up again to 8.

    Args:
        categories: how many.
        width: channels at stride 8.
    """

    def __init__(self, categories: int, width: int) -> None:
        super().__init__()
        deep = width * 3 // 2
        self.stem = nn.Sequential(
            _convolution(3, width // 4, stride=2),
            _convolution(width // 4, width // 2, stride=2),
            _convolution(width // 2, width, stride=2),
            _convolution(width, width),
        )
        self.context = nn.Sequential(
            _convolution(width, deep, stride=2), _Block(deep, 1), _Block(deep, 2)
        )
        self.reduce = nn.Conv2d(deep, width, 1)
        self.join = _convolution(width, width)
        self.heat = nn.Conv2d(width, categories, 1)
        self.sides = nn.Conv2d(width, 4, 1)
        # At the start hardly anything is found, or the empty cells would drown the others.
        nn.init.constant_(self.heat.get_parameter("bias"), -4.0)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Heat (N, C, H/8, W/8), logits; sides (N, 4, H/8, W/8), pixels from the cell's middle.

        Args:
            pictures: float32 (N, 3, H, W), about -2 to 2; H and W are multiples of 16.
        """
        fine = self.stem(pictures)
        coarse = self.reduce(self.context(fine))
        joined = self.join(fine + functional.interpolate(coarse, scale_factor=2.0))
        sides = functional.softplus(self.sides(joined)) * STRIDE
        return self.heat(joined), sides


def _convolution(channels: int, out: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, out, 3, stride, dilation, dilation, bias=False),
        nn.BatchNorm2d(out),
        nn.ReLU(inplace=True),
    )


class _Block(nn.Module):
    """Two convolutions beside which the input goes through."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.first = _convolution(width, width, dilation=dilation)
        self.second = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, features: Tensor) -> Tensor:
        changed: Tensor = self.second(self.first(features))
        return functional.relu(features + changed)


@dataclass(frozen=True)
class CentreDetector:
    """The small detector.

    Attributes:
        name: what tables say.
        height: of the pictures it is shown, a multiple of 16; others are fitted in. width likewise.
        channels: of its map.
        recipe: how it is trained.
    """

    name: str = "centre-cnn"
    height: int = 192
    width: int = 256
    channels: int = 64
    recipe: Recipe = field(
        default_factory=lambda: Recipe(updates=300, batch=16, learning_rate=3e-3)
    )

    def settings(self) -> Mapping[str, object]:
        """All that its result depends on beside pictures, seed and recipe."""
        return {
            "version": _VERSION,
            "height": self.height,
            "width": self.width,
            "channels": self.channels,
            "recipe": asdict(self.recipe),
        }

    def build(self, categories: int) -> nn.Module:
        """An untrained network."""
        return CentreNetwork(categories, self.channels)

    def loss(
        self,
        network: nn.Module,
        images: Sequence[NDArray[np.uint8]],
        truth: Sequence[Truth],
        device: str,
    ) -> Tensor:
        """Focal loss of the heat map plus GIoU loss of the sides, on a varied batch."""
        fitted = [fit(image, self.height, self.width) for image in images]
        pictures = torch.from_numpy(np.stack([image for image, _ in fitted])).permute(0, 3, 1, 2)
        boxes = [
            torch.from_numpy(one.boxes * scale).float()
            for one, (_, scale) in zip(truth, fitted, strict=True)
        ]
        categories = [torch.from_numpy(one.categories) for one in truth]
        crowd = [torch.from_numpy(one.crowd) for one in truth]
        varied, boxes, shown = vary(pictures, boxes)
        wanted = [
            targets(b[s], c[s], r[s], (self.height, self.width), _categories(network))
            for b, c, r, s in zip(boxes, categories, crowd, shown, strict=True)
        ]
        heat, sides, weight, counts = (
            torch.stack(part).to(device) for part in zip(*wanted, strict=True)
        )
        found, found_sides = network(to_input(varied).to(device))
        return centre_loss(found, heat, counts) + sides_loss(found_sides, sides, weight)

    def detect(
        self, network: nn.Module, images: Sequence[NDArray[np.uint8]], device: str
    ) -> list[Detections]:
        """Peaks of the heat map, the surest first."""
        fitted = [fit(image, self.height, self.width) for image in images]
        pictures = torch.from_numpy(np.stack([image for image, _ in fitted])).permute(0, 3, 1, 2)
        with torch.inference_mode():
            heat, sides = network(to_input(pictures.float() / 255).to(device))
        return [
            _decode(heat[number].float().cpu(), sides[number].float().cpu(), scale, image.shape[:2])
            for number, (image, (_, scale)) in enumerate(zip(images, fitted, strict=True))
        ]


def _categories(network: nn.Module) -> int:
    """How many categories a network, perhaps wrapped, finds."""
    plain = getattr(network, "module", network)
    assert isinstance(plain, CentreNetwork)  # noqa: S101
    return plain.heat.out_channels


def fit(image: NDArray[np.uint8], height: int, width: int) -> tuple[NDArray[np.uint8], float]:
    """Scale a picture into a frame, from its top left corner; the rest is grey.

    Returns:
        uint8 (height, width, 3), and the scale.
    """
    if image.shape[:2] == (height, width):
        return image, 1.0
    scale = min(height / image.shape[0], width / image.shape[1])
    rows = min(height, max(1, round(image.shape[0] * scale)))
    columns = min(width, max(1, round(image.shape[1] * scale)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    framed = np.full((height, width, 3), GREY, dtype=np.uint8)
    framed[:rows, :columns] = cv2.resize(image, (columns, rows), interpolation=way)
    return framed, scale


def to_input(pictures: Tensor) -> Tensor:
    """Pictures float (N, 3, H, W) in [0, 1], as the network takes them."""
    return ((pictures - 0.45) / 0.25).contiguous(memory_format=torch.channels_last)


def vary(pictures: Tensor, boxes: Sequence[Tensor]) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """Mirror, scale, shift and recolour pictures, their boxes with them.

    Args:
        pictures: uint8 (N, 3, H, W).
        boxes: float32 (n, 4) per picture, pixels.

    Returns:
        float32 (N, 3, H, W) in [0, 1]; the boxes as they are now, cut at the edge; and per picture
        bool (n,), False for those of which less than half is left.
    """
    n, _, height, width = pictures.shape
    flip = 1 - 2 * (torch.rand(n) < 0.5).float()
    scale = torch.empty(n).uniform_(0.8, 1.3)
    shift = torch.empty(n, 2).uniform_(-0.12, 0.12)  # shares of half the picture
    # grid_sample asks where each new pixel comes from: old = flip / scale * new + shift.
    matrix = torch.zeros(n, 2, 3)
    matrix[:, 0, 0], matrix[:, 1, 1] = flip / scale, 1 / scale
    matrix[:, :, 2] = shift
    grid = functional.affine_grid(matrix, [n, 3, height, width], align_corners=False)
    varied = functional.grid_sample(
        pictures.float() / 255, grid, padding_mode="border", align_corners=False
    )
    varied = varied * torch.empty(n, 3, 1, 1).uniform_(0.9, 1.1)
    varied = varied * torch.empty(n, 1, 1, 1).uniform_(0.75, 1.3)
    mean = varied.mean(dim=(1, 2, 3), keepdim=True)
    varied = (mean + (varied - mean) * torch.empty(n, 1, 1, 1).uniform_(0.75, 1.25)).clamp(0, 1)
    moved, shown = [], []
    size = torch.tensor([width, height], dtype=torch.float32)
    for number, one in enumerate(boxes):
        corners = one.reshape(-1, 2, 2) * 2 / size - 1
        axes = torch.stack([flip[number] * scale[number], scale[number]])
        corners = (corners - shift[number]) * axes
        corners = (corners + 1) * size / 2
        new = torch.cat([corners.amin(dim=1), corners.amax(dim=1)], dim=1)
        cut = torch.minimum(new.clamp(min=0), size.repeat(2))
        moved.append(cut)
        shown.append(_area(cut) >= 0.5 * _area(new).clamp(min=1e-3))
    return varied, moved, shown


def _area(boxes: Tensor) -> Tensor:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def targets(
    boxes: Tensor, categories: Tensor, crowd: Tensor, size: tuple[int, int], count: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What the map should say of one picture.

    Args:
        boxes: float32 (n, 4), pixels.
        categories: int64 (n,).
        crowd: bool (n,): regions about which the heat map may say what it likes.
        size: height and width of the picture.
        count: how many categories there are.

    Returns:
        Heat (count, H/8, W/8) in [0, 1], 1 at centres; sides (4, H/8, W/8), pixels; the weight of
        each cell's sides (H/8, W/8); and which cells of the heat count (H/8, W/8), 1 or 0.
    """
    rows, columns = size[0] // STRIDE, size[1] // STRIDE
    heat, sides = torch.zeros(count, rows, columns), torch.zeros(4, rows, columns)
    weight, counts = torch.zeros(rows, columns), torch.ones(rows, columns)
    y = (torch.arange(rows) + 0.5).view(-1, 1) * STRIDE
    x = (torch.arange(columns) + 0.5).view(1, -1) * STRIDE
    for box, category, many in zip(boxes, categories.tolist(), crowd.tolist(), strict=True):
        x0, y0, x1, y1 = box.tolist()
        if many:
            counts[(x >= x0) & (x < x1) & (y >= y0) & (y < y1)] = 0
            continue
        middle_x, middle_y = (x0 + x1) / 2, (y0 + y1) / 2
        column = min(int(middle_x / STRIDE), columns - 1)
        row = min(int(middle_y / STRIDE), rows - 1)
        spread_x = max((x1 - x0) / SPREAD, LEAST_SPREAD * STRIDE)
        spread_y = max((y1 - y0) / SPREAD, LEAST_SPREAD * STRIDE)
        bump = torch.exp(
            -(((x - x[0, column]) / spread_x) ** 2 + ((y - y[row, 0]) / spread_y) ** 2) / 2
        )
        heat[category] = torch.maximum(heat[category], bump)
        # The nearest centre's box is the one to learn.
        mine = (bump > NEAR_CENTRE) & (bump > weight)
        distances = torch.stack(
            [(x - x0).expand_as(bump), (y - y0).expand_as(bump), (x1 - x).expand_as(bump),
             (y1 - y).expand_as(bump)]
        )  # fmt: skip
        inside = mine & (distances.amin(dim=0) > 0)
        sides[:, inside] = distances[:, inside]
        weight[inside] = bump[inside]
    return heat, sides, weight, counts


def centre_loss(found: Tensor, heat: Tensor, counts: Tensor) -> Tensor:
    """Focal loss of centres, mean over them (Zhou et al., 2019, equation 1).

    Args:
        found: logits (N, C, h, w).
        heat: the same shape, in [0, 1].
        counts: (N, h, w), 0 where nothing is asked.
    """
    found = found.float()
    centre = (heat == 1).float()
    share = found.sigmoid()
    right = centre * (1 - share) ** 2 * functional.logsigmoid(found)
    wrong = (1 - centre) * (1 - heat) ** 4 * share**2 * functional.logsigmoid(-found)
    total = -((right + wrong) * counts[:, None]).sum()
    return total / centre.sum().clamp(min=1)


def sides_loss(found: Tensor, sides: Tensor, weight: Tensor) -> Tensor:
    """One minus generalized IoU of the cells' boxes, mean by weight.

    Args:
        found: (N, 4, h, w), pixels.
        sides: the same shape.
        weight: (N, h, w).
    """
    chosen = weight > 0
    if not chosen.any():
        return found.sum() * 0
    signs = torch.tensor([-1.0, -1.0, 1.0, 1.0], device=found.device)
    # Around the cell's own middle, which is the same for both.
    mine = found.float().permute(0, 2, 3, 1)[chosen] * signs
    true = sides.permute(0, 2, 3, 1)[chosen] * signs
    losses = generalized_box_iou_loss(mine, true)
    total: Tensor = (losses * weight[chosen]).sum() / weight[chosen].sum()
    return total


def _decode(heat: Tensor, sides: Tensor, scale: float, shape: tuple[int, ...]) -> Detections:
    """Boxes at the peaks of one picture's heat, in pixels of the original picture."""
    share = heat.sigmoid()
    peaks = share * (functional.max_pool2d(share[None], 3, 1, 1)[0] == share)
    categories, rows, columns = torch.nonzero(peaks > LEAST_SCORE, as_tuple=True)
    scores = peaks[categories, rows, columns]
    middle = torch.stack([columns, rows, columns, rows], dim=1) * STRIDE + STRIDE / 2
    signs = torch.tensor([-1.0, -1.0, 1.0, 1.0])
    boxes = (middle + sides[:, rows, columns].T * signs) / scale
    size = torch.tensor([shape[1], shape[0]] * 2, dtype=torch.float32)
    boxes = torch.minimum(boxes.clamp(min=0), size)
    kept = batched_nms(boxes, scores, categories, OVERLAP)[: MOST_BOXES * heat.shape[0]]
    return Detections(
        boxes[kept].double().numpy(), categories[kept].numpy(), scores[kept].double().numpy()
    )
