"""Built-in readers of other frameworks' checkpoints."""
