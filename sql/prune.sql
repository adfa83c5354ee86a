-- socket.io-token-session: deletes expired rows inside the database, for applications that set the option `prune: false`.
-- Otherwise the application does it by itself, and this file is not needed.
-- The event scheduler has to be on (SET GLOBAL event_scheduler = ON, and in the configuration, or a restart turns it off again):
-- MySQL 8 has it on by default, MariaDB has it off.
-- Apply it in the application's own database:  mysql your_database < prune.sql
-- Whoever applies it needs the right EVENT on that database, and SELECT and DELETE on the table: the event runs with those rights.
-- Rows stay for an hour after they expired. Each run is bounded; what is left over goes in the next.

CREATE EVENT `session_prune`
  ON SCHEDULE EVERY 1 MINUTE
  COMMENT 'socket.io-token-session: deletes expired sessions'
  DO DELETE FROM `session` WHERE `expires` < UNIX_TIMESTAMP() - 3600 ORDER BY `expires` LIMIT 10000;
