// The script tag's attributes.

import assert from 'node:assert/strict'
import test from 'node:test'
import { fromScript } from '../src/config.ts'

const tag = (dataset: Record<string, string>) => fromScript({ dataset, src: 'https://shop.example/avow/beacon.js' } as never)

test('the endpoint is beside the script unless it is named', () => {
  assert.equal(tag({ site: 'shop.example' }).endpoint, 'https://shop.example/avow/v1/events')
  assert.equal(tag({ site: 'shop.example', endpoint: 'https://a.example/v1/events' }).endpoint, 'https://a.example/v1/events')
})

test('what was shown, and renames', () => {
  const config = tag({
    site: 'shop.example', bannerVersion: '7', language: 'de', variant: 'B', textHash: 'sha256:00',
    services: '{"livechat":"chaport"}', categories: '{"comfort":"preferences"}',
  })
  assert.deepEqual(config.banner, { version: '7', language: 'de', variant: 'B', text_hash: 'sha256:00' })
  assert.deepEqual(config.services, { livechat: 'chaport' })
  assert.deepEqual(config.categories, { comfort: 'preferences' })
})

test('renames that cannot be read are an error', () => assert.throws(() => tag({ site: 'x', services: '{chaport}' })))
