"""What a reader of pictures takes and gives: options, results and errors. Needs numpy and nothing else."""

__version__ = "0.2.0"
