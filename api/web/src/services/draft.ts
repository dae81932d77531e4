// An entry as the form holds it, and back again. Texts are those of one language; what the form does not show of an entry goes
// back as it came. What is left empty is left out: the server then says "not stated" (schemas/src/catalog/brief.rs).
import type { KeptCookie, KeptEntry, Text } from '../api/entry';
import { isStated, NOT_STATED } from './stated';

export const BASES = ['consent', 'contract', 'legal_obligation', 'vital_interests', 'public_task', 'legitimate_interest'] as const;
/** Of Art. 6(1) GDPR, in the order of its letters. */
const articleOf = (basis: string) => {
  const at = (BASES as readonly string[]).indexOf(basis);
  return at < 0 ? '' : `Art. 6(1)(${'abcdef'[at]}) GDPR`;
};
/** How long a cookie lives: a code by itself, or a number of units (`P6M` is `6` and `P_M`). */
export const LIFETIMES = ['unknown', 'session', 'persistent', 'PT_M', 'PT_H', 'P_D', 'P_M', 'P_Y'] as const;

export interface CookieRow {
  key: number;
  name: string;
  amount: string;
  lifetime: string;
  purpose: string;
  type: string;
  /** The rest of it, and its purpose in other languages. */
  before: KeptCookie | null;
}

export interface Draft {
  name: string;
  slug: string;
  category: string;
  group: string;
  summary: string;
  whatItDoes: string;
  operator: string;
  country: string;
  policyUrl: string;
  iabVendor: string;
  cookies: CookieRow[];
  /** Without rows: whether it is known to set none, or its cookies are not known. */
  setsNone: boolean;
  domains: string;
  basis: string;
  eprivacy: string;
  eprivacyNote: string;
  risk: string;
  riskNote: string;
  retention: string;
  consentText: string;
}

let lastKey = 0;

export function cookieRow(cookie: KeptCookie | null, language: string, category = ''): CookieRow {
  lastKey += 1;
  const [, before, amount = '', after] = /^(PT?)(\d+)([A-Z])$/.exec(cookie?.duration ?? '') ?? [];
  return {
    key: lastKey, name: cookie?.name ?? '', amount, lifetime: before ? `${before}_${after}` : (cookie?.duration ?? 'unknown'),
    purpose: shown(cookie?.purpose, language), type: cookie?.type ?? typeIn(category), before: cookie,
  };
}

/** Of which type a cookie is likely to be in a category; the same as the server's. */
const typeIn = (category: string) => (['necessary', 'statistics', 'marketing'].includes(category) ? category : 'functional');

export function draftOf(entry: KeptEntry | null, language: string): Draft {
  const text = (of: Text | undefined) => shown(of, language);
  return {
    name: entry?.name ?? '', slug: entry?.slug ?? '', category: entry?.category ?? 'preferences', group: entry?.group ?? '',
    summary: text(entry?.summary), whatItDoes: text(entry?.what_it_does),
    operator: entry?.operator?.name ?? '', country: entry?.operator?.country ?? '', policyUrl: entry?.policy_url ?? '',
    iabVendor: entry?.iab_vendor?.toString() ?? '',
    cookies: (entry?.cookies ?? []).map((cookie) => cookieRow(cookie, language)), setsNone: entry?.cookies?.length === 0,
    domains: (entry?.domains ?? []).join('\n'),
    basis: entry?.legal_basis?.gdpr_basis ?? 'unknown', eprivacy: entry?.eprivacy ?? 'consent', eprivacyNote: text(entry?.eprivacy_note),
    risk: entry?.risk_level ?? 'unknown', riskNote: text(entry?.risk_note),
    retention: text(entry?.retention), consentText: text(entry?.consent_text),
  };
}

/** What is to be saved. */
export function entryOf(draft: Draft, before: KeptEntry | null, language: string): KeptEntry {
  const text = (value: string, of: Text | undefined) => written(value, of, language);
  const { unknown: _, origin: __, in_force_from: ___, ...rest } = before ?? ({} as KeptEntry);
  const operator = draft.operator.trim();
  const cookies = draft.cookies.filter(({ name }) => name.trim() !== '').map((row) => cookieOf(row, draft, language));
  const domains = lines(draft.domains);
  const basisKept = before?.legal_basis?.gdpr_basis === draft.basis;
  const entry = {
    ...rest, slug: draft.slug.trim(), name: draft.name.trim(), category: draft.category, group: codeOf(draft.group) || undefined,
    summary: text(draft.summary, before?.summary), what_it_does: text(draft.whatItDoes, before?.what_it_does),
    operator: operator ? { ...before?.operator, name: operator, country: draft.country || undefined } : undefined,
    policy_url: draft.policyUrl.trim() || undefined, iab_vendor: draft.iabVendor.trim() ? Number(draft.iabVendor) : undefined,
    cookies: cookies.length > 0 || draft.setsNone ? cookies : undefined,
    domains: domains.length > 0 || before?.domains?.length === 0 ? domains : undefined,
    // A note on another basis would not be true of this one.
    legal_basis: basisKept ? before?.legal_basis : draft.basis === 'unknown' ? undefined
      : { gdpr_basis: draft.basis, article: articleOf(draft.basis), note: NOT_STATED, others: before?.legal_basis?.others ?? [] },
    eprivacy: draft.eprivacy, eprivacy_note: text(draft.eprivacyNote, before?.eprivacy_note),
    risk_level: draft.risk, risk_note: text(draft.riskNote, before?.risk_note),
    retention: text(draft.retention, before?.retention), consent_text: text(draft.consentText, before?.consent_text),
  };
  return JSON.parse(JSON.stringify(entry)) as KeptEntry; // without what is undefined
}

function cookieOf({ name, amount, lifetime, purpose, type, before }: CookieRow, draft: Draft, language: string): KeptCookie {
  const pattern = name.includes('*');
  const text = written(purpose, before?.purpose, language);
  const { purpose: _, ...rest } = before ?? { eprivacy: draft.eprivacy };
  return {
    ...rest, name: name.trim(), match: pattern ? 'pattern' : 'exact', type,
    duration: lifetime.replace('_', String(Number(amount))), ...(text ? { purpose: text } : {}),
  };
}

/** A text as the reader's language has it, else in English; nothing where it is not stated. */
function shown(text: Text | undefined, language: string): string {
  const own = text?.[language] ?? text?.en ?? '';
  return isStated(own) ? own : '';
}

/**
 * A text with what was written in one language. English stands in for what is missing, so it takes what is written until there
 * is English of its own; an empty text is gone.
 */
export function written(value: string, before: Text | undefined, language: string): Text | undefined {
  const now = value.trim();
  if (now === shown(before, language)) return before && isStated(before.en ?? '') ? before : undefined;
  const kept = before && isStated(before.en ?? '') ? before : {};
  const others = Object.fromEntries(Object.entries(kept).filter(([code]) => code !== language));
  const english = language === 'en' || kept.en === undefined || kept.en === kept[language];
  if (now === '') return english || others.en === undefined ? undefined : others;
  return { ...others, [language]: now, ...(english ? { en: now } : {}) };
}

const lines = (text: string) => text.split('\n').map((line) => line.trim().toLowerCase()).filter((line) => line !== '');

/** A code or slug out of what somebody calls it. */
export const codeOf = (text: string) => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase().replace(/[^a-z0-9._]+/g, '-').replace(/^[-._]+|[-._]+$/g, '').slice(0, 64);
