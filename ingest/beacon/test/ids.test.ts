// Identifiers: their shape, their order, and that none comes twice.

import assert from 'node:assert/strict'
import test from 'node:test'
import { eventId, randomId } from '../src/ids.ts'

const UUID = (version: number) => new RegExp(`^[0-9a-f]{8}-[0-9a-f]{4}-${version}[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

test('event ids are UUIDv7, carry the time, and sort in the order they were made', () => {
  const before = Date.now()
  const ids = Array.from({ length: 5000 }, eventId)
  for (const id of ids) assert.match(id, UUID(7))
  assert.deepEqual([...ids].sort(), ids)
  assert.equal(new Set(ids).size, ids.length)
  const time = parseInt(ids[0]!.replace('-', '').slice(0, 12), 16)
  assert.ok(time >= before && time <= before + 1000)
})

test('random ids are UUIDv4 and differ', () => {
  const ids = Array.from({ length: 5000 }, randomId)
  for (const id of ids) assert.match(id, UUID(4))
  assert.equal(new Set(ids).size, ids.length)
})
