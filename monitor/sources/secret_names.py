"""Which names of options, variables and fields stand for a secret."""

from __future__ import annotations

import re
from itertools import pairwise

_WORD = re.compile(r"[sS]3(?![A-Za-z0-9])|[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SECRET = frozenset(
    {
        *("auth", "authorization", "bearer", "cookie", "credential", "credentials", "creds", "jwt"),
        *("pass", "passcode", "passphrase", "passwd", "password", "passwords", "pat", "pwd"),
        *("secret", "secrets", "sig", "signature", "token", "tokens"),
    }
)
# As in `apikey`, `PGPASSWORD` or `hftoken`: words that no one set apart.
_SECRET_ENDINGS = (
    *("accesskey", "apikey", "apikeys", "authkey", "passkey", "passphrase", "passwd", "password"),
    *("privatekey", "pwd", "secret", "secretkey", "token", "userpass"),
)
_OF_A_KEY = frozenset(
    {
        *("access", "account", "admin", "api", "app", "auth", "client", "deploy", "encryption"),
        *("license", "master", "private", "service", "shared", "signing", "ssh", "subscription"),
    }
)
# Whose key it is, right before the word: `--hf-key`, but not `--hf-text-key`.
_VENDORS = frozenset(
    {
        *("anthropic", "aws", "azure", "comet", "gcp", "github", "gitlab", "google", "hf"),
        *("huggingface", "kaggle", "neptune", "openai", "slack", "s3", "wandb"),
    }
)
_KEYS = frozenset({"key", "keys"})
# The name of something about a secret: where it lies, how long or of which kind it is.
_ABOUT = frozenset(
    {
        *("backend", "count", "dir", "directory", "env", "file", "filename", "id", "ids", "index"),
        *("length", "limit", "method", "mode", "name", "path", "provider", "size", "stdin"),
        *("type", "url"),
    }
)
_PLURALS = frozenset({"apikeys", "credentials", "creds", "keys", "passwords", "secrets", "tokens"})
_NUMBER = re.compile(r"[+-]?\d{1,7}(?:\.\d{1,7})?[kKmMgG]?")


def is_secret_name(name: str) -> bool:
    """Whether a value under that name (`--hub-token`, `AWS_SECRET_ACCESS_KEY`) is a secret."""
    words = _words(name)
    if not words or words[-1] in _ABOUT:
        return False
    if any(_is_secret_word(word) for word in words):
        return True
    if any(owner in _VENDORS and word in _KEYS for owner, word in pairwise(words)):
        return True
    of_a_key = len(words) == 1 or not _OF_A_KEY.isdisjoint(words)
    return of_a_key and not _KEYS.isdisjoint(words)


def takes_many(name: str) -> bool:
    """Whether more than one value may follow it, as API keys of a server do."""
    words = _words(name)
    return bool(words) and (words[-1] in _PLURALS or words[-2:] == ["api", "key"])


def is_harmless(name: str, value: str) -> bool:
    """Whether this is a number of tokens: `--max-tokens 512`, but not `--password 512`."""
    secrets = {word for word in _words(name) if _is_secret_word(word)}
    number = _NUMBER.fullmatch(value.strip("\"',()[]{}"))
    return number is not None and bool(secrets) and secrets <= {"token", "tokens"}


def _is_secret_word(word: str) -> bool:
    return word in _SECRET or word.endswith(_SECRET_ENDINGS)


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name)]
