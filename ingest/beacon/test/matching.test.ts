// The catalogue's names, by the cases that the server's own test reads.

import assert from 'node:assert/strict'
import test from 'node:test'
import cases from '../../../schemas/src/catalog/matching.json'
import { anyOf, COOKIE, HOST } from '../src/matching.ts'

const lists: [keyof typeof cases, string][] = [['cookies', COOKIE], ['domains', HOST]]

test('cookies and hosts are matched as the server matches them', () => {
  for (const [list, from] of lists)
    for (const [known, seen, matches] of cases[list] as [string, string, boolean][]) {
      assert.equal(anyOf([known], from).test(seen), matches, `${known} and ${seen}`)
      assert.equal(anyOf(['other', known], from).test(seen), matches, `${known} beside another, and ${seen}`)
    }
})

test('a list of nothing matches nothing', () => {
  assert.ok(!anyOf([], COOKIE).test('_ga'))
  assert.ok(!anyOf([], HOST).test('chaport.com'))
})
