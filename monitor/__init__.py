"""Records a machine's GPUs and host every second, and keeps what it saw."""

__version__ = "0.1.0"
