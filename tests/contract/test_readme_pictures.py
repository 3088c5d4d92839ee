"""The pictures of the README: there, small, with a text for whoever does not see them, and called simulated."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PICTURES = [(path, alt) for path, alt in re.findall(r'<img src="([^"]+)"[^>]*? alt="([^"]+)"', README)]
PICTURES += [(path, alt) for alt, path in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", README)]


def test_the_pages_are_shown():
    assert {"docs/council.png", "docs/council_phone.png", "docs/report.png"} <= {path for path, _ in PICTURES}
    assert len(PICTURES) == README.count("<img ") + README.count("![")


@pytest.mark.parametrize(("path", "alt"), PICTURES)
def test_a_picture_is_there_small_and_described(path, alt):
    assert 0 < (ROOT / path).stat().st_size < 150_000
    assert len(alt.split()) >= 10


def test_what_is_simulated_is_called_so():
    assert sum("simulated data" in alt for _, alt in PICTURES) == 2
