"""What is compared: OCR behind one call, whether it is a server, this project in process, or another package."""
