"""From a page to a PDF: tagged, with title and language, by a browser that is on the machine.

A page prints as its style sheet says; nothing is fetched, and the file holds no clock: the same page gives the same
bytes with the same browser.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from evaltoolkit.findings import EvaltoolkitError

# names a browser: a path, or a command
BROWSER = "EVALTOOLKIT_BROWSER"
_COMMANDS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "microsoft-edge",
    "microsoft-edge-stable",
    "chrome",
    "msedge",
)
_PLACES = {
    "darwin": (
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    ),
    "win32": (
        r"Google\Chrome\Application\chrome.exe",
        r"Chromium\Application\chrome.exe",
        r"Microsoft\Edge\Application\msedge.exe",
    ),
}
_PROGRAMS = ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")
_ARGUMENTS = (
    "--headless",
    # the page allows no script and loads nothing; in a container the browser's own walls cannot be built
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--no-pdf-header-footer",
    # an outline is made of headings, so it brings the tags with it
    "--generate-pdf-document-outline",
)
_SECONDS = 120
_BESIDE = re.compile(r'<a href="(?!#|https?:)[^"]*">')
_CLOCK = re.compile(rb"/(CreationDate|ModDate) ?\(D:\d{14}([^)]*)\)")


def find_browser(name: str = "") -> str:
    """Return the path of a browser that prints: Chromium, Chrome or Edge.

    Parameters
    ----------
    name : path or command; by default what the environment variable ``EVALTOOLKIT_BROWSER`` names, else the first
        that is found

    Raises
    ------
    EvaltoolkitError
        If there is none, or not the one that was named.
    """
    wanted = name or os.environ.get(BROWSER, "")
    if wanted:
        found = shutil.which(wanted)
        if found is None:
            raise EvaltoolkitError(
                f'There is no browser "{wanted}". Give the path of Chromium, Chrome or Edge with --browser or in the '
                f"environment variable {BROWSER}."
            )
        return found
    known = (shutil.which(one) for one in (*_COMMANDS, *_usual_places()))
    path = next((one for one in known if one), None)
    if path is None:
        raise EvaltoolkitError(
            "No browser was found that can make a PDF. Install Chromium, Chrome or Edge, or give its path with "
            f"--browser or in the environment variable {BROWSER}. Without one, open the page in any browser and print "
            "it to a PDF."
        )
    return path


def _usual_places() -> tuple[str, ...]:
    places = _PLACES.get(sys.platform, ())
    if sys.platform != "win32":
        return places
    return tuple(str(Path(os.environ[root]) / one) for one in places for root in _PROGRAMS if root in os.environ)


def print_page(page: str | Path, pdf: str | Path = "", *, browser: str = "", alone: bool = True) -> Path:
    """Print a page of the toolkit to a tagged PDF.

    Parameters
    ----------
    page : HTML file
    pdf : file to write; by default beside the page, with the ending ``.pdf``
    browser : path or command (:func:`find_browser`)
    alone : whether the page needs no file beside it; links to such files are then left out, since a PDF would keep
        the path of this machine

    Returns
    -------
    Path
        The PDF: tagged, with the page's title and language and an outline of its headings. Its dates are the year
        2000, so that the same page gives the same bytes.

    Raises
    ------
    EvaltoolkitError
        If no browser is found or it does not print.
    """
    source = Path(page).resolve()
    target = (Path(pdf) if pdf else source.with_suffix(".pdf")).resolve()
    program = find_browser(browser)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        made = Path(folder) / "page.pdf"
        if alone:
            copy = Path(folder) / "page.html"
            copy.write_text(_BESIDE.sub("<a>", source.read_text(encoding="utf-8")), encoding="utf-8")
        address = (copy if alone else source).as_uri()
        # a profile of its own: a browser that is open would take the order and print nothing
        command = [
            program,
            *_ARGUMENTS,
            f"--user-data-dir={Path(folder) / 'profile'}",
            f"--print-to-pdf={made}",
            address,
        ]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=_SECONDS)
            content = made.read_bytes()
        except (OSError, subprocess.SubprocessError) as fault:
            raise EvaltoolkitError(
                f'{program} did not print "{source.name}". Give another browser with --browser or in the environment '
                f"variable {BROWSER}, or open the page and print it to a PDF."
            ) from fault
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(without_clock(content))
    return target


def without_clock(content: bytes) -> bytes:
    """Set the dates of a PDF to a fixed one of the same length, so that no place in the file moves."""
    return _CLOCK.sub(rb"/\1 (D:20000101000000\2)", content)
