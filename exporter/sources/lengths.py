"""Texts of a bounded length: no value of a ledger can be so long that it does harm."""

from psycopg import sql

ID_LENGTH = 128
TEXT_LENGTH = 4096


def bounded(name: str) -> sql.Composable:
    """An id of at most 128 characters: longer ones keep their beginning and get a digest, so that they stay apart."""
    # The length in bytes is known without counting.
    return sql.SQL(
        "CASE WHEN octet_length({name}) <= {most} OR length({name}) <= {most} THEN {name}"
        " ELSE left({name}, {kept}) || '~' || left(md5({name}), 8) END"
    ).format(name=sql.Identifier(name), most=ID_LENGTH, kept=ID_LENGTH - 9)


def cut(name: str) -> sql.Composable:
    """The beginning of a text, which is all of it unless it is absurdly long."""
    return sql.SQL("CASE WHEN octet_length({name}) <= {most} THEN {name} ELSE left({name}, {most}) END").format(
        name=sql.Identifier(name), most=TEXT_LENGTH
    )
