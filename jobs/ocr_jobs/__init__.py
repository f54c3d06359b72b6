"""Bulk jobs on Ray Data: many pictures and documents in, Parquet out; killed at any time, they go on."""
