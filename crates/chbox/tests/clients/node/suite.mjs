// What @clickhouse/client needs of a server, asked of the box.
//
//   node suite.mjs URL PASSWORD
//
// Ends with status 0 and the word "passed" only if every check holds.
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { ClickHouseLogLevel, createClient } from "@clickhouse/client";

const [url, password] = process.argv.slice(2);
const database = "node_suite";

const connect = (options = {}) => createClient({ url, username: "avow", password, log: { level: ClickHouseLogLevel.OFF }, ...options });

async function connecting() {
  const client = connect();
  assert.equal((await client.ping()).success, true);
  await client.command({ query: `CREATE DATABASE ${database} ENGINE=Atomic` });
  const version = await (await client.query({ query: "SELECT version() AS v", format: "JSONEachRow" })).json();
  assert.match(version[0].v, /^26\./);
  await client.close();
  const stranger = connect({ password: "wrong" });
  await assert.rejects(stranger.query({ query: "SELECT 1" }), { code: "516", type: "AUTHENTICATION_FAILED" });
  await stranger.close();
}

async function rows(compression) {
  const client = connect({ database, compression });
  await client.command({ query: "DROP TABLE IF EXISTS items" });
  await client.command({
    query: "CREATE TABLE items (n UInt32, s String, a Array(String), d Nullable(Date)) ENGINE = MergeTree ORDER BY n",
    clickhouse_settings: { wait_end_of_query: 1 },
  });
  const values = [
    { n: 1, s: "a\n'\\\"", a: ["x", "y"], d: "2026-11-24" },
    { n: 2, s: "", a: [], d: null },
  ];
  const inserted = await client.insert({ table: "items", values, format: "JSONEachRow" });
  assert.equal(inserted.executed, true);
  assert.equal(inserted.summary.written_rows, "2");
  assert.ok(inserted.query_id);
  const lines = Readable.from(['3,"c","[]",\\N\n', '4,"d","[]",\\N\n'], { objectMode: false });
  await client.insert({ table: "items", values: lines, format: "CSV" });
  const result = await client.query({
    query: "SELECT * FROM items WHERE n < {limit:UInt32} AND s != {other:String} ORDER BY n",
    format: "JSONEachRow",
    query_params: { limit: 3, other: "it's\n\t\\" },
  });
  assert.deepEqual(await result.json(), values);
  const whole = await (await client.query({ query: "SELECT n FROM items ORDER BY n", format: "JSON" })).json();
  assert.equal(whole.rows, 4);
  assert.deepEqual(whole.meta, [{ name: "n", type: "UInt32" }]);
  assert.deepEqual(whole.data.map((row) => row.n), [1, 2, 3, 4]);
  await client.close();
}

async function streams() {
  const client = connect({ database, compression: { response: true } });
  const result = await client.query({
    query: "SELECT number, toString(number) AS s FROM numbers(500000)",
    format: "JSONCompactEachRow",
  });
  let count = 0;
  for await (const batch of result.stream()) count += batch.length;
  assert.equal(count, 500000);
  const parquet = await client.exec({ query: "SELECT number FROM numbers(10) FORMAT Parquet" });
  const chunks = [];
  for await (const chunk of parquet.stream) chunks.push(chunk);
  assert.equal(Buffer.concat(chunks).subarray(0, 4).toString(), "PAR1");
  await client.close();
}

async function errors() {
  const client = connect({ database });
  await assert.rejects(client.query({ query: "SELECT nope" }), { code: "47", type: "UNKNOWN_IDENTIFIER" });
  await assert.rejects(client.query({ query: "SELECT 1; SELECT 2" }), { code: "62" });
  const late = await client.query({
    query: "SELECT throwIf(number = 2999999, 'late') FROM numbers(3000000)",
    format: "JSONEachRow",
  });
  await assert.rejects(late.text(), /late|aborted|terminated/);
  await client.close();
}

async function readingOnly() {
  const admin = connect({ database });
  await admin.command({ query: "CREATE VIEW events AS SELECT n, 'a.example' AS site FROM items" });
  await admin.command({ query: "CREATE VIEW sites AS SELECT 'a.example' AS name" });
  await admin.close();
  const client = connect({ username: "bi", password: database, database });
  assert.equal((await client.ping({ select: true })).success, true);
  const result = await client.query({ query: "SELECT count() AS c FROM events", format: "JSONEachRow" });
  assert.equal(Number((await result.json())[0].c), 4);
  for (const query of ["SELECT * FROM items", "SELECT file('/etc/passwd')", "SHOW CREATE TABLE events"]) {
    await assert.rejects(client.query({ query }), { code: "497" }, query);
  }
  await assert.rejects(client.command({ query: "DROP TABLE items" }), { code: "497" });
  await client.close();
}

await connecting();
await rows({ request: false, response: false });
await rows({ request: true, response: true });
await streams();
await errors();
await readingOnly();
console.log("passed");
