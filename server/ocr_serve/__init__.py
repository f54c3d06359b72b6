"""ocr-serve: checks what the server needs, then becomes tritonserver."""
