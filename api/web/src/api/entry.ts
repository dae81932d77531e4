// A catalogue entry. In one language, as `GET /api/v1/services/{slug}?language=` answers: prose is translated, codes are
// not. What could not be established is null and named in `unknown`. As it is kept (`language=all`), each text has all its
// languages: that form is edited and sent back. Its fields: schemas/json/catalog-entry.schema.json.

export interface Cookie {
  name: string;
  match: 'exact' | 'pattern';
  storage: string;
  type: string;
  duration: string;
  purpose: string;
  eprivacy: string;
  evidence: string;
}

export interface Entry {
  /** ISO 639-1. */
  language: string;
  /** Paths of the texts for which English stands in. */
  fallbacks: string[];
  slug: string;
  /** Slugs that it had before. */
  formerly: string[];
  name: string;
  group: string;
  tags: string[];
  category: string;
  disambiguation: string | null;
  summary: string;
  what_it_does: string;
  how_it_tracks: { techniques: string[]; text: string };
  data_collected: { code: string; when: string; text: string }[];
  role: { vendor: string; site: string; note: string };
  legal_basis: {
    gdpr_basis: string; article: string; note: string;
    others: { gdpr_basis: string; article: string; note: string }[];
  };
  eprivacy: string;
  eprivacy_note: string;
  risk_level: string;
  risk_note: string;
  regulations: { code: string; name: string }[];
  dpia: { advice: string; note: string; triggers: string[] };
  special_category_risk: { level: string; note: string };
  operator: { name: string; country: string | null; note: string | null } | null;
  server_location: { regions: string[]; note: string } | null;
  transfers: { outside_eea: string; safeguards: string[]; note: string } | null;
  recipients: { kind: string; name: string | null; text: string }[];
  retention: string | null;
  deletion_on_withdrawal: string;
  domains: string[];
  cookies: Cookie[];
  consent_text: string;
  deployment: string[];
  alternatives: { slug: string | null; name: string | null; cookieless: boolean; text: string }[];
  related: { slug: string; name: string | null }[];
  faq: { question: string; answer: string }[];
  policy_url: string | null;
  sources: { title: string; url: string }[];
  checked_on: string;
  unknown: string[];
  /** Its number in the IAB Global Vendor List. */
  iab_vendor: number | null;
  /** Of that list's purposes, those for which it asks consent. */
  iab_purposes: number[] | null;
  /** `avow` for what ships, `operator`, or what an import calls itself. */
  origin: string;
  /** RFC 3339; null for a shipped entry that nothing was put in place of before. */
  in_force_from: string | null;
}

/** ISO 639-1 to text; English is always there. */
export type Text = Record<string, string>;

export interface KeptCookie extends Partial<Omit<Cookie, 'purpose'>> {
  name: string;
  purpose?: Text;
}

interface KeptBasis {
  gdpr_basis: string;
  article: string;
  note: Text;
  others?: unknown[];
}

/** As it is kept. What a form does not touch goes back as it came. */
export interface KeptEntry {
  slug: string;
  name: string;
  category: string;
  group?: string;
  summary?: Text;
  what_it_does?: Text;
  eprivacy?: string;
  eprivacy_note?: Text;
  risk_level?: string;
  risk_note?: Text;
  legal_basis?: KeptBasis;
  retention?: Text;
  consent_text?: Text;
  operator?: { name: string; country?: string; note?: Text };
  policy_url?: string;
  domains?: string[];
  cookies?: KeptCookie[];
  iab_vendor?: number;
  iab_purposes?: number[];
  unknown?: string[];
  origin?: string;
  in_force_from?: string | null;
}

/** What the operator said of a service from a moment on; no entry: taken back. */
export interface EntryVersion {
  in_force_from: string;
  origin: string;
  entry?: KeptEntry | null;
}
