import stat

import pytest

from refsd.cache import cache_dir


def test_the_folder_is_the_users_own(tmp_path, monkeypatch):
    monkeypatch.setenv("HUMANGENAI_CACHE", str(tmp_path / "here"))
    assert cache_dir() == tmp_path / "here"
    assert stat.S_IMODE(cache_dir().stat().st_mode) == 0o700


def test_xdg_comes_second(tmp_path, monkeypatch):
    monkeypatch.delenv("HUMANGENAI_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_dir() == tmp_path / "humangenai"


def test_a_file_in_its_place_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HUMANGENAI_CACHE", str(tmp_path / "file"))
    with pytest.raises(NotADirectoryError, match="HUMANGENAI_CACHE"):
        cache_dir()
