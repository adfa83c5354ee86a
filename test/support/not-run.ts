import { appendFileSync } from "node:fs";

/** Tells the runner what a test could not do here; it is listed at the end. */
export function notRun(entry: { what: string; why: string; command: string }): void {
  const file = process.env["TEST_NOT_RUN_FILE"];
  if (file) appendFileSync(file, `${JSON.stringify(entry)}\n`);
}
