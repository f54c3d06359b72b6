"""ocr-serve: checks what the server needs, then keeps tritonserver alive."""
