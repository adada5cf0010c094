"""What the bench writes into docs/: figures, tables and picture."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.bench.picture import picture
from tests.bench.record import Record, read, rows_of, write
from tests.bench.scaling import write_scaling
from tests.bench.table import markdown

_BEGIN, _END = "<!-- table -->\n", "<!-- end of table -->\n"


def write_docs(docs: Path, found: Mapping[str, Record], stages: Iterable[str]) -> None:
    """Put what was found in place of what these stages' last records were, the others' stay.

    `stages` are all that there are, in the order of the table.
    """
    known = {**read(docs / "bench.json"), **found}
    records = {stage: known[stage] for stage in stages if stage in known}
    rows = rows_of(records)
    write(docs / "bench.json", records)
    (docs / "performance.svg").write_text(picture(rows))
    told = docs / "performance.md"
    before, _, rest = told.read_text().partition(_BEGIN)
    after = rest.partition(_END)[2]
    told.write_text(f"{before}{_BEGIN}\n{markdown(rows)}\n\n{_END}{after}")
    write_scaling(docs, rows)
