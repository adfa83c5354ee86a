import type { Manner } from "../plan/client-acts.js";
import type { World } from "../world/world.js";
import { BareClient } from "./bare-client.js";

/** How often a thief does something. */
const EVERY_MS = [300, 3_000] as const;

/**
 * Somebody who has a copy of a device's token. He does with it whatever a client can do, but for what makes a
 * new token: with that the session would be his.
 */
export class Thief {
  readonly name: string;
  readonly #client: BareClient;
  readonly #world: World;
  readonly #manner: Manner;
  readonly #stolen: string;
  #confirms = false;

  constructor(world: World, name: string, { token, manner }: { token: string; manner: Manner }) {
    this.name = name;
    this.#world = world;
    this.#manner = manner;
    this.#stolen = token;
    const client = new BareClient(world, name, name);
    this.#client = client;
    const { socket, process } = client;
    this.#confirms = manner === "obeys" || process.random.chance(0.5);
    const auth = { token, ...(this.#confirms && { confirm: true }) };
    const inHandshake = manner === "obeys" || process.random.chance(0.5);
    if (inHandshake) socket.auth = auth;
    socket.on("connect", () => {
      if (!inHandshake) socket.emit("getToken", auth);
    });
    socket.on("gotToken", ((content: { token: string }, confirm?: () => void) => {
      world.thieves.gets(name, content.token);
      if (this.#confirms && manner !== "is silent") confirm?.();
    }) as never);
    socket.on("tokenChanged", () => {
      world.count("thief asked for the new token");
      if (manner !== "is silent") client.after(50, "presents", () => this.#present(token));
    });
    socket.on("disconnect", (reason: string) => {
      if (reason !== "io server disconnect") return;
      world.count("thief disconnected");
      client.after(500, "comes back", () => socket.connect());
    });
    socket.connect();
    this.#goOn();
  }

  #present(token: string): void {
    if (!this.#client.socket.connected) return;
    this.#world.timeline.tell(this.name, () => `presents ${token.slice(28, 36)}`);
    this.#client.socket.emit("getToken", { token, ...(this.#confirms && { confirm: true }) });
  }

  /** From time to time, until he is closed. */
  #goOn(): void {
    const { random } = this.#client.process;
    this.#client.after(random.between(...EVERY_MS), "goes on", () => {
      if (this.#world.timeline.nowMs < this.#world.endMs + 30_000) this.#goOn();
      if (!this.#client.socket.connected) return;
      if (this.#manner === "nags") this.#present(this.#stolen);
      if (this.#manner === "switches") this.#present(random.chance(0.5) ? this.#stolen : "");
      if (random.chance(0.6)) this.#ask(random.pick(["read", "update", "put", "handler", "join"]));
    });
  }

  #ask(kind: string): void {
    const { ledger } = this.#world;
    const where = { update: "updates", handler: "handlers", put: "stolen" }[kind];
    const given = where ? [ledger.asks(this.name, where), where] : [""];
    this.#client.socket.emit(kind, ...given, (code: string) =>
      this.#world.timeline.tell(this.name, () => `is told "${code}" of ${kind}`),
    );
  }

  close(): void {
    this.#client.close();
  }
}
