from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
from pydantic import BaseModel, ConfigDict

from humangenai import config as configs
from humangenai.commands import Request, evaluation
from humangenai.config import (
    BenchmarkConfig,
    DatasetConfig,
    MethodConfig,
    Overrides,
    PhiConfig,
    RunConfig,
)
from humangenai.errors import UserError
from humangenai.registry import METHODS

if TYPE_CHECKING:
    from pathlib import Path


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("kind", "model"),
    [
        ("benchmarks", BenchmarkConfig),
        ("datasets", DatasetConfig),
        ("methods", MethodConfig),
    ],
)
def test_every_shipped_file_is_valid_and_says_what_it_is(kind: str, model: type) -> None:
    found = configs.names(kind)  # type: ignore[arg-type]
    assert found
    for name in found:
        assert configs.load(kind, name, model).summary  # type: ignore[arg-type]


@pytest.mark.parametrize("name", configs.names("methods"))
def test_options_of_every_shipped_method_are_accepted(name: str) -> None:
    config = configs.method_config(name)
    configs.validate(METHODS.load(config.method).Options, config.options, name)


def test_a_misspelt_key_is_refused_with_file_key_and_nearest(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.yaml", "mehtod: blur\n")
    with pytest.raises(
        UserError, match=r"mine\.yaml: unknown key 'mehtod'; did you mean 'method'\?"
    ):
        configs.load("methods", str(path), MethodConfig)
    path = write(tmp_path / "mine.yaml", "method: blur\nopitons: {sigma: 1}\n")
    with pytest.raises(
        UserError, match=r"mine\.yaml: unknown key 'opitons'; did you mean 'options'\?"
    ):
        configs.load("methods", str(path), MethodConfig)


def test_a_misspelt_key_deep_inside_is_refused_with_the_names_beside_it(tmp_path: Path) -> None:
    text = "methods: [refsd]\nparts:\n  - dataset: crowd\n    basellines: [original]\n"
    path = write(tmp_path / "b.yaml", text)
    with pytest.raises(
        UserError, match=r"unknown key 'parts\.0\.basellines'; did you mean 'baselines'\?"
    ):
        configs.load("benchmarks", str(path), BenchmarkConfig)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("method: [blur", "not valid YAML in line"),
        ("- a\n- b\n", "expected keys and values"),
        ("", "expected keys and values"),
        ("summary: x\n", "the key 'method' is missing"),
        ("method: 3\n", "method: Input should be a valid string"),
        ("method: !!python/object/apply:os.getcwd []\n", "not valid YAML"),
    ],
)
def test_broken_files_give_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path / "m.yaml", text)
    with pytest.raises(UserError, match=message) as caught:
        configs.load("methods", str(path), MethodConfig)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_gives_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"gone\.yaml: cannot be read"):
        configs.load("methods", str(tmp_path / "gone.yaml"), MethodConfig)


def test_unknown_options_name_the_nearest() -> None:
    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid")
        sigma: float = 1.0

    with pytest.raises(UserError, match="method 'blur': unknown key 'sgima'; did you mean 'sigma'"):
        configs.validate(Options, {"sgima": 2}, "method 'blur'")


def test_the_command_line_wins_over_the_benchmark_which_wins_over_the_dataset() -> None:
    assert configs.dataset_config("crowd", Overrides()).options["preset"] == "small"
    benchmark = configs.dataset_config("crowd", Overrides(), {"preset": "full"})
    assert benchmark.options["preset"] == "full"
    line = configs.dataset_config("crowd", Overrides(preset="small"), {"preset": "full"})
    assert line.options["preset"] == "small"


def test_baselines_run_beside_the_methods_that_were_asked_for() -> None:
    embedded = configs.load("benchmarks", "embedded", BenchmarkConfig)
    crowd, photos = configs.benchmark_runs(embedded, ("maskout",), Overrides())
    names = [method.options.get("name", method.method) for method in crowd.methods]
    assert names == ["original", "WeakBlur", "StrongBlur", "pixelate", "maskout"]
    assert [method.method for method in photos.methods] == ["maskout"]
    assert crowd.seed == photos.seed == 0


def test_attribute_fidelity_alone_needs_only_its_sources() -> None:
    alone = Request(methods=("refsd",), tracks=("phi",), judges=("probe",))
    (plan,) = evaluation(alone, None)
    assert plan.config.dataset.dataset == "crowd"
    assert plan.config.tracks == ("phi",)
    assert plan.config.only_sources
    assert plan.config.phi.judges == ("probe",)
    beside = dataclasses.replace(alone, tracks=("reid", "phi"))
    crowd, _ = evaluation(beside, None)
    assert crowd.config.tracks == ("reid", "phi")
    assert not crowd.config.only_sources
    (single,) = evaluation(dataclasses.replace(alone, dataset="photos"), None)
    assert single.config.only_sources


def test_the_folder_of_a_judges_weights_is_not_published() -> None:
    config = RunConfig(
        dataset=DatasetConfig(dataset="crowd"),
        methods=(MethodConfig(method="refsd"),),
        phi=PhiConfig(judges=("probe", "clip:/home/ann/weights")),
    )
    assert config.published()["phi"]["judges"] == ["probe", "clip"]
    assert "ann" not in str(config.published())


def test_what_is_published_of_a_config_holds_no_path_and_no_seed() -> None:
    config = RunConfig(
        dataset=DatasetConfig(dataset="folder", options={"path": "/home/ann/secret", "x": 1}),
        methods=(
            MethodConfig(method="imported", options={"outputs": "/home/ann/out", "name": "t"}),
        ),
        seed=77,
    )
    published = configs.digest(config.published()), str(config.published())
    assert "ann" not in published[1]
    assert "77" not in published[1]
    assert config.published()["dataset"]["options"] == {"x": 1}


def test_digest_does_not_depend_on_the_order_of_keys() -> None:
    assert configs.digest({"a": 1, "b": [2]}) == configs.digest({"b": [2], "a": 1})
    assert configs.digest({"a": 1}) != configs.digest({"a": 2})
