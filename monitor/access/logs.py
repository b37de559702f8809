"""No token in a log: servers write the addresses that were asked for."""

from __future__ import annotations

import logging
import re
from typing import Any

_GIVEN = re.compile(r"(\btoken=)[^&\s\"'#]*", re.IGNORECASE)
# uvicorn writes accepted and refused WebSockets to its error log.
LOGGERS = ("uvicorn.access", "uvicorn.error", "gunicorn.access", "gunicorn.error")


class WithoutTokens(logging.Filter):
    """Replaces the value of each `token=` in a record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Every record passes."""
        record.msg = _clean(record.msg)
        if isinstance(record.args, tuple):
            record.args = tuple(_clean(value) for value in record.args)
        # gunicorn's has a class of its own, which knows what is missing.
        elif isinstance(record.args, dict):
            for key, value in record.args.items():
                record.args[key] = _clean(value)
        return True


def hide_tokens() -> None:
    """Clean what the servers log from here on."""
    for name in LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(found, WithoutTokens) for found in logger.filters):
            logger.addFilter(WithoutTokens())


def _clean(value: Any) -> Any:  # noqa: ANN401 - whatever was logged
    return _GIVEN.sub(r"\1[hidden]", value) if isinstance(value, str) else value
