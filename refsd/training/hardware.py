"""What training runs on: a graphics card where there is one, else the processor."""

from __future__ import annotations

import torch

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def reduced() -> torch.autocast:
    """Computing in bfloat16 where that does no harm; weights stay float32."""
    return torch.autocast(DEVICE.type, dtype=torch.bfloat16)
