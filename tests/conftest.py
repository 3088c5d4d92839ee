"""Markers for tools and files that a user's machine may lack: skip there, fail in CI."""

import importlib.util
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

# properties are about answers; how long one takes depends on what else the machine does
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

SHARED = Path(__file__).resolve().parents[2] / "shared"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PEERS = all(importlib.util.find_spec(name) for name in ("csdid", "diff_diff", "pyfixest"))
OFFICE = shutil.which("soffice") or shutil.which("libreoffice")


def _missing(marker: str) -> str:
    return {
        "shared": "" if SHARED.is_dir() else "the shared folder is not beside the project",
        "browser": "" if CHROMIUM else "Chromium is not installed",
        "peers": "" if PEERS else "csdid, diff-diff and pyfixest are not installed",
        "office": "" if OFFICE else "LibreOffice is not installed",
    }.get(marker, "")


def pytest_runtest_setup(item):
    for marker in item.iter_markers():
        reason = _missing(marker.name)
        if reason and os.environ.get("CI") == "1":
            pytest.fail(f"CI must not skip: {reason}")
        if reason:
            pytest.skip(reason)


@pytest.fixture(scope="session")
def shared():
    """Folder with third-party and hostile files."""
    return SHARED
