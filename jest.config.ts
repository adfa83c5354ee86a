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
    // Types are checked once, by `tsc -b`; here each file is only translated.
    "^.+\\.ts$": ["ts-jest", { useESM: true, tsconfig: "<rootDir>/test/tsconfig.json", diagnostics: false }],
  },
  maxWorkers: 2,
  testTimeout: 30_000,
};

export default config;
