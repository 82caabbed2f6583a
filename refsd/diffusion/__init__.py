"""Stable Diffusion at work: checkpoints as data, loading, crops, refinement, inpainting.

Nothing heavy is imported until a checkpoint is loaded.
"""

from refsd.diffusion.checkpoints import (
    Checkpoint,
    CheckpointError,
    Source,
    checkpoint_names,
    load_checkpoint,
)

__all__ = ["Checkpoint", "CheckpointError", "Source", "checkpoint_names", "load_checkpoint"]
