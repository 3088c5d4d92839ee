import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from story_desk import lay_out_desk


@pytest.fixture(scope="session")
def returned(tmp_path_factory):
    """Folder with everything the evaluator has."""
    desk = tmp_path_factory.mktemp("desk")
    lay_out_desk(desk)
    return desk
