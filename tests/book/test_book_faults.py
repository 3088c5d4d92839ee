"""Each fault that must fail make book, planted in a small book: the build or a gate finds it."""

import gates
import mini
import pytest

pytestmark = pytest.mark.book


def found(site):
    checks = (gates.external_assets, gates.dead_links, gates.bad_alternatives, gates.unlabelled_numbers)
    return [fault for check in checks for fault in check(site)]


def test_a_sound_book_passes(tmp_path):
    status, said, site = mini.build(mini.write_book(tmp_path))
    assert status == 0, said
    assert found(site) == []


@pytest.mark.parametrize(
    ("pages", "message"),
    [
        ({"chapter": mini.CHAPTER.replace("len(et", "1 / 0\nlen(et")}, "ZeroDivisionError"),
        ({"policy": mini.POLICY + "\nSee [nothing](nowhere.md).\n"}, "nowhere.md"),
        ({"policy": mini.POLICY + "\nSee {cite:p}`nobody2020`.\n"}, "nobody2020"),
        ({"chapter": mini.CHAPTER.replace("data: simulated", "data: none")}, "data: simulated"),
        ({"chapter": mini.CHAPTER.replace("data: simulated\n", "")}, "front matter"),
        ({"policy": mini.POLICY + "\nSome 37 % do.\n"}, "a number without its source"),
        ({"policy": mini.POLICY.replace("- A third thing.\n", "")}, "2 lines, write 3"),
        ({"policy": mini.POLICY.replace("{claim}`high:reasoned`", "{claim}`quite:sure`")}, "quite:sure"),
        ({"policy": mini.POLICY + "\nIt is {number}`TRU-01.guess`.\n"}, "TRU-01.guess"),
    ],
    ids=["cell", "link", "citation", "undeclared", "unsaid", "number", "in-short", "claim", "unknown-number"],
)
def test_the_build_refuses(tmp_path, pages, message):
    status, said, _ = mini.build(mini.write_book(tmp_path, **pages))
    assert status != 0
    assert message in said


def test_the_build_refuses_a_page_that_is_not_translated(tmp_path):
    status, said, _ = mini.build(mini.write_book(tmp_path), language="nl")
    assert status != 0
    assert "not translated: One thing." in said


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('<img src="https://example.org/x.svg" alt="a picture that shows something">', "https://example.org/x.svg"),
        ('<script src="//example.org/x.js"></script>', "//example.org/x.js"),
        ("<script>fetch('https://example.org/data')</script>", "a script names an address"),
        ('<img src="../_static/x.svg" alt="_images/0f3a.png">', "alt is"),
        ('<img src="../_static/x.svg">', "alt is"),
        ('<figure><svg role="img"></svg></figure>', "without title or description"),
        ('<div class="from-demo"><p>12 more</p></div>', "an extract without its label"),
        ('<span class="figure-of-demo">12</span>', "a number without its label"),
        ('<a href="gone.html">gone</a>', "gone.html"),
        ('<a href="#gone">gone</a>', "#gone"),
    ],
)
def test_a_gate_finds(tmp_path, text, fault):
    page = tmp_path / "en" / "page.html"
    page.parent.mkdir()
    page.write_text(f"<html><body>{text}</body></html>", encoding="utf-8")
    assert any(fault in one for one in found(tmp_path))


def test_a_gate_finds_an_output_whose_label_was_lost(tmp_path):
    page = tmp_path / "page.html"
    cell = '<div class="cell">simulate_world<div class="cell_output">{}1.2</div></div>'
    warned = '<div class="simulated-page">All data are simulated.</div>'
    page.write_text(warned + cell.format(""), encoding="utf-8")
    assert gates.unlabelled_numbers(tmp_path) != []
    gates.soup.cache_clear()
    page.write_text(warned + cell.format('<p class="simulated">Simulated</p>'), encoding="utf-8")
    assert gates.unlabelled_numbers(tmp_path) == []
    gates.soup.cache_clear()
    page.write_text(cell.format(""), encoding="utf-8")
    assert gates.unlabelled_numbers(tmp_path) != []
    gates.soup.cache_clear()
