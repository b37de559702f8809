"""Every path asked what its own schema allows and what it does not, by schemathesis.

No answer may be a 500 or late, and each has a documented status, media type, headers and body.
The requests are the same in every run.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.faults.apps import WebProcess
from tests.faults.recorders import wait_for

PATIENCE = 10.0
CASES = 25
PREFIX = "/api/v1/system"
PATHS = (
    *("gpu-list", "gpu-info/{gpu}", "gpu-metrics", "gpu-metrics/compare", "gpu-metrics/history"),
    *("gpu-processes", "metrics", "metrics/history", "storage", "network", "all", "health"),
    "permissions",
)
SIGNAL = f"{PREFIX}/gpu-processes/{{pid}}/signal"
OPERATIONS = [
    *(("GET", f"{PREFIX}/{path}") for path in PATHS),
    ("GET", "/metrics"),
    ("POST", SIGNAL),
]
WITH_PARAMETERS = {
    *("gpu-info/{gpu}", "gpu-metrics", "gpu-metrics/history", "gpu-processes"),
    *("metrics/history", "all", "gpu-processes/{pid}/signal"),
}
CONFIG = {
    "seed": 5,
    "generation": {"database": "none", "deterministic": True},
    # Also refused for its length, before anyone looks what is wrong with it.
    "checks": {
        "negative_data_rejection": {"expected-statuses": [400, 404, 405, 409, 413, 414, 422]}
    },
}


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    process = WebProcess(tmp_path_factory.mktemp("data"), "--gpu-source", "demo", "--allow-signals")
    wait_for(lambda: (process.get("api/v1/system/gpu-metrics") or {}).get("gpus"))
    yield process
    process.stop()


@pytest.fixture(scope="module")
def api(web: WebProcess) -> BaseSchema:
    config = SchemathesisConfig.from_dict(CONFIG)
    return schemathesis.openapi.from_url(f"{web.url}api/openapi.json", config=config)


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


@pytest.mark.parametrize(
    ("method", "path", "mode"),
    [
        (method, path, mode)
        for method, path in OPERATIONS
        for mode in GenerationMode
        if mode == GenerationMode.POSITIVE or path.removeprefix(f"{PREFIX}/") in WITH_PARAMETERS
    ],
)
def test_every_answer_is_as_documented(
    api: BaseSchema, session: requests.Session, method: str, path: str, mode: GenerationMode
) -> None:
    # That a start is before its end, or a table has a column, no schema can say.
    unsaid = [positive_data_acceptance] if path.endswith("history") else []
    cases = api[path][method].as_strategy(generation_mode=mode)

    @settings(
        max_examples=CASES,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def ask(case: schemathesis.Case) -> None:
        case.call_and_validate(session=session, timeout=PATIENCE, excluded_checks=unsaid)

    ask()


def test_every_path_of_the_reference_is_asked(api: BaseSchema) -> None:
    assert set(api) == {path for _, path in OPERATIONS}


def test_the_server_is_unharmed_afterwards(web: WebProcess) -> None:
    assert web.get("api/v1/system/health")["status"] == "ok"
    assert not [line for line in web.lines if "Traceback" in line or "Exception" in line]
