"""The id of every component that a callback names."""

from __future__ import annotations

SNAPSHOT = "snapshot"  # Store: the newest tick, as monitor.queries.snapshot makes it
BACKLOG = "backlog"  # Store: the sparklines' first two minutes
SHOWN = "shown"  # Store: where the clientside callback leaves what it showed
VIEWER = "viewer"  # Store: a name for this load of the page
PRESENT = "present"  # Store: whether the tab is visible and in which mode, said every 20 s
CHANGED = "changed"  # Store: set when a snapshot has other devices than the layout
POLL = "poll"  # Interval: asks for a snapshot when the socket brings none
POLL_SECONDS = "poll-seconds"  # how often it asks
GPU_SELECT = "gpu-select"
GPU_SELECTOR = "gpu-selector"  # what holds it, hidden where there is nothing to choose
SELECTED_GPU = "selected-gpu"  # Store: the UUID a person chose, kept in the browser
MODE = "mode"  # Store: "single" or "compare", kept in the browser
MODE_TOGGLE = "mode-toggle"
MODE_PLACE = "mode-place"  # what holds it, and says why it is disabled where it is
COMPARE = "compare"  # the section that takes the columns' place in Compare
COMPARE_GRID = "compare-grid"
CARDS = "compare-cards"  # Store: what each card of Compare is of
SORT = "sort"
MORE = "compare-more"  # Store: whether cards have more metrics, kept in the browser
CHOICE = "choice"  # Store: the GPUs there are to choose from, as layouts.choice makes it
CHOICE_NOTICE = "choice-notice"  # what is wrong with the choice that an address makes
DEVICES = "devices"  # Store: which GPUs and mounts the layout was built for
STRIP = "strip"
SYSTEM_COLUMN = "system-column"
GPU_COLUMN = "gpu-column"
BOARD = "board"  # a Jetson's zones and rails
THEME = "theme"  # Store: "dark" or "light", kept in the browser
THEME_BUTTON = "theme-button"
SETTINGS_BUTTON = "settings-button"
SETTINGS = "settings"
BANNER = "banner"
RESUME = "resume"
CONNECTION = "connection"

HARDWARE = "hardware"
HEALTH = "health"
HEALTH_CARDS = "health-cards"

# GPU processes.
PROCESS_SECTION = "processes"
PROCESS_COUNT = "process-count"
PROCESS_NOTES = "process-notes"  # sentences on memory that no visible process holds
PROCESS_SCOPE = "process-scope"  # "all" GPUs or "this" one, kept in the browser
PROCESS_SCOPE_BOX = "process-scope-box"  # what holds it, hidden where there is nothing to choose
PROCESS_PLACE = "process-place"  # where the grid comes to be
PROCESS_DIALOG = "process-dialog"  # asks before a process is signalled
PROCESS_SIGNALS = "process-signals"  # Store: whether whoever looks may signal processes
PROCESS_WANTED = "process-wanted"  # Store: set once the grid's library has come, and to ask anew
PROCESS_SHOWN = "process-shown"  # Store: what the grid shows, so that only another is sent

# Historical trends.
VIEW = "view"  # Store: span, GPUs and charts, as the address has them
SHOWN_VIEW = "shown-view"  # Store: the same, once it is drawn: what else tells of the span follows
TRENDS = "trends-data"  # Store: the charts of the view, as monitor.queries.trends makes them
WANTED = "trends-wanted"  # Store: set once the page shows readings, which come first
NEWER = "trends-newer"  # Store: what has come since
DRAWN = "trends-drawn"  # Store: what the charts hold, so that only newer points are asked for
TREND_TICK = "trends-tick"  # Interval: asks for newer points
TREND_SECTION = "trends"
SPAN_REPORT = "span-report"
REPORT_TICK = "span-report-tick"  # Interval: reads the report anew
TREND_CONTROLS = "trend-controls"
TREND_GPUS = "trend-gpus"
RANGE = "trend-range"
FROM_TO = "trend-from-to"
FROM_TO_BUTTON = "trend-from-to-button"
DATES = "trend-dates"
FROM_TIME = "trend-from-time"
TO_TIME = "trend-to-time"
APPLY_SPAN = "trend-apply"
CHARTS = "trend-charts"
CHARTS_BUTTON = "trend-charts-button"
CHARTS_POPOVER = "trend-charts-popover"
EXPORT_BUTTON = "trend-export-button"
EXPORT_POPOVER = "trend-export-popover"


def process_grid() -> str:
    """The grid, which is there once the page shows readings."""
    return "process-grid"


def trend_place(chart: str) -> dict[str, str]:
    """Where the graph of a chart comes to be."""
    return {"type": "trend-place", "chart": chart}
