"""What to run, as typed data: the YAML files of ``configs/``, overridden by the command line.

An unknown key is refused with the nearest known one, naming the file and the key. Values of a
dataset's or method's ``options`` are checked by that dataset's or method's own ``Options``.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from humangenai.errors import UserError, unknown
from humangenai.records import Suite, Training  # noqa: TC001  (pydantic needs them)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Kind = Literal["benchmarks", "datasets", "methods"]
M = TypeVar("M", bound=BaseModel)

PRIVATE_OPTIONS = (
    *("path", "boxes", "labels", "poses", "outputs", "manifest", "body_files", "avatars"),
)
"""Options of datasets and methods that say where the user's files are."""


class Config(BaseModel):
    """Base of all configs: immutable, and unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DatasetConfig(Config):
    """``configs/datasets/*.yaml``: a registered dataset with its options."""

    dataset: str
    options: dict[str, Any] = Field(default_factory=dict)
    summary: str = ""


class MethodConfig(Config):
    """``configs/methods/*.yaml``: a registered method with its options."""

    method: str
    options: dict[str, Any] = Field(default_factory=dict)
    summary: str = ""


class PhiConfig(Config):
    """How attribute fidelity is measured (``--track phi``).

    Attributes:
        people: so many source people are replaced, for heads and for bodies.
        draws: so many new people take each place, per prompt.
        suites: which lists of prompts.
        judges: who looks at the pictures, ``NAME`` or ``NAME:WEIGHTS``; None: everybody.
    """

    people: int = Field(default=5, ge=1)
    draws: int = Field(default=1, ge=1)
    suites: tuple[Suite, ...] = ("phi_A", "phi_B", "phi_C", "phi_D")
    judges: tuple[str, ...] | None = None


UTILITY_TRACKS = ("classification", "detection")
"""Tracks that train models on a run's pictures; see ``humangenai.utility``."""

PromptMode = Literal["preserve", "random"]


class UtilityConfig(Config):
    """How downstream utility is measured (``--track classification`` or ``detection``).

    Attributes:
        preset: ``small`` fits two CPU cores; ``full`` trains large models and wants a GPU.
        trainings: which rows of the table: on synthetic pictures, on originals, on both, on
            synthetic ones and then on originals.
        seeds: trainings of each kind; with one there are no intervals.
        models: the models to train, ``NAME`` or ``NAME:WEIGHTS``; None: all of the preset.
        pictures: at most so many pictures to learn from, spread over the people; None: all.
        modes: how methods that take prompts are asked, unless their own options say it: labels
            become prompt attributes (``preserve``), or nothing is asked for (``random``).
    """

    preset: Literal["small", "full"] = "small"
    trainings: tuple[Training, ...] = ("S", "R", "S+R", "S→R")
    seeds: int = Field(default=3, ge=1)
    models: tuple[str, ...] | None = None
    pictures: int | None = Field(default=None, ge=2)
    modes: tuple[PromptMode, ...] = ("preserve", "random")


class PartConfig(Config):
    """One dataset within a benchmark.

    Attributes:
        dataset: name of a dataset config, or path of a YAML file.
        options: on top of that config's own.
        baselines: methods that run here beside the ones asked for.
        tracks: what is measured; None: all that the dataset allows.
        attackers: who tries to find people again; None: all.
        limit: only so many items (queries, where the dataset has queries).
        phi: how attribute fidelity is measured, if it is.
        only_sources: only pictures that attribute fidelity takes its people from.
        utility: how downstream utility is measured, if it is.
    """

    dataset: str
    options: dict[str, Any] = Field(default_factory=dict)
    baselines: tuple[str, ...] = ()
    tracks: tuple[str, ...] | None = None
    attackers: tuple[str, ...] | None = None
    limit: int | None = Field(default=None, ge=1)
    phi: PhiConfig = PhiConfig()
    only_sources: bool = False
    utility: UtilityConfig = UtilityConfig()


class BenchmarkConfig(Config):
    """``configs/benchmarks/*.yaml``: datasets, and the methods to run on each.

    Attributes:
        methods: run on every part; ``--method`` replaces them.
        seed: fixes the run key, so that the same call gives the same bytes.
    """

    summary: str = ""
    methods: tuple[str, ...]
    seed: int | None = None
    parts: tuple[PartConfig, ...] = Field(min_length=1)


class RunConfig(Config):
    """One run: one dataset, some methods, one run folder.

    Attributes:
        tracks: what is measured; None: all that the dataset allows.
        attackers: who tries to find people again; None: all.
        limit: only so many items (queries, where the dataset has queries).
        seed: None: a random run key, kept in the run folder.
        retrain: train the attackers again instead of using the weights that are shipped.
        everything: pseudonymize the gallery too, as a release needs; a measurement needs queries.
        phi: how attribute fidelity is measured, if it is.
        only_sources: pseudonymize only pictures that attribute fidelity takes its people from.
        utility: how downstream utility is measured, if it is.
    """

    dataset: DatasetConfig
    methods: tuple[MethodConfig, ...] = Field(min_length=1)
    tracks: tuple[str, ...] | None = None
    attackers: tuple[str, ...] | None = None
    limit: int | None = Field(default=None, ge=1)
    seed: int | None = None
    retrain: bool = False
    everything: bool = False
    phi: PhiConfig = PhiConfig()
    only_sources: bool = False
    utility: UtilityConfig = UtilityConfig()

    @property
    def learns(self) -> bool:
        """Whether models are trained: then the training pictures are pseudonymized too."""
        return bool(set(self.tracks or ()) & set(UTILITY_TRACKS))

    @property
    def only_learns(self) -> bool:
        """Whether nothing else is measured: then only the training pictures are pseudonymized."""
        return bool(self.tracks) and set(self.tracks or ()) <= set(UTILITY_TRACKS)

    def published(self) -> dict[str, Any]:
        """The config without what a release must not tell: the seed, and where files are."""
        plain = self.model_dump(mode="json", exclude={"seed"})
        for part in (plain["dataset"], *plain["methods"]):
            part["options"] = {
                key: value
                for key, value in part["options"].items()
                if key not in PRIVATE_OPTIONS and not Path(str(value)).is_absolute()
            }
        # What stands behind a judge's name may be a folder; the record has the judge's version.
        judges = self.phi.judges
        plain["phi"]["judges"] = judges and [name.partition(":")[0] for name in judges]
        models = self.utility.models
        plain["utility"]["models"] = models and [name.partition(":")[0] for name in models]
        return plain


@dataclass(frozen=True)
class Overrides:
    """What the command line says about a dataset; None where it says nothing."""

    path: Path | None = None
    boxes: Path | None = None
    poses: Path | None = None
    preset: str | None = None


def config_dir() -> Path:
    """Where the YAML files are: ``configs/`` of the repository, ``_configs`` of the wheel."""
    package = Path(__file__).resolve().parent
    installed = package / "_configs"
    return installed if installed.is_dir() else package.parent / "configs"


def names(kind: Kind) -> list[str]:
    """Names of the configs of one kind."""
    return sorted(path.stem for path in (config_dir() / kind).glob("*.yaml"))


def digest(data: object) -> str:
    """sha256, in hex, of JSON-able data, whatever the order of its keys."""
    canonical = json.dumps(data, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()


def load(kind: Kind, name: str, model: type[M]) -> M:
    """Read one config by its name, or by the path of a YAML file.

    Args:
        kind: folder of ``configs/``.
        name: name of a file there without ``.yaml``, or a path that ends in ``.yaml``.
        model: its typed form.

    Raises:
        UserError: there is no such file, it is not YAML, or it holds an unknown key or bad value.
    """
    if name.endswith((".yaml", ".yml")):
        path = Path(name)
    else:
        if name not in names(kind):
            raise UserError(unknown(kind.removesuffix("s"), name, names(kind)))
        path = config_dir() / kind / f"{name}.yaml"
    return read(path, model)


def read(path: Path, model: type[M]) -> M:
    """Read a YAML file as ``model``.

    Raises:
        UserError: it cannot be read, is not YAML, or holds an unknown key or a bad value.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read: {error}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it cannot be parsed"
        raise UserError(f"{path}: not valid YAML{line}: {problem}") from error
    if not isinstance(data, dict):
        raise UserError(f"{path}: expected keys and values, such as 'dataset: crowd'")
    return validate(model, data, str(path))


def validate(model: type[M], data: Mapping[str, Any], where: str) -> M:
    """Check data against a model.

    Args:
        model: a pydantic model that forbids unknown keys.
        data: what the user wrote.
        where: the file, or the options, that the user must look at; starts the message.

    Raises:
        UserError: naming the first key that is unknown or whose value does not fit.
    """
    try:
        return model.model_validate(dict(data))
    except ValidationError as error:
        errors = error.errors()
        # A misspelt key is also a missing one; what was misspelt is the better hint.
        first = next((e for e in errors if e["type"] == "extra_forbidden"), errors[0])
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            known = _keys_beside(model, first["loc"])
            near = difflib.get_close_matches(str(first["loc"][-1]), known, n=3, cutoff=0.5)
            hint = (
                f"did you mean {' or '.join(repr(match) for match in near)}?"
                if near
                else f"known: {', '.join(known) if known else 'none'}"
            )
            raise UserError(f"{where}: unknown key '{key}'; {hint}") from error
        if first["type"] == "missing":
            raise UserError(f"{where}: the key '{key}' is missing") from error
        raise UserError(f"{where}: {key or 'value'}: {first['msg']}") from error


def _keys_beside(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """Keys that are known where ``loc`` points, following nested models."""
    current = model
    for part in loc[:-1]:
        if isinstance(part, int):
            continue
        annotation = current.model_fields[part].annotation
        candidates = [annotation, *getattr(annotation, "__args__", ())]
        models = [c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)]
        if not models:
            break
        current = models[0]
    return sorted(current.model_fields)


def dataset_config(
    name: str, overrides: Overrides, options: Mapping[str, Any] | None = None
) -> DatasetConfig:
    """A dataset by name (of a config, or of the registry) or YAML path, with overrides applied.

    Args:
        name: what ``--dataset`` or a benchmark says.
        overrides: what the command line says; wins over everything else.
        options: what a benchmark says; wins over the dataset's own config.

    Raises:
        UserError: nothing has that name, or the file is wrong.
    """
    from humangenai.registry import DATASETS

    if name.endswith((".yaml", ".yml")) or name in names("datasets"):
        config = load("datasets", name, DatasetConfig)
    elif name in DATASETS.entries():
        config = DatasetConfig(dataset=name)
    else:
        raise UserError(unknown("dataset", name, {*DATASETS.entries(), *names("datasets")}))
    merged = {**config.options, **(options or {})}
    for key, value in asdict(overrides).items():
        if value is not None:
            merged[key] = str(value)
    return config.model_copy(update={"options": merged})


def method_config(name: str) -> MethodConfig:
    """A method by name (of a config, or of the registry) or YAML path.

    Raises:
        UserError: nothing has that name, or the file is wrong.
    """
    from humangenai.registry import METHODS

    if name.endswith((".yaml", ".yml")) or name in names("methods"):
        return load("methods", name, MethodConfig)
    if name in METHODS.entries():
        return MethodConfig(method=name)
    raise UserError(unknown("method", name, {*METHODS.entries(), *names("methods")}))


def in_modes(
    methods: Iterable[MethodConfig], modes: Iterable[PromptMode]
) -> tuple[MethodConfig, ...]:
    """Every method once per way of prompting, if it takes prompts and says nothing about them."""
    from humangenai.registry import METHODS

    chosen: list[MethodConfig] = []
    for method in methods:
        known = METHODS.load(method.method).Options.model_fields
        if "prompt" not in known or "prompt" in method.options:
            chosen.append(method)
            continue
        chosen += [
            method.model_copy(update={"options": {"prompt": {"mode": mode}, **method.options}})
            for mode in modes
        ]
    return tuple(chosen)


def benchmark_runs(
    benchmark: BenchmarkConfig, methods: tuple[str, ...], overrides: Overrides
) -> list[RunConfig]:
    """The runs a benchmark consists of, one per part.

    Args:
        benchmark: as read.
        methods: names that replace the benchmark's methods; empty: its own.
        overrides: for every part's dataset.
    """
    runs = []
    for part in benchmark.parts:
        chosen = list(dict.fromkeys((*part.baselines, *(methods or benchmark.methods))))
        runs.append(
            RunConfig(
                dataset=dataset_config(part.dataset, overrides, part.options),
                methods=tuple(method_config(name) for name in chosen),
                tracks=part.tracks,
                attackers=part.attackers,
                limit=part.limit,
                seed=benchmark.seed,
                phi=part.phi,
                only_sources=part.only_sources,
                utility=part.utility,
            )
        )
    return runs
