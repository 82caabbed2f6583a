"""The large detector, of the preset ``full``: Faster R-CNN with FPN over any backbone of timm.

The paper's is DINOv2-Adapter with Faster R-CNN. Here a plain ViT gives one map, of which a simple
pyramid makes four by scaling (Li et al., "Exploring Plain Vision Transformer Backbones for Object
Detection", ECCV 2022) before FPN joins them; backbones with several maps, such as a ResNet, give
their own. Everything else is torchvision's.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional

from humangenai.errors import UserError
from humangenai.utility.detection.detector import Recipe
from humangenai.utility.detection.scores import MOST_BOXES, Detections

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from humangenai.utility.detection.scores import Truth

STRIDES = (4, 8, 16, 32)

CHANNELS = 256
"""Of the pyramid."""

_VERSION = 1


class TimmPyramid(nn.Module):
    """A timm backbone's maps as a feature pyramid.

    Args:
        backbone: made by ``timm.create_model(…, features_only=True)``.
        channels: of every level.

    Attributes:
        out_channels: what torchvision asks for.
    """

    def __init__(self, backbone: Any, channels: int = CHANNELS) -> None:
        super().__init__()
        from torchvision.ops import FeaturePyramidNetwork
        from torchvision.ops.feature_pyramid_network import LastLevelMaxPool

        self.backbone = backbone
        widths = [int(width) for width in backbone.feature_info.channels()]
        reductions = [int(reduction) for reduction in backbone.feature_info.reduction()]
        # A plain transformer has the same scale everywhere: only its last map is used.
        self.plain = len(set(reductions)) == 1
        self.used = [at for at, one in enumerate(reductions) if one >= STRIDES[0]]
        self.reduction = reductions[-1]
        self.pyramid = FeaturePyramidNetwork(
            [widths[-1]] * len(STRIDES) if self.plain else [widths[at] for at in self.used],
            channels,
            extra_blocks=LastLevelMaxPool(),
        )
        self.out_channels = channels

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        """Levels by name, the finest first.

        Args:
            pictures: float (N, 3, H, W), normalized.
        """
        height, width = pictures.shape[-2:]
        patch = self.reduction if self.plain else 1
        padded = functional.pad(pictures, (0, -width % patch, 0, -height % patch))
        maps = self.backbone(padded)
        if self.plain:
            last = maps[-1].float()  # not every type can be scaled smoothly
            levels = [
                functional.interpolate(
                    last,
                    size=(-(-height // stride), -(-width // stride)),
                    mode="bilinear",
                    antialias=stride > patch,
                )
                for stride in STRIDES
            ]
        else:
            levels = [maps[at] for at in self.used]
        named = OrderedDict((str(number), one) for number, one in enumerate(levels))
        joined: dict[str, Tensor] = self.pyramid(named)
        return joined


@dataclass(frozen=True)
class FasterRcnn:
    """Faster R-CNN.

    Attributes:
        name: what tables say.
        backbone: a model's name in timm.
        weights: ``pretrained`` (timm's, fetched or from its cache), a file with them, or empty:
            random.
        shortest: pixels of a picture's shorter side; several are drawn from in training.
        longest: pixels of its longer side at most.
        recipe: how it is trained.
    """

    name: str = "faster-rcnn[dinov2-vit-s14]"
    backbone: str = "vit_small_patch14_dinov2.lvd142m"
    weights: str = "pretrained"
    shortest: tuple[int, ...] = (448, 518, 588, 644)
    longest: int = 1022
    recipe: Recipe = field(
        default_factory=lambda: Recipe(updates=8000, batch=16, learning_rate=1e-4, precision="bf16")
    )

    def settings(self) -> Mapping[str, object]:
        """All that its result depends on beside pictures, seed and recipe."""
        weights = self.weights
        if weights not in ("", "pretrained"):
            weights = _file_hash(Path(weights))
        return {
            "version": _VERSION,
            "backbone": self.backbone,
            "weights": weights,
            "shortest": list(self.shortest),
            "longest": self.longest,
            "recipe": asdict(self.recipe),
        }

    def build(self, categories: int) -> nn.Module:
        """An untrained detector over the backbone.

        Raises:
            UserError: timm does not know the backbone, or its weights cannot be had.
        """
        from torchvision.models.detection import FasterRCNN
        from torchvision.models.detection.anchor_utils import AnchorGenerator
        from torchvision.ops import MultiScaleRoIAlign

        pyramid = TimmPyramid(self._backbone())
        levels = len(pyramid.pyramid.inner_blocks) + 1
        anchors = AnchorGenerator(
            tuple((32 * 2**level,) for level in range(levels)), ((0.5, 1.0, 2.0),) * levels
        )
        network: nn.Module = FasterRCNN(
            pyramid,
            num_classes=categories + 1,  # 0 is the background
            rpn_anchor_generator=anchors,
            box_roi_pool=MultiScaleRoIAlign([str(n) for n in range(levels - 1)], 7, 2),
            min_size=list(self.shortest),
            max_size=self.longest,
            box_detections_per_img=MOST_BOXES,
            box_score_thresh=0.02,
        )
        return network

    def loss(
        self,
        network: nn.Module,
        images: Sequence[NDArray[np.uint8]],
        truth: Sequence[Truth],
        device: str,
    ) -> Tensor:
        """The sum of torchvision's four losses; half of the pictures are mirrored."""
        pictures, targets = [], []
        for image, one in zip(images, truth, strict=True):
            picture = _to_tensor(image)
            boxes = torch.from_numpy(one.boxes).float()
            if torch.rand(()) < 0.5:
                picture = picture.flip(-1)
                boxes = boxes.clone()
                boxes[:, [0, 2]] = picture.shape[-1] - boxes[:, [2, 0]]
            # Crowds are no single thing to learn, and a box without an area is refused.
            kept = ~torch.from_numpy(one.crowd) & (boxes[:, 2:] - boxes[:, :2] > 0.5).all(dim=1)
            pictures.append(picture.to(device))
            targets.append(
                {
                    "boxes": boxes[kept].to(device),
                    "labels": (torch.from_numpy(one.categories)[kept] + 1).to(device),
                }
            )
        losses: dict[str, Tensor] = network(pictures, targets)
        return torch.stack([*losses.values()]).sum()

    def detect(
        self, network: nn.Module, images: Sequence[NDArray[np.uint8]], device: str
    ) -> list[Detections]:
        """What it finds, the surest first."""
        with torch.inference_mode():
            found = network([_to_tensor(image).to(device) for image in images])
        return [
            Detections(
                one["boxes"].double().cpu().numpy(),
                (one["labels"] - 1).cpu().numpy(),
                one["scores"].double().cpu().numpy(),
            )
            for one in found
        ]

    def _backbone(self) -> Any:
        import timm

        chosen: dict[str, Any] = {"features_only": True}
        if self.weights == "pretrained":
            chosen["pretrained"] = True
        elif self.weights:
            path = Path(self.weights).expanduser()
            if not path.is_file():
                raise UserError(f"{path}: there is no such file with weights of {self.backbone}")
            chosen |= {"pretrained": True, "pretrained_cfg_overlay": {"file": str(path)}}
        try:
            try:
                # Plain transformers have positions for one size only, unless told otherwise.
                return timm.create_model(self.backbone, **chosen, dynamic_img_size=True)
            except TypeError:
                return timm.create_model(self.backbone, **chosen)
        except (RuntimeError, OSError, ValueError) as error:
            raise UserError(
                f"{self.backbone}: timm cannot make it: {' '.join(str(error).split())[:200]}"
            ) from error


def _to_tensor(image: NDArray[np.uint8]) -> Tensor:
    """Float32 (3, H, W) in [0, 1]."""
    return torch.from_numpy(image).permute(2, 0, 1).float() / 255


def _file_hash(path: Path) -> str:
    from humangenai.datasets.manifest import file_hash

    return file_hash(path.expanduser()).hex()
