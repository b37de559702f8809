"""A data folder of one host, as who writes and who reads see it."""

from pathlib import Path

import pytest

from monitor.storage.history import History
from monitor.storage.parquet import PeriodFiles
from tests.storage.made import files_in


@pytest.fixture
def files(tmp_path: Path) -> PeriodFiles:
    return files_in(tmp_path)


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(str(tmp_path), "node1")
