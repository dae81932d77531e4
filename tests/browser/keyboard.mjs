// The keyboard alone: a walk with Tab over everything on a page that can be used, and what one does on each page by keys.

import assert from 'node:assert/strict'

/** Presses between two looks at the page: each look costs more than a press. */
const STRIDE = 25
/** More than any page has places to stop at, the parts of its date fields included. */
const MOST = 600

/** In the page: notes each element that has the focus, where it lies, and whether that can be seen. */
function note() {
  const seen = (element) => {
    const around = [element, element.closest('label, figure, summary, fieldset'), element.parentElement]
    return around.some((one) => {
      if (!one) return false
      const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(one)
      const { width, height } = one.getBoundingClientRect()
      return width > 1 && height > 1 && ((outlineStyle !== 'none' && parseFloat(outlineWidth) > 0) || boxShadow !== 'none')
    })
  }
  globalThis.passed = []
  document.addEventListener('focusin', ({ target }) => globalThis.passed.push({ target, seen: seen(target) }))
}

/** In the page: what is wrong with the way that was gone, `null` while it goes on. */
function judge() {
  const { passed } = globalThis
  const name = (element) => `${element.tagName.toLowerCase()} "${(element.getAttribute('aria-label') ?? element.closest('label')?.textContent ?? element.textContent ?? '').trim().replace(/\s+/g, ' ').slice(0, 50)}"`
  const first = passed[0]?.target
  const end = passed.findIndex(({ target }, i) => i > 0 && target === first)
  if (end < 0) return null
  const round = passed.slice(0, end)
  const wrong = round.filter(({ seen }) => !seen).map(({ target }) => `the focus cannot be seen at ${name(target)}`)

  const usable = [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')].filter((element) =>
    !element.disabled && element.tabIndex >= 0 && element.checkVisibility({ visibilityProperty: true })
    && !(element.matches('details > :not(summary) *') && !element.closest('details').open)
    && !(element.type === 'radio' && !element.checked && element.name && document.querySelector(`input[name="${element.name}"]:checked`)))
  const reached = new Set(round.map(({ target }) => target))
  wrong.push(...usable.filter((element) => element.isConnected && !reached.has(element)).map((element) => `${name(element)} is not reached`))

  // Reading goes down, or to the right; back up only to the right of what was read.
  const box = (element) => (element.closest('label, figure') ?? element).getBoundingClientRect()
  for (let i = 1; i < round.length; i += 1) {
    const [before, now] = [round[i - 1].target, round[i].target]
    if (!before.isConnected || !now.isConnected || before.closest('.skip, .scroll') || now.closest('.scroll')) continue
    const [from, to] = [box(before), box(now)]
    if (to.bottom <= from.top && to.left < from.right - 1) wrong.push(`${name(now)} comes after ${name(before)}, and lies above it`)
  }
  return { wrong, stops: round.length }
}

/** Goes once around the page with Tab; returns what is wrong. */
export async function walk(page) {
  await page.evaluate(note)
  for (let pressed = 0; pressed < MOST; pressed += STRIDE) {
    for (let i = 0; i < STRIDE; i += 1) await page.keyboard.press('Tab')
    const found = await page.evaluate(judge)
    if (found) return found.wrong
  }
  return ['the focus never comes round: something holds it']
}

/** Skips to the content, and stays on the address as it was. */
export async function skip(page) {
  const before = page.url()
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'content', `${before}: skipped to the content`)
  assert.equal(page.url(), before)
}

/** Presses each key after the other, what is longer than a key is typed. */
const keys = async (page, ...all) => {
  for (const key of all) await (/^([A-Z][A-Za-z+]*|.)$/.test(key) ? page.keyboard.press(key) : page.keyboard.type(key))
}
const focused = (locator) => locator.evaluate((element) => element === document.activeElement)
const on = (locator) => locator.first().focus()

/** What opens is closed by Escape, which gives the focus back. */
const closes = async (page, opener, opened) => {
  await on(opener)
  await keys(page, 'Enter')
  await opened.waitFor()
  await keys(page, 'Escape')
  await opened.waitFor({ state: 'hidden' })
  assert.ok(await focused(opener), `${await opener.innerText()}: the focus comes back`)
}

const table = (panel) => async (page) => {
  await on(page.locator(`[data-panel="${panel}"] [data-table-toggle]`))
  await keys(page, 't')
  await page.locator(`[data-panel="${panel}"][data-table-open="true"] table`).waitFor()
  await keys(page, 't')
  await page.locator(`[data-panel="${panel}"][data-table-open="false"]`).waitFor()
}

const sort = (column) => async (page) => {
  await on(page.getByRole('button', { name: `Sort by ${column}` }))
  await keys(page, 'Enter')
  await page.locator('th[aria-sort="descending"] button', { hasText: column }).first().waitFor()
}

/** By the first part of an address: what is done there by keys. */
export const TASKS = {
  '/': async (page) => {
    await on(page.getByRole('radio', { name: '28 days' }))
    await keys(page, 'ArrowRight')
    await page.waitForURL(/period=90d/)
    await closes(page, page.getByRole('button', { name: 'Add a filter' }), page.getByLabel('Values, separated by commas'))
    await closes(page, page.locator('summary', { hasText: 'Share' }), page.getByLabel('For whom or what'))
    await closes(page, page.locator('summary', { hasText: 'Sites' }), page.locator('details[open] input[type="checkbox"]').first())
    await closes(page, page.getByRole('button', { name: 'Find' }), page.getByRole('dialog'))
    await closes(page, page.getByRole('button', { name: /^Keys/ }), page.getByRole('dialog'))
    // A definition is there with the focus, and goes on Escape.
    const term = page.getByRole('button', { name: 'Shown', exact: true })
    await on(term)
    await page.locator('[role="tooltip"].open').waitFor()
    await keys(page, 'Escape')
    await page.locator('[role="tooltip"].open').waitFor({ state: 'hidden' })
  },
  '/segments': async (page) => {
    const slider = page.locator('[data-panel="country"] input[type="range"]')
    await on(slider)
    const said = await slider.getAttribute('aria-valuetext')
    await keys(page, 'ArrowRight')
    assert.notEqual(await slider.getAttribute('aria-valuetext'), said)
    await table('country')(page)
  },
  '/sites': sort('Shown'),
  '/services': async (page) => {
    await sort('Granted')(page)
    await on(page.locator('[data-panel="service"] tbody a'))
    await keys(page, 'Enter')
    await page.waitForURL(/service=/)
    await page.goBack()
    // A cookie is looked up, Enter opens the one service that it belongs to, and from there its consent sheet.
    await on(page.getByRole('searchbox', { name: /^Search by name/ }))
    await keys(page, 'chaport_uid')
    await page.locator('[data-catalogue-found="1"] [data-trace="chaport_uid"]').waitFor()
    await keys(page, 'Enter')
    await page.locator('[data-service="chaport"] [data-open-sheet]').waitFor()
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'content', 'reading goes on at the service')
    await on(page.locator('[data-open-sheet]'))
    await keys(page, 'Enter')
    await page.locator('[data-sheet="chaport"]').waitFor()
    await on(page.getByLabel('Language of the text'))
    await keys(page, 'd')
    await page.locator('[data-sample-text="de"]').waitFor()
    await on(page.getByRole('button', { name: 'Copy the text' }))
    await keys(page, 'Enter')
    await page.getByRole('button', { name: 'Copied' }).waitFor()
  },
  '/experiments': table('verdict'),
  '/fairness': table('effort'),
  '/promise': table('service'),
  '/signals': table('signal'),
  '/bridge': table('bridge'),
  '/quality': async (page) => {
    await on(page.getByRole('button', { name: /^CSV.*Bots/ }))
    await Promise.all([page.waitForEvent('download'), keys(page, 'Enter')])
  },
  '/live': async (page) => {
    await table('live')(page)
    const pause = page.getByRole('button', { name: 'Pause' })
    await on(pause)
    await keys(page, 'Space')
    await page.getByRole('button', { name: 'Resume' }).waitFor()
  },
  '/alerts': async (page) => {
    await on(page.getByLabel('Periods waited'))
    await keys(page, 'Control+A', '4', 'Enter')
    await page.getByText('In force').waitFor()
  },
  '/audit': async (page) => {
    await on(page.getByLabel('Consent id'))
    await keys(page, '5b0c6a5e-6a0c-4e0e-a8f2-7a0f5f6d1c22', 'Enter')
    await page.getByText('Nothing is recorded of this id').first().waitFor()
  },
  '/settings': async (page) => {
    const name = page.locator('form[aria-labelledby="new-token"]').getByLabel('For whom or what')
    await on(name)
    await keys(page, 'Keys alone', 'Enter')
    await page.locator('[data-once="token"]').waitFor()
    await on(page.getByRole('button', { name: 'Done' }))
    await keys(page, 'Enter')
    await page.locator('[data-once="token"]').waitFor({ state: 'detached' })
    assert.ok(await focused(name), 'the focus goes on in the form')
    // Revoking asks once more; Escape takes it back, and the focus with it.
    const revoke = page.getByRole('button', { name: 'Revoke: Keys alone' })
    await on(revoke)
    await keys(page, 'Enter', 'Escape')
    assert.ok(await focused(revoke), 'the focus comes back')
    await keys(page, 'Enter', 'Enter')
    await revoke.waitFor({ state: 'detached' })
  },
  '/docs': async (page) => {
    await on(page.getByRole('button', { name: 'Copy the line' }))
    await keys(page, 'Enter')
    await page.getByText('Copied').waitFor()
  },
}
