import type { IncomingMessage, ServerResponse } from "node:http";
import type { Handle } from "./application.js";
import { type Asked, type WebNode, wait } from "./web-server.js";

/** `req.session`. */
interface RequestHandle extends Handle {
  readonly active: boolean;
  readonly ready: Promise<void>;
  start(): Promise<void>;
}

export type TokenRequest = IncomingMessage & { readonly session: RequestHandle };

const CHANGES: Readonly<Record<string, (session: Handle, mark: string, key: string) => Promise<void>>> = {
  update: (session, mark) =>
    session.update((draft) => {
      draft["updates"] = [...((draft["updates"] as string[]) ?? []), mark];
    }),
  put: (session, mark, key) => session.set(key, mark),
};

/** Of who a session belongs to. */
const ACTS: Readonly<Record<string, (session: Handle, user: string) => Promise<void>>> = {
  login: (session, user) => session.login(user),
  logout: (session) => session.logout(),
  regenerate: (session) => session.regenerate(),
  destroy: (session) => session.destroy(),
};

/** The application's handler of a request whose session is its token's. */
export async function answerWithToken(
  request: TokenRequest,
  response: ServerResponse,
  asked: Asked,
  node: WebNode,
  looks: (isFound: boolean) => void,
): Promise<void> {
  const { how, waitMs } = asked;
  if (how === "streamed") response.write("[");
  if (how === "early") response.end("{}");
  if (waitMs > 0) await wait(node, waitMs);
  const code = await codeOf(() => act(request.session, response, asked, node, looks));
  if (waitMs > 0) await wait(node, waitMs);
  if (how === "early") return;
  if (how === "plain" && code !== "") response.statusCode = 409;
  if (how === "plain") response.setHeader("x-code", code || "none");
  response.end(how === "plain" ? JSON.stringify({ code }) : `"${code}"]`);
}

async function act(
  session: RequestHandle,
  response: ServerResponse,
  { kind, given, key }: Asked,
  node: WebNode,
  looks: (isFound: boolean) => void,
): Promise<void> {
  const { process, sessions, world } = node;
  const { ledger } = world;
  await session.ready;
  if (!response.closed) looks(session.active);
  // A job knows a session by its id, whoever has it.
  const handle = kind.startsWith("job-") ? await sessions.find(key) : session;
  if (handle === session && kind === "login") await session.start();
  const { id = "" } = handle ?? {};
  if (!handle) return;
  // Once the answer is over, or the client has gone, a request shows what was known by then.
  if (!response.closed) ledger.read(process.name, id, id ? handle.toJSON() : {});
  const name = kind.replace("job-", "");
  const change = CHANGES[name];
  const replace = ACTS[name];
  if (change) {
    ledger.begins(given, id, process.name);
    await told(
      () => change(handle, given, handle === session ? key : "job"),
      (code) => ledger.told(given, code, process.name),
    );
  } else if (replace) {
    const isBegun = response.headersSent;
    await told(() => replace(handle, given), ledger.identities.acts(name, id, given, process.name));
    // A logout of nobody brings none.
    if (handle !== session || (name !== "login" && name !== "regenerate")) return;
    if (isBegun)
      ledger.findings.add("empty promise", `${name} of ${id} was acknowledged, and its answer had begun`);
    const opens = world.web.secretHashOf(id);
    if (opens && !response.headersSent) response.setHeader("x-opens", opens);
  }
}

/** The token that a request has: in its header, or where that has none, in the cookie of the bridge. */
export function tokenOf({ headers }: IncomingMessage): { sessionId: string; secret: string } {
  const [, sent = ""] = /^Bearer (.*)$/.exec(headers.authorization ?? "") ?? [];
  const [, kept = ""] = /session-token=([^;]*)/.exec(headers.cookie ?? "") ?? [];
  const [sessionId = "", secret = ""] = (sent && !sent.endsWith(".cookie") ? sent : kept).split(".");
  return { sessionId, secret };
}

async function told(run: () => Promise<void>, end: (code: string) => void): Promise<void> {
  let code = "";
  try {
    await run();
  } catch (error) {
    code = (error as { code?: string }).code ?? String(error);
    throw error;
  } finally {
    end(code);
  }
}

async function codeOf(run: () => Promise<void>): Promise<string> {
  try {
    await run();
    return "";
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}
