"""PDF files: their pages drawn and their text read, and a text layer put under them."""
