"""No secret of a command line is stored; what is none stays readable."""

from __future__ import annotations

import shlex
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.sources.masking import LONGEST, masked_command, masked_text
from monitor.sources.secret_names import is_secret_name

SECRET = "Zq8vXw2LmN7pRt4K"

MASKED = [
    ("python train.py --api-key {} --lr 0.1", "python train.py --api-key *** --lr 0.1"),
    ("vllm serve m --api-key {} {} --port 1", "vllm serve m --api-key *** *** --port 1"),
    ("serve --api-keys {} {}", "serve --api-keys *** ***"),
    ("x --token={}", "x --token=***"),
    ("x --token={},{}", "x --token=***"),
    ("x --token '{} {}' y", "x --token *** y"),
    ("x --token {} y", "x --token *** y"),
    ("x --hub_token {}", "x --hub_token ***"),
    ("x -password {}", "x -password ***"),
    ("x --hfToken {}", "x --hfToken ***"),
    ("x --key {}", "x --key ***"),
    ("x --token = {}", "x --token = ***"),
    ("x password: {}", "x password: ***"),
    ("env HF_TOKEN={} python x.py", "env HF_TOKEN=*** python x.py"),
    ("env PGPASSWORD={} psql", "env PGPASSWORD=*** psql"),
    ("AWS_SECRET_ACCESS_KEY={} x", "AWS_SECRET_ACCESS_KEY=*** x"),
    ("x --env=HF_TOKEN={}", "x --env=HF_TOKEN=***"),
    ("x -e WANDB_API_KEY={}", "x -e WANDB_API_KEY=***"),
    ("x +trainer.hub_token={}", "x +trainer.hub_token=***"),
    ("x --use-auth-token --lr 1", "x --use-auth-token --lr 1"),
    ("x --use-auth-token --api-key {}", "x --use-auth-token --api-key ***"),
    ("""x --config '{{"api_key":"{}","n":2}}'""", """x --config {"api_key":***,"n":2}"""),
    ("""x '{{"password" : "{} {}"}}'""", """x {"password" : ***}"""),
    ("""x '{{"a": {{"secret": "a\\"{}"}}}}'""", """x {"a": {"secret": ***}}"""),
    ("bash -c 'export TOKEN={}; python x.py'", "bash -c export TOKEN=***; python x.py"),
    ("bash -c 'python x.py --token {} --lr 1'", "bash -c python x.py --token *** --lr 1"),
    ("bash -c 'x --token \"{} {}\" --lr 1'", "bash -c x --token *** --lr 1"),
    ("bash -c 'TOKEN=\"{} {}\" x'", "bash -c TOKEN=***"),
    ("bash -c 'a; TOKEN=\"{} {}\" x'", "bash -c a; TOKEN=*** x"),
    ("bash -c 'a; TOKEN=a\"{}'", "bash -c a; TOKEN=***"),
    ("python -c 'api_key = \"{}\"; run()'", "python -c api_key = ***; run()"),
    ("python -c 'login(token=\"{}\")'", "python -c login(token=***)"),
    ("curl -H 'Authorization: Bearer {}'", "curl -H Authorization: ***"),
    ('curl -H \'{{"Authorization": "Bearer {}"}}\'', 'curl -H {"Authorization": ***}'),
    ("sh -c 'curl -H Authorization: Bearer {}'", "sh -c curl -H Authorization: ***"),
    ("x 'Bearer {}'", "x Bearer ***"),
    ("x postgres://me:{}@db/x", "x postgres://me:***@db/x"),
    ("x redis://:{}/a@db:6379", "x redis://:***@db:6379"),
    ("x https://{}@git.example/x.git", "x https://***@git.example/x.git"),
    ("x 'https://h/x?a=1&token={}&b=2'", "x https://h/x?a=1&token=***&b=2"),
    ("x 'https://h/x?sv=1&sig={}'", "x https://h/x?sv=1&sig=***"),
    ("x 'Server=h;Password={};User=u'", "x Server=h;Password=***;User=u"),
    ("x hf_{}", "x ***"),
    ("x sk-proj-{}", "x ***"),
    ("x ghp_{}", "x ***"),
    ("x github_pat_{}", "x ***"),
    ("x glpat-{}", "x ***"),
    ("x nvapi-{}", "x ***"),
    ("x --logger=hf_{}", "x --logger=***"),
    ("x eyJhbGciOiJI.eyJzdWIiOiIx.{}", "x ***"),
    ("x --wandb-key {}", "x --wandb-key ***"),
    ("x -e WANDB_KEY={}", "x -e WANDB_KEY=***"),
    ("x --hf-key={} --hf_key {}", "x --hf-key=*** --hf_key ***"),
    ("x --openai-key {} --openaiKey {}", "x --openai-key *** --openaiKey ***"),
    ("x --aws-key {} --s3-key {}", "x --aws-key *** --s3-key ***"),
    ("env S3_KEY={} GITHUB_KEY={} x", "env S3_KEY=*** GITHUB_KEY=*** x"),
    ("x --passkey {} --mypwd {}", "x --passkey *** --mypwd ***"),
    ("x --userpass bob:{}", "x --userpass ***"),
    ("wandb login {}", "wandb login ***"),
    ("/opt/bin/wandb login --relogin {}", "/opt/bin/wandb login --relogin ***"),
    ("python -m wandb login --host http://h {}", "python -m wandb login --host *** ***"),
    ("curl -u bob:{} https://h/x", "curl -u *** https://h/x"),
    ("curl -sSu bob:{} https://h/x", "curl -sSu *** https://h/x"),
    ("curl -ubob:{} https://h/x", "curl -u*** https://h/x"),
    ("curl --user bob:{} -o f", "curl --user *** -o f"),
    ("curl --proxy-user=bob:{} -o f", "curl --proxy-user=*** -o f"),
    ("sudo -u bob /usr/bin/curl -u bob:{} h", "sudo -u bob /usr/bin/curl -u *** h"),
    ("sshpass -p {} ssh -p 8022 host", "sshpass -p *** ssh -p 8022 host"),
    ("sshpass -p{} ssh host", "sshpass -p*** ssh host"),
    ("mysql -u root -p{} db", "mysql -u root -p*** db"),
    ("mysqldump -p{} db", "mysqldump -p*** db"),
    ("mongosh -u root -p {} db", "mongosh -u root -p *** db"),
    ("redis-cli -h host -a {} ping", "redis-cli -h host -a *** ping"),
    ("docker login -u bob -p {} host", "docker login -u bob -p *** host"),
    ("sh -c 'curl -s -u \"bob:{} {}\" https://h/x'", "sh -c curl -s -u *** https://h/x"),
    ("sh -c 'cd /x && mysql -uroot -p{} db'", "sh -c cd /x && mysql -uroot -p*** db"),
    ("sh -c 'sshpass -p {} ssh -p 8022 h'", "sh -c sshpass -p *** ssh -p 8022 h"),
    ("sh -c 'wandb login {}; python x.py'", "sh -c wandb login ***; python x.py"),
    ("x https://hooks.slack.com/services/T0/B0/{}", "x https://hooks.slack.com/services/***"),
    (
        "x --hook=https://hooks.slack.com/services/{}",
        "x --hook=https://hooks.slack.com/services/***",
    ),
    ("x https://discord.com/api/webhooks/12/{} y", "x https://discord.com/api/webhooks/*** y"),
    ("x '-----BEGIN RSA PRIVATE KEY----- {} -----END RSA PRIVATE KEY----- y'", "x *** y"),
]
UNTOUCHED = [
    "python train.py --config configs/llama-70b.yaml --data /data/tokens --rank 3",
    "python -m vllm serve --max-tokens 512 --max-num-batched-tokens 8192 --port 8000",
    "python x.py --tokenizer meta-llama/Llama-3 --tokenizer-mode auto --max_tokens=4k",
    "python x.py --token-file /run/secrets/token --password-stdin --secret-name db",
    "python x.py --sort-key date --image-key jpg --text_key=text --keyboard us",
    "python x.py https://host:8080/path s3://bucket/key ssh://git@host/x.git -p 8022",
    "python x.py --compass 3 --monkey 4 --author me task-1234567890123456 -np 4",
    "python x.py sk-learn-and-other-words hf_hub",
    "python -u x.py --key-frames 12 --keyboard us --sort-key name --hf-text-key text",
    "docker run -u root -p 8080:80 -p8081:81 image python -u x.py",
    "ssh -p 8022 host",
    "sshpass -e ssh -p 8022 host",
    "sudo -u bob python x.py --user bob",
    "mysql -u root -p db -P 3306",
    "curl -s -o out https://h/x --retry 3",
    "wandb agent team/project/ab12cd34",
    "git checkout 3f786850e387550fdab836ed7e6dc881de23001b",
    "torchrun --nproc_per_node=8 --rdzv_endpoint=10.0.0.1:29500 train.py",
]


@pytest.mark.parametrize(("line", "expected"), MASKED, ids=[line for line, _ in MASKED])
def test_a_secret_is_masked(line: str, expected: str) -> None:
    shown = masked_command(shlex.split(line.format(SECRET, SECRET)))
    assert shown == expected
    assert SECRET not in shown


@pytest.mark.parametrize("line", UNTOUCHED)
def test_what_is_no_secret_is_shown(line: str) -> None:
    assert masked_command(line.split()) == line


def test_a_number_of_tokens_is_no_secret_but_a_number_may_be_a_password() -> None:
    assert masked_command(["x", "--max-tokens", "512"]) == "x --max-tokens 512"
    assert masked_command(["x", "--password", "512"]) == "x --password ***"
    assert (
        masked_text("generate(max_tokens=512, token='a')") == "generate(max_tokens=512, token=***)"
    )


@pytest.mark.parametrize(
    "name",
    [
        *("--password", "--db-passwd", "dbPassword", "MYSQL_PWD", "--hf-token", "HF_TOKEN"),
        *("--passkey", "--mypwd", "--userpass", "WANDB_KEY", "--s3-key", "s3_keys", "gcpKey"),
        *("APIKey", "apikey", "x-api-key", "--access-key", "private_key", "--auth", "clientSecret"),
    ],
)
def test_a_name_of_a_secret(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *("--tokenizer", "--token-ids", "key_name", "--sort-key", "", "--", "--lr"),
        *("AWS_ACCESS_KEY_ID", "--key-frames", "--keyboard", "--hf-text-key", "--bypass"),
        *("--aws-key-name", "--s3-bucket", "monkey"),
    ],
)
def test_a_name_of_no_secret(name: str) -> None:
    assert not is_secret_name(name)


def test_a_line_has_a_sane_length() -> None:
    line = masked_command(["java", *(f"--class-path=/opt/lib/{n}.jar" for n in range(10_000))])
    assert len(line) == LONGEST
    assert line.endswith("…")
    assert masked_command(["x", "y" * 2000]).startswith("x yyy")
    assert masked_command(["a" * LONGEST]) == "a" * LONGEST
    assert masked_command([]) == ""


def test_a_secret_that_the_end_cuts_in_two_is_not_shown() -> None:
    """Most of the text is masked away, so that what stands far behind comes into view."""
    for at in range(3900, 4020):
        filler = f"TOKEN={'s' * (at - 40)} "
        shown = masked_text(f"run {filler}postgres://me:{SECRET * 3}@host")
        assert SECRET[:4] not in shown
    assert len(masked_text("A" * 100_000)) < 10


def test_what_cannot_be_shown_or_stored_is_replaced() -> None:
    shown = masked_command(["a\nb", "c\x1b[31m\td", "\udcff", "e\x00"])
    assert shown == "a b c [31m d ? e"
    assert shown.encode()


texts = st.text(st.characters(exclude_categories=()), max_size=40)
passwords = st.text(
    st.sampled_from("abcXYZ019!#$%^*()_-+/.,:?~@"), min_size=12, max_size=24
).filter(lambda word: not word.startswith("-"))
names = st.sampled_from(["token", "api-key", "password", "hub_token", "client.secret", "dbPasswd"])


@settings(max_examples=60, deadline=None)
@given(st.lists(texts, max_size=6), names, passwords, st.lists(texts, max_size=6))
def test_a_value_never_shows(before: list[str], name: str, password: str, after: list[str]) -> None:
    kept = [word for word in (*before, *after) if password not in word]
    for given_as in ([f"--{name}", password], [f"--{name}={password}"], [f"{name}={password}"]):
        line = masked_command([*kept[: len(before)], *given_as, *kept[len(before) :]])
        assert password not in line


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=()), max_size=700), max_size=4))
def test_any_arguments_make_one_line_that_can_be_stored(arguments: list[str]) -> None:
    line = masked_command(arguments)
    assert len(line) <= LONGEST
    assert line.encode().decode().isprintable() or not line.isascii()
    assert "\n" not in line


@pytest.mark.parametrize(
    "piece", ["a://a:", "token ", '"', "'\"", "token=\\", "Bearer ", "eyJ", "-", "curl ", "mysql -"]
)
def test_time_grows_with_the_text_alone(piece: str) -> None:
    began = time.process_time()
    masked_command([piece * (120_000 // len(piece))])
    assert time.process_time() - began < 0.5
