// The banner of gpp.html: a small CMP for the national section of the United States, on the IAB's own package.

import { CmpApi, CmpDisplayStatus, SignalStatus } from '@iabgpp/cmpapi'

const COOKIE = 'gpp'
const SECTION = 'usnat'
const FIELDS = ['SaleOptOut', 'SharingOptOut', 'TargetedAdvertisingOptOut']
const query = new URLSearchParams(location.search)
const $ = (id) => document.getElementById(id)
const box = (name) => $('second').querySelector(`[name="${name}"]`)

const api = new CmpApi(31, 3)
api.setApplicableSections([7])
api.setSupportedAPIs(['7:usnat'])

const stored = () => document.cookie.match(`(?:^|; )${COOKIE}=([^;]*)`)?.[1]

const store = (granted) => {
  api.setSignalStatus(SignalStatus.NOT_READY)
  for (const name of FIELDS) api.setFieldValue(SECTION, name, granted(name) ? 2 : 1)
  document.cookie = `${COOKIE}=${api.getGppString()};path=/;max-age=31536000`
  $('cmp').hidden = true
  api.fireSectionChange(SECTION)
  api.setCmpDisplayStatus(CmpDisplayStatus.HIDDEN)
  api.setSignalStatus(SignalStatus.READY)
}

const show = (second) => {
  $('cmp').hidden = false
  $('first').hidden = second
  $('second').hidden = !second
  for (const name of FIELDS) box(name).checked = !!stored() && api.getFieldValue(SECTION, name) === 2
}

$('accept').onclick = $('own-accept').onclick = () => store(() => true)
$('reject').onclick = () => store(() => false)
$('choose').onclick = () => show(true)
$('save').onclick = () => store((name) => box(name).checked)
$('footer-settings').onclick = () => {
  show(true)
  api.setCmpDisplayStatus(CmpDisplayStatus.VISIBLE)
}

if (stored()) {
  api.setGppString(stored())
  api.setSignalStatus(SignalStatus.READY)
} else {
  show(false)
  api.setCmpDisplayStatus(CmpDisplayStatus.VISIBLE)
}
if (query.has('grant')) store(() => true)
document.documentElement.dataset.ready = 'yes'
