-- socket.io-token-session: takes the tokens of socket.io-mysql-session out of the table. In each of its rows the token, which was the
-- key, makes way for a public id and a hash, both SHA-256 of the token; no token can be made from them, and clients keep theirs.
-- Apply it when the last server of the old package is gone, after adopt.sql and with `legacyTokens: true` on the new servers. Earlier does
-- no harm to clients of new servers, but then apply it again at the end. It may be repeated at any time.
-- One run takes at most 10 000 old rows, by key. It answers how many are left: apply it until that is 0.
--   while [ "$(mysql -N your_database < adopt-tokens.sql)" != 0 ]; do sleep 1; done
-- Whoever applies it needs the right CREATE TEMPORARY TABLES besides SELECT, UPDATE and DELETE.

-- So that rows are found without locking any.
SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;
DROP TEMPORARY TABLE IF EXISTS `session_adopted`;
CREATE TEMPORARY TABLE `session_adopted` (
  `token` CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  `id` CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
);
INSERT INTO `session_adopted` (`token`, `id`)
SELECT `sessionId`, LEFT(SHA2(CONCAT(X'696400', `sessionId`), 256), 32)
FROM `session` WHERE `secretHash` IS NULL LIMIT 10000;

-- IGNORE leaves rows as they are whose new key is taken.
UPDATE IGNORE `session_adopted` AS found
STRAIGHT_JOIN `session` AS old ON old.`sessionId` = found.`token`
SET old.`secretHash` = UNHEX(SHA2(found.`token`, 256)),
    old.`createdAt` = UNIX_TIMESTAMP(),
    old.`visitedAt` = UNIX_TIMESTAMP(),
    old.`sessionId` = found.`id`
WHERE old.`secretHash` IS NULL;

-- Those were adopted before, and then written once more by an old server. What it wrote is the newer, unless a new server has written the
-- session since.
UPDATE `session_adopted` AS found
STRAIGHT_JOIN `session` AS old ON old.`sessionId` = found.`token`
STRAIGHT_JOIN `session` AS ours ON ours.`sessionId` = found.`id`
SET ours.`data` = old.`data`,
    ours.`expires` = GREATEST(ours.`expires`, old.`expires`),
    ours.`revision` = FLOOR(RAND() * 281474976710656)
WHERE old.`secretHash` IS NULL AND ours.`writers` = '' AND NOT ours.`data` <=> old.`data`;

-- Taken over, or too old: deleted. What has changed since stays for the next run.
DELETE old
FROM `session_adopted` AS found
STRAIGHT_JOIN `session` AS old ON old.`sessionId` = found.`token`
STRAIGHT_JOIN `session` AS ours ON ours.`sessionId` = found.`id`
WHERE old.`secretHash` IS NULL AND (ours.`writers` <> '' OR ours.`data` <=> old.`data`);

DROP TEMPORARY TABLE `session_adopted`;
SELECT COUNT(*) AS tokensLeft FROM `session` WHERE `secretHash` IS NULL;
