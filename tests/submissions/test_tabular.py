import datetime as dt

import openpyxl
import pytest

from evaltoolkit.findings import EvaltoolkitError, FaultsError
from evaltoolkit.submissions.tabular import read_grid, read_table


@pytest.mark.parametrize(("delimiter", "encoding"), [(";", "utf-8"), (",", "utf-8-sig"), ("\t", "cp1252")])
def test_csv_of_all_kinds(tmp_path, delimiter, encoding):
    path = tmp_path / "t.csv"
    text = delimiter.join(("unit", "name", "note")) + "\r\n" + delimiter.join(("11002", '"Liège"', "")) + "\r\n\r\n"
    path.write_bytes(text.encode(encoding))
    table = read_table(path)
    assert table.columns.tolist() == ["unit", "name", "note"]
    assert table.loc[2].tolist() == ["11002", "Liège", None]
    assert table.index.tolist() == [2]


def test_semicolons_win_over_decimal_commas(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("Gemeente;2019;2020\nAalst;3,5;4,1\nBoom;2,5;3,0\n", encoding="utf-8")
    assert read_table(path).loc[3].tolist() == ["Boom", "2,5", "3,0"]


def test_workbook_cells_keep_their_type(tmp_path):
    path = tmp_path / "t.xlsx"
    book = openpyxl.Workbook()
    book.active.append(["unit", "n", "when", "ok"])
    book.active.append(["11002", 9, dt.date(2025, 11, 3), True])
    book.active["C5"] = "below a gap"
    book.save(path)
    table = read_table(path)
    assert table.loc[2].tolist() == ["11002", 9.0, dt.date(2025, 11, 3), True]
    assert table.index.tolist() == [2, 5]
    assert len(read_grid(path)) == 5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("a;a\n1;2\n", 'column "a" stands more than once'),
        ("a;b\n1;2;3\n", "column C has no name"),
        ('a;b\n"1;2\n', "quotation marks|columns"),
        ("a;b,c\n1;2,3\n", "can be read with"),
    ],
)
def test_bad_csv_says_what_and_where(tmp_path, text, said):
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(EvaltoolkitError, match=said):
        read_table(path)


def test_bad_workbooks_say_what_and_where(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["a", "b"])
    book.active["A2"] = "=1+1"
    path = tmp_path / "t.xlsx"
    book.save(path)
    with pytest.raises(FaultsError, match=r"Sheet!A2 is a formula that was never calculated"):
        read_table(path)
    book.create_sheet("Data 2")
    book.save(path)
    with pytest.raises(EvaltoolkitError, match='has 2 sheets; name the one to read: "Sheet", "Data 2"'):
        read_table(path)
    with pytest.raises(EvaltoolkitError, match='Did you mean "Data 2"'):
        read_table(path, "Data2")
    (tmp_path / "page.xlsx").write_text("<html></html>")
    with pytest.raises(EvaltoolkitError, match=r"page\.xlsx: This file is neither an Excel workbook"):
        read_table(tmp_path / "page.xlsx")
    (tmp_path / "book.csv").write_bytes(path.read_bytes())
    with pytest.raises(EvaltoolkitError, match="not a text file"):
        read_table(tmp_path / "book.csv")
    with pytest.raises(EvaltoolkitError, match="no file"):
        read_table(tmp_path / "nowhere.csv")


def test_merged_cells_are_a_fault_below_the_header(tmp_path):
    path = tmp_path / "t.xlsx"
    book = openpyxl.Workbook()
    for row in (["unit", "n", None], ["11001", 9, 1], ["11002", None, 2]):
        book.active.append(row)
    book.active["C1"] = "m"
    book.active.merge_cells("B2:B3")
    book.save(path)
    with pytest.raises(FaultsError, match=r"Sheet!B2:B3 is merged"):
        read_table(path)
    assert read_grid(path).attrs["merges"] == {"Sheet!B2:B3": ((2, 2), (3, 2))}
    book.active.unmerge_cells("B2:B3")
    book.save(path)
    assert read_table(path)["n"].tolist() == [9.0, None]
