import type { IncomingMessage, ServerResponse } from "node:http";
import type { CookieStore } from "../world/programs.js";
import { type Asked, type Middleware, SECRET, type WebNode, wait } from "./web-server.js";

type Done = (error?: unknown) => void;

/** express-session's own `req.session`. */
type CookieSession = Record<string, unknown> & {
  readonly req: CookieRequest;
  regenerate(done: Done): void;
  destroy(done: Done): void;
  reload(done: Done): void;
  save(done: Done): void;
};

type CookieRequest = IncomingMessage & { session?: CookieSession; readonly sessionID: string };

/** Requests whose session is express-session's, kept in our rows. */
export class CookieApplication {
  readonly #node: WebNode;
  readonly #store: CookieStore;
  readonly #middleware: Middleware;
  /** What each request has set and not saved yet. */
  readonly #unsaved = new WeakMap<object, Set<string>>();

  constructor(node: WebNode) {
    const { program, sessions } = node;
    this.#node = node;
    this.#store = this.#watch(new program.ConnectStore(sessions));
    this.#middleware = program.expressSession({
      secret: SECRET,
      store: this.#store,
      resave: false,
      saveUninitialized: false,
      ...node.world.settings.cookie,
    });
  }

  answer(request: IncomingMessage, response: ServerResponse, asked: Asked): void {
    let isBegun = false;
    const { world, process } = this.#node;
    const cookieId = cookieIdOf(request);
    const looks = world.web.comes(process.name, {
      sessionId: this.#store.idOf(cookieId),
      secret: cookieId,
      isOpaque: true,
    });
    this.#middleware(request, response, (error) => {
      // What went wrong in saving comes here too, when all has been answered.
      if (isBegun) return;
      isBegun = true;
      if (error) {
        response.statusCode = 503;
        response.end(JSON.stringify({ code: codeOf(error) }));
        return;
      }
      looks((request as CookieRequest).sessionID === cookieId);
      this.#run(request as CookieRequest, response, asked);
    });
  }

  async #run(request: CookieRequest, response: ServerResponse, asked: Asked): Promise<void> {
    const { how, waitMs } = asked;
    this.#check(request);
    if (how === "streamed") response.write("[");
    if (waitMs > 0) await wait(this.#node, waitMs);
    const code = await this.#act(request, asked);
    if (waitMs > 0) await wait(this.#node, waitMs);
    if (how !== "streamed") response.setHeader("x-code", code || "none");
    response.end(how === "streamed" ? `"${code}"]` : JSON.stringify({ code }));
  }

  /** What a request finds is its own session's. */
  #check({ session, sessionID }: CookieRequest): void {
    const { world, process } = this.#node;
    const { cookie: _, ...values } = { ...session };
    world.web.reads(process.name, this.#store.idOf(sessionID), Object.values(values));
  }

  async #act(request: CookieRequest, { kind, given, key, how }: Asked): Promise<string> {
    const { world, process } = this.#node;
    const { ledger } = world;
    const { session } = request;
    const id = this.#store.idOf(request.sessionID);
    if (!session) return "no session";
    switch (kind) {
      case "put": {
        session[key] = given;
        ledger.begins(given, id, process.name);
        const unsaved = this.#unsaved.get(request) ?? new Set();
        this.#unsaved.set(request, unsaved.add(given));
        // Else express-session does, at the end of the answer.
        return how === "early" ? codeOf(await callback((done) => session.save(done))) : "";
      }
      case "take": {
        session[key] = given;
        ledger.begins(given, id, process.name);
        const first = callback((done) => session.save(done));
        delete session[key];
        const errors = [await callback((done) => session.save(done)), await first];
        if (errors.every((error) => !error)) world.web.isTaken(id, given);
        return codeOf(errors[0]);
      }
      case "reload": {
        this.#forget(request);
        const error = await callback((done) => session.reload(done));
        if (!error) this.#check(request);
        return codeOf(error);
      }
      case "regenerate":
      case "destroy": {
        this.#forget(request);
        // Where the headers have gone out already, they have its cookie: an application's own mistake.
        world.web.saved(id);
        const end = ledger.identities.acts("destroy", id, "", process.name);
        const code = codeOf(
          await callback((done) => (kind === "destroy" ? session.destroy(done) : session.regenerate(done))),
        );
        end(code);
        return code;
      }
    }
    return "";
  }

  /** Of what it has set, nothing is saved any more. */
  #forget(request: CookieRequest): void {
    const { world, process } = this.#node;
    for (const mark of this.#unsaved.get(request) ?? []) world.ledger.told(mark, "not saved", process.name);
    this.#unsaved.delete(request);
  }

  /** The store, with the ledger told of what comes of each save. */
  #watch(store: CookieStore): CookieStore {
    const { world, process } = this.#node;
    const set = store.set.bind(store);
    store.set = (cookieId, data, done) => {
      const { req } = data as CookieSession;
      const marks = this.#unsaved.get(req) ?? new Set();
      this.#unsaved.delete(req);
      set(cookieId, data, (error) => {
        const id = store.idOf(cookieId);
        const code = codeOf(error);
        world.count(`cookie session saved: "${code}"`);
        // Of a session that is over nothing is saved, and that is no error.
        const isOver = code === "" && !world.web.opens(id, cookieId);
        if (isOver) world.count("cookie session saved after its end");
        world.web.saved(id);
        for (const mark of marks) {
          world.ledger.told(mark, isOver ? "gone" : code, process.name);
          if (code === "" && !isOver) world.web.isSaved(id, mark);
        }
        done(error);
      });
    };
    return store;
  }
}

/** Of the signed cookie that a request has. */
function cookieIdOf({ headers }: IncomingMessage): string {
  const [, value = ""] = /connect\.sid=s%3A([^;.]*)/.exec(headers.cookie ?? "") ?? [];
  return decodeURIComponent(value);
}

function callback(run: (done: Done) => void): Promise<unknown> {
  return new Promise((resolve) => run(resolve));
}

function codeOf(error: unknown): string {
  return error ? ((error as { code?: string }).code ?? String(error)) : "";
}
