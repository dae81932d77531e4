// The pure part of sending: batches that fit a keepalive body.

import assert from 'node:assert/strict'
import test from 'node:test'
import type { ConsentEvent } from '../src/event.ts'
import { batches } from '../src/sender.ts'

const events = (count: number, padding: number) =>
  Array.from({ length: count }, (_, index) => ({ id: String(index), page: 'ü'.repeat(padding) }) as ConsentEvent)

test('batches stay below 60,000 bytes of UTF-8 and keep the order', () => {
  for (const [count, padding] of [[1, 10], [400, 100], [37, 9000], [3, 40_000]] as const) {
    const queue = events(count, padding)
    const cut = batches(queue)
    assert.deepEqual(cut.flat(), queue)
    for (const batch of cut)
      assert.ok(batch.length === 1 || Buffer.byteLength(JSON.stringify({ events: batch })) < 60_000)
  }
})
