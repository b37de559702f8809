"""The API's reference is valid OpenAPI, and its examples are answers and questions as it says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from prometheus_client.parser import text_string_to_metric_families

from app import create_app
from monitor.api.described import example
from monitor.settings import load
from tests.api.test_fuzz import PATHS, PREFIX, SIGNAL

each_path = pytest.mark.parametrize("path", PATHS)
PROBLEM = "application/problem+json"


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = str(tmp_path_factory.mktemp("data"))
    return create_app(load(["--data", folder, "--no-record"])).openapi()


@pytest.mark.parametrize(
    ("prefix", "url"), [("/", "/"), ("/monitor/", "/monitor"), ("/a/b/", "/a/b")]
)
def test_paths_are_below_the_prefix_that_the_page_is_served_at(
    tmp_path: Path, prefix: str, url: str
) -> None:
    settings = load(["--data", str(tmp_path), "--no-record", "--url-prefix", prefix])
    assert create_app(settings).openapi()["servers"] == [{"url": url}]


def operation(reference: dict[str, Any], path: str) -> dict[str, Any]:
    return reference["paths"][f"{PREFIX}/{path}"]["get"]


def check(reference: dict[str, Any], schema: dict[str, Any], value: object) -> None:
    whole = {**schema, "components": reference["components"]}
    jsonschema_rs.validator_for(whole).validate(value)


def answers(reference: dict[str, Any], path: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for status, answer in operation(reference, path)["responses"].items():
        for media, content in answer.get("content", {}).items():
            yield status, media, content


def test_the_reference_is_valid(reference: dict[str, Any]) -> None:
    schemathesis.openapi.from_dict(reference).validate()
    assert reference["openapi"].startswith("3.1")


def test_the_reference_has_every_path(reference: dict[str, Any]) -> None:
    ours = {path for path in reference["paths"] if path.startswith(PREFIX)}
    assert ours == {f"{PREFIX}/{path}" for path in PATHS} | {SIGNAL}


def test_every_schema_is_json_schema(reference: dict[str, Any]) -> None:
    schemas = reference["components"]["schemas"]
    for name, schema in schemas.items():
        jsonschema_rs.meta.validate({**schema, "components": reference["components"]})
        assert schema.get("description"), name


@each_path
def test_every_answer_has_an_example_that_it_could_be(reference: dict[str, Any], path: str) -> None:
    found = [
        (status, media, content)
        for status, media, content in answers(reference, path)
        if media.endswith("json")
    ]
    assert ("200", "application/json") in [(status, media) for status, media, _ in found]
    for _, _, content in found:
        check(reference, content["schema"], content["example"])


def test_the_answers_of_the_other_paths_have_examples_too(reference: dict[str, Any]) -> None:
    sent = reference["paths"][SIGNAL]["post"]["responses"]["200"]["content"]["application/json"]
    check(reference, sent["schema"], sent["example"])
    text = reference["paths"]["/metrics"]["get"]["responses"]["200"]["content"]["text/plain"]
    (family,) = text_string_to_metric_families(text["example"])
    assert family.samples[0].value == 97


def test_every_path_says_what_it_gives(reference: dict[str, Any]) -> None:
    told = {path: next(iter(found.values())) for path, found in reference["paths"].items()}
    assert told["/metrics"]["summary"].startswith("The newest tick in Prometheus' text format")
    assert told["/metrics"]["description"].startswith("When recording is stale")
    assert told[f"{PREFIX}/gpu-list"]["summary"].startswith("Every GPU ever seen here")
    assert len({found["summary"] for found in told.values()}) == len(told)
    assert all(not found["summary"].endswith(".") for found in told.values())


@each_path
def test_every_error_is_a_problem(reference: dict[str, Any], path: str) -> None:
    errors = {(status, media) for status, media, _ in answers(reference, path) if status > "304"}
    assert ("422", PROBLEM) in errors
    assert {media for status, media in errors if (path, status) != ("health", "503")} == {PROBLEM}


@each_path
def test_every_parameter_has_a_description_and_examples_that_are_allowed(
    reference: dict[str, Any], path: str
) -> None:
    for parameter in operation(reference, path).get("parameters", []):
        schema = parameter["schema"]
        assert parameter.get("description") or schema.get("description"), parameter["name"]
        examples = schema.get("examples") or parameter.get("examples")
        assert examples, parameter["name"]
        for one in examples:
            check(reference, schema, one)


def test_a_model_without_an_example_is_told_at_the_start() -> None:
    from pydantic import BaseModel

    class Bare(BaseModel):
        number: int

    with pytest.raises(LookupError, match="int'> has no example"):
        example(Bare)
