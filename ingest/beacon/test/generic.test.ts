// What a banner may write of a choice, as flags.

import assert from 'node:assert/strict'
import test from 'node:test'
import { flags } from '../src/adapters/generic.ts'
import { consentMode } from '../src/signals.ts'

test('objects, lists and text give the same flags', () => {
  for (const value of [{ C0001: true, C0002: false }, '{"C0001":"granted","C0002":"denied"}', 'C0001:1,C0002:0', 'C0001=true;C0002=false'])
    assert.deepEqual(flags(value), { C0001: true, C0002: false })
  for (const granted of [',C0001,C0003,', ['C0001', 'C0003'], '["C0001","C0003"]', 'C0001 C0003'])
    assert.deepEqual(flags(granted), { C0001: true, C0003: true })
  assert.deepEqual(flags(''), {})
})

test('flags that lie deeper in each member are read there', () => {
  const services = { a1: { name: 'Chaport', consent: { given: true } }, b2: { consent: { given: false } }, c3: { essential: true } }
  assert.deepEqual(flags(services, 'consent.given'), { a1: true, b2: false, c3: false })
})

test('Consent Mode: the last word counts, and waiting times are no consent', () => {
  const layer = [
    ['consent', 'default', { ad_storage: 'denied', analytics_storage: 'denied', wait_for_update: 500 }],
    { event: 'gtm.js' }, undefined, ['config', 'G-1'], ['consent', 'update', { analytics_storage: 'granted' }],
  ]
  assert.deepEqual(consentMode(layer as any), { ad_storage: 'denied', analytics_storage: 'granted' })
  assert.equal(consentMode([['config', 'G-1']]), undefined)
  assert.equal(consentMode(undefined), undefined)
})
