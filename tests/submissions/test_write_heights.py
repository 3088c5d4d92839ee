import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaltoolkit.submissions.heights import text_height

LINE = text_height("a", 20) - 4


@pytest.mark.parametrize(
    ("text", "columns", "lines"),
    [
        ("a", 20, 1),
        ("", 20, 1),
        ("a\nb\nc", 20, 3),
        # a column of ten characters is wide enough for ten digits but not for eleven
        ("12345678 12345678", 10, 2),
        ("1" * 35, 10, 4),
        ("W" * 10, 10, 2),
        ("i" * 20, 10, 1),
    ],
)
def test_lines_of_wrapped_text(text, columns, lines):
    assert text_height(text, columns) == pytest.approx(4 + lines * LINE)


def test_larger_and_bolder_text_needs_more_room():
    text = "Een zin die over enkele regels loopt en dus ruimte vraagt " * 3
    assert text_height(text, 30, size=9) < text_height(text, 30) < text_height(text, 24, bold=True)


@given(st.text(alphabet="abcdéW il.,\n", max_size=200), st.integers(8, 60), st.integers(1, 30))
def test_a_wider_cell_never_needs_more_height(text, columns, more):
    assert text_height(text, columns + more) <= text_height(text, columns)
