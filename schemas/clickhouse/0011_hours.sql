-- The roll-up by the hour, beside that by the quarter and in the same table, so that both are always of the same events: for
-- each grain another, 'total_1h', 'category_1h', 'service_1h', whose rows leave empty whatever dimension is none of service,
-- category, banner version, regime and bot. A 'total_1h' has the pairs of all its services besides. No processor may be
-- writing while this is applied.

CREATE OR REPLACE VIEW rates_15m AS
SELECT site, grain, quarter, service, category, country, region, device, browser, os, language, banner_version, variant,
       method, prompt, regime, source, bot, shown, decisions, accept_all, reject_all, custom, dismissed, automatic,
       withdrawals, opted_in, granted, denied, partial, undecided, not_disclosed, observed_without_consent, loaded,
       loaded_with_consent
FROM rates_15m_data
WHERE site != '' AND grain IN ('total', 'category', 'service');

INSERT INTO rates_15m_data
SELECT site, concat(of, '_1h'), toStartOfHour(quarter), if(of = 'total', '', service) AS service_of,
       if(of = 'total', '', category) AS category_of, '', '', '', '', '', '', banner_version, '', '', '', regime, '', bot,
       sum(shown), sum(decisions), sum(accept_all), sum(reject_all), sum(custom), sum(dismissed), sum(automatic),
       sumIf(withdrawals, of = grain), sum(opted_in), sum(granted), sum(denied), sum(partial), sum(undecided),
       sum(not_disclosed), sum(observed_without_consent), sum(loaded), sum(loaded_with_consent), 0
FROM rates_15m_data
ARRAY JOIN if(grain = 'service', ['service', 'total'], [CAST(grain, 'String')]) AS of
WHERE grain IN ('total', 'category', 'service')
GROUP BY site, of, toStartOfHour(quarter), service_of, category_of, banner_version, regime, bot;

INSERT INTO erased_rates
SELECT site, concat(of, '_1h'), toStartOfHour(quarter), if(of = 'total', '', service) AS service_of,
       if(of = 'total', '', category) AS category_of, '', '', '', '', '', '', banner_version, '', '', '', regime, '', bot,
       sum(shown), sum(decisions), sum(accept_all), sum(reject_all), sum(custom), sum(dismissed), sum(automatic),
       sumIf(withdrawals, of = grain), sum(opted_in), sum(granted), sum(denied), sum(partial), sum(undecided),
       sum(not_disclosed), sum(observed_without_consent), sum(loaded), sum(loaded_with_consent), 0
FROM erased_rates
ARRAY JOIN if(grain = 'service', ['service', 'total'], [CAST(grain, 'String')]) AS of
WHERE grain IN ('total', 'category', 'service')
GROUP BY site, of, toStartOfHour(quarter), service_of, category_of, banner_version, regime, bot;
