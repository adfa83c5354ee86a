// Any Kysely instance, whatever its tables.
import { Kysely, MysqlDialect } from "kysely";
import { createPool } from "mysql2";
import { tokenSession } from "socket.io-token-session";

const db = new Kysely<{ users: { id: number } }>({
  dialect: new MysqlDialect({ pool: createPool("mysql://localhost") }),
});
tokenSession({ db });
