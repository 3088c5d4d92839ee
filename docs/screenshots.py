"""Make the pictures of the README from the reports of the demonstration: `make screenshots`."""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from evaltoolkit.reports.paper import find_browser

HERE = Path(__file__).resolve().parent
MOST_BYTES = 150_000
# few colours: the pages are paper, ink and one accent
COLOURS = 96


@dataclass(frozen=True)
class Shot:
    """A page as somebody sees it: file, picture, width of the screen, height (0 = the whole page)."""

    page: str
    picture: str
    width: int
    height: int


SHOTS = (
    Shot("council_en.html", "council.png", 1040, 0),
    Shot("council_en.html", "council_phone.png", 390, 1240),
    Shot("report_en.html", "report.png", 1040, 1240),
)


def take(browser: Browser, folder: Path, shot: Shot) -> Path:
    """Photograph a page and write it as a small PNG."""
    page = browser.new_page(viewport={"width": shot.width, "height": shot.height or 900}, color_scheme="light")
    page.goto((folder / shot.page).resolve().as_uri())
    if "SIMULATED DATA" not in page.inner_text("header"):
        raise SystemExit(f"{shot.page} does not say that its data are simulated: it is no picture for the README.")
    content = page.screenshot(full_page=not shot.height)
    page.close()
    path = HERE / shot.picture
    with Image.open(io.BytesIO(content)) as image:
        image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    if path.stat().st_size > MOST_BYTES:
        raise SystemExit(f"{path.name} has {path.stat().st_size} bytes; at most {MOST_BYTES} are wanted.")
    return path


def main(folder: Path) -> None:
    """Take every picture."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox", "--disable-gpu"])
        for shot in SHOTS:
            print(take(browser, folder, shot))
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo/report"))
