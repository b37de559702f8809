"""A line above the columns that answers what people look for first. assets/answers.js fills it."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from layouts.attributes import aria, data
from layouts.plain import plain
from monitor.queries.answers import QUESTIONS


def answers_line() -> Component:
    """A button for each question; hidden where there are no two GPUs to tell apart."""
    return html.Div(
        className="answers",
        hidden=True,
        role="group",
        **aria(label="The GPUs at a glance"),
        **plain(
            [
                html.Button(
                    className="answer",
                    type="button",
                    disabled=True,
                    **data(answer=question, show_gpu=""),
                    children=[question, html.B(className="answer-words")],
                )
                for question in QUESTIONS
            ]
        ),
    )
