"""Figures that stand beside others."""

from __future__ import annotations

from benchmarks.figures import Figure


class Beside(Figure):
    """A measurement for comparison: there is nothing that it must reach."""

    @property
    def reached(self) -> bool:
        """Always."""
        return True

    @property
    def line(self) -> tuple[str, str, str, str]:
        """Its cells."""
        what, _, measured, _ = super().line
        return what, "", measured, ""


def beside(what: str, measured: float | None, unit: str) -> Beside:
    """The measurement; None where it could not be made."""
    return Beside(what, 0, measured, unit)
