"""Instruments: how well, how fast and in how much memory the OCR endpoint reads, alone and beside other packages."""
