import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe } from "@jest/globals";
import { type Database, startDatabase } from "../../../scripts/servers/database.js";
import { type Engine, findServer } from "../../../scripts/servers/database-server.js";
import { findFaketime, movableTime } from "../../../scripts/servers/faketime.js";
import { notRun } from "../not-run.js";
import { createTestDatabase, type TestDatabase } from "./database.js";

/** A database server of a test's own, whose clock the test moves. */
export interface MovedDatabase {
  readonly database: TestDatabase;
  /** Sets the server's clock so many seconds off the machine's. */
  setOff(seconds: number): void;
  /** Sets the server's clock. */
  setTo(unixSeconds: number): void;
  /** For a process of the test's own, whose wall clock the test moves. */
  process(): { environment: Record<string, string>; setOff(seconds: number): void };
}

const say = () => {};
/**
 * A server with its data made new, on a machine that is busy; under libfaketime MySQL takes six times as long
 * as without.
 */
const START_WITHIN_MS = 300_000;
const START_TIMEOUT_MS = 2 * START_WITHIN_MS;

/**
 * All servers of a test file, one after the other, run on the same data: making it takes longer than starting
 * a server.
 */
let folder: string | undefined;

/**
 * `describe` with a server of the suite's engine in a time zone, where there are programs for it: the tests'
 * own server may be somebody else's. Elsewhere the tests are skipped, and the runner is told.
 */
export async function describeWithMovedDatabase(
  what: string,
  timeZone: string,
  tests: (moved: MovedDatabase) => void,
): Promise<void> {
  const engine = (process.env["TEST_DATABASE_ENGINE"] ?? "any") as Engine | "any";
  const found = await findFaketime({ say });
  const why =
    "missing" in found ? found.missing : process.env["TEST_DATABASE_EXTERNAL"] && "DATABASE_URL is set";
  if ("missing" in found || why) {
    notRun({
      what,
      why: why ?? "",
      command: "command" in found ? found.command : "npm test, without DATABASE_URL",
    });
    return describe.skip(what, () => tests(undefined as never));
  }
  const { library } = found;
  if (folder === undefined) {
    const made = fs.mkdtempSync(path.join(os.tmpdir(), "moved-database-"));
    folder = made;
    afterAll(() => fs.rmSync(made, { recursive: true, force: true }));
  }
  const place = folder;
  describe(what, () => {
    let server: Database;
    let database: TestDatabase;
    let setOff: (seconds: number) => void;
    const ofTests = process.env["TEST_DATABASE_URL"];
    beforeAll(async () => {
      const time = movableTime(library, path.join(place, "time"));
      ({ setOff } = time);
      server = await startDatabase({
        engine,
        folder: place,
        say,
        server: await findServer({ engine, say }),
        startWithinMs: START_WITHIN_MS,
        environment: { ...time.environment, TZ: timeZone },
      });
      process.env["TEST_DATABASE_URL"] = server.url;
      database = await createTestDatabase();
    }, START_TIMEOUT_MS);
    afterAll(async () => {
      process.env["TEST_DATABASE_URL"] = ofTests;
      setOff?.(0);
      await database?.drop();
      await server?.stop();
    }, START_TIMEOUT_MS);
    let processes = 0;
    tests({
      get database() {
        return database;
      },
      setOff: (seconds) => setOff(seconds),
      setTo: (unixSeconds) => setOff(Math.ceil(unixSeconds - Date.now() / 1000)),
      process: () => movableTime(library, path.join(place, `process-${processes++}`)),
    });
  });
}
