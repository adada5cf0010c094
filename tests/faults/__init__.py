"""The fault harness: real people and tools, real programs, and everything that can break.

`make faults` plays it. What was seen is recorded while it runs and judged when all is quiet again;
`judge` knows nothing of how the records came about.
"""
