import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from framework_sample import sample_framework


@pytest.fixture(scope="session")
def framework():
    return sample_framework()
