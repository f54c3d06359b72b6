"""A long run under load: what is asked for, who asks, what goes wrong on purpose, and what came of each request."""
