"""What libraries say of an error, in one line."""


def first_line(error: BaseException) -> str:
    """What PostgreSQL, libpq or DuckDB said, without the statement and the hints that follow."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
