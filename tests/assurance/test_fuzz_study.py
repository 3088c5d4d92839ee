"""The stored study of damaged files holds, and a slice of it made again does too."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import fuzz_study as study
from fuzz_mutations import LEVELS

SLICE = range(0, study.COUNT, study.COUNT // 300)
READ = ("accepted", "open")


@pytest.fixture(scope="module")
def stored():
    return pd.read_csv(study.STORED)


@pytest.fixture(scope="module")
def again(tmp_path_factory):
    """The slice made anew; second, what lies in its folder."""
    folder = tmp_path_factory.mktemp("fuzz")
    rows = [row for batch in study.run(list(SLICE), folder / "store") for row in batch]
    return pd.DataFrame(rows).astype({"seconds": float, "megabytes": float}), sorted(p.name for p in folder.iterdir())


def check(table):
    assert not table["outcome"].str.startswith("crash").any()
    assert table["outcome"].str.match(r"accepted|open|[a-z]+\.[a-z_]+$").all()
    assert table["seconds"].max() < study.SECONDS
    assert np.nanmax([0.0, *table["megabytes"]]) < study.MEGABYTES
    assert table["broken"].sum() == 0


def test_every_stored_file_was_accepted_or_refused_with_a_code(stored):
    assert stored["number"].tolist() == list(range(study.COUNT))
    assert stored["digest"].nunique() > 0.9 * study.COUNT
    check(stored)


def test_the_study_reaches_every_level_and_many_codes(stored):
    assert set(stored["kind"]) == {"xlsx", "ods"}
    assert set(stored["level"]) == set(LEVELS)
    assert stored["outcome"].nunique() >= 25
    # a study in which nearly everything is refused at once would test only the first check
    assert stored["outcome"].isin(READ).mean() > 0.1
    for level in ("xml", "cell"):
        assert stored.loc[stored["level"] == level, "outcome"].isin(READ).any()


def test_a_slice_made_again_holds(stored, again):
    table, left = again
    check(table)
    assert left == ["store"]
    # the form itself may have changed since; where the file is the same, so is its outcome
    both = table.merge(stored, on=["number", "digest"], suffixes=("", "_stored"))
    assert both["outcome"].tolist() == both["outcome_stored"].tolist()
