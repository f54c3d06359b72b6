"""PDF files: pages drawn and read in a process of their own, and a text layer written."""
