"""A web service in front of the OCR server, or of the models in its own process: many protocols, one reader behind."""
