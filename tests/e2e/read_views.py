"""Reads the public views as BI would and tries what must be refused: port, admin token, token of one site, stats token."""
import sys

import clickhouse_connect

port, admin, limited, stats = int(sys.argv[1]), *sys.argv[2:5]


def connect(token):
    return clickhouse_connect.get_client(host="127.0.0.1", port=port, username="bi", password=token, database="avow")


everyone = connect(admin)
sites = {row[0] for row in everyone.query("SELECT DISTINCT site FROM avow.rates_15m").result_rows}
assert len(sites) == 2, sites
for view in ("events", "choices", "rates_15m", "services", "sites"):
    assert everyone.query(f"SELECT count() FROM avow.{view}").result_rows[0][0] > 0, view
one = connect(limited)
for view in ("events", "choices", "rates_15m"):
    seen = {row[0] for row in one.query(f"SELECT DISTINCT site FROM avow.{view}").result_rows}
    assert seen == {"s0-5.sim.example"}, (view, seen)
few = connect(stats)
assert few.query("SELECT count() FROM avow.services").result_rows[0][0] >= 12

refused = [
    (everyone, "SELECT * FROM file('/etc/passwd', 'LineAsString')"),
    (everyone, "SELECT * FROM avow.events_data"),
    (everyone, "SELECT * FROM avow.event_ids"),
    (everyone, "SELECT (SELECT count() FROM avow.events_data)"),
    (everyone, "SELECT 1 IN (SELECT position FROM avow.events_data)"),
    (everyone, "SELECT * FROM system.parts"),
    (everyone, "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')"),
    (everyone, "SELECT 1 INTO OUTFILE '/tmp/avow-outfile'"),
    (everyone, "INSERT INTO avow.sites_data (site) VALUES ('x')"),
    (everyone, "DROP VIEW avow.events"),
    (everyone, "CREATE TABLE avow.x (a UInt8) ENGINE = Memory"),
    (everyone, "SELECT 1; SELECT 2"),
    (everyone, "SET readonly = 0"),
    (few, "SELECT count() FROM avow.rates_15m"),
    (few, "SELECT count() FROM avow.events"),
]
for client, sql in refused:
    try:
        client.raw_query(sql)
    except Exception:
        continue
    sys.exit(f"not refused: {sql}")
try:
    connect("wrong")
    sys.exit("a wrong token was let in")
except Exception:
    pass
print(len(refused), "statements, all refused")
