"""Stable Diffusion at full size with random weights: time and memory, without any download.

Usage:
    python benchmarks/full_size.py --family sd15 [--steps N] [--folder DIR] [--out RESULT.json]
    python benchmarks/full_size.py --family sdxl --steps 1

RANDOM WEIGHTS: THROUGHPUT ONLY. The checkpoint has the published architecture, ControlNet included,
and its pictures are noise. RefSD's own refiner runs on it with the shipped settings of
``configs/refiners``, on one crop of 512 × 512 pixels (SDXL: 1024 × 1024); ``--images`` takes more.
The safety checker is left out.

The checkpoint (SD 1.5: 5.7 GB, SDXL: 9.4 GB) is written to ``--folder`` where it is missing there
and kept; without ``--folder`` it goes to a temporary folder and is deleted. Writing and running are
processes of their own, so that each one's peak memory is its own.

On a CUDA device the same crops also go through the plain loop of diffusers: one crop at a time, the
prompt encoded each time, same dtype and steps. The ratio is printed; without a CUDA device it is
NaN (``null`` in the JSON), as it says nothing there.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from refsd.diffusion import Checkpoint
    from refsd.refinement import Composite

WARNING = "RANDOM WEIGHTS: THROUGHPUT ONLY. These pictures are noise; nothing is said of quality."

STAGES = {
    "CLIPTextModel": "text encoders",
    "CLIPTextModelWithProjection": "text encoders",
    "Encoder": "VAE encoder",
    "ControlNetModel": "ControlNet",
    "UNet2DConditionModel": "UNet",
    "Decoder": "VAE decoder",
}
"""Which network, by its class, is which stage."""

PROMPT = "a photo of a person in a red raincoat"
TINY_SIDE = 64


def main() -> None:
    """Build the checkpoint, run it, print and write what was measured."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--family", choices=("sd15", "sdxl"), required=True)
    parser.add_argument("--size", choices=("full", "tiny"), default="full")
    parser.add_argument("--steps", type=int, help="denoising steps that run; default: as shipped")
    parser.add_argument("--images", type=int, default=1)
    parser.add_argument("--dtype", help="default: what RefSD chooses on this machine")
    parser.add_argument("--threads", type=int, help="of torch; default: torch's own choice")
    parser.add_argument("--folder", type=Path, help="where the checkpoint is or shall be")
    parser.add_argument(
        "--plain", action="store_true", help="the plain loop of diffusers too, even without CUDA"
    )
    parser.add_argument("--out", type=Path, help="a JSON file for the result")
    given = parser.parse_args()
    print(WARNING)
    if given.folder is not None:
        result = measure(given.folder, given)
    else:
        with tempfile.TemporaryDirectory(prefix="refsd-random-weights-") as made:
            result = measure(Path(made) / given.family, given)
    show(result)
    if given.out is not None:
        given.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def measure(folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Build and run, each in a process of its own."""
    result: dict[str, Any] = {
        "warning": WARNING,
        "command": command_of(given),
        "family": given.family,
        "size": given.size,
        "hardware": hardware(),
        "load_before": [round(value, 2) for value in os.getloadavg()],
    }
    if not (folder / "refiner.yaml").is_file():
        result["build"] = in_child(build, folder, given)
    result["run"] = in_child(run, folder, given)
    result["load_after"] = [round(value, 2) for value in os.getloadavg()]
    return result


def command_of(given: argparse.Namespace) -> str:
    """The command without this machine's paths."""
    words = ["python benchmarks/full_size.py", f"--family {given.family}"]
    words += ["--size tiny"] if given.size == "tiny" else []
    for name in ("steps", "dtype", "threads"):
        if getattr(given, name) is not None:
            words.append(f"--{name} {getattr(given, name)}")
    words += [f"--images {given.images}"] if given.images != 1 else []
    return " ".join([*words, *(["--plain"] if given.plain else [])])


def hardware() -> dict[str, Any]:
    """What this runs on, and with which packages."""
    packages = ("torch", "diffusers", "transformers", "accelerate")
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def in_child(work: Callable[..., dict[str, Any]], *arguments: object) -> dict[str, Any]:
    """What ``work`` returns from a fresh process, with that process's peak memory."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_with_peak, work, arguments).result()


def _with_peak(
    work: Callable[..., dict[str, Any]], arguments: tuple[object, ...]
) -> dict[str, Any]:
    import resource

    start = time.perf_counter()
    done = work(*arguments)
    return {
        **done,
        "wall_s": round(time.perf_counter() - start, 2),
        "peak_memory_gib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
    }


# -- in processes of their own --------------------------------------------------------------------


def build(folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Write the checkpoint, and beside it how it is used: as the published one, where it can."""
    import yaml

    from refsd.diffusion import load_checkpoint
    from refsd.diffusion.random_weights import write_random_checkpoint

    # SDXL in single precision would be 19 GB of files, for a machine that runs it in half.
    dtype = "bfloat16" if given.family == "sdxl" else "float32"
    write_random_checkpoint(folder, family=given.family, size=given.size, dtype=dtype)
    shipped = load_checkpoint(given.family).model_dump(mode="json", exclude_none=True)
    changed = {
        "name": f"random-{given.family}",
        "summary": "random weights: for timing, not for pictures",
        "licence": "none needed: random numbers",
        "base": {"path": "."},
        "controlnet": {"path": "controlnet"},
        "safety_checker": False,
    }
    if given.size == "tiny":
        changed["sizes"] = [[TINY_SIDE, TINY_SIDE]]
    (folder / "refiner.yaml").write_text(
        yaml.safe_dump({**shipped, **changed}, sort_keys=False), encoding="utf-8"
    )
    files = sorted(folder.rglob("*.safetensors"))
    return {"gigabytes": round(sum(file.stat().st_size for file in files) / 1e9, 2)}


def run(folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Load the checkpoint as RefSD does and refine crops, with time by network."""
    import torch

    from refsd.diffusion.devices import make_plan
    from refsd.diffusion.refiner import DiffusionRefiner

    if given.threads is not None:
        torch.set_num_threads(given.threads)
    checkpoint = _checkpoint(folder, given)
    cuda = torch.cuda.is_available()
    work = composites(given.images, checkpoint)
    refiner = DiffusionRefiner(checkpoint)
    watch = Stopwatch()
    start = time.perf_counter()
    made = refiner.refine(work)
    first = time.perf_counter() - start
    loading = watch.began - start
    stages = watch.stop()
    if any(one.image.shape != asked.image.shape for one, asked in zip(made, work, strict=True)):
        raise RuntimeError("a refined picture has another size than what was refined")
    result: dict[str, Any] = {
        "plan": make_plan(checkpoint).settings(),
        "threads": torch.get_num_threads(),
        "pixels": list(checkpoint.sizes[0]),
        "images": given.images,
        "scheduler": checkpoint.scheduler,
        "steps": int(checkpoint.steps * checkpoint.strength),
        "guidance": checkpoint.guidance,
        "load_s": round(loading, 2),
        "stages_s": stages,
        "refine_s": round(first - loading, 2),
        "images_per_second": round(given.images / (first - loading), 5),
        "gpu": torch.cuda.get_device_name(0) if cuda else None,
        "speedup_over_plain_loop": None,
    }
    if cuda:
        result["gpu_peak_memory_gib"] = round(torch.cuda.max_memory_allocated() / 2**30, 2)
    else:
        result["why_no_speedup"] = "no GPU at hand"
    if cuda or given.plain:
        result |= beside_plain_loop(refiner, checkpoint, work)
        if not cuda:
            result["speedup_over_plain_loop"] = None
    return result


def _checkpoint(folder: Path, given: argparse.Namespace) -> Checkpoint:
    """The checkpoint with as many steps as were asked for."""
    from refsd.diffusion import load_checkpoint

    checkpoint = load_checkpoint(str(folder))
    changes: dict[str, Any] = {}
    if given.dtype is not None:
        changes["dtype"] = given.dtype
    if given.steps is not None:
        changes["steps"] = math.ceil(given.steps / checkpoint.strength)
    return checkpoint.model_copy(update=changes)


def composites(count: int, checkpoint: Checkpoint) -> list[Composite]:
    """Pictures with one region each, whose crop has the checkpoint's first size."""
    import numpy as np

    from refsd.prompts import Prompt
    from refsd.refinement import Composite

    height, width = checkpoint.sizes[0]
    rows, columns = np.mgrid[0:height, 0:width]
    region = (rows / height - 0.5) ** 2 + (columns / width - 0.5) ** 2 < 0.35**2
    rng = np.random.default_rng(0)
    return [
        Composite(
            rng.integers(0, 256, (height, width, 3), dtype=np.uint8),
            [region],
            [Prompt(PROMPT, "blurry")],
            seed,
        )
        for seed in range(count)
    ]


class Stopwatch:
    """Adds up the time that each of ``STAGES`` takes, until stopped."""

    def __init__(self) -> None:
        from torch.nn.modules import module

        self.began = math.nan
        self._since: dict[str, float] = {}
        self._seconds = dict.fromkeys(STAGES.values(), 0.0)
        self._calls = dict.fromkeys(STAGES.values(), 0)
        self._hooks = [
            module.register_module_forward_pre_hook(self._enter),
            module.register_module_forward_hook(self._leave),
        ]

    def _enter(self, network: Any, _: Any) -> None:
        if (stage := STAGES.get(type(network).__name__)) is not None:
            self._since[stage] = _now()
            if math.isnan(self.began):
                self.began = self._since[stage]

    def _leave(self, network: Any, _: Any, __: Any) -> None:
        if (stage := STAGES.get(type(network).__name__)) is not None:
            self._seconds[stage] += _now() - self._since[stage]
            self._calls[stage] += 1

    def stop(self) -> dict[str, dict[str, float]]:
        """Seconds and calls by stage."""
        for hook in self._hooks:
            hook.remove()
        return {
            stage: {"seconds": round(seconds, 2), "calls": self._calls[stage]}
            for stage, seconds in self._seconds.items()
        }


def _now() -> float:
    """The time, once the device has done what it was asked."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def beside_plain_loop(
    refiner: Any, checkpoint: Checkpoint, work: list[Composite]
) -> dict[str, float]:
    """Images per second of our refiner and of a loop over diffusers' pipeline, both warm.

    Each runs twice, alternating, and the better time of each counts.
    """
    import torch

    from refsd.diffusion.crops import crop_around, cut
    from refsd.diffusion.devices import make_plan
    from refsd.diffusion.loading import load_pipeline
    from refsd.refinement import canny

    pipeline = load_pipeline(checkpoint, make_plan(checkpoint), "refine")

    def plain() -> None:
        from PIL import Image

        for composite in work:
            crop = crop_around(composite.regions[0], checkpoint.sizes, checkpoint.context)
            image = cut(composite.image, crop)
            pipeline(
                prompt=composite.prompts[0].positive,
                negative_prompt=composite.prompts[0].negative,
                image=Image.fromarray(image),
                control_image=Image.fromarray(canny(image, *checkpoint.canny)),
                strength=checkpoint.strength,
                controlnet_conditioning_scale=checkpoint.conditioning_scale,
                num_inference_steps=checkpoint.steps,
                guidance_scale=checkpoint.guidance,
                generator=torch.Generator("cpu").manual_seed(composite.seed),
            )

    times = {"ours": math.inf, "plain": math.inf}
    plain()  # the first call finds the kernels
    for _ in range(2):
        for name, action in (("ours", lambda: refiner.refine(work)), ("plain", plain)):
            start = _now()
            action()
            times[name] = min(times[name], _now() - start)
    return {
        "ours_images_per_second": round(len(work) / times["ours"], 4),
        "plain_loop_images_per_second": round(len(work) / times["plain"], 4),
        "speedup_over_plain_loop": round(times["plain"] / times["ours"], 2),
    }


# -- for people -----------------------------------------------------------------------------------


def show(result: dict[str, Any]) -> None:
    """Print the figures."""
    hardware, done = result["hardware"], result["run"]
    print(f"{result['family']} ({result['size']}), {hardware['cores']} cores of", end=" ")
    print(f"{hardware['processor']}, {hardware['memory_gib']} GiB, load {result['load_before'][0]}")
    if "build" in result:
        built = result["build"]
        print(f"writing {built['gigabytes']} GB: {built['wall_s']} s,", end=" ")
        print(f"peak {built['peak_memory_gib']} GiB")
    print(f"{done['images']} x {done['pixels']}, {done['steps']} steps, {done['plan']}")
    print(f"  {'loading':14s} {done['load_s']:9.2f} s")
    for stage, spent in done["stages_s"].items():
        print(f"  {stage:14s} {spent['seconds']:9.2f} s in {spent['calls']} calls")
    print(f"  {'refining':14s} {done['refine_s']:9.2f} s: {done['images_per_second']} images/s")
    print(f"  peak memory {done['peak_memory_gib']} GiB")
    ratio = done["speedup_over_plain_loop"]
    if ratio is None:
        print(f"  ours over diffusers' plain loop: NaN ({done['why_no_speedup']})")
    else:
        print(f"  ours over diffusers' plain loop: {ratio} times as fast on {done['gpu']}")
    print(WARNING)


if __name__ == "__main__":
    main()
