"""A cache of their own for all tests of training."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def _cache_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    folder.chmod(0o700)
    return folder


@pytest.fixture(autouse=True)
def _own_cache(_cache_folder, monkeypatch):
    monkeypatch.setenv("DIFFC_CACHE_DIR", str(_cache_folder))
