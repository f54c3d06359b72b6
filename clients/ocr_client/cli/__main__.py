"""`python -m ocr_client.cli`."""

from ocr_client.cli.command import main

main()
