-- Banners as they were rendered and photographed, each under the SHA-256 of its bytes. Written by the api; which banner has
-- which is said in consent.control and in the control record of kind banner_artefact.
CREATE TABLE artefacts
(
    hash       FixedString(32),
    media_type LowCardinality(String) COMMENT 'text/html, image/png, image/jpeg, image/webp',
    bytes      String CODEC(ZSTD(3))
)
ENGINE = ReplacingMergeTree
ORDER BY hash;
