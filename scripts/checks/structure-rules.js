// @ts-check
// The list of docs/architecture.md ("Dependencies") as rules: `npm run check:structure`. Imports of types
// count like all others.

/**
 * The floors of src/, from the top down. Each may import what stands further down, and nothing else; what
 * stands on one floor does not know its neighbours.
 */
export const floors = [
  ["index.ts"],
  // The composition root, and the entries of their own.
  ["token-session.ts", "cookie-sessions/"],
  ["api.ts", "chosen-store.ts"],
  ["admin/"],
  ["socket.io/", "http/"],
  ["handle/"],
  ["registry/"],
  ["session/"],
  ["options.ts"],
  ["gateway/", "stores/", "testing/"],
  ["row/"],
  ["token/"],
  ["facts.ts"],
  ["store.ts"],
  ["base/"],
  ["errors.ts", "types.ts", "wire.ts"],
];

const places = floors.flatMap((floor, index) =>
  floor.map((place) => ({ place, below: floors.slice(index + 1).flat() })),
);

/** @param {readonly string[]} names */
const pattern = (names) => `^src/(?:${names.map((name) => name.replaceAll(".", "\\.")).join("|")})`;

/** @param {string} name */
const nameOf = (name) => name.replace(/\.ts$|\/$/, "");

/** @type {import("dependency-cruiser").IConfiguration} */
const config = {
  forbidden: [
    {
      name: "no-circle",
      comment: "Files that import each other cannot be understood, or moved, one without the other.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "no-unknown-folder",
      comment:
        "Each file of src/ is in a folder that the list has; a new folder needs its floor here and in docs/architecture.md.",
      severity: "error",
      from: {},
      to: { path: "^src/", pathNot: pattern(places.map(({ place }) => place)) },
    },
    ...places.map(({ place, below }) => ({
      name: `${nameOf(place)}-looks-down`,
      comment: `${place} imports nothing but what stands below it in the list.`,
      severity: /** @type {const} */ ("error"),
      from: { path: pattern([place]) },
      to: { path: "^(?:src|client)/", pathNot: pattern([...(place.endsWith("/") ? [place] : []), ...below]) },
    })),
    {
      name: "stores-behind-the-contract",
      comment: "Who uses rows knows the contract of stores (store.ts), not a store.",
      severity: "error",
      from: {
        path: "^src/",
        pathNot: pattern([
          "index.ts",
          "token-session.ts",
          "api.ts",
          "chosen-store.ts",
          "options.ts",
          "stores/",
        ]),
      },
      to: { path: pattern(["stores/"]) },
    },
    {
      name: "client-apart",
      comment: "The browser's half shares with the server the words that they exchange, and nothing else.",
      severity: "error",
      from: { path: "^client/" },
      to: { path: "^src/", pathNot: pattern(["wire.ts", "types.ts"]) },
    },
    {
      name: "no-lost-import",
      comment: "What is imported is there; else the other rules would not see it.",
      severity: "error",
      from: {},
      to: { couldNotResolve: true, path: "^\\." },
    },
  ],
  options: {
    // Types too.
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" },
    enhancedResolveOptions: {
      extensions: [".ts", ".js", ".d.cts", ".d.ts"],
      conditionNames: ["import", "types", "default"],
      exportsFields: ["exports"],
    },
  },
};

export default config;
