"""What an address asks for; a slip in it is told in a sentence and costs nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.queries.latest import iso
from monitor.queries.view import DEFAULT_RANGE, RANGES, View, addresses, view_of
from tests.queries.ticks import gpu_state

NOW = 1_795_516_200_500  # 2026-11-24T10:30:00.500Z
HOUR = 3_600_000
DAY = 24 * HOUR
CHARTS = ("cpu", "gpu", "ram")
ALL = frozenset(CHARTS)
GPUS = [
    gpu_state("GPU-a", index=0),
    gpu_state("MIG-a1", index=0, mig_index=1),
    gpu_state("GPU-b", index=1),
]
TIMES = "an ISO 8601 time such as 2026-11-24T10:00:00Z, or one before now such as -6h"


def seen(**asked: object) -> View:
    if "start" in asked:
        asked["from"] = asked.pop("start")
    return view_of(asked, GPUS, CHARTS, NOW)


def test_an_address_that_asks_for_nothing_shows_all_of_the_last_hour_live():
    assert seen() == View(NOW - HOUR, NOW, None, ALL, live=True, range="1h")
    assert DEFAULT_RANGE == "1h"


@pytest.mark.parametrize(("name", "seconds"), RANGES.items())
def test_a_range_ends_now_and_goes_on(name: str, seconds: int):
    assert seen(range=name) == View(NOW - 1000 * seconds, NOW, None, ALL, live=True, range=name)


@pytest.mark.parametrize(
    ("asked", "start", "end", "live"),
    [
        ({"start": "-6h"}, NOW - 6 * HOUR, NOW, True),
        ({"start": "-6h", "to": "now"}, NOW - 6 * HOUR, NOW, True),
        ({"start": " -6h ", "to": " now "}, NOW - 6 * HOUR, NOW, True),
        ({"start": "-6h", "to": "-1h"}, NOW - 6 * HOUR, NOW - HOUR, False),
        ({"start": "2026-11-24T09:30:00.500Z"}, NOW - HOUR, NOW, False),
        ({"start": "2026-11-24T09:30:00.500Z", "to": "now"}, NOW - HOUR, NOW, False),
        ({"start": "2026-11-23T10:30:00.500Z", "to": "-1h"}, NOW - DAY, NOW - HOUR, False),
        ({"start": "-1h", "to": "2027-01-01"}, NOW - HOUR, NOW, False),
        # The range says how much, where the address gives an end alone.
        ({"to": "-1h"}, NOW - 2 * HOUR, NOW - HOUR, False),
        ({"to": "-1h", "range": "24h"}, NOW - HOUR - DAY, NOW - HOUR, False),
        ({"to": "2027-01-01"}, NOW - HOUR, NOW, False),
        ({"to": "now"}, NOW - HOUR, NOW, True),
        ({"to": "now", "range": "24h"}, NOW - DAY, NOW, True),
        # A span of its own wins over a range.
        ({"start": "-2h", "range": "7d"}, NOW - 2 * HOUR, NOW, True),
    ],
)
def test_a_span_is_what_it_says_and_live_where_it_moves_with_time(asked, start, end, live):
    view = seen(**asked)
    assert (view.start, view.end, view.live) == (start, end, live)
    named = asked.get("to") == "now" and "start" not in asked
    assert view.range == (asked.get("range", DEFAULT_RANGE) if named else "")
    assert view.problems == ()


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ({"start": "yesterday"}, f"from: 'yesterday' is not a time; write {TIMES}."),
        ({"to": "noon"}, f"to: 'noon' is not a time; write {TIMES}."),
        ({"start": "-1h", "to": "6h"}, f"to: '6h' is not a time; write {TIMES}."),
        ({"start": "x" * 5000}, f"from: {'x' * 40!r} is not a time; write {TIMES}."),
        (
            {"start": "-1h", "to": "-2h"},
            "from: -1h is not before to, which is -2h.",
        ),
        (
            {"start": "2027-01-01"},
            f"from: 2027-01-01 is not in the past; it is {iso(NOW)} now.",
        ),
        (
            {"start": "1999-01-01"},
            "from: '1999-01-01' is not between the years 2000 and 2100.",
        ),
        (
            {"to": "1970-01-01"},
            "to: '1970-01-01' is not between the years 2000 and 2100.",
        ),
    ],
)
def test_a_span_that_cannot_be_is_told_and_the_range_is_shown(asked, problem):
    view = seen(range="6h", charts="cpu", **asked)
    assert view.problems == (problem,)
    assert (view.start, view.end, view.live, view.range) == (NOW - 6 * HOUR, NOW, True, "6h")
    assert view.charts == {"cpu"}


@pytest.mark.parametrize("name", ["1H", "2h", "hour", "9" * 5000])
def test_a_range_that_is_none_is_told_with_those_there_are(name: str):
    view = seen(range=name, charts="ram")
    assert view.problems == (
        f"There is no range {name[:40]!r}; there are 15m, 1h, 6h, 24h, 7d, 90d.",
    )
    assert (view.start, view.end, view.charts) == (NOW - HOUR, NOW, {"ram"})


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("1", {"GPU-b"}),
        ("GPU-b", {"GPU-b"}),
        ("0", {"GPU-a"}),
        ("MIG-a1", {"MIG-a1"}),
        ("0,MIG-a1", {"GPU-a", "MIG-a1"}),
        (" 0 ,, 1 ", {"GPU-a", "GPU-b"}),
        ("0,GPU-a", {"GPU-a"}),
        ("", None),
        (" , ", None),
    ],
)
def test_a_gpu_is_chosen_by_index_or_uuid_and_a_mig_instance_by_uuid_alone(text, chosen):
    view = view_of({"gpus": text}, GPUS, CHARTS, NOW)
    assert view.gpus == chosen
    assert view.problems == ()


@pytest.mark.parametrize(
    ("text", "chosen", "unknown"),
    [
        ("7", None, "7"),
        ("0,7,GPU-x", {"GPU-a"}, "7, GPU-x"),
        ("-1", None, "-1"),
        ("gpu-a", None, "gpu-a"),
        ("z" * 5000, None, "z" * 80),
    ],
)
def test_a_gpu_that_is_not_there_is_told_and_the_others_are_shown(text, chosen, unknown):
    view = view_of({"gpus": text, "from": "-6h"}, GPUS, CHARTS, NOW)
    assert view.gpus == chosen
    assert view.problems == (f"There is no GPU {unknown}; there are: 0, MIG-a1, 1.",)
    assert view.start == NOW - 6 * HOUR


def test_where_there_is_no_gpu_a_choice_of_one_is_told():
    view = view_of({"gpus": "0"}, [], CHARTS, NOW)
    assert view.problems == ("There is no GPU 0; there are: none.",)
    assert view.gpus is None


@pytest.mark.parametrize(
    ("text", "chosen", "unknown"),
    [
        ("gpu,cpu", {"cpu", "gpu"}, None),
        (" ram , ", {"ram"}, None),
        ("", ALL, None),
        ("cpu,bogus", {"cpu"}, "bogus"),
        ("bogus,CPU", ALL, "bogus, CPU"),
        ("y" * 5000, ALL, "y" * 80),
    ],
)
def test_charts_are_chosen_by_name_and_all_where_none_is_left(text, chosen, unknown):
    view = seen(charts=text)
    assert view.charts == chosen
    told = (f"There is no chart {unknown}; there are: cpu, gpu, ram.",) if unknown else ()
    assert view.problems == told


def test_each_slip_is_told_in_the_order_of_the_address_and_none_hides_another():
    view = view_of({"range": "2h", "from": "soon", "gpus": "9", "charts": "pie"}, GPUS, CHARTS, NOW)
    told = [problem.split(";")[0] for problem in view.problems]
    assert told == [
        "There is no range '2h'",
        "from: 'soon' is not a time",
        "There is no GPU 9",
        "There is no chart pie",
    ]
    assert view == View(NOW - HOUR, NOW, None, ALL, True, "1h", view.problems)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
NAMES = st.sampled_from(["range", "from", "to", "gpus", "charts", "number"])


@given(asked=st.dictionaries(NAMES, JUNK | st.sampled_from(["-6h", "now", "0", "2026-11-24"])))
def test_whatever_is_asked_there_is_a_view_of_the_past_and_each_problem_is_a_sentence(asked):
    view = view_of(asked, GPUS, CHARTS, NOW)
    assert view.start < view.end <= NOW
    assert view.charts <= ALL
    assert view.charts
    assert view.gpus is None or view.gpus <= {gpu.device for gpu in GPUS}
    for problem in view.problems:
        assert problem.endswith(".")
        assert len(problem) < 300


@pytest.mark.parametrize("junk", [None, 7, 1.5, True, ["-6h"], {"from": "-6h"}, b"-6h"])
def test_what_is_no_text_is_as_if_it_was_not_asked_for(junk: object):
    asked = dict.fromkeys(["range", "from", "to", "gpus", "charts"], junk)
    assert view_of(asked, GPUS, CHARTS, NOW) == seen()


def test_an_index_that_two_gpus_had_is_that_of_the_one_which_is_there():
    lost, new = gpu_state("GPU-old", "lost", index=1), gpu_state("GPU-new", index=1)
    for gpus in ([GPUS[0], lost, new], [GPUS[0], new, lost]):
        assert addresses(gpus) == {"GPU-a": "0", "GPU-old": "GPU-old", "GPU-new": "1"}
        assert list(addresses(gpus)) == [gpu.device for gpu in gpus]
        assert view_of({"gpus": "1"}, gpus, CHARTS, NOW).gpus == {"GPU-new"}
        assert view_of({"gpus": "GPU-old"}, gpus, CHARTS, NOW).gpus == {"GPU-old"}
