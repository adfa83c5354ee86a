/** @jest-config-loader esbuild-register */
import type { Config } from "jest";

// The package and two of its dependencies are ES modules only. Jest runs these where Node has this flag,
// which `npm test` gives it. Otherwise the processes in which tests run have it from here: nobody has to give
// it.
const FLAG = "--experimental-vm-modules";
if (!process.execArgv.includes(FLAG))
  process.env["NODE_OPTIONS"] =
    `${process.env["NODE_OPTIONS"] ?? ""} ${FLAG} --disable-warning=ExperimentalWarning`;

/** What all projects have. */
const PROJECT: Config = {
  testEnvironment: "node",
  extensionsToTreatAsEsm: [".ts"],
  // Our sources import "./x.js", as the built files need it; here the file is "./x.ts".
  moduleNameMapper: { "^(\\.{1,2}/.*)\\.js$": "$1" },
  transform: {
    // Types are checked once, by `tsc -b`; here each file is only translated, by itself.
    "^.+\\.ts$": [
      "ts-jest",
      { useESM: true, tsconfig: "<rootDir>/test/tsconfig.json", diagnostics: false, transpilation: true },
    ],
  },
};

const DATABASE = "<rootDir>/scripts/jest/setup-database.js";

/** Jest reads this file as CommonJS, in which an ES module can only be imported in this way. */
export default async (): Promise<Config> => {
  const { PROJECTS } = await import("./scripts/jest/projects.js");
  return {
    ...RUN,
    projects: Object.entries(PROJECTS).map(([displayName, { folders, except = [] }]) => ({
      ...PROJECT,
      displayName,
      roots: folders.map((folder) => `<rootDir>/${folder}`),
      testMatch: ["**/*.test.ts"],
      testPathIgnorePatterns: ["/node_modules/", ...except.map((folder) => `<rootDir>/${folder}/`)],
      ...(displayName === "no-database"
        ? { globals: { TEST_WITHOUT_DATABASE: true } }
        : { globalSetup: DATABASE }),
    })),
  };
};

const RUN: Config = {
  globalSetup: "<rootDir>/scripts/jest/setup.js",
  globalTeardown: "<rootDir>/scripts/jest/teardown.js",
  testSequencer: "<rootDir>/scripts/jest/sequencer.js",
  reporters: ["default", "<rootDir>/scripts/jest/progress.js"],
  // Most tests wait for a server, a process or a page rather than compute.
  maxWorkers: 3,
  // Never reached. With a limit Jest runs a single file, too, in a process that has the flag above.
  workerIdleMemoryLimit: "64GB",
  // Only a guard against a test that hangs. No test measures time, and what each one does is bounded: on a
  // quiet machine none takes half a minute, but a machine that does much besides may take several times as
  // long.
  testTimeout: 120_000,
};
