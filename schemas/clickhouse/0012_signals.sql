-- What the signals of a decision (TCF, GPP, Consent Mode, GPC) were found to be, beside the signals themselves. In the roll-up a
-- signal is a row of grain 'signal' with its name in `service` and the finding in `category`; its hours are of grain
-- 'signal_1h'. Of events stored before this nothing is found.

ALTER TABLE events_data
    ADD COLUMN signal_name Array(String) COMMENT 'tcf, gpp, consent_mode, gpc' AFTER category_state,
    ADD COLUMN signal_finding Array(String) COMMENT 'unreadable, invalid, grants_refused, denies_granted, incomparable, consistent' AFTER signal_name;

CREATE VIEW signals AS
SELECT site, nullIf(subject, toUUID('00000000-0000-0000-0000-000000000000')) AS subject, occurred_at, id, type, decision,
       signal, finding, prompt, method, regime, source, banner_version, language, variant, country, region, device,
       browser, os, bot, config_version
FROM events_data
ARRAY JOIN signal_name AS signal, signal_finding AS finding
WHERE site != '' AND kind = 'event';
