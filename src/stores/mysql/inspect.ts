import type { DatabaseAccess } from "./database-access.js";
import { type ColumnFacts, type IndexFacts, isLegacyTable, tableDifferences, tableInvalid } from "./table.js";

/** Compares the table with sql/session.sql; throws `SESSION_TABLE_INVALID`, which names every difference. */
export async function inspectTable(db: DatabaseAccess, table: string): Promise<void> {
  const [schema, name] = table.includes(".") ? table.split(".") : [null, table];
  const where = "where table_schema = coalesce(?, database()) and table_name = ?";
  const ask = async <Row>(sql: string): Promise<Row[]> => {
    // With a LIMIT, or the server's own (`sql_select_limit`) would leave something out.
    const { rows } = await db.read<Row>(() => ({ sql: `${sql} limit 10000`, parameters: [schema, name] }));
    return rows;
  };
  const columns = await ask<ColumnFacts>(
    "select column_name as name, data_type as type, column_type as fullType, character_maximum_length as length," +
      " character_set_name as charset, collation_name as collation, is_nullable as nullable," +
      ` column_default is not null as hasDefault, extra from information_schema.columns ${where}`,
  );
  if (columns.length === 0) {
    throw tableInvalid(table, ["the table is missing, or this account has no right to it"]);
  }
  const indexes = await ask<IndexFacts>(
    "select index_name as name, column_name as `column`, seq_in_index as position, sub_part as prefix," +
      " non_unique as nonUnique" +
      ` from information_schema.statistics ${where} order by index_name, seq_in_index`,
  );
  const tables = await ask<{ engine: string | null }>(
    `select engine as engine from information_schema.tables ${where}`,
  );
  const differences = tableDifferences(columns, indexes, tables[0]?.engine ?? null);
  if (differences.length > 0) throw tableInvalid(table, differences, { isLegacy: isLegacyTable(columns) });
}
