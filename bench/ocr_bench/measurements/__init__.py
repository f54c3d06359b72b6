"""One module a command: what it measures, and how it is told."""
