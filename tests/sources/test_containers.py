"""A container is known by the paths of its control groups, whichever runtime made them."""

from __future__ import annotations

import pytest

from monitor.sources.containers import container_of

ID = "4be1f27a90c3" + "d" * 52
INNER = "0123456789ab" + "e" * 52
UID = "8c2f1a3e-1111-4222-8333-abcdefabcdef"
SYSTEMD_UID = UID.replace("-", "_")
KUBEPODS = f"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{SYSTEMD_UID}.slice"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"/system.slice/docker-{ID}.scope", "docker 4be1f27a90c3"),
        (f"/docker/{ID}", "docker 4be1f27a90c3"),
        (f"/docker/{ID}/docker/{INNER}", "docker 0123456789ab"),
        (f"/user.slice/user-1000.slice/user@1000.service/docker-{ID}.scope", "docker 4be1f27a90c3"),
        (f"{KUBEPODS}/cri-containerd-{ID}.scope", f"pod {UID}"),
        (f"{KUBEPODS}/crio-{ID}.scope", f"pod {UID}"),
        (f"/kubepods/besteffort/pod{UID}/{ID}", f"pod {UID}"),
        (f"/kubepods/pod{'a1' * 16}/{ID}", f"pod {'a1' * 16}"),
        (f"/docker/{INNER}/kubelet/kubepods/burstable/pod{UID}/{ID}", f"pod {UID}"),
        (f"/system.slice/cri-containerd-{ID}.scope", "containerd 4be1f27a90c3"),
        (f"/system.slice/nerdctl-{ID}.scope", "containerd 4be1f27a90c3"),
        (f"/system.slice/crio-{ID}.scope", "cri-o 4be1f27a90c3"),
        (f"/default/{ID}", "container 4be1f27a90c3"),
        (f"/ecs/task-7/{ID}", "container 4be1f27a90c3"),
        (f"/machine.slice/libpod-{ID}.scope", "podman 4be1f27a90c3"),
        (f"/machine.slice/libpod-{ID}.scope/container", "podman 4be1f27a90c3"),
        (f"/libpod_parent/libpod-{ID}", "podman 4be1f27a90c3"),
        (f"/machine.slice/libpod-conmon-{ID}.scope", None),
        ("/lxc/web-1", "lxc web-1"),
        ("/lxc.payload.web-1/system.slice/sshd.service", "lxc web-1"),
        ("/lxc.monitor.web-1", None),
        ("/", None),
        ("/user.slice/user-1000.slice/session-3.scope", None),
        ("/system.slice/docker.service", None),
        ("/system.slice/containerd.service", None),
        (f"/system.slice/podcast-{UID}.service", None),
    ],
)
def test_a_group_tells_the_container(path: str, expected: str | None) -> None:
    assert container_of(f"0::{path}\n") == expected
    of_version_1 = f"12:memory:{path}\n11:cpu,cpuacct:{path}\n1:name=systemd:{path}\n0::/\n"
    assert container_of(of_version_1) == expected


def test_no_groups_are_no_container() -> None:
    assert container_of("") is None
