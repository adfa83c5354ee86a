-- socket.io-token-session: makes the table of socket.io-mysql-session ours, in place. Its rows stay, and so do its columns.
-- Apply it once, before the first new server starts:  mysql your_database < adopt.sql
-- Servers of the old package go on working with the table: every column that they do not write has a default.
-- It copies the table; reads go on meanwhile, writes wait. For a large table see sql/README.md.
-- The tokens in the rows are replaced by adopt-tokens.sql, once the last old server is gone.

ALTER TABLE `session`
  MODIFY COLUMN `sessionId` CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
    COMMENT 'public id: UUIDv7 as 32 hex digits; time-ordered, so inserts stay local',
  MODIFY COLUMN `expires` INT UNSIGNED NOT NULL
    COMMENT 'Unix seconds, database clock; from then on the row opens for nobody',
  MODIFY COLUMN `data` MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
    COMMENT 'the values, one JSON object; whoever edits it by hand sets a new revision too',
  ADD COLUMN `secretHash` BINARY(32) NULL DEFAULT NULL
    COMMENT 'SHA-256 of the secret; NULL opens for nobody',
  ADD COLUMN `nextHash` BINARY(32) NULL DEFAULT NULL
    COMMENT 'SHA-256 of a new secret that was sent and not yet confirmed',
  ADD COLUMN `previousHash` BINARY(32) NULL DEFAULT NULL
    COMMENT 'SHA-256 of the secret before the last confirmed rotation; its use again is reported',
  ADD COLUMN `userId` VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL DEFAULT NULL
    COMMENT 'who is logged in; NULL = nobody',
  ADD COLUMN `client` TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
    COMMENT 'what the client said of itself when the session began: flat JSON, at most 1 kB; NULL = nothing',
  ADD COLUMN `idleSeconds` INT UNSIGNED NULL DEFAULT NULL
    COMMENT 'idle time of this session in seconds; NULL = option expiration',
  ADD COLUMN `revision` BIGINT UNSIGNED NOT NULL DEFAULT 0
    COMMENT 'grows with every write except a touch; whoever edits by hand adds 1',
  ADD COLUMN `writers` VARBINARY(128) NOT NULL DEFAULT ''
    COMMENT 'up to 8 times (8-byte process id, 8-byte revision of its last accepted write), newest first',
  ADD COLUMN `createdAt` INT UNSIGNED NOT NULL DEFAULT 0
    COMMENT 'Unix seconds, database clock',
  ADD COLUMN `visitedAt` INT UNSIGNED NOT NULL DEFAULT 0
    COMMENT 'Unix seconds: last known use',
  ADD COLUMN `previousVisitAt` INT UNSIGNED NOT NULL DEFAULT 0
    COMMENT 'Unix seconds: end of the visit before this one; 0 = this is the first',
  ADD KEY `session_expires` (`expires`),
  ADD KEY `session_userId` (`userId`),
  DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
  COMMENT = 'socket.io-token-session: one row a session';
