"""What clickhouse-connect needs of a server, asked of the box.

    python suite.py HOST PORT PASSWORD

Ends with status 0 and the word "passed" only if every check holds.
"""
import datetime
import decimal
import io
import sys
import uuid

import clickhouse_connect
from clickhouse_connect.driver.exceptions import DatabaseError

HOST, PORT, PASSWORD = sys.argv[1], int(sys.argv[2]), sys.argv[3]
DATABASE = "python_suite"


def connect(**arguments):
    settings = dict(host=HOST, port=PORT, username="avow", password=PASSWORD)
    return clickhouse_connect.get_client(**{**settings, **arguments})


def refuses(call, words):
    try:
        call()
    except DatabaseError as error:
        assert words in str(error), f"{words!r} not in {error}"
    else:
        raise AssertionError(f"nothing was raised; wanted {words!r}")


def connecting():
    client = connect()
    assert client.ping()
    assert client.server_version.startswith("26."), client.server_version
    assert client.command("SELECT timezone()") == "Etc/UTC" or client.server_tz
    client.command(f"CREATE DATABASE {DATABASE} ENGINE=Atomic")
    refuses(lambda: connect(password="wrong"), "AUTHENTICATION_FAILED")
    refuses(lambda: connect(database="no_such_database"), "UNKNOWN_DATABASE")


ROWS = [
    [1, "a", 1.5, datetime.date(2026, 11, 24), datetime.datetime(2026, 11, 24, 10, 15, 2), uuid.UUID(int=7),
     ["x", "y"], None, {"k": 1}, decimal.Decimal("1.25"), "low", True, ("t", 2)],
    [2, "b\n\t'\\", -0.25, datetime.date(1990, 1, 1), datetime.datetime(2000, 2, 29), uuid.UUID(int=8),
     [], "set", {}, decimal.Decimal("-3.50"), "low", False, ("", 0)],
]
COLUMNS = ["n", "s", "f", "d", "t", "u", "a", "o", "m", "c", "l", "b", "p"]
TABLE = ("CREATE TABLE items (n UInt64, s String, f Float64, d Date, t DateTime, u UUID, a Array(String),"
         " o Nullable(String), m Map(String, UInt8), c Decimal(9, 2), l LowCardinality(String), b Bool,"
         " p Tuple(String, UInt8)) ENGINE = MergeTree ORDER BY n")


def types_by_native(compress):
    client = connect(database=DATABASE, compress=compress)
    client.command("DROP TABLE IF EXISTS items")
    client.command(TABLE)
    summary = client.insert("items", ROWS, column_names=COLUMNS)
    assert summary.written_rows == 2, summary.summary
    result = client.query("SELECT * FROM items ORDER BY n")
    assert [list(row) for row in result.result_rows] == ROWS, result.result_rows
    assert result.column_names == tuple(COLUMNS)
    one = client.query("SELECT s FROM items WHERE n = {n:UInt64} AND s != {s:String}", parameters={"n": 2, "s": "it's\n"})
    assert one.result_rows == [("b\n\t'\\",)], one.result_rows
    many = client.query("SELECT number, toString(number) FROM numbers(300000)")
    assert many.row_count == 300000 and many.result_rows[-1] == (299999, "299999")
    with client.query_row_block_stream("SELECT number FROM numbers(300000)") as blocks:
        assert sum(len(block) for block in blocks) == 300000
    empty = client.query("SELECT n, s FROM items WHERE 0")
    assert empty.result_rows == [] and empty.column_names in (("n", "s"), ()), empty.column_names


def formats():
    client = connect(database=DATABASE)
    parquet = client.raw_query("SELECT number FROM numbers(1000)", fmt="Parquet")
    assert parquet[:4] == b"PAR1" and parquet[-4:] == b"PAR1"
    client.command("CREATE TABLE parquet (number UInt64) ENGINE = MergeTree ORDER BY number")
    client.raw_insert("parquet", insert_block=parquet, fmt="Parquet")
    assert client.command("SELECT sum(number) FROM parquet") == 499500
    # Without compression raw_insert puts the data behind the statement, in one body.
    client.raw_insert("parquet", insert_block="5000\n6000\n", fmt="CSV")
    client.raw_insert("parquet", insert_block=io.BytesIO(b"10000\n"), fmt="CSV")
    assert client.command("SELECT count() FROM parquet") == 1003
    assert client.raw_query("SELECT 1 AS x", fmt="JSONEachRow") == b'{"x":1}\n'
    assert b'"rows": 2' in client.raw_query("SELECT number FROM numbers(2)", fmt="JSON")
    assert client.raw_query("SELECT 1, 'a'", fmt="CSV") == b'1,"a"\n'


def settings_and_errors():
    client = connect(database=DATABASE, settings={"max_threads": 1})
    assert client.command("SELECT getSetting('max_threads')") == 1
    assert client.query("SELECT getSetting('max_block_size')", settings={"max_block_size": 77}).result_rows == [(77,)]
    refuses(lambda: client.query("SELECT nope"), "UNKNOWN_IDENTIFIER")
    refuses(lambda: client.query("SELECT throwIf(number = 299999, 'late') FROM numbers(3000000)"), "late")
    refuses(lambda: client.command("SELECT 1; SELECT 2"), "Multi-statements are not allowed")
    assert client.command("SELECT count() FROM system.settings") > 1000


def reading_only():
    admin = connect(database=DATABASE)
    admin.command("CREATE VIEW events AS SELECT number AS n, ['a.example', 'b.example'][number % 2 + 1] AS site FROM items"
                  .replace("number", "n"))
    admin.command("CREATE VIEW sites AS SELECT 'a.example' AS name")
    client = connect(username="bi", password=DATABASE, database=DATABASE)
    assert client.ping()
    assert client.query("SELECT count() FROM events").result_rows == [(2,)]
    assert client.query("SELECT name FROM system.tables ORDER BY name").result_rows == [("events",), ("sites",)]
    assert client.command("SELECT version()").startswith("26.")
    refuses(lambda: client.query("SELECT * FROM items"), "ACCESS_DENIED")
    refuses(lambda: client.query("SELECT * FROM file('/etc/passwd', 'LineAsString')"), "ACCESS_DENIED")
    refuses(lambda: client.command("DROP TABLE items"), "ACCESS_DENIED")
    refuses(lambda: client.insert("items", ROWS, column_names=COLUMNS), "ACCESS_DENIED")


CHECKS = [connecting, lambda: types_by_native(True), lambda: types_by_native(False), lambda: types_by_native("gzip"),
          lambda: types_by_native("zstd"), formats, settings_and_errors, reading_only]
for check in CHECKS:
    check()
print("passed")
