-- socket.io-token-session: all the rights that the application's account needs.
-- Put your own names in place of `app` (database) and 'app'@'%' (account), then apply it as an administrator.
-- The account needs no right to create, alter or drop anything. DELETE serves ending sessions and pruning expired ones.

GRANT SELECT, INSERT, UPDATE, DELETE ON `app`.`session` TO 'app'@'%';
