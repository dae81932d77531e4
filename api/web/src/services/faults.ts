// What is wrong with an entry in the form, field by field. What can be told here is told in the reader's language before anything
// is sent; what only the server finds stands beside the field that its pointer names.
import type { ApiProblem } from '../api/problem';
import { m } from '../paraglide/messages.js';
import type { Draft } from './draft';

/** Field to what is wrong with it. A cookie's are `cookies.<row>.<field>`. */
export type Faults = Record<string, string>;

const SLUG = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const URL = /^https?:\/\/[^\s.]+\.\S+$/;
const HOST = /^[a-z0-9-]+(\.[a-z0-9-]+)+$/;
/** RFC 6265, section 4.1.1, and `/`, which occurs in practice. */
const COOKIE = /^[!-~]+$/;
const NO_COOKIE = /[()<>@,;:\\"[\]?={}]/;

/** `taken`: slugs that services have already; of an entry that is changed, its own is not among them. */
export function faultsOf(draft: Draft, taken: ReadonlySet<string>): Faults {
  const faults: Faults = {};
  const slug = draft.slug.trim();
  if (draft.name.trim() === '') faults.name = m.form_fault_name();
  if (!SLUG.test(slug)) faults.slug = m.form_fault_slug();
  else if (taken.has(slug)) faults.slug = m.form_fault_taken();
  if (draft.policyUrl.trim() !== '' && !URL.test(draft.policyUrl.trim())) faults.policy_url = m.form_fault_url();
  const wrong = draft.domains.split('\n').map((line) => line.trim().toLowerCase()).find((host) => host !== '' && !HOST.test(host));
  if (wrong !== undefined) faults.domains = m.form_fault_domain({ host: wrong });
  if (draft.iabVendor.trim() !== '' && !(/^\d+$/.test(draft.iabVendor.trim()) && Number(draft.iabVendor) >= 1 && Number(draft.iabVendor) <= 65_535)) faults.iab_vendor = m.form_fault_vendor();
  if (draft.country !== '' && draft.operator.trim() === '') faults.operator = m.form_fault_operator();
  cookieFaults(draft, faults);
  return faults;
}

function cookieFaults({ cookies }: Draft, faults: Faults): void {
  const seen = new Set<string>();
  cookies.forEach(({ name, amount, lifetime, purpose, before }, row) => {
    const typed = name.trim();
    const field = `cookies.${row}.name`;
    if (typed === '') {
      if (purpose.trim() !== '') faults[field] = m.form_fault_cookie_missing();
      return;
    }
    const place = `${typed} ${before?.storage ?? 'cookie'}`;
    if (!COOKIE.test(typed) || NO_COOKIE.test(typed)) faults[field] = m.form_fault_cookie();
    else if (typed === '*') faults[field] = m.form_fault_cookie_all();
    else if (seen.has(place)) faults[field] = m.form_fault_cookie_twice();
    seen.add(place);
    if (lifetime.includes('_') && !/^[1-9]\d*$/.test(amount.trim())) faults[`cookies.${row}.duration`] = m.form_fault_amount();
  });
}

/** Fields of the form by the pointers of what is sent; longer ones first. */
const FIELDS = [
  'name', 'slug', 'category', 'group', 'summary', 'what_it_does', 'operator', 'policy_url', 'iab_vendor', 'domains', 'legal_basis',
  'eprivacy_note', 'eprivacy', 'risk_note', 'risk_level', 'retention', 'consent_text',
];

/** The field that a refusal points at, with the server's words; empty where it points at none that is shown. */
export function refusedField({ at, detail }: ApiProblem, draft: Draft): Faults {
  const [, first = '', index = '', part = 'name'] = (at ?? '').split('/');
  if (first === 'cookies' && index !== '') {
    // Rows without a name are not sent.
    const sent = draft.cookies.flatMap(({ name }, row) => (name.trim() === '' ? [] : [row]));
    const row = sent[Number(index)];
    return row === undefined ? {} : { [`cookies.${row}.${['duration', 'purpose', 'type'].includes(part) ? part : 'name'}`]: detail };
  }
  if (first === 'cookies') return { cookies: detail };
  return FIELDS.includes(first) ? { [first]: detail } : {};
}
