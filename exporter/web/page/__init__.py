"""The page at ``/``: the current snapshot as HTML."""
