/** @jest-config-loader esbuild-register */
import type { Config } from "jest";

// The package and two of its dependencies are ES modules only, so Jest runs with
// `node --experimental-vm-modules` (scripts/test.js adds the flag).
const config: Config = {
  testEnvironment: "node",
  roots: ["<rootDir>/test"],
  testMatch: ["**/*.test.ts"],
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
  reporters: ["default", "<rootDir>/scripts/jest-progress.js"],
  // Most tests wait for a server, a process or a page rather than compute.
  maxWorkers: 3,
  // Only a guard against a test that hangs. No test measures time, and what each one does is bounded: on a quiet machine none takes
  // half a minute, but a machine that does much besides may take several times as long.
  testTimeout: 120_000,
};

export default config;
