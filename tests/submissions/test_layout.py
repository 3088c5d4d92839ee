import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.framework.load import load_framework
from evaltoolkit.i18n import LANGUAGES
from evaltoolkit.submissions.layout import FormMeta, cell_name, layout_form, status_label, yes_no


def meta(**changes):
    known = {
        "framework": "livc-r",
        "framework_version": "2.0",
        "form": "starter",
        "unit_kind": "livc_r",
        "unit": "Z01",
        "members": ("11001", "11002"),
        "vintage": "2025",
        "period": "2025",
        "earlier": ("2024", "2023", "2022", "2021", "2020"),
        "language": "nl",
    }
    return FormMeta(**{**known, **changes})


@pytest.fixture(scope="module")
def livc_r():
    return load_framework("livc-r")


def test_a_name_is_made_of_indicator_part_option_period_and_kind():
    assert cell_name("GOV-08", "case", "2025") == "etk.GOV_08.case.2025.v"
    assert cell_name("GOV-08", "case", "2025", status=True) == "etk.GOV_08.case.2025.s"
    assert cell_name("CAP-05", "kinds", "2025", "coaching") == "etk.CAP_05.kinds.coaching.2025.v"
    assert cell_name("CAP-05", "kinds", "2025", "coaching", status=True) == "etk.CAP_05.kinds.2025.s"
    assert cell_name("TRU-01", "n", "2023-03-01/2023-06-30") == "etk.TRU_01.n.2023_03_01_2023_06_30.v"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_name_is_valid_and_every_answer_has_its_own_cell(livc_r, language):
    layout = layout_form(livc_r, meta(language=language))
    names = list(layout.cells)
    assert all(re.fullmatch(r"etk(\.[A-Za-z0-9_]+){3,4}\.[vs]", name) and len(name) <= 255 for name in names)
    # spreadsheets do not tell capitals apart in names
    assert len({name.lower() for name in names}) == len(names)
    places = list(layout.cells.values())
    assert len(set(places)) == len(places)


def test_status_is_shared_by_the_options_of_a_multiple_choice_only(livc_r):
    layout = layout_form(livc_r, meta())
    by_status = {}
    for field in layout.fields:
        by_status.setdefault(field.name_s, []).append(field)
    for fields in by_status.values():
        options = livc_r.by_id[fields[0].indicator].part(fields[0].part).options
        multi = livc_r.by_id[fields[0].indicator].part(fields[0].part).type == "multi"
        assert [field.option for field in fields] == ([option.code for option in options] if multi else [""])
        assert len({field.status_cell for field in fields}) == 1


def test_fields_cover_every_part_and_earlier_years_only_where_asked(livc_r):
    layout = layout_form(livc_r, meta())
    found = {(field.indicator, field.part, field.period) for field in layout.fields}
    expected = {
        (indicator.id, part.id, period)
        for indicator in livc_r.form()
        for part in indicator.parts
        for period in ("2025", *(meta().earlier if part.earlier_years else ()))
    }
    assert found == expected


def test_without_earlier_years_there_is_no_such_sheet(livc_r):
    layout = layout_form(livc_r, meta(earlier=()))
    assert set(layout.titles) == {"start", "answers", "roster"}
    assert set(layout.blocks) == {"answers"}
    assert {field.period for field in layout.fields} == {"2025"}


def test_digest_depends_on_metadata_and_on_the_questions(livc_r):
    digest = layout_form(livc_r, meta()).digest
    assert digest == layout_form(livc_r, meta()).digest
    assert re.fullmatch(r"[0-9a-f]{64}", digest)
    others = [meta(unit="Z02"), meta(members=("11001",)), meta(language="fr"), meta(period="2026"), meta(earlier=())]
    digests = {layout_form(livc_r, other).digest for other in others}
    newer = livc_r.by_id["GOV-08"].model_copy(update={"version": 2})
    changed = livc_r.model_copy(update={"indicators": tuple({**livc_r.by_id, "GOV-08": newer}.values())})
    # a cached table of the copied framework would still hold the old indicator
    changed.__dict__.pop("by_id", None)
    assert len(digests | {digest, layout_form(changed, meta()).digest}) == len(others) + 2


def test_readdressed_form_is_the_form_of_the_other_respondent(livc_r):
    other = meta(unit="Z02", members=("11004",))
    assert layout_form(livc_r, meta()).readdress(other) == layout_form(livc_r, other)
    assert layout_form(livc_r, meta()).readdress(other).metadata == layout_form(livc_r, other).metadata
    with pytest.raises(EvaltoolkitError, match="not the same form"):
        layout_form(livc_r, meta()).readdress(meta(language="fr"))


@given(
    unit=st.text(alphabet="ABCZ0123456789-", min_size=1, max_size=8),
    members=st.lists(st.sampled_from(["11001", "11002", "11004"]), unique=True),
    earlier=st.lists(st.sampled_from(["2024", "2023-Q2", "2022-05", "2020-03-01/2020-06-30"]), unique=True),
)
@settings(max_examples=50)
def test_metadata_survive_as_texts(unit, members, earlier):
    one = meta(unit=unit, members=tuple(members), earlier=tuple(earlier))
    texts = one.to_texts()
    assert all(isinstance(text, str) for text in texts.values())
    assert FormMeta.from_texts({**texts, "digest": "x"}) == one


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"unit_kind": "livcr"}, 'Did you mean "livc_r"'),
        ({"language": "es"}, "language"),
        ({"period": "soon"}, "not understood"),
        ({"earlier": ("2025",)}, "all different"),
        ({"earlier": ("2024", "2023", "2022", "2021", "2020", "2019")}, "at most 5"),
    ],
)
def test_wrong_metadata_are_refused(changes, message):
    with pytest.raises(EvaltoolkitError, match=message):
        meta(**changes)


def test_missing_metadata_are_named():
    texts = meta().to_texts()
    del texts["vintage"], texts["unit"]
    with pytest.raises(EvaltoolkitError, match="unit, vintage"):
        FormMeta.from_texts(texts)


def test_unknown_form_is_refused(livc_r):
    with pytest.raises(EvaltoolkitError, match=r'no form "startr".*"starter"'):
        layout_form(livc_r, replace(meta(), form="startr"))


def test_words_of_the_drop_downs():
    assert status_label("DK", "nl") == "DK – weet niet"
    assert status_label("DK", "fr").startswith("DK – ")
    assert [yes_no(language) for language in LANGUAGES] == [
        ("ja", "nee"),
        ("oui", "non"),
        ("ja", "nein"),
        ("yes", "no"),
    ]
