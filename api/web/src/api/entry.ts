// A catalogue entry in one language, as `GET /api/v1/services/{slug}?language=` answers: prose is translated, codes are
// not. What could not be established is null and named in `unknown`.

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
}
