"""A simulated training run: what each of eight GPUs does in each second of it.

The run comes round again and again. So any moment is found without knowing the moments before it,
and energy is exactly the sum of power.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

GPUS = 8
STRAGGLER, IDLE = 5, 7
RUN_SECONDS = 4 * 3600
_DATA_SECONDS = 15  # until the first batch is there
_WARM_UP_SECONDS = 75
_STEP_SECONDS = 12
_CHECKPOINT_EVERY = 900
_CHECKPOINT_SECONDS = 24
_ENDING_SECONDS = 60  # the program has ended, the next one has not begun
_MEMORY_SHARE = np.array([0.925, 0.921, 0.921, 0.921, 0.921, 0.921, 0.918, 0.766])
_KELVIN_PER_WATT = np.array([0.0500, 0.0520, 0.0535, 0.0510, 0.0550, 0.1065, 0.0560, 0.0515])
_COOLING_SECONDS = 25.0
_INLET_CELSIUS = 27.0
_THROTTLE_CELSIUS = 84.0
_BASE_WATTS = 117.0  # a context is open
_BARE_WATTS = 71.0
_WORK_WATTS = 556.0


@dataclass(frozen=True)
class Run:
    """Arrays of (second of the run, GPU). `energy` is in joules since the run began."""

    utilization: Array
    memory_activity: Array
    memory_share: Array
    power: Array
    energy: Array
    temperature: Array
    memory_temperature: Array
    clock: Array
    pcie_tx: Array
    pcie_rx: Array
    nvlink: Array
    throttled: NDArray[np.bool_]


def training_run(seed: int) -> Run:
    """Warm-up, steps with a sawtooth, checkpoints, an end; GPU 5 too hot, GPU 7 idle."""
    random = np.random.default_rng(seed)
    shape = (RUN_SECONDS, GPUS)
    second = np.arange(RUN_SECONDS, dtype=float)[:, None]
    gpu = np.arange(GPUS)[None, :]
    noise = random.standard_normal(shape)
    drift = _smoothed(random.standard_normal(shape), 90.0) * 9
    slow, idle = gpu == STRAGGLER, gpu == IDLE

    running = (second < RUN_SECONDS - _ENDING_SECONDS) & ~idle
    warm = np.clip((second - _DATA_SECONDS) / (_WARM_UP_SECONDS - _DATA_SECONDS), 0, 1)
    checkpoint = (second >= _CHECKPOINT_EVERY) & (second % _CHECKPOINT_EVERY < _CHECKPOINT_SECONDS)
    step = second % _STEP_SECONDS / _STEP_SECONDS
    # At the end of a step the fast ones wait for the slowest.
    waiting = (step > 0.85) & ~slow
    steady = np.where(waiting, 0.78, 0.90 + 0.09 * step) + 0.008 * drift
    work = running * warm * np.where(checkpoint, 0.03, np.clip(steady, 0, 1))

    held = running | idle
    base = np.where(held, _BASE_WATTS, _BARE_WATTS) + 0.7 * gpu
    # The straggler's lower clock costs it power as well.
    power = base + _WORK_WATTS * work * np.where(slow, 0.86, 1) + (0.4 + 7 * work) * noise
    power = np.minimum(power, 698.0)
    heat = _KELVIN_PER_WATT * _smoothed(power, _COOLING_SECONDS)
    temperature = _INLET_CELSIUS + 0.4 * drift + heat
    throttled = (temperature >= _THROTTLE_CELSIUS) & slow & (work > 0.5)
    clock = np.where(held, 1980 - 225 * work, 345) - 140 * throttled + 6 * noise * (work > 0.5)
    filled = np.clip((second - 6) / (_WARM_UP_SECONDS - 20), 0, 1)
    exchange = np.where(step > 0.7, 2.4e11, 6e10)
    return Run(
        utilization=np.clip(
            100 * np.where(waiting, 0.86, 1) * work / 0.93 + 3 * noise * (work > 0), 0, 100
        ),
        memory_activity=np.clip(61 * work + 2 * noise * (work > 0), 0, 100),
        memory_share=_MEMORY_SHARE * np.where(idle, 1, running * filled),
        power=power,
        energy=np.cumsum(power, axis=0) - power,
        temperature=temperature,
        memory_temperature=temperature + np.where(slow, 0.5, 6) + 4 * work,
        clock=clock,
        pcie_tx=4e5 + 3e7 * work + 1.1e10 * checkpoint * running * (1 + 0.05 * noise),
        pcie_rx=3e5 + work * np.where(step < 0.2, 1.6e9, 2.2e8) * (1 + 0.1 * np.abs(noise)),
        nvlink=exchange * work * (1 + 0.02 * noise),
        throttled=throttled,
    )


def _smoothed(values: Array, seconds: float) -> Array:
    """Each value blended with those before it, round the end of the run."""
    kernel = np.exp(-np.arange(len(values)) / seconds)
    kernel /= kernel.sum()
    return np.fft.irfft(
        np.fft.rfft(values, axis=0) * np.fft.rfft(kernel)[:, None], n=len(values), axis=0
    )
