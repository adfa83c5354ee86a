-- socket.io-token-session: the table.
-- Apply it once, in the application's own database:  mysql your_database < session.sql
-- The library never creates, alters or drops anything.
-- Needs MySQL 8.0.19 or later, or MariaDB 10.6 or later. Another name for the table: option `table`.

CREATE TABLE `session` (
  `sessionId` CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
    COMMENT 'public id: UUIDv7 as 32 hex digits; time-ordered, so inserts stay local',
  `expires` INT UNSIGNED NOT NULL
    COMMENT 'Unix seconds, database clock; from then on the row opens for nobody',
  `data` MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
    COMMENT 'the values, one JSON object; whoever edits it by hand sets a new revision too',
  `secretHash` BINARY(32) NULL DEFAULT NULL
    COMMENT 'SHA-256 of the secret; NULL opens for nobody',
  `nextHash` BINARY(32) NULL DEFAULT NULL
    COMMENT 'SHA-256 of a new secret that was sent and not yet confirmed',
  `previousHash` BINARY(32) NULL DEFAULT NULL
    COMMENT 'SHA-256 of the secret before the last confirmed rotation; its use again is reported',
  `userId` VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL DEFAULT NULL
    COMMENT 'who is logged in; NULL = nobody',
  `client` TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
    COMMENT 'what the client said of itself when the session began: flat JSON, at most 1 kB; NULL = nothing',
  `idleSeconds` INT UNSIGNED NULL DEFAULT NULL
    COMMENT 'idle time of this session in seconds; NULL = option expiration',
  `revision` BIGINT UNSIGNED NOT NULL DEFAULT 0
    COMMENT 'grows with every write except a touch; whoever edits by hand adds 1',
  `writers` VARBINARY(128) NOT NULL DEFAULT ''
    COMMENT 'up to 8 times (8-byte process id, 8-byte revision of its last accepted write), newest first',
  `createdAt` INT UNSIGNED NOT NULL DEFAULT 0
    COMMENT 'Unix seconds, database clock',
  `visitedAt` INT UNSIGNED NOT NULL DEFAULT 0
    COMMENT 'Unix seconds: last known use',
  `previousVisitAt` INT UNSIGNED NOT NULL DEFAULT 0
    COMMENT 'Unix seconds: end of the visit before this one; 0 = this is the first',
  PRIMARY KEY (`sessionId`),
  KEY `session_expires` (`expires`),
  KEY `session_userId` (`userId`)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
  COMMENT = 'socket.io-token-session: one row a session';
