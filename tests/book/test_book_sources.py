"""What holds of the book's sources without building them."""

import ast
import re
import tomllib
from pathlib import Path

import pytest
import yaml

import evaltoolkit as et
from evaltoolkit.checks.registry import list_checks
from evaltoolkit.estimators.registry import list_estimators
from evaltoolkit.framework.load import load_framework
from evaltoolkit.i18n import LANGUAGES

BOOK = Path(__file__).resolve().parents[2] / "book"
CHAPTERS = sorted((BOOK / "evaluators").glob("*.md"))
POLICY = sorted((BOOK / "policymakers").glob("*.md"))
# beside the toolkit: what an evaluator has anyway, and the package with the public data
ALLOWED = {"evaltoolkit", "numpy", "pandas", "causaldata"}
TERMS = tomllib.loads(
    (BOOK.parent / "evaltoolkit" / "data" / "glossary.toml").read_text(encoding="utf-8"),
)["term"]


def code_of(chapter):
    text = chapter.read_text(encoding="utf-8")
    cells = re.findall(r"^```\{code-cell\}.*?\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return "\n".join(re.sub(r"\A(?:---\n.*?\n---\n|(?::.*\n)+)", "", cell, flags=re.DOTALL) for cell in cells)


def prose_of(page):
    """The text of a page without front matter, code and marks."""
    text = re.sub(r"\A---\n.*?\n---\n", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    kept, fenced = [], False
    for line in text.splitlines():
        if line.startswith("```"):
            fenced = not fenced
        elif not fenced:
            kept.append(line)
    return re.sub(r"`[^`]*`|\$[^$]*\$|\]\([^)]*\)", "", "\n".join(kept))


def entries(node):
    if isinstance(node, dict):
        if "file" in node:
            yield node["file"]
        for value in node.values():
            yield from entries(value)
    elif isinstance(node, list):
        for value in node:
            yield from entries(value)


def test_every_page_is_in_the_table_of_contents():
    toc = yaml.safe_load((BOOK / "_toc.yml").read_text(encoding="utf-8"))
    listed = {toc["root"], *entries(toc)}
    pages = [page.relative_to(BOOK) for page in BOOK.rglob("*.md") if "_build" not in page.parts]
    written = {page.with_suffix("").as_posix() for page in pages}
    assert {page for page in written - listed if not page.startswith("annexes/indicators/")} == {"paper"}
    assert all((BOOK / f"{page}.md").is_file() for page in listed)


def test_paper_holds_every_page_for_policymakers():
    paper = yaml.safe_load((BOOK / "_toc_print.yml").read_text(encoding="utf-8"))
    assert {page for page in entries(paper) if page.startswith("policymakers/")} == {
        f"policymakers/{page.stem}" for page in POLICY
    }


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda page: page.stem)
def test_chapters_use_the_public_face_only(chapter):
    code = code_of(chapter)
    assert "et." in code
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
            assert all("." not in name for name in names if name.startswith("evaltoolkit")), names
        elif isinstance(node, ast.ImportFrom):
            assert not (node.module or "").startswith("evaltoolkit"), node.module
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "et":
            assert node.attr in et.__all__, node.attr
    imported = {alias.name.split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.Import) for alias in n.names}
    imported |= {(n.module or "").split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    foreign = {name for name in imported if name not in ALLOWED and not _standard(name)}
    assert foreign == set()


def _standard(name):
    import sys

    return name in sys.stdlib_module_names


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda page: page.stem)
def test_chapters_say_no_number_that_the_code_computes(chapter):
    prose = prose_of(chapter)
    assert len(prose.split()) > 400
    assert re.findall(r"\d+[.,]\d+", re.sub(r"\b\d{1,3},\d{3}\b", "", prose)) == []


def test_every_indicator_has_its_sheet():
    pages = [page.read_text(encoding="utf-8") for page in (BOOK / "annexes" / "indicators").glob("*.md")]
    shown = {re.search(r"\{indicators\} (\w+)", page)[1] for page in pages}
    assert shown == {indicator.dimension for indicator in load_framework("livc-r").indicators}


def test_every_method_says_what_it_assumes_and_when_not():
    functions = {**{one.name: one.run for one in list_estimators().values()}, **list_checks()}
    for name, function in functions.items():
        paragraphs = [part.strip() for part in (function.__doc__ or "").split("\n\n")]
        assert any(part.startswith("Assumption") for part in paragraphs), name
        assert any(part.startswith("Not when:") for part in paragraphs), name
    for one in list_estimators().values():
        assert "Estimand: " in (one.run.__doc__ or "")


def test_every_source_says_whether_it_was_read():
    text = (BOOK / "references.bib").read_text(encoding="utf-8")
    entries_in = re.findall(r"^@\w+\{(\w+),(.*)\}$", text, re.MULTILINE)
    assert len(entries_in) > 30
    assert [key for key, fields in entries_in if not re.search(r"keywords = \{(read|recalled)\}", fields)] == []
    pages = "\n".join(page.read_text(encoding="utf-8") for page in (*POLICY, *CHAPTERS))
    cited = {key.strip() for keys in re.findall(r"\{cite:\w\}`([^`]+)`", pages) for key in keys.split(",")}
    assert cited <= {key for key, _ in entries_in}


@pytest.mark.parametrize("page", [BOOK / "index.md", *POLICY], ids=lambda page: page.stem)
def test_english_pages_keep_to_the_glossary(page):
    avoided = [word for term in TERMS for word in term.get("avoid_en", [])]
    pattern = re.compile(r"\b(" + "|".join(map(re.escape, avoided)) + r")\b", re.IGNORECASE)
    assert pattern.findall(prose_of(page)) == []


def test_all_languages_are_offered():
    config = (BOOK.parent / "Makefile").read_text(encoding="utf-8")
    assert set(re.search(r"^LANGUAGES = (.*)$", config, re.MULTILINE)[1].split()) == set(LANGUAGES)
