import type { TriedMutant } from "./list.js";

const exclusive = "src/handle/with-draft.ts";
const topics = ["writes"] as const;

/** Of `withSession`, `update` and drafts. */
export const HANDLERS: readonly TriedMutant[] = [
  {
    name: "a draft is saved twice",
    topics,
    file: exclusive,
    from: "await this.session.edit(applyEntries(entries, this.#before), by);",
    to: "{ await this.session.edit(applyEntries(entries, this.#before), by); void this.session.edit((values) => { for (const [key, text] of entries) if (text === undefined) values.delete(key); else values.set(key, text); }, by).catch(() => {}); }",
  },
  {
    name: "handlers of one session do not wait for each other",
    topics,
    file: exclusive,
    from: "return handlers.run(session, async () => {",
    to: "return handlers.run({} as never, async () => {",
  },
  {
    name: "a draft is saved over what others have written since",
    topics,
    file: "src/handle/draft.ts",
    from: 'if (values.text(key) !== text) throw new SessionError("SESSION_CONFLICT");',
    to: "void text;",
  },
  {
    name: "an update is made on what was shown when it was asked for",
    topics,
    file: "src/handle/draft.ts",
    from: "return (values) => {\n    const draft = newDraft(values);",
    to: "let first: Values | undefined;\n  return (values) => {\n    first ??= values.copy();\n    const draft = newDraft(first);",
  },
];
