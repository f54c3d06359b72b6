"""Pages that the benchmarks draw themselves, so that what stands on them, and where, is known exactly."""
