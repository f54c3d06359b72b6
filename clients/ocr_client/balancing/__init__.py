"""Requests over several servers that read alike: which one is asked, and which one next when that one does not answer.

`roster.py` knows how each server does, `trial.py` leads one request from server to server, and `blocking.py` and
`asynchronous.py` send it. To the clients all of them together are one transport, so that pauses and retries (retry.py)
begin where no server takes a request.
"""
