//! The reader's access: what BI tools ask works, and nothing leads around it.

use crate::harness::{Reply, full, reader};

/// A database with two views over hidden tables: `events` of two sites, and `sites`.
async fn warehouse(database: &str) {
    for statement in [
        "CREATE DATABASE {db} ENGINE=Atomic",
        "CREATE TABLE {db}.events_data (site String, day Date, n UInt64) ENGINE = MergeTree ORDER BY (site, day)",
        "INSERT INTO {db}.events_data SELECT if(number % 2 = 0, 'a.example', 'b.example'), \
         toDate('2026-11-01') + number % 10, number FROM numbers(100000)",
        "CREATE VIEW {db}.events AS SELECT * FROM {db}.events_data",
        "CREATE TABLE {db}.secrets (token String) ENGINE = MergeTree ORDER BY token",
        "INSERT INTO {db}.secrets SELECT 'the-secret'",
        "CREATE VIEW {db}.sites AS SELECT DISTINCT site AS name FROM {db}.events_data",
        "CREATE VIEW {db}.hidden_view AS SELECT * FROM {db}.secrets",
        "CREATE TABLE {db}.joined (k UInt8, v String) ENGINE = Join(ANY, LEFT, k)",
        "INSERT INTO {db}.joined SELECT 1, 'the-secret'",
        "CREATE DICTIONARY {db}.dict (k UInt64, v String) PRIMARY KEY k \
         SOURCE(CLICKHOUSE(QUERY 'SELECT 1 AS k, ''the-secret'' AS v')) LAYOUT(FLAT()) LIFETIME(0)",
    ] {
        let reply = full(&statement.replace("{db}", database), "").await;
        assert_eq!(reply.status, 200, "{statement}: {}", reply.text);
    }
}

async fn answers(token: &str, sql: &str) -> String {
    let reply = reader(token, sql, "").await;
    assert_eq!(reply.status, 200, "{sql}: {}", reply.text);
    reply.text
}

#[tokio::test]
async fn what_tools_ask_works() {
    let db = "reader_asks";
    warehouse(db).await;
    for (sql, answer) in [
        ("SELECT count() FROM events", "100000\n"),
        ("SELECT count() FROM reader_asks.events", "100000\n"),
        ("SELECT count(*) AS \"COUNT(*)\" FROM `reader_asks`.`events` LIMIT 1000", "100000\n"),
        (
            "SELECT site, sum(n) FROM events GROUP BY site ORDER BY site FORMAT CSV",
            "\"a.example\",2499950000\n\"b.example\",2500000000\n",
        ),
        ("WITH e AS (SELECT * FROM events) SELECT uniqExact(e.day) FROM e", "10\n"),
        ("SELECT count() FROM events AS e JOIN sites AS s ON e.site = s.name", "100000\n"),
        ("SELECT (SELECT count() FROM sites)", "2\n"),
        ("SELECT count() FROM events WHERE site IN (SELECT name FROM sites)", "100000\n"),
        ("SELECT count() FROM events WHERE site IN sites", "100000\n"),
        (
            "SELECT toStartOfMonth(day) AS m, countIf(n > 5), quantile(0.5)(n) FROM events GROUP BY m HAVING count() > 1 ORDER BY m LIMIT 1 FORMAT Null",
            "",
        ),
        (
            "SELECT name FROM (SELECT name, row_number() OVER (ORDER BY name) AS r FROM sites) WHERE r = 1",
            "a.example\n",
        ),
        ("SELECT number FROM numbers(2)", "0\n1\n"),
        ("SELECT version() != '', timezone() != '', currentDatabase(), currentUser()", "1\t1\treader_asks\tdefault\n"),
        ("SELECT count() > 1000 FROM system.settings", "1\n"),
        (
            "SELECT name, engine FROM system.tables WHERE database = 'reader_asks' ORDER BY name",
            "events\tView\nsites\tView\n",
        ),
        ("SELECT name FROM system.tables ORDER BY name", "events\nsites\n"),
        ("SELECT table, name, type FROM system.columns WHERE table = 'sites'", "sites\tname\tString\n"),
        ("SELECT DISTINCT table FROM system.columns ORDER BY 1", "events\nsites\n"),
        ("SELECT name FROM system.databases", "reader_asks\n"),
        ("SHOW TABLES", "events\nsites\n"),
        ("SHOW DATABASES", "reader_asks\n"),
        ("SHOW TABLES FROM system", ""),
        ("SHOW INDEXES FROM secrets", ""),
        ("SHOW COLUMNS FROM secrets", ""),
        ("SHOW DICTIONARIES", ""),
        ("SELECT value FROM system.settings WHERE name = 'readonly'", "1\n"),
        ("SELECT 1 -- a comment\n;", "1\n"),
        (
            "SELECT CASE WHEN 1 = 1 THEN 'x' ELSE 'y' END, CAST('1' AS UInt8) + 1, arrayMap(v -> v + 1, [1, 2])",
            "x\t2\t[2,3]\n",
        ),
    ] {
        assert_eq!(answers(db, sql).await, answer, "{sql}");
    }
    let described = answers(db, "DESCRIBE TABLE events").await;
    assert!(described.starts_with("site\tString"), "{described}");
}

/// Statements that would show something beyond the two views, or do something. Each is refused with ACCESS_DENIED or an
/// error of ClickHouse's own, and no answer ever holds the secret.
const TRICKS: &[&str] = &[
    // Other tables, by every road.
    "SELECT * FROM secrets",
    "SELECT * FROM {db}.secrets",
    "SELECT * FROM `{db}`.`secrets`",
    "SELECT * FROM {db}.hidden_view",
    "SELECT * FROM events_data",
    "SELECT (SELECT token FROM secrets)",
    "SELECT (SELECT any(token) FROM {db}.secrets)",
    "SELECT 1 WHERE 'the-secret' IN secrets",
    "SELECT 1 WHERE 'the-secret' IN {db}.secrets",
    "SELECT in('the-secret', secrets)",
    "SELECT 'the-secret' NOT IN (SELECT token FROM secrets)",
    "SELECT 1 WHERE 'x' GLOBAL NOT IN {db}.secrets",
    "SELECT nullIn('the-secret', secrets)",
    "WITH secrets AS (SELECT 1 AS token) SELECT (SELECT any(token) FROM secrets)",
    "SELECT (SELECT any(token) FROM secrets) FROM (WITH secrets AS (SELECT 1 AS token) SELECT * FROM secrets)",
    "WITH x AS (SELECT * FROM secrets) SELECT * FROM x",
    "WITH RECURSIVE x AS (SELECT token FROM secrets UNION ALL SELECT token FROM x WHERE 0) SELECT * FROM x",
    "SELECT * FROM events AS secrets JOIN {db}.secrets AS x ON 1 = 1",
    "SELECT * FROM events UNION ALL SELECT token, today(), 1 FROM secrets",
    "SELECT name FROM sites INTERSECT SELECT token FROM secrets",
    "SELECT name FROM sites EXCEPT SELECT token FROM secrets",
    "SELECT * FROM (SELECT * FROM (SELECT * FROM secrets))",
    "SELECT * FROM sites PASTE JOIN secrets",
    "SELECT * FROM sites ARRAY JOIN (SELECT groupArray(token) FROM secrets) AS t",
    "SELECT exists(SELECT 1 FROM secrets)",
    "SELECT 1 WHERE EXISTS (SELECT 1 FROM secrets WHERE token LIKE 'the%')",
    "SELECT name FROM sites ORDER BY (SELECT any(token) FROM secrets)",
    "SELECT name FROM sites LIMIT (SELECT count() FROM secrets)",
    "SELECT count() FROM sites GROUP BY (SELECT any(token) FROM secrets)",
    "SELECT sum(n) OVER (PARTITION BY (SELECT any(token) FROM secrets)) FROM events",
    "SELECT number FROM numbers((SELECT count() FROM secrets))",
    "SELECT toUInt8((SELECT any(token) FROM secrets))",
    "SELECT throwIf(1, (SELECT any(token) FROM secrets))",
    "SELECT * FROM events WHERE site = ANY (SELECT token FROM secrets)",
    "SELECT `x\ny` FROM (SELECT 1 AS `x\ny`), secrets",
    "SELECT 1 AS `x\n   TableIdentifier events` FROM secrets",
    "SELECT (SELECT any(token) FROM secrets AS `y, table_name: {db}.events`)",
    "SELECT * FROM \u{201c}secrets\u{201d}",
    "SELECT * FROM \"secrets\"",
    "SELECT * FROM {db} . secrets",
    "SELECT/**/*/**/FROM/**/secrets",
    "FROM secrets SELECT *",
    "TABLE secrets",
    // System tables, catalogues, and what they tell.
    "SELECT * FROM system.parts",
    "SELECT * FROM system.processes",
    "SELECT * FROM system.users",
    "SELECT * FROM system.grants",
    "SELECT * FROM system.disks",
    "SELECT * FROM system.server_settings",
    "SELECT * FROM system.merge_tree_settings",
    "SELECT * FROM system.build_options",
    "SELECT * FROM system.dictionaries",
    "SELECT * FROM system.named_collections",
    "SELECT * FROM system.functions",
    "SELECT create_table_query FROM system.tables",
    "SELECT t.as_select FROM system.tables AS t",
    "SELECT * FROM system.tables",
    "SELECT COLUMNS('query') FROM system.tables",
    "SELECT data_paths AS `a, column_name: name` FROM system.tables",
    "SELECT (SELECT any(create_table_query) FROM system.tables)",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM INFORMATION_SCHEMA.COLUMNS",
    "SHOW CREATE TABLE events",
    "SHOW CREATE TABLE secrets",
    "SHOW GRANTS",
    "SHOW GRANTS FOR default",
    "SHOW ACCESS",
    "SHOW USERS",
    "SHOW PROCESSLIST",
    "SHOW FUNCTIONS",
    "SHOW ENGINES",
    "SHOW PRIVILEGES",
    "DESCRIBE TABLE secrets",
    "DESCRIBE {db}.secrets",
    "DESCRIBE (SELECT * FROM secrets)",
    "DESCRIBE file('/etc/passwd')",
    "EXISTS TABLE secrets",
    "EXPLAIN SELECT * FROM secrets",
    "EXPLAIN AST SELECT 1",
    "EXPLAIN ESTIMATE SELECT * FROM events_data",
    "CHECK TABLE secrets",
    "CHECK GRANT SELECT ON *.*",
    // Files, addresses, other machines, processes.
    "SELECT * FROM file('/etc/passwd', 'LineAsString')",
    "SELECT file('/etc/passwd')",
    "SELECT FILE('/etc/passwd')",
    "SELECT `file`('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM `/etc/passwd`",
    "SELECT * FROM `default`.`/etc/passwd`",
    "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
    "SELECT * FROM s3('http://127.0.0.1:1/x', 'CSV')",
    "SELECT * FROM remote('127.0.0.1', {db}.secrets)",
    "SELECT * FROM remote('127.0.0.1', view(SELECT * FROM {db}.secrets))",
    "SELECT * FROM cluster('default', {db}, secrets)",
    "SELECT * FROM mysql('127.0.0.1:1', 'd', 't', 'u', 'p')",
    "SELECT * FROM postgresql('127.0.0.1:1', 'd', 't', 'u', 'p')",
    "SELECT * FROM sqlite('/tmp/x.db', 't')",
    "SELECT * FROM executable('id', 'LineAsString', 'x String')",
    "SELECT * FROM hdfs('hdfs://127.0.0.1:1/x', 'CSV')",
    "SELECT * FROM filesystem('/etc')",
    "SELECT * FROM merge('{db}', '.*')",
    "SELECT * FROM merge(REGEXP('.*'), 'secrets')",
    "SELECT * FROM view(SELECT * FROM secrets)",
    "SELECT * FROM viewIfPermitted(SELECT * FROM secrets ELSE null('token String'))",
    "SELECT * FROM viewExplain('EXPLAIN', '', (SELECT * FROM secrets))",
    "SELECT * FROM loop({db}.secrets)",
    "SELECT * FROM dictionary('{db}.dict')",
    "SELECT * FROM {db}.dict",
    "SELECT * FROM mergeTreeIndex('{db}', 'secrets')",
    "SELECT * FROM mergeTreeProjection('{db}', 'secrets', 'x')",
    "SELECT * FROM input('x String')",
    "SELECT * FROM eval('SELECT token FROM secrets')",
    "SELECT * FROM format(CSV, '1')",
    "SELECT * FROM generateRandom('x String')",
    "SELECT dictGet('{db}.dict', 'v', 1)",
    "SELECT dictHas('{db}.dict', 1)",
    "SELECT joinGet('{db}.joined', 'v', 1)",
    "SELECT joinGet({db}.joined, 'v', 1)",
    "SELECT hasColumnInTable('{db}', 'secrets', 'token')",
    "SELECT getMacro('x')",
    "SELECT getServerSetting('max_server_memory_usage')",
    "SELECT hostName()",
    "SELECT filesystemAvailable()",
    "SELECT addressToLine(1)",
    "SELECT catboostEvaluate('/etc/passwd', 1)",
    "SELECT aiGenerate('x', 'y')",
    "SELECT chdb('SELECT 1')",
    "SELECT formatQuery('SELECT 1')",
    "SELECT sleep(3)",
    "SELECT sleepEachRow(1) FROM numbers(3)",
    "SELECT initializeAggregation('sum', 1)",
    "SELECT getClientHTTPHeader('authorization')",
    "SELECT arrayMap(x -> file(x), ['/etc/passwd'])",
    "SELECT * APPLY(x -> file(x)) FROM sites",
    "SELECT * APPLY(file) FROM sites",
    "SELECT COLUMNS('name') APPLY(x -> file(x)) FROM sites",
    "SELECT * REPLACE(file('/etc/passwd') AS name) FROM sites",
    "SELECT name FROM sites ORDER BY name WITH FILL INTERPOLATE (name AS file('/etc/passwd'))",
    "SELECT sum(n) OVER w FROM events WINDOW w AS (ORDER BY file('/etc/passwd'))",
    "SELECT 1 INTO OUTFILE '/tmp/chbox-reader-outfile'",
    "SELECT 1 INTO OUTFILE '/tmp/chbox-reader-outfile' TRUNCATE FORMAT CSV",
    "SELECT 1\nINTO OUTFILE '/dev/fd/1' TRUNCATE\nFORMAT CSV --",
    // Settings that would lift the limits.
    "SELECT count() FROM events SETTINGS readonly = 0",
    "SELECT count() FROM events SETTINGS additional_table_filters = {}",
    "SELECT * FROM (SELECT * FROM events SETTINGS additional_table_filters = {})",
    "SELECT 1 SETTINGS max_execution_time = 0",
    "SELECT 1 FORMAT CSV SETTINGS readonly = 0",
    "SET readonly = 0",
    "SET ROLE box_full",
    "SET ROLE DEFAULT",
    "EXECUTE AS default SELECT 1",
    "USE default",
    // Writing and controlling.
    "INSERT INTO events_data VALUES ('x', today(), 1)",
    "INSERT INTO events_data SELECT 'x', today(), 1",
    "INSERT INTO FUNCTION file('/tmp/x', 'CSV', 'a Int8') SELECT 1",
    "CREATE TABLE {db}.t (a Int8) ENGINE = Memory",
    "CREATE TEMPORARY TABLE t (a Int8)",
    "CREATE VIEW {db}.w AS SELECT * FROM {db}.secrets",
    "CREATE OR REPLACE VIEW {db}.events AS SELECT * FROM {db}.secrets",
    "CREATE FUNCTION f AS x -> x",
    "DROP TABLE {db}.secrets",
    "TRUNCATE TABLE {db}.events_data",
    "ALTER TABLE {db}.events_data DELETE WHERE 1",
    "DELETE FROM {db}.events_data WHERE 1",
    "OPTIMIZE TABLE {db}.events_data",
    "SYSTEM SHUTDOWN",
    "SYSTEM FLUSH LOGS",
    "KILL QUERY WHERE 1",
    "BACKUP TABLE {db}.secrets TO File('/tmp/chbox-backup')",
    "GRANT ALL ON *.* TO default",
    // Several statements in one.
    "SELECT 1; SELECT token FROM secrets",
    "SELECT 1; DROP TABLE {db}.secrets",
    "SELECT 1 PARALLEL WITH SELECT 2",
    "INSERT INTO events FORMAT CSV\n1\n\nSELECT token FROM secrets",
    "EXPLAIN INSERT INTO events_data VALUES (1)",
    "BEGIN TRANSACTION",
];

#[tokio::test]
async fn no_trick_leads_around_the_views() {
    let db = "reader_tricks";
    warehouse(db).await;
    for trick in TRICKS {
        let sql = trick.replace("{db}", db);
        let reply = reader(db, &sql, "").await;
        assert!(!reply.text.contains("the-secret"), "{sql}: {}", reply.text);
        assert!(!reply.text.contains("root:"), "{sql}: {}", reply.text);
        assert_ne!(reply.status, 200, "{sql}: {}", reply.text);
        // The engine's own words for things that do not exist are fine; an internal error is not.
        assert!(!reply.text.contains("Code: 49."), "{sql}: {}", reply.text);
    }
    assert!(!std::path::Path::new("/tmp/chbox-reader-outfile").exists());
    let left =
        full(&format!("SELECT (SELECT count() FROM {db}.secrets), (SELECT count() FROM {db}.events_data)"), "").await;
    assert_eq!(left.text, "1\t100000\n");
}

#[tokio::test]
async fn the_url_lifts_nothing() {
    let db = "reader_url";
    warehouse(db).await;
    for query in [
        "readonly=0",
        "additional_table_filters={}",
        "allow_ddl=1",
        "database=system",
        "role=box_full",
        "format_schema=/etc/passwd",
        "output_format_schema=/tmp/x",
        "format_template_resultset=/etc/passwd",
        "allow_introspection_functions=1",
        "enable_analyzer=0",
        "max_memory_usage=0",
        "log_comment=x",
        "param_t=secrets&x=1",
    ] {
        let reply = reader(db, "SELECT count() FROM events", query).await;
        let harmless = query == "log_comment=x";
        assert_eq!(reply.status == 200, harmless, "{query}: {}", reply.text);
    }
    for (query, sql) in [
        ("param_t=secrets", "SELECT * FROM {t:Identifier}"),
        ("param_f=file", "SELECT {f:Identifier}('/etc/passwd')"),
        ("param_t=secrets", "SELECT (SELECT any(token) FROM {t:Identifier})"),
        ("param_t=secrets", "SELECT 'x' IN {t:Identifier}"),
    ] {
        let reply = reader(db, sql, query).await;
        assert_ne!(reply.status, 200, "{sql}: {}", reply.text);
        assert!(!reply.text.contains("the-secret"), "{sql}: {}", reply.text);
    }
    // Limits on the result must not cut off what is looked at.
    for query in ["max_result_rows=1&result_overflow_mode=break", "limit=1", "offset=1", "max_rows_to_read=1"] {
        for sql in [
            "SELECT 1 FROM secrets",
            "SELECT token FROM secrets",
            "SELECT 1, 2, 3, 4, (SELECT any(token) FROM secrets)",
        ] {
            let reply = reader(db, sql, query).await;
            assert_eq!(reply.status, 403, "{query} {sql}: {}", reply.text);
        }
    }
    assert_eq!(reader(db, "SELECT {n:UInt8} + 1", "param_n=1").await.text, "2\n");
    assert_eq!(reader(db, "SELECT count() FROM events", "max_result_rows=5&readonly=1").await.text, "100000\n");
}

#[tokio::test]
async fn a_reader_of_one_site_sees_that_site_only() {
    let db = "reader_rows";
    warehouse(db).await;
    let token = "reader_rows/a.example";
    for (sql, answer) in [
        ("SELECT count(), uniqExact(site), any(site) FROM events", "50000\t1\ta.example\n"),
        ("SELECT count() FROM reader_rows.events AS e", "50000\n"),
        ("SELECT count() FROM events WHERE site = 'b.example' OR 1", "50000\n"),
        ("SELECT count() FROM events WHERE site = 'b.example'", "0\n"),
        ("SELECT (SELECT count() FROM events WHERE site != 'a.example')", "0\n"),
        ("WITH e AS (SELECT * FROM events) SELECT count() FROM e AS x JOIN e AS y ON x.n = y.n", "50000\n"),
        ("SELECT count() FROM (SELECT * FROM events UNION ALL SELECT * FROM reader_rows.events)", "100000\n"),
        ("SELECT ('b.example', toDate('2026-11-02'), toUInt64(1)) IN events", "0\n"),
        ("SELECT ('a.example', toDate('2026-11-01'), toUInt64(0)) IN events", "1\n"),
        ("SELECT count() FROM numbers(10) AS k LEFT JOIN events AS e ON k.number = e.n WHERE e.site != ''", "5\n"),
        ("SELECT count() FROM events FINAL", "50000\n"),
        ("SELECT count() FROM (SELECT n FROM events INTERSECT SELECT n FROM events)", "50000\n"),
        ("SELECT count() FROM (SELECT 1 AS one) AS o CROSS JOIN events", "50000\n"),
        ("SELECT max(n) % 2 FROM events", "0\n"),
        ("SELECT length(groupUniqArray(site)) FROM events", "1\n"),
        ("SELECT count() FROM sites WHERE name IN (SELECT site FROM events)", "1\n"),
        // A condition that fails on hidden rows must not see them.
        ("SELECT count() FROM events WHERE intDiv(1, n - 1) >= 0 OR 1", "50000\n"),
        ("SELECT countIf(toUInt8(if(site = 'b.example', 'x', '1')) = 1) FROM events", "50000\n"),
        ("SELECT count() FROM events WHERE toUInt8(if(site = 'b.example', 'x', '1')) = 1", "50000\n"),
        ("SELECT count() FROM events WHERE site = 'b.example' AND toUInt8(substring(site, 1, 1)) = 1", "0\n"),
    ] {
        assert_eq!(answers(token, sql).await, answer, "{sql}");
    }
    let Reply { headers, .. } = reader(token, "SELECT count() FROM events", "").await;
    let summary = headers["x-clickhouse-summary"].to_str().unwrap().to_owned();
    assert!(summary.contains("\"read_rows\":\"0\""), "the summary counts hidden rows: {summary}");
    let json = answers(token, "SELECT count() FROM events FORMAT JSON").await;
    assert!(!json.contains("rows_read"), "the statistics count hidden rows: {json}");
}

#[tokio::test]
async fn every_function_of_the_engine_is_allowed_by_its_class_or_refused() {
    let reply = full(
        "SELECT name FROM system.functions WHERE NOT is_aggregate AND (categories IN ('AI', 'Dictionary', \
         'Embedded Dictionary', 'Introspection', 'Encryption', 'Machine Learning') OR name ILIKE '%file%' \
         OR name ILIKE '%url(%' OR name ILIKE 'dict%' OR name ILIKE 'joinGet%' OR name ILIKE '%sleep%')",
        "",
    )
    .await;
    assert!(reply.text.lines().count() > 60, "{}", reply.text);
    full("CREATE DATABASE IF NOT EXISTS reader_functions ENGINE=Atomic", "").await;
    for name in reply.text.lines() {
        let refusal = reader("reader_functions", &format!("SELECT `{name}`(1)"), "").await;
        assert!(refusal.text.contains("Not enough privileges"), "{name}: {}", refusal.text);
    }
}
