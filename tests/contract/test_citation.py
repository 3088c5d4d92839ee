"""CITATION.cff, pyproject and the package tell the same version."""

import re
from pathlib import Path

import yaml

import evaltoolkit

ROOT = Path(__file__).resolve().parents[2]


def test_the_citation_is_complete_and_names_the_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors", "version", "license"} <= set(citation)
    assert citation["version"] == evaltoolkit.__version__


def test_no_host_of_a_registry_and_no_path_of_a_machine_is_committed():
    for lock in (ROOT / "requirements").glob("*.txt"):
        text = lock.read_text(encoding="utf-8")
        assert not re.search(r"https?://|--index-url|--find-links|file:", text), lock.name
        assert "--hash=sha256:" in text
