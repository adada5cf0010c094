"""`make bench`: what a unit of work costs, here and in others' servers, in one run.

`rivals` are the servers compared, `rows` what is measured; `docs/performance.md` explains both.
"""
