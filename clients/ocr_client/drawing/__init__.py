"""What was read, drawn: needs Pillow and a font, and no OpenCV."""
