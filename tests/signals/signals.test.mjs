// `avow signals` against the libraries that CMPs write their strings with: 100,000 strings, valid, cut off and spoiled. What is
// valid says the same to both; what is not is answered all the same, line by line. AVOW_SOAK_STRINGS makes it more.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import test from 'node:test'
import { createInterface } from 'node:readline'
import { binary } from '../browser/avow.mjs'
import { gppString, random, spoiled, tcString } from './strings.mjs'

const STRINGS = Number(process.env.AVOW_SOAK_STRINGS ?? 100_000)
/** One in so many is as it was written, the others are spoiled: the libraries take 2 ms to write one. */
const ONE_VALID_IN = 12
/** When the strings were sent: after the youngest. */
const AT = '2027-01-01T00:00:00Z'
const DISCLOSED_SINCE = Date.UTC(2026, 2, 1)
const SALES = { 6: { Y: 'Yes', N: 'No' } }
const OPT_OUTS = ['NotApplicable', 'OptedOut', 'DidNotOptOut']

/** Answers, line by line, to the strings that are written to `strings`. */
const asked = async (strings, each) => {
  const child = spawn(binary(), ['signals', '--at', AT], { stdio: ['pipe', 'pipe', 'inherit'] })
  const write = (async () => {
    for (const text of strings) if (!child.stdin.write(`${text}\n`)) await once(child.stdin, 'drain')
    child.stdin.end()
  })()
  let at = 0
  for await (const line of createInterface({ input: child.stdout })) each(JSON.parse(line), at++)
  await write
  if (child.exitCode === null) await once(child, 'exit')
  assert.equal(child.exitCode, 0)
  assert.equal(at, strings.length, 'a line for each')
}

test(`what is valid in ${STRINGS} strings says what was written into it`, async () => {
  const next = random(20261126)
  const written = []
  const cases = Array.from({ length: STRINGS }, (_, n) => {
    if (n % ONE_VALID_IN !== 0) return { text: spoiled(written[Math.floor(next() * written.length)].text, next) }
    written.push((n / ONE_VALID_IN) % 2 === 0 ? tcString(next) : gppString(next))
    return written.at(-1)
  })
  const seen = {}
  await asked(cases.map(({ text }) => text), (answer, at) => {
    const { text, said } = cases[at]
    seen[`${answer.signal} ${answer.finding}`] = (seen[`${answer.signal} ${answer.finding}`] ?? 0) + 1
    if (!said) return
    if (answer.signal === 'gpp') {
      const sales = answer.sections.map(({ id, fields }) => [id, fields.opt_out_sale ?? sale(fields)])
      const expected = Object.entries(said).map(([id, value]) => [Number(id), SALES[id]?.[value] ?? OPT_OUTS[value]])
      assert.deepEqual(sales, expected, text)
      return
    }
    const { created, ...rest } = said
    for (const [name, ids] of Object.entries(rest)) assert.deepEqual(answer[name], ids, `${name} of ${text}`)
    assert.equal(Date.parse(answer.created), created, text)
    const late = created >= DISCLOSED_SINCE && said.disclosed_vendors === null
    assert.equal(answer.finding, late ? 'invalid' : 'valid', text)
  })
  console.log(Object.entries(seen).sort().map(([name, count]) => `${name} ${count}`).join(', '))
})

/** The field wherever the section has it. */
const sale = (fields) => fields.sale_opt_out ?? Object.values(fields).filter((value) => value && typeof value === 'object').map(sale).find((value) => value !== undefined)
