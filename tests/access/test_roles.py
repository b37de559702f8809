"""Roles: who is an operator, and what a viewer is told."""

from typing import Any

import pytest
from starlette.requests import Request

from monitor.access.roles import Role, give_role, require_operator, role_of
from monitor.api.problems import Refusal


def request(scope: dict[str, Any]) -> Request:
    return Request({"type": "http", **scope})


def test_an_operator_may() -> None:
    scope: dict[str, Any] = {}
    give_role(scope, Role.OPERATOR)
    require_operator(request(scope))


@pytest.mark.parametrize("role", [Role.VIEWER, None])
def test_a_viewer_and_one_without_a_role_may_not(role: Role | None) -> None:
    scope: dict[str, Any] = {}
    if role:
        give_role(scope, role)
    with pytest.raises(Refusal) as refused:
        require_operator(request(scope))
    assert refused.value.status == 403
    assert "operator" in refused.value.detail


def test_the_state_that_requests_share_is_not_written_into() -> None:
    lifespan = {"pool": object()}
    first, second = {"state": lifespan}, {"state": lifespan}
    give_role(first, Role.OPERATOR)
    assert role_of(request(second)) is Role.VIEWER
    assert first["state"]["pool"] is lifespan["pool"]
    assert list(lifespan) == ["pool"]
