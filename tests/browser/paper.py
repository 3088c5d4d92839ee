"""What the browser tests ask of a PDF."""

import os
import re
import shutil
import subprocess

import pytest

A4 = (595, 842)


def needs_poppler():
    """Skip where poppler is absent; in CI that is a failure."""
    if not (shutil.which("pdfinfo") and shutil.which("pdftotext")):
        told = pytest.fail if os.environ.get("CI") == "1" else pytest.skip
        told("poppler is not installed")


def facts(pdf):
    """What pdfinfo says: name -> text."""
    told = subprocess.run(["pdfinfo", str(pdf)], capture_output=True, text=True, check=True).stdout
    return {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in told.splitlines())}


def size(pdf):
    """Size of a page in points."""
    width, height = re.search(r"([\d.]+) x ([\d.]+)", facts(pdf)["Page size"]).groups()
    return round(float(width)), round(float(height))


def text(pdf):
    """The text of a PDF without blanks: a browser sets them as it likes, and hyphenates."""
    told = subprocess.run(["pdftotext", "-raw", str(pdf), "-"], capture_output=True, text=True, check=True).stdout
    return squeezed(told)


def squeezed(told):
    """Text without blanks and hyphens."""
    return re.sub(r"[\s\u00a0\u00ad\u202f\u2010-]+", "", told)
