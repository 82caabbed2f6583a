"""Model files of the SMPL family, made up once for all tests that need some."""

from pathlib import Path

import pytest
from synthetic_smpl import VERTICES, write_npz


@pytest.fixture(scope="session")
def smpl_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model file of each, as the smplx package wants it."""
    place: Path = tmp_path_factory.mktemp("smpl-files")
    for kind in VERTICES:
        write_npz(kind, place / kind)
    return place
