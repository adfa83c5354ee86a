// @ts-check
// Makes the API reference, docs/api/, from the docstrings of all that package.json exports, with README.md
// and docs/*.md as pages of it. Fails where a docstring is missing, a link leads nowhere, or a type that is
// used is not exported.
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Application, Converter, OptionDefaults, ReflectionKind } from "typedoc";
import { projectFolder, referenceFolder } from "../paths.js";
import { markdownFiles, readMarkdown } from "./markdown.js";

const elsewhere = [
  // Exported by the main entry; what extends the frameworks' types is a program of its own, and does not see
  // that.
  "src/http/request-session.ts:RequestSession",
  // What the types of events are made of, as in Socket.IO, which does not export its own.
  ...["ByMany", "EventsMap"].map((name) => `src/socket.io/broadcaster.ts:${name}`),
  // express-session's own, of which src/cookie-sessions has as much as it uses.
  ...["Cookie", "Session", "SessionData"].map(
    (name) => `src/cookie-sessions/express-session.d.cts:session.${name}`,
  ),
];

/**
 * The sources of all entries that have types, each by the name that an application imports it by.
 * @param {string} project the folder that has package.json
 * @returns {Map<string, string>} from file to name
 */
function entries(project) {
  const { name, exports } = JSON.parse(fs.readFileSync(path.join(project, "package.json"), "utf8"));
  const sources = new Map();
  for (const [key, target] of Object.entries(exports)) {
    const types = target.require?.types ?? target.types;
    if (!types) continue;
    const source = types.replace("./dist/client/types/", "./").replace("./dist/", "./src/");
    sources.set(path.join(project, source.replace(/\.d\.ts$/, ".ts")), path.posix.join(name, key));
  }
  return sources;
}

/**
 * @param {string} project the folder that has package.json
 * @param {string[]} elsewhere types that are used and not exported beside what uses them
 * @returns {Promise<boolean>} whether there is nothing to complain of; what there is has been printed
 */
export async function makeReference(project, elsewhere = []) {
  const names = entries(project);
  const app = await Application.bootstrap({
    entryPoints: [...names.keys()],
    tsconfig: path.join(project, "tsconfig.json"),
    basePath: project,
    out: path.join(project, referenceFolder),
    includeVersion: true,
    // As its start page the README could only be reached through a web server, not from a folder.
    readme: "none",
    projectDocuments: markdownFiles(project).map((name) => path.join(project, name)),
    // `npm run types` does that.
    skipErrorChecking: true,
    // Where the sources are to be seen on the web, this package does not say.
    disableSources: true,
    hideGenerator: true,
    githubPages: false,
    excludePrivate: true,
    excludeInternal: true,
    includeHierarchySummary: false,
    highlightLanguages: [...OptionDefaults.highlightLanguages, "http", "sql", "xml"],
    navigation: { includeFolders: false },
    intentionallyNotExported: elsewhere,
    requiredToBeDocumented: [...OptionDefaults.requiredToBeDocumented, "Module"],
    validation: {
      notExported: true,
      invalidLink: true,
      invalidPath: true,
      rewrittenLink: true,
      notDocumented: true,
      unusedMergeModuleWith: true,
    },
  });
  app.converter.on(Converter.EVENT_CREATE_DECLARATION, (context, reflection) => {
    if (!reflection.kindOf(ReflectionKind.Module)) return;
    const file = context.getSymbolFromReflection(reflection)?.declarations?.[0]?.getSourceFile().fileName;
    const name = file && names.get(path.normalize(file));
    if (name) reflection.name = name;
  });
  app.converter.on(Converter.EVENT_RESOLVE_END, ({ project: reference }) => {
    for (const document of reference.documents ?? []) {
      const text = document.content.map((part) => part.text).join("");
      const { title = document.name } = readMarkdown(text);
      // The README has the name of the package, which is that of its main entry too.
      document.name = title === reference.packageName ? "README" : title;
    }
  });
  const reference = await app.convert();
  if (!reference) return false;
  app.validate(reference);
  await app.generateOutputs(reference);
  return app.logger.errorCount + app.logger.warningCount === 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const project = process.argv[2];
  const made = project
    ? await makeReference(path.resolve(project))
    : await makeReference(projectFolder, elsewhere);
  process.exitCode = made ? 0 : 1;
}
