// The banner of tcf.html: a small CMP on the IAB's own packages, as a CMP of size would use them.

import { CmpApi } from '@iabtechlabtcf/cmpapi'
import { GVL, TCModel, TCString } from '@iabtechlabtcf/core'

/** A vendor list of one vendor of our own making: consent for 1, 3 and 4, legitimate interest for 7, one special feature. */
const named = (...ids) => Object.fromEntries(ids.map((id) => [id, { id, name: String(id), description: '', illustrations: [] }]))
const LIST = {
  gvlSpecificationVersion: 3, vendorListVersion: 1, tcfPolicyVersion: 5, lastUpdated: '2026-11-01T00:00:00Z',
  purposes: named(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), specialPurposes: named(1, 2, 3), features: named(1, 2, 3),
  specialFeatures: named(1, 2), stacks: {}, dataCategories: {},
  vendors: { 9999: {
    id: 9999, name: 'Chaport', purposes: [1, 3, 4], legIntPurposes: [7], flexiblePurposes: [], specialPurposes: [], features: [],
    specialFeatures: [1], usesCookies: true, usesNonCookieAccess: false, cookieRefresh: false, urls: [], dataDeclaration: [],
  } },
}
const COOKIE = 'euconsent-v2'
const query = new URLSearchParams(location.search)
const $ = (id) => document.getElementById(id)

const api = new CmpApi(9, 1, true)
const model = new TCModel(new GVL(LIST))
Object.assign(model, { cmpId: 9, cmpVersion: 1, isServiceSpecific: true })
model.purposeLegitimateInterests.set(7)
model.vendorLegitimateInterests.set(9999)

/** Each switch with the field of the string that it stands for. */
const SWITCHES = {
  'iab-1': ['purposeConsents', 1], 'iab-3': ['purposeConsents', 3], 'iab-4': ['purposeConsents', 4],
  'iab-sf-1': ['specialFeatureOptins', 1], chaport: ['vendorConsents', 9999],
}

const stored = () => document.cookie.match(`(?:^|; )${COOKIE}=([^;]*)`)?.[1]

const store = (granted) => {
  for (const [name, [field, id]] of Object.entries(SWITCHES)) granted(name) ? model[field].set(id) : model[field].unset(id)
  model.updated()
  const text = TCString.encode(model)
  document.cookie = `${COOKIE}=${text};path=/;max-age=33696000`
  $('cmp').hidden = true
  api.update(text, false)
}

const show = (second) => {
  $('cmp').hidden = false
  $('first').hidden = second
  $('second').hidden = !second
  const kept = stored() && TCString.decode(stored())
  for (const [name, [field, id]] of Object.entries(SWITCHES)) $('second').querySelector(`[name="${name}"]`).checked = !!kept?.[field].has(id)
}

const reopen = () => {
  show(true)
  api.update(stored() ?? TCString.encode(model), true)
}

$('accept').onclick = $('own-accept').onclick = () => store(() => true)
$('reject').onclick = () => store(() => false)
$('choose').onclick = () => show(true)
$('footer-settings').onclick = reopen
$('save').onclick = () => {
  const objects = $('second').querySelector('[name="object-7"]').checked
  model.purposeLegitimateInterests[objects ? 'unset' : 'set'](7)
  store((name) => $('second').querySelector(`[name="${name}"]`).checked)
}

if (stored()) api.update(stored(), false)
else {
  show(false)
  api.update(TCString.encode(model), true)
}
if (query.has('grant')) store(() => true)
document.documentElement.dataset.ready = 'yes'
