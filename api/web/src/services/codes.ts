// The catalogue's codes in words. A code that is not known here, such as an operator's own, is shown with its dashes and
// underscores turned into blanks.
import { m } from '../paraglide/messages.js';

const WORDS = {
  level: { low: m.code_level_low, medium: m.code_level_medium, high: m.code_level_high, unknown: m.code_unknown },
  basis: {
    consent: m.code_basis_consent, contract: m.code_basis_contract, legal_obligation: m.code_basis_legal_obligation,
    vital_interests: m.code_basis_vital_interests, public_task: m.code_basis_public_task,
    legitimate_interest: m.code_basis_legitimate_interest, unknown: m.code_unknown,
  },
  eprivacy: { consent: m.code_eprivacy_consent, exempt: m.code_eprivacy_exempt, conditional: m.code_eprivacy_conditional },
  role: {
    controller: m.code_role_controller, processor: m.code_role_processor, joint_controller: m.code_role_joint_controller,
    unknown: m.code_unknown,
  },
  when: { on_load: m.code_when_on_load, in_use: m.code_when_in_use, if_asked: m.code_when_if_asked },
  advice: { unlikely: m.code_advice_unlikely, conditional: m.code_advice_conditional, recommended: m.code_advice_recommended, unknown: m.code_unknown },
  outside: { no: m.code_outside_no, possible: m.code_outside_possible, yes: m.code_outside_yes },
  recipient: {
    site: m.code_recipient_site, vendor: m.code_recipient_vendor, sub_processor: m.code_recipient_sub_processor,
    integration: m.code_recipient_integration,
  },
  lifetime: {
    unknown: m.code_unknown, session: m.code_lifetime_session, persistent: m.code_lifetime_persistent, PT_M: m.code_lifetime_minutes,
    PT_H: m.code_lifetime_hours, P_D: m.code_lifetime_days, P_M: m.code_lifetime_months, P_Y: m.code_lifetime_years,
  },
  storage: { cookie: m.code_storage_cookie, local_storage: m.code_storage_local, session_storage: m.code_storage_session },
  cookie: {
    necessary: m.code_cookie_necessary, functional: m.code_cookie_functional, statistics: m.code_cookie_statistics,
    marketing: m.code_cookie_marketing,
  },
  evidence: { vendor: m.code_evidence_vendor, source_code: m.code_evidence_source_code, directory: m.code_evidence_directory, report: m.code_evidence_report },
  tag: {
    website: m.code_tag_website, 'open-source': m.code_tag_open_source, 'self-hosted': m.code_tag_self_hosted,
    'consent-platform': m.code_tag_consent_platform,
  },
  technique: {
    javascript_widget: m.code_technique_javascript_widget, session_cookies: m.code_technique_session_cookies,
    persistent_cookies: m.code_technique_persistent_cookies, visitor_fingerprinting: m.code_technique_visitor_fingerprinting,
    chat_history: m.code_technique_chat_history, persistent_chat_history: m.code_technique_persistent_chat_history,
    chatbot_automation: m.code_technique_chatbot_automation, call_metadata: m.code_technique_call_metadata,
    co_browsing: m.code_technique_co_browsing, consent_storage: m.code_technique_consent_storage,
    local_storage: m.code_storage_local, session_storage: m.code_storage_session,
  },
  safeguard: {
    adequacy_decision: m.code_safeguard_adequacy_decision, standard_contractual_clauses: m.code_safeguard_standard_contractual_clauses,
  },
  // What an entry can name as unknown.
  field: {
    operator: m.code_field_operator, 'operator.country': m.code_field_country, server_location: m.code_field_server_location,
    transfers: m.code_field_transfers, recipients: m.code_field_recipients, retention: m.code_field_retention,
    domains: m.code_field_domains, cookies: m.code_field_cookies, policy_url: m.code_field_policy_url,
  },
  origin: {
    avow: m.origin_shipped, operator: m.origin_own, gvl: m.origin_gvl, 'open-cookie-database': m.origin_ocd, ocd: m.origin_ocd,
  },
  group: { other: m.code_group_other, 'customer-support': m.code_group_customer_support, 'consent-management': m.code_group_consent_management },
} satisfies Record<string, Record<string, () => string>>;

export type CodeList = keyof typeof WORDS;

export function words(list: CodeList, code: string): string {
  const known: Record<string, () => string> = WORDS[list];
  return known[code]?.() ?? code.replaceAll(/[_-]/g, ' ');
}

/** The origin of what ships. */
export const SHIPPED = 'avow';

/** Where an entry comes from; an import's own name, if it has none here. */
export function originName(origin: string): string {
  const known: Record<string, () => string> = WORDS.origin;
  return known[origin]?.() ?? m.origin_imported({ origin });
}

/** Of an own entry nobody says that sources have been looked through. */
export const missing = ({ origin }: { origin: string }) => (origin === SHIPPED ? m.entry_not_established() : m.code_unknown());

/** `Art. 6(1)(a) GDPR` as the reader's language cites it; any other text as it stands. */
export function articleName(article: string): string {
  const [, number, paragraph, letter] = /^Art\. (\d+)\((\d+)\)\(([a-z])\) GDPR$/.exec(article) ?? [];
  return number && paragraph && letter ? m.gdpr_article({ article: number, paragraph, letter }) : article;
}

/** The basis and, where one is named, its article. */
export function basisName({ gdpr_basis, article }: { gdpr_basis: string; article: string }): string {
  return [words('basis', gdpr_basis), articleName(article)].filter(Boolean).join(', ');
}

/** A country or region by its ISO 3166-1 code, `EU`, or `self` for the site's own servers. */
export function regionName(locale: string, code: string): string {
  if (code === 'self') return m.code_region_self();
  try {
    return new Intl.DisplayNames([locale], { type: 'region' }).of(code) ?? code;
  } catch {
    return code;
  }
}
