"""Documents in and out: pages of PDF, TIFF and picture files; text, JSON, TSV, hOCR, ALTO, Markdown, searchable PDF."""
