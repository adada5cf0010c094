"""The picture in docs/performance.svg: two rows of the table as bars."""

from collections.abc import Iterable, Sequence
from html import escape

from tests.bench.table import Row

_WIDTH, _LINE, _HEAD, _GAP = 720, 26, 44, 20
_LABELS, _BARS = 170, 430
# An image has no page around it that could give it colours: it looks at the reader's own wish.
_STYLE = """
text { font: 14px system-ui, sans-serif; fill: #1f2328; }
.head { font-weight: 600; }
.value { font-variant-numeric: tabular-nums; }
rect { fill: #8c959f; }
.ours { fill: #0969da; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  rect { fill: #6e7681; }
  .ours { fill: #4493f8; }
}
"""


def picture(rows: Sequence[Row]) -> str:
    """Return the SVG of those of the rows that it shows."""
    shown = [row for row in rows if row.name.startswith(("saturation", "fan-out"))]
    parts: list[str] = []
    top = 0
    for row in shown:
        parts += _chart(row, top)
        top += _HEAD + _LINE * len(row.values) + _GAP
    about = "; ".join(f"{row.name}, {row.unit}" for row in shown)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {max(top, 1)}" '
            f'role="img" aria-label="{escape(about)}">',
            f"<style>{_STYLE}</style>",
            *parts,
            "</svg>\n",
        ]
    )


def _chart(row: Row, top: int) -> Iterable[str]:
    yield f'<text class="head" x="0" y="{top + 24}">{escape(f"{row.name}: {row.unit}")}</text>'
    most = max(row.values.values()) or 1
    for place, (subject, value) in enumerate(sorted(row.values.items(), key=lambda one: one[1])):
        y = top + _HEAD + _LINE * place
        width = max(_BARS * value / most, 1)
        kind = ' class="ours"' if subject.startswith("Rooms") else ""
        yield f'<text x="{_LABELS - 8}" y="{y + 13}" text-anchor="end">{escape(subject)}</text>'
        yield f'<rect{kind} x="{_LABELS}" y="{y}" width="{width:.1f}" height="18" rx="2"/>'
        shown = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
        yield f'<text class="value" x="{_LABELS + width + 8:.1f}" y="{y + 13}">{shown}</text>'
