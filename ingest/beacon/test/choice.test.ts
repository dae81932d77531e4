// From a banner's words to Avow's, and what a second choice withdraws and grants.

import assert from 'node:assert/strict'
import test from 'node:test'
import { change, choice } from '../src/choice.ts'

/** As it goes over the wire: undefined is absent. */
const wire = <T>(value: T): T => JSON.parse(JSON.stringify(value))

test('aliases, own categories and services keep their answers', () => {
  const answers: [string[], string, boolean][] = [
    [['necessary'], '', true], [['functional'], 'chaport', true], [['analytics'], 'matomo', false],
    [['ads'], '', false], [['community'], 'forum', true],
  ]
  assert.deepEqual(wire(choice(answers)), {
    categories: { necessary: true, preferences: true, statistics: false, marketing: false, community: true },
    services: { chaport: true, matomo: false, forum: true },
  })
})

test('every alias that the server knows falls on the same category', () => {
  const aliases = {
    necessary: ['essential', 'required', 'strictly_necessary'],
    preferences: ['functional', 'functionality', 'preference', 'personalization'],
    statistics: ['analytics', 'analytical', 'performance', 'statistic', 'measurement'],
    marketing: ['ads', 'advertising', 'advertisement', 'targeting'],
  }
  for (const [slug, names] of Object.entries(aliases))
    for (const name of names) assert.deepEqual(choice([[[name], '', true]]).categories, { [slug]: true })
  assert.deepEqual(choice([[['ads_personal'], '', true]]).categories, { ads_personal: true })
})

test('whatever a banner calls them, names are such that the server takes them', () => {
  const names = [['Live Chat: Chaport', 'live-chat-chaport'], ['googleAnalytics', 'googleanalytics'], ['_ga', 'ga'],
    ['a.b-c_d', 'a.b-c_d'], ['Мессенджер', undefined], ['x'.repeat(90), 'x'.repeat(64)]]
  for (const [name, slug] of names) assert.deepEqual(Object.keys(choice([[[], name!, true]]).services), slug ? [slug] : [])
  for (const [name, slug] of [['Strictly Necessary', 'necessary'], ['Social-Media', 'social_media'], ['Analytics', 'statistics']])
    assert.deepEqual(choice([[[name!], '', true]]).categories, { [slug!]: true })
})

test('a category whose services differ is left to its services', () => {
  const answers: [string[], string, boolean][] = [
    [['functionality'], 'chaport', true], [['preferences'], 'crisp', false], [['preferences'], 'userlike', true],
  ]
  assert.deepEqual(wire(choice(answers)), { categories: {}, services: { chaport: true, crisp: false, userlike: true } })
})

test('a site renames categories and services, and leaves some out', () => {
  const answers: [string[], string, boolean][] = [[['comfort'], 'livechat', true], [['comfort'], 'internal', false]]
  assert.deepEqual(wire(choice(answers, { comfort: 'preferences' }, { livechat: 'chaport', internal: '' })), {
    categories: {}, services: { chaport: true },
  })
})

const state = (categories: Record<string, boolean>, services: Record<string, boolean>) => ({ categories, services })

test('one service refused: a withdrawal of it alone', () => {
  const before = state({ preferences: true }, { chaport: true, crisp: true })
  assert.deepEqual(change(before, state({}, { chaport: false, crisp: true })), [{ services: { chaport: false } }, false])
})

test('what was refused before is not withdrawn with the rest', () => {
  const before = state({ statistics: true }, { chaport: true, crisp: false, matomo: true })
  const after = state({ preferences: false, statistics: false }, { chaport: false, crisp: false, matomo: false })
  assert.deepEqual(change(before, after), [state({ statistics: false }, { chaport: false, matomo: false }), false])
})

test('a grant beside a withdrawal is told as well', () => {
  const before = state({}, { chaport: true, crisp: false })
  assert.deepEqual(change(before, state({}, { chaport: false, crisp: true })), [{ services: { chaport: false } }, true])
})

test('purposes are withdrawn and granted like the rest', () => {
  const before = { purposes: { 'iab-1': true, 'iab-3': true, 'iab-4': false } }
  const after = { purposes: { 'iab-1': true, 'iab-3': false, 'iab-4': false } }
  assert.deepEqual(change(before, after), [{ purposes: { 'iab-3': false } }, false])
  assert.deepEqual(change({}, after), [undefined, true])
})

test('the same choice again is no event', () => {
  const same = state({ preferences: true, marketing: false }, { chaport: true })
  assert.deepEqual(change(same, same), [undefined, false])
})
