import subprocess
import sys
import textwrap

from hypothesis import given, settings
from hypothesis import strategies as st

from evaltoolkit.findings import Finding, Where
from evaltoolkit.submissions.store import Reading, StoredValue, load_store, open_store

NAN = float("nan")


def reading(digest="a" * 64, unit="11001", value=4.0, **other):
    answer = StoredValue("2025", "GOV-08", "case", value, "", "registered", "Form", "C5", 1)
    facts = {"unit_kind": "municipality", "unit": unit, "period": "2025", "answers": (answer,), "state": "accepted"}
    return Reading(digest, "sample 1", "form.xlsx", **{**facts, **other})


def test_findings_and_missing_values_come_back_as_they_were(tmp_path):
    where = Where("form.xlsx", "Form", "C5", "GOV-08", "11001", "2025")
    finding = Finding("value.above_maximum", "error", where, {"value": 12.5, "limit": 9})
    with open_store(tmp_path) as store:
        store.add([(reading(value=NAN, findings=(finding,)), b"bytes")], "now")
        assert store.findings(store.readings()) == [finding]
    values = load_store(tmp_path)
    assert values["value"].isna().tolist() == [True]
    assert values["source"].tolist() == ["xlsx:" + "a" * 64 + "/Form!C5"]
    assert (tmp_path / "originals" / ("a" * 64)).read_bytes() == b"bytes"


@settings(max_examples=20, deadline=None)
@given(order=st.lists(st.integers(0, 3), min_size=1, max_size=8))
def test_any_repetition_gives_the_state_of_each_file_once(tmp_path_factory, order):
    batches = [reading(digest=str(i) * 64, unit=f"1100{i + 1}", value=float(i)) for i in range(4)]
    folders = [tmp_path_factory.mktemp("store"), tmp_path_factory.mktemp("store")]
    for folder, numbers in zip(folders, (order, list(dict.fromkeys(order))), strict=True):
        with open_store(folder) as store:
            for number in numbers:
                store.add([(batches[number], b"x")], "now")
    with open_store(folders[0]) as one, open_store(folders[1]) as two:
        assert one.dump() == two.dump()


def test_a_killed_writer_leaves_the_old_state(tmp_path):
    with open_store(tmp_path) as store:
        store.add([(reading(), b"x")], "now")
        before = store.dump()
    script = textwrap.dedent("""
        import os, sys
        sys.path[:0] = sys.argv[2:]
        from test_store import reading
        from evaltoolkit.submissions.store import open_store
        with open_store(sys.argv[1]) as store:
            store._connection.execute("BEGIN")
            store._insert(reading(digest="b" * 64, unit="11002"), "now")
            os._exit(9)
    """)
    from pathlib import Path

    done = subprocess.run([sys.executable, "-c", script, str(tmp_path), str(Path(__file__).parent)], check=False)
    assert done.returncode == 9
    with open_store(tmp_path) as store:
        assert store.dump() == before


def test_forms_of_two_frameworks_and_readers_do_not_mix(tmp_path):
    with open_store(tmp_path) as store:
        store.add([(reading(), b"x")], "now")
        assert store.known("sample 1") == {"a" * 64}
        assert store.known("sample 2") == set()


def test_a_whole_wave_sent_again_is_compared_in_one_reading_of_the_store(tmp_path, monkeypatch):
    from evaltoolkit.submissions import versions
    from evaltoolkit.submissions.store import Store

    twice = [reading(digest=f"{unit:04d}{turn}" * 12 + "0000", unit=str(unit), value=float(turn))
             for turn in (1, 2) for unit in range(100, 160)]  # fmt: skip
    with open_store(tmp_path) as store:
        store.add([(one, b"x") for one in twice], "now")
        store.add([(reading(digest="f" * 64, unit="100", value=1.0), b"x")], "later")
        asked, values = [], Store.values
        monkeypatch.setattr(Store, "values", lambda self: asked.append(1) or values(self))
        versions.replace_versions(store, store.readings())
        found = versions.conflict_findings(store, store.readings())
        assert store.replaced() == {"f" * 64}
    assert len(found) == 60
    assert len(asked) == 2
