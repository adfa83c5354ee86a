import { checkCut, roomOf } from "../checks/rooms.js";
import type { World } from "../world/world.js";
import type { Node } from "./node.js";

/** A handle, as the application uses it. */
export interface Handle {
  readonly id: string | undefined;
  readonly userId: string | undefined;
  get(key: string): unknown;
  set(key: string, value: unknown): Promise<void>;
  update(change: (draft: Record<string, unknown>) => void): Promise<void>;
  reload(): Promise<void>;
  login(userId: string): Promise<void>;
  logout(): Promise<void>;
  regenerate(): Promise<void>;
  destroy(): Promise<void>;
  toJSON(): Record<string, unknown>;
}

export interface AppSocket {
  readonly id: string;
  readonly session: Handle;
  readonly rooms: ReadonlySet<string>;
  withSession(
    handler: (context: { session: Record<string, unknown>; sessionId: string }) => unknown,
  ): Promise<unknown>;
  on(event: string, listener: (...given: never[]) => void): void;
  join(room: string): void;
}

type Done = (code: string, shown?: object) => void;

type ChangeHandler = (
  socket: AppSocket,
  mark: string,
  key: string,
  isIn: (sessionId: string) => void,
) => Promise<unknown>;

/**
 * What a handler does for a page. `mark` is what the change leaves in the values: there once, or not at all.
 */
const CHANGES: Readonly<Record<string, ChangeHandler>> = {
  update: ({ session }, mark) =>
    session.update((draft) => {
      draft["updates"] = [...((draft["updates"] as string[]) ?? []), mark];
    }),
  put: ({ session }, mark, key) => session.set(key, mark),
  handler: (socket, mark, _, isIn) =>
    socket.withSession(({ session, sessionId }) => {
      // It may have waited for the session, of which nothing was known before, and the socket may have another
      // one by now.
      isIn(sessionId);
      session["handlers"] = [...((session["handlers"] as string[]) ?? []), mark];
    }),
};

const OTHERS: Readonly<Record<string, (handle: Handle, given: string) => Promise<unknown>>> = {
  read: async () => {},
  reload: (handle) => handle.reload(),
  login: (handle, user) => handle.login(user),
  logout: (handle) => handle.logout(),
  regenerate: (handle) => handle.regenerate(),
  destroy: (handle) => handle.destroy(),
};

/**
 * The application's handlers. The ledger hears from here what the application was told, whether or not its
 * page hears of it.
 */
export function handleEvents(socket: AppSocket, node: Node, world: World): void {
  const { ledger } = world;
  for (const [kind, change] of Object.entries(CHANGES)) {
    socket.on(kind, (mark: string, key: string, done: Done) => {
      const { id = "" } = socket.session;
      ledger.read(node.process.name, id, id ? socket.session.toJSON() : {});
      ledger.begins(mark, id, node.process.name);
      answer(
        done,
        socket,
        () => change(socket, mark, key, (id) => ledger.begins(mark, id, node.process.name)),
        (code) => ledger.told(mark, code, node.process.name),
      );
    });
  }
  socket.on("join", (_: string, done: Done) => {
    const { userId } = socket.session;
    if (userId) socket.join(roomOf(userId));
    world.count(userId ? "joined a room" : "(not joined: no login)");
    done("");
  });
  for (const [kind, run] of Object.entries(OTHERS)) {
    socket.on(kind, (given: string, done: Done) => {
      const { session } = socket;
      const { id = "" } = session;
      ledger.read(node.process.name, id, id ? session.toJSON() : {});
      const end = ledger.identities.acts(kind, id, given, node.process.name);
      answer(
        done,
        socket,
        () => run(session, given),
        (code) => {
          end(code);
          const replaces = kind === "login" || kind === "regenerate";
          if (code === "" && replaces) checkCut(node.name, node.sockets, ledger.findings);
        },
      );
    });
  }
}

/** The application's last word, and the story's. */
async function answer(
  done: Done,
  socket: AppSocket,
  run: () => Promise<unknown>,
  told: (code: string) => void,
) {
  let code = "";
  try {
    await run();
  } catch (error) {
    code = (error as { code?: string }).code ?? String(error);
  }
  told(code);
  done(code, { id: socket.session.id, userId: socket.session.userId });
}
