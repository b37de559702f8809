"""`python -m monitor record`, `python -m monitor doctor` and `python -m monitor export`."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence

from monitor.settings import BadSetting, load

_USAGE = "usage: python -m monitor {record,doctor,export} [options]; each has --help"


def main(arguments: Sequence[str]) -> int:
    """Exit status: 0 well, 1 something is wrong with the machine, 2 a bad setting."""
    command, *rest = arguments or ("",)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    # APScheduler reports each run of each job.
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    try:
        if command == "record":
            return _record(rest)
        if command == "doctor":
            from monitor.doctor import doctor

            return doctor(load(rest, prog="python -m monitor doctor"), print)
        if command == "export":
            from monitor.export_command import export_command

            return export_command(rest)
    except BadSetting as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    print(_USAGE, file=sys.stderr)  # noqa: T201
    return 0 if command in {"-h", "--help"} else 2


def _record(arguments: list[str]) -> int:
    # Arrow's own pool keeps 8 MB that malloc gives back; it is chosen when pyarrow is imported.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    from monitor.recording.lock import AlreadyRecording
    from monitor.recording.recorder import record
    from monitor.sources.choose import choose
    from monitor.storage.locations import check_writable

    until_stdin_closes = "--until-stdin-closes" in arguments
    if until_stdin_closes:
        arguments.remove("--until-stdin-closes")
    settings = load(arguments, prog="python -m monitor record")
    check_writable(settings)
    try:
        record(settings, choose, until_stdin_closes=until_stdin_closes)
    except AlreadyRecording as error:
        print(f"{str(error)[0].upper()}{str(error)[1:]}.", file=sys.stderr)  # noqa: T201
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
