"""The pages: thin, asynchronous, one file for each thing that is shown."""
