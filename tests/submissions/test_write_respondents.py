import pandas as pd
import pytest

from evaltoolkit.findings import EvaltoolkitError, FaultsError
from evaltoolkit.submissions.respondents import list_respondents, read_respondents


@pytest.mark.parametrize("mark", [",", ";"])
def test_a_table_is_read_as_text_with_either_separator(tmp_path, mark):
    lines = [
        "unit_kind,unit,name,members,language",
        'livc_r,007,Noord,"11001;11002",fr',
        'municipality,11002,,"11002",',
    ]
    path = tmp_path / "r.csv"
    path.write_text("\n".join(line.replace(",", mark) for line in lines), encoding="utf-8-sig")
    table = read_respondents(path, default_language="nl")
    assert table["unit"].tolist() == ["007", "11002"]
    assert table["language"].tolist() == ["fr", "nl"]
    first, second = list_respondents(table, "nl", 2025)
    assert (first.members, first.name) == (("11001", "11002"), "Noord")
    assert (second.members, second.name) == (("11002",), "")


def test_a_bad_file_gets_a_clear_message(tmp_path):
    with pytest.raises(EvaltoolkitError, match="cannot be opened"):
        read_respondents(tmp_path / "none.csv")
    (tmp_path / "latin.csv").write_bytes("unit_kind,unit,members\nlivc_r,\xe9,11001\n".encode("latin-1"))
    with pytest.raises(EvaltoolkitError, match="CSV UTF-8"):
        read_respondents(tmp_path / "latin.csv")
    (tmp_path / "none.csv").write_text("")
    with pytest.raises(EvaltoolkitError, match="CSV UTF-8"):
        read_respondents(tmp_path / "none.csv")
    (tmp_path / "short.csv").write_text("unit_kind,unit,member\n")
    with pytest.raises(
        FaultsError, match=r'(?s)Column "members" is missing.*"member" is not known. Did you mean "members"'
    ):
        read_respondents(tmp_path / "short.csv")
    (tmp_path / "head.csv").write_text("unit_kind,unit,members\n")
    with pytest.raises(FaultsError, match="no rows"):
        read_respondents(tmp_path / "head.csv")


def test_every_fault_names_its_row():
    rows = [("livc_r", "Z1", "99999"), ("livc_r", "Z1", "11001"), ("livc_r", "", ""), ("zone", "Z2", "11002")]
    with pytest.raises(FaultsError) as raised:
        list_respondents(pd.DataFrame(rows, columns=["unit_kind", "unit", "members"]), "nl", 2025)
    assert [fault.split(":")[0] for fault in raised.value.faults] == ["Row 2", "Row 3", "Row 4", "Row 4", "Row 5"]
