"""The wheel, installed in another folder, works there: it carries its configs and data."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT)
    (built,) = folder.glob("humangenai-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    pip("install", "--no-deps", "--no-compile", "--target", folder, wheel)
    return folder


def pip(*arguments: str | Path) -> None:
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "--disable-pip-version-check",
            "--quiet",
            *map(str, arguments),
        ],
        check=True,
        timeout=300,
    )


def humangenai(installed: Path, cwd: Path, *arguments: str) -> str:
    """Run the installed command, and see that it is not the checkout's."""
    code = (
        "import sys, humangenai, refsd; from humangenai.cli import main; "
        f"assert all(m.__file__.startswith({str(installed)!r}) for m in (humangenai, refsd)); "
        "sys.exit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def tracked(*folders: str) -> set[str]:
    """Files of the repository that belong to it; without git, those that are there."""
    found = subprocess.run(
        ["git", "ls-files", "-z", *folders], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if found.returncode == 0:
        return {name for name in found.stdout.split("\0") if name}
    files = (path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file())
    return {path.relative_to(ROOT).as_posix() for path in files if path.suffix != ".pyc"}


def test_wheel_carries_code_configs_and_data_and_nothing_else(wheel: Path) -> None:
    packages = ("humangenai", "refsd", "annotator_ui", "leaderboards")
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    expected = {name for name in tracked(*packages) if (ROOT / name).is_file()}
    configs = {f"humangenai/_{name}" for name in tracked("configs")}
    assert expected | configs <= names
    assert not any(name.startswith(("tests/", "docs/", "runs/")) for name in names)
    assert not any(name.endswith((".pyc", ".pickle", ".pkl")) for name in names)


def test_lists_from_another_folder(installed: Path, tmp_path: Path) -> None:
    names = {
        line.split()[0] for line in humangenai(installed, tmp_path, "list", "methods").splitlines()
    }
    assert {"original", "weakblur", "strongblur", "pixelate", "maskout", "refsd"} <= names
    humangenai(installed, tmp_path, "list", "datasets")


def test_evaluates_from_another_folder(installed: Path, tmp_path: Path) -> None:
    said = humangenai(
        installed, tmp_path, "eval", "--method", "maskout", "--dataset", "photos", "--out", "run"
    )
    assert "MaskOut" in said
    assert len(list((tmp_path / "run" / "release").rglob("*.png"))) == 2
    assert (tmp_path / "run" / "private" / "report" / "index.html").is_file()
