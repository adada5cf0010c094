"""What was measured, and how it is told."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median
from typing import Literal

Values = dict[str, list[float]]
Keeps = Literal["at most", "at least"]


@dataclass(frozen=True)
class Goal:
    """A bound that a figure is to keep, most often a ratio of two of a row's values."""

    what: str
    measured: float
    keeps: Keeps
    bound: float

    @property
    def is_reached(self) -> bool:
        """Whether the figure keeps its bound."""
        if self.keeps == "at most":
            return self.measured <= self.bound
        return self.measured >= self.bound


@dataclass(frozen=True)
class Row:
    """One thing that was measured of several subjects, in one unit; medians of repetitions."""

    name: str
    unit: str
    values: dict[str, float]
    goals: list[Goal] = field(default_factory=list)
    note: str = ""


def ratio(values: dict[str, float], one: str, other: str, keeps: Keeps, bound: float) -> list[Goal]:
    """Return the goal that a ratio of two of a row's values is; none if one was not measured."""
    if one not in values or other not in values:
        return []
    return [Goal(f"{one} / {other}", values[one] / max(values[other], 1e-9), keeps, bound)]


def medians(values: Values) -> dict[str, float]:
    """Return the median of each subject's repetitions."""
    return {subject: median(found) for subject, found in values.items()}


def markdown(rows: Iterable[Row]) -> str:
    """Return the table as it stands in docs/performance.md."""
    lines = ["| measured | of | | to reach | |", "| --- | --- | ---: | --- | --- |"]
    for row in rows:
        name = f"**{row.name}**, {row.unit}"
        for subject, value in row.values.items():
            lines.append(f"| {name} | {subject} | {number(value)} | | |")
            name = ""
        for goal in row.goals:
            told = "reached" if goal.is_reached else "**not reached**"
            bound = f"{goal.keeps} {number(goal.bound)}"
            lines.append(f"| | {goal.what} | {number(goal.measured)} | {bound} | {told} |")
        if row.note:
            lines.append(f"| | {row.note} | | | |")
    return "\n".join(lines)


def number(value: float) -> str:
    """Return the figure with as many digits as mean something."""
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"
