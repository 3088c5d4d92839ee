import pytest
from report_sample import make_evaluation


@pytest.fixture(scope="session")
def evaluation():
    return make_evaluation()
