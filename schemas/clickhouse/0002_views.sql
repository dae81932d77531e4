-- The public views, documented for BI in docs/warehouse.md. They change only by adding.

CREATE VIEW events AS
SELECT site, nullIf(subject, toUUID('00000000-0000-0000-0000-000000000000')) AS subject, occurred_at, id, type,
       partition, position, logged_at, view, prompt, layer, occurred_at_claimed, sent_at, received_at, source,
       banner_version, language, variant, text_hash, regime, method, categories, services, purposes, objected_purposes,
       objected_services, tcf, gpp, consent_mode, gpc, host, path, effort_clicks, effort_ms, expires_at,
       nullIf(previous, toUUID('00000000-0000-0000-0000-000000000000')) AS previous, state, observed_cookies,
       observed_domains, observed_others, observed_state, country, region, device, browser, os, bot, config_version,
       decision, opted_in, ledger, leaf, commitment
FROM events_data
WHERE site != '' AND kind = 'event';

CREATE VIEW choices AS
SELECT site, nullIf(subject, toUUID('00000000-0000-0000-0000-000000000000')) AS subject, occurred_at, id, type, decision,
       service, category, choice, disclosure, prompt, method, regime, source, banner_version, language, variant, country,
       region, device, browser, os, bot, config_version
FROM events_data
ARRAY JOIN pair_service AS service, pair_category AS category, pair_state AS choice, pair_disclosure AS disclosure
WHERE site != '' AND kind = 'event';

CREATE VIEW rates_15m AS
SELECT site, grain, quarter, service, category, country, region, device, browser, os, language, banner_version, variant,
       method, prompt, regime, source, bot, shown, decisions, accept_all, reject_all, custom, dismissed, automatic,
       withdrawals, opted_in, granted, denied, partial, undecided, not_disclosed, observed_without_consent, loaded,
       loaded_with_consent
FROM rates_15m_data
WHERE site != '';

CREATE VIEW sites AS
SELECT site, name, timezone, version, in_force_from
FROM sites_data FINAL;

CREATE VIEW services AS
SELECT slug, name, category, vendor, risk
FROM services_data FINAL;
