"""The command line as a user meets it: as a process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from humangenai.cli import main
from humangenai.records import RunRecord

PLUGINS = Path(__file__).parent / "plugins"
COMMAND = [sys.executable, "-m", "humangenai"]


def environment(**more: str) -> dict[str, str]:
    paths = [str(PLUGINS), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), **more}


def humangenai(
    *arguments: str | Path, cwd: Path | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=environment(**variables),
        timeout=300,
    )


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """The one line with which a command ended."""
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, done.stderr
    assert done.stderr.splitlines()[-1] == lines[0]
    return lines[0]


def published(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "release").rglob("*.png")}


def record(folder: Path) -> dict[str, object]:
    plain = json.loads((folder / "private" / "run.json").read_text())
    for key in ("created", "seconds", "git"):  # others may commit meanwhile
        plain.pop(key)
    for method in plain["methods"]:
        method.pop("seconds")
    return plain


@pytest.mark.parametrize("arguments", [[], ["eval"], ["generate"], ["score"], ["leaderboard"]])
def test_help_answers_at_once_and_loads_nothing_heavy(arguments: list[str]) -> None:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "humangenai", *arguments, "--help"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert time.monotonic() - began < 3  # 0.3 s on an idle machine
    loaded = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in done.stderr.splitlines()}
    assert "typer" in loaded
    assert not loaded & {"torch", "cv2", "numpy", "yaml", "PIL", "streamlit"}


def test_importing_the_package_loads_nothing_heavy() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import humangenai"],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in done.stderr.splitlines()}
    assert not loaded & {"torch", "cv2", "streamlit", "numpy"}


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("methods", {"original", "weakblur", "strongblur", "pixelate", "maskout", "refsd"}),
        ("datasets", {"crowd", "photos", "pedestrians", "market1501", "folder", "tinycrowd"}),
        ("metrics", {"reid", "phi"}),
        ("judges", {"probe", "clip", "face", "human"}),
        ("refiners", {"none", "tiny", "sd15", "sd15-lcm", "sdxl", "sdxl-lcm"}),
        ("inpainters", {"sd15", "sdxl"}),
    ],
)
def test_list(kind: str, names: set[str]) -> None:
    done = humangenai("list", kind)
    lines = [line.split(maxsplit=1) for line in done.stdout.splitlines()]
    assert names <= {line[0] for line in lines}
    assert all(len(line) == 2 for line in lines)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("eval -m maskuot -d photos", "unknown method 'maskuot'; did you mean 'maskout'?"),
        ("eval -m maskout -d phtos", "unknown dataset 'phtos'; did you mean 'photos'?"),
        ("eval -b embeded", "unknown benchmark 'embeded'; did you mean 'embedded'?"),
        ("eval -m maskout -d crowd --preset smal", "preset: Input should be 'small' or 'full'"),
        ("eval -m maskout -d photos --preset full", "unknown key 'preset'"),
        ("eval -d photos", "name at least one --method"),
        ("eval -m maskout --preset full", "name it by --dataset"),
        ("eval -m maskout --path x", "cannot be read"),
        ("eval -m maskout -d photos --boxes x", "unknown key 'boxes'"),
        ("eval -m maskout -d tinycrowd --track reed", "unknown track 'reed'; did you mean 'reid'?"),
        ("generate -m maskout", "name the pictures"),
        ("score", "say what to measure"),
        ("score --outputs x", "say where the originals are"),
        ("score nothing-here", "holds no finished run"),
        ("report nothing-here", "holds no finished run"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing_behind(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: str,
    message: str,
) -> None:
    monkeypatch.syspath_prepend(str(PLUGINS))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["humangenai", *arguments.split()])
    with pytest.raises(SystemExit) as ended:  # in this process: a process each takes a second
        main()
    assert ended.value.code == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert said[0].startswith("error: ")
    assert message in said[0]
    assert not list(tmp_path.iterdir())


def test_a_misspelt_key_in_a_yaml_is_refused(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("method: blur\noptions: {sgima: 0.1}\n")
    line = refused(humangenai("eval", "-m", mine, "-d", "tinycrowd", cwd=tmp_path))
    assert "unknown key 'sgima'; did you mean 'sigma'?" in line


def test_eval_prints_tables_and_the_reports_path(tmp_path: Path) -> None:
    benchmark = tmp_path / "tiny.yaml"
    benchmark.write_text(
        "methods: [maskout]\nseed: 3\n"
        "parts:\n  - {dataset: tinycrowd, baselines: [original], attackers: [stripes]}\n"
    )
    done = humangenai("eval", "--benchmark", benchmark, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for text in ("Original", "MaskOut", "R@1", "mAP", "chance", "naive attackers only"):
        assert text in done.stdout
    report = next(line for line in done.stdout.splitlines() if line.startswith("report: "))
    assert (tmp_path / report.removeprefix("report: ")).is_file()
    folder = tmp_path / "runs" / "tiny-maskout" / "tinycrowd"
    assert RunRecord.model_validate_json((folder / "private" / "run.json").read_text()).seed == 3


def test_killed_and_continued_gives_the_same_run(tmp_path: Path) -> None:
    mine = tmp_path / "slow.yaml"
    mine.write_text("method: slow\noptions: {seconds: 0.15}\n")
    arguments = ["eval", "-m", mine, "-d", "tinycrowd", "--seed", "1", "--track", "none", "-o"]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    log = tmp_path / "log"
    assert humangenai(*arguments, whole).returncode == 0
    process = subprocess.Popen(
        [*COMMAND, *map(str, [*arguments, killed])],
        env=environment(TINYSLOW_LOG=str(log)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    lines = killed / "private" / "items" / "slow.jsonl"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (
        lines.exists() and lines.read_bytes().count(b"\n") >= 3
    ):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = lines.read_bytes().count(b"\n")
    assert 3 <= before < 8
    assert not (killed / "private" / "run.json").exists()
    asked = len(log.read_text().splitlines())
    assert humangenai(*arguments, killed, TINYSLOW_LOG=str(log)).returncode == 0
    assert len(log.read_text().splitlines()) == asked + 8 - before  # only what was missing
    assert published(killed) == published(whole)
    assert record(killed) == record(whole)


def test_failures_end_with_a_count_unless_told_to_keep_going(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("method: slow\noptions: {fails_on: query/2_0}\n")
    arguments = ["eval", "-m", mine, "-d", "tinycrowd", "--track", "none", "-o", tmp_path / "run"]
    done = humangenai(*arguments)
    assert refused(done) == "error: 1 pictures failed, 7 are done"
    assert "failed: slow: query/2_0: RuntimeError: this picture is too hard" in done.stderr
    assert len(published(tmp_path / "run")) == 7
    assert humangenai(*arguments, "--keep-going").returncode == 0


def test_generate_publishes_every_picture_under_a_random_key(tmp_path: Path) -> None:
    arguments = ["generate", "-m", "maskout", "-d", "tinycrowd", "-o"]
    assert humangenai(*arguments, tmp_path / "a").returncode == 0
    assert humangenai(*arguments, tmp_path / "b").returncode == 0
    one, other = published(tmp_path / "a"), published(tmp_path / "b")
    assert len(one) == len(other) == 20
    assert not one.keys() & other.keys()
    assert sorted(one.values()) == sorted(other.values())


def test_a_run_can_be_measured_later(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    arguments = ["eval", "-m", "maskout", "-d", "tinycrowd", "--track", "none", "-o", folder]
    assert humangenai(*arguments).returncode == 0
    before = published(folder)
    done = humangenai("score", folder, "--track", "none")
    assert done.returncode == 0, done.stderr
    assert published(folder) == before


def test_another_tools_pictures_are_judged(tmp_path: Path) -> None:
    originals, outputs = tmp_path / "originals", tmp_path / "outputs"
    originals.mkdir()
    outputs.mkdir()
    rng = np.random.default_rng(0)
    for name in ("one", "two"):
        picture = rng.integers(0, 256, (60, 40, 3)).astype(np.uint8)
        Image.fromarray(picture).save(originals / f"{name}.png")
        Image.fromarray(255 - picture).save(outputs / f"{name}.jpg")
    out = tmp_path / "run"
    done = humangenai("score", "--originals", originals, "--outputs", outputs, "-o", out)
    assert done.returncode == 0, done.stderr
    assert "unscored" in done.stdout
    assert not published(out)
    (outputs / "two.jpg").unlink()
    done = humangenai("score", "--originals", originals, "--outputs", outputs, "-o", out)
    assert "1 pictures failed, 1 are done" in refused(done)


def test_doctor_knows_what_is_there(tmp_path: Path) -> None:
    done = humangenai("doctor", HUMANGENAI_CACHE=str(tmp_path / "cache"))
    assert done.returncode == 0, done.stderr
    for text in ("Python", "numpy", "GPU"):
        assert text in done.stdout
