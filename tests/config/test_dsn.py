from pathlib import Path

import pytest

from exporter.config import Database, SecretError, conninfo

FORM = "write postgresql://user:password@host/database, with %40 for an @ in the password, or host=… dbname=…"
DSN = "postgresql://ledger:hunter2@db/main"


def in_variable(variable: str) -> Database:
    return Database(name="main", dsn_env=variable)


def in_file(path: Path) -> Database:
    return Database(name="main", dsn_file=path)


def complaint(database: Database) -> str:
    with pytest.raises(SecretError) as caught:
        conninfo(database)
    assert caught.value.__context__ is None, "the cause would carry the value into a traceback"
    return str(caught.value)


def test_a_literal_is_given_back() -> None:
    assert conninfo(Database(name="main", dsn="host=db dbname=main")) == "host=db dbname=main"


def test_the_variable_is_read_at_every_call(monkeypatch: pytest.MonkeyPatch) -> None:
    database = in_variable("MAIN_DSN")

    monkeypatch.setenv("MAIN_DSN", "host=one")
    assert conninfo(database) == "host=one"
    monkeypatch.setenv("MAIN_DSN", "host=two")
    assert conninfo(database) == "host=two"


def test_the_file_is_read_at_every_call_without_its_last_newline(tmp_path: Path) -> None:
    path = tmp_path / "dsn"
    database = in_file(path)

    path.write_bytes(b"host=one password='a b '\r\n")
    assert conninfo(database) == "host=one password='a b '"
    path.write_text(DSN)
    assert conninfo(database) == DSN


def test_a_variable_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MAIN_DSN", raising=False)

    expected = "database 'main': environment variable MAIN_DSN is not set; set it to the connection string"
    assert complaint(in_variable("MAIN_DSN")) == expected


@pytest.mark.parametrize("value", ["", " ", "hunter2", "host=db pasword=hunter2", "postgresql://u:hunter2%zz@db", "\udcff"])
def test_a_variable_that_holds_something_else(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIN_DSN", value)

    expected = f"database 'main': the value in environment variable MAIN_DSN is not a connection string; {FORM}"
    assert complaint(in_variable("MAIN_DSN")) == expected


@pytest.mark.parametrize(
    "value",
    [
        "host=db port=0",
        "host=db port=-1",
        "host=db port=65536",
        "host=db port=hunter2",
        "host=db port=0x10",
        "host=db port=٥٤٣٢",
        "host=a,b port=5432,hunter2",
        "postgresql://db:99999/main",
        "postgresql://u:hunter2/x@db/main",
    ],
)
def test_a_port_that_is_none(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIN_DSN", value)

    remedy = "correct it, and percent-encode special characters in the password"
    expected = f"is a connection string whose port is not a number from 1 to 65535; {remedy}"
    assert complaint(in_variable("MAIN_DSN")) == f"database 'main': the value in environment variable MAIN_DSN {expected}"


@pytest.mark.parametrize(
    "value",
    [
        "host=db port=1",
        "host=db port=65535",
        "host=db port=05432",
        "host=db port=' 5432 '",
        "host=db port=",
        "host=a,b port=5432,5433",
        "host=a,b port=5432,",
        "postgresql://db:/main",
        "postgresql://a:5432,b/main",
    ],
)
def test_a_port_as_libpq_takes_it(value: str) -> None:
    assert conninfo(Database(name="main", dsn=value)) == value


@pytest.mark.parametrize("content", [b"", b"\n", b"hunter2\n", b"host=db\0hunter2"])
def test_a_file_that_holds_something_else(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "dsn"
    path.write_bytes(content)

    assert complaint(in_file(path)) == f"database 'main': the value in file {path} is not a connection string; {FORM}"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "dsn"

    expected = f"database 'main': file {path} cannot be read: No such file or directory; put the connection string there"
    assert complaint(in_file(path)) == expected


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    path = tmp_path / "dsn"
    path.write_bytes(b"host=db password=\xffhunter2")

    expected = f"database 'main': file {path} cannot be read: not UTF-8 text; put the connection string there"
    assert complaint(in_file(path)) == expected
