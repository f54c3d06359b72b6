"""From a picture to a page of text: the stages of PaddleOCR, and how they make a page (`page`)."""
