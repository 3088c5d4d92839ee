import pytest
from worksheet_sample import make_claim, make_test, make_worksheet


@pytest.fixture
def worksheet():
    first = make_claim(
        make_test("gun", "likely", "hardly_ever", rivals=(1, 2), note="§ 3, é & <b>"),
        make_test(
            "rival-hoop", "unlikely", "almost_certain", "not_found", rivals=(2,), kind="hoop", source="interview"
        ),
        rivals=("An election year.", "A new coordinator."),
        id="one",
        outcome="COMP-09",
    )
    second = make_claim(make_test("open", "almost_certain", "even", "not_looked"), id="two", step="Trust grows")
    return make_worksheet(first, second)
