"""What a built site must hold, as functions from a folder of pages to a list of faults."""

import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup

# what a browser fetches by itself; links that a reader follows are no assets
ASSETS = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src", "object": "data"}
FROM_THE_WEB = re.compile(r"(?:url\(\s*|@import\s+)['\"]?((?:https?:)?//[^)'\"]+)")
FILE_NAME = re.compile(r"\.(png|jpe?g|svg|gif|webp)$|^_images/", re.IGNORECASE)


@cache
def soup(page):
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


def pages(site):
    return sorted(page for page in Path(site).rglob("*.html") if "_static" not in page.parts)


def external_assets(site):
    faults = []
    for page in pages(site):
        for tag, attribute in ASSETS.items():
            for node in soup(page).find_all(tag):
                address = node.get(attribute, "")
                if tag == "link" and node.get("rel") and "stylesheet" not in node["rel"] and "icon" not in node["rel"]:
                    continue
                if urlsplit(address).scheme in ("http", "https") or address.startswith("//"):
                    faults.append(f"{page}: {address}")
        for script in soup(page).find_all("script"):
            if re.search(r"https?://", script.string or "") and script.get("type") != "application/ld+json":
                faults.append(f"{page}: a script names an address: {script.string[:80]}")
    for sheet in Path(site).rglob("*.css"):
        for address in re.findall(
            r"url\(\s*['\"]?(https?:[^)'\"]+)|@import\s+['\"](https?:[^'\"]+)", sheet.read_text()
        ):
            faults.append(f"{sheet}: {address}")
    return faults


def dead_links(site):
    faults = []
    for page in pages(site):
        for node in soup(page).find_all(["a", "link", "img", "script"]):
            address = node.get("href") or node.get("src") or ""
            parts = urlsplit(address)
            if parts.scheme or address.startswith("//") or not address:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            if not target.is_file():
                faults.append(f"{page}: {address}")
            elif parts.fragment and target.suffix == ".html" and not _has_anchor(target, unquote(parts.fragment)):
                faults.append(f"{page}: nothing is called #{parts.fragment} there")
    return faults


def _has_anchor(page, name):
    return soup(page).find(id=name) is not None or soup(page).find(attrs={"name": name}) is not None


def bad_alternatives(site):
    """Pictures whose text says nothing, or only a file name."""
    faults = []
    for page in pages(site):
        for picture in soup(page).find_all("img"):
            text = (picture.get("alt") or "").strip()
            if len(text.split()) < 4 or FILE_NAME.search(text):
                faults.append(f"{page}: {picture.get('src')}: alt is {text!r}")
        for drawing in soup(page).find_all("svg", attrs={"role": "img"}):
            said = [drawing.find(name) for name in ("title", "desc")]
            if any(part is None or len(part.get_text().split()) < 4 for part in said):
                faults.append(f"{page}: a drawing without title or description")
        for drawing in soup(page).select("figure svg"):
            if drawing.get("role") != "img":
                faults.append(f"{page}: a drawing that is no image for a screen reader")
    return faults


def unlabelled_numbers(site):
    """Simulated numbers and outputs without the word that says so."""
    faults = []
    for page in pages(site):
        cells = soup(page).select("div.cell")
        code = "\n".join(cell.get_text() for cell in cells)
        simulated = bool(soup(page).select(".simulated-page"))
        if "simulate_world" in code and not simulated:
            faults.append(f"{page}: it simulates a world and does not say so")
        boxes = [(".from-demo", "an extract"), (".figure-of-demo", "a number")]
        if simulated:
            boxes.append((".cell_output", "an output"))
        for selector, what in boxes:
            faults += [f"{page}: {what} without its label" for box in soup(page).select(selector) if not _labelled(box)]
    return faults


def _labelled(box):
    label = box.select_one(".simulated")
    return label is not None and bool(label.get_text().strip())


def missing_switches(site, languages):
    """Pages without a way to each other language."""
    faults = []
    for language in languages:
        for page in pages(Path(site) / language):
            offered = {link.get("hreflang") for link in soup(page).select(".language-switch a")}
            if offered != set(languages) - {language}:
                faults.append(f"{page}: offers {sorted(map(str, offered))}")
    return faults


def visible_code(site, languages):
    """Pages for policymakers that show code."""
    folders = [Path(site) / language / "policymakers" for language in languages]
    return [str(page) for folder in folders for page in pages(folder) if soup(page).select("div.cell, div.highlight")]


def words_of(site, language):
    """Words that a policymaker reads: without labels, folded parts, axes and captions of figures."""
    total = 0
    for page in pages(Path(site) / language / "policymakers"):
        article = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser").select_one("article")
        for part in article.select("figure, details, script, style, .claim, .simulated, .headerlink, .prev-next-area"):
            part.decompose()
        total += sum(any(sign.isalnum() for sign in word) for word in article.get_text(" ").split())
    return total
