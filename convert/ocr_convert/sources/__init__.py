"""Where networks come from: the list of model sets, and the fetching of their files."""
