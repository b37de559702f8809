"""Which folder holds live.db, its stand-in and the lock."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.settings import BadSetting, Settings
from monitor.storage.locations import (
    check_writable,
    file_system_of,
    host_name,
    is_on_network,
    live_db,
    overflow_db,
    recorder_lock,
)


@pytest.fixture(autouse=True)
def _state_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def root_with(tmp_path: Path, *lines: str) -> Path:
    (tmp_path / "root/proc").mkdir(parents=True)
    (tmp_path / "root/proc/mounts").write_text("".join(f"{line}\n" for line in lines))
    return tmp_path / "root"


def test_on_a_local_disk_all_is_in_the_data_folder(tmp_path: Path) -> None:
    settings = Settings(data=str(tmp_path / "data"))
    assert live_db(settings) == tmp_path / "data/live.db"
    assert recorder_lock(settings) == tmp_path / "data/recorder.lock"


def test_the_state_folder_is_a_setting(tmp_path: Path) -> None:
    settings = Settings(data=str(tmp_path / "data"), state_dir=tmp_path / "here")
    assert live_db(settings) == tmp_path / "here/live.db"
    assert recorder_lock(settings) == tmp_path / "here/recorder.lock"


def test_a_bucket_has_its_live_db_in_the_users_state_folder(tmp_path: Path) -> None:
    one, other = (live_db(Settings(data=f"s3://bucket/{n}")) for n in "ab")
    assert one.parent.parent == tmp_path / "state/system-monitor"
    assert one != other
    assert one == live_db(Settings(data="s3://bucket/a"))


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "lustre", "fuse.sshfs", "9p"])
def test_a_network_file_system_too(kind: str, tmp_path: Path) -> None:
    data = tmp_path / "mounted/data"
    root = root_with(tmp_path, "/dev/sda / ext4 rw 0 0", f"srv:/x {tmp_path}/mounted {kind} rw 0 0")
    settings = Settings(data=str(data), root=root)
    assert is_on_network(data, root)
    assert live_db(settings).is_relative_to(tmp_path / "state/system-monitor")


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "zfs", "overlay", "tmpfs", "fuseblk"])
def test_a_local_file_system_is_not_remote(kind: str, tmp_path: Path) -> None:
    root = root_with(tmp_path, f"/dev/sda / {kind} rw 0 0")
    assert not is_on_network(tmp_path, root)


def test_the_deepest_mount_counts_and_names_may_have_spaces(tmp_path: Path) -> None:
    root = root_with(
        tmp_path,
        rf"/dev/sdb {tmp_path}/my\040disk ext4 rw 0 0",
        f"srv:/y {tmp_path}/my nfs4 rw 0 0",
        "srv:/x / nfs rw 0 0",
    )
    assert file_system_of(tmp_path / "my disk/data", root) == "ext4"
    assert file_system_of(tmp_path / "my/data", root) == "nfs4"
    assert file_system_of(tmp_path / "other", root) == "nfs"


def test_without_a_list_of_mounts_nothing_is_remote(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert file_system_of(tmp_path, tmp_path / "empty") == ""
    assert not is_on_network(tmp_path, tmp_path / "empty")


def test_each_data_folder_has_a_stand_in_of_its_own_however_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    one = overflow_db(Settings(data=str(tmp_path / "a")))
    assert one == overflow_db(Settings(data=str(tmp_path / "a/../a/")))
    assert one != overflow_db(Settings(data=str(tmp_path / "b")))
    assert one.name == "overflow.db"


def test_a_folder_that_cannot_be_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadSetting, match="not a folder"):
        check_writable(Settings(data=str(tmp_path / "file")))
    with pytest.raises(BadSetting, match="not a folder"):
        check_writable(Settings(data=str(tmp_path / "file/data")))


def test_a_folder_that_can_be_made_is_not_made_by_asking(tmp_path: Path) -> None:
    check_writable(Settings(data=str(tmp_path / "new/data")))
    assert list(tmp_path.iterdir()) == []


def test_the_host_has_a_name() -> None:
    assert host_name()
