import type { World } from "../world/world.js";
import { BareClient } from "./bare-client.js";
import type { Device } from "./device.js";

const KEY = "old app";
const PATIENCE_MS = 40_000;

interface Got {
  readonly token: string;
  readonly errors: string;
}

/**
 * A page of an old app: it asks for its session once it is connected, stores what it is given, and never
 * confirms. It knows of no `tokenChanged`; it connects again when the server has disconnected it, as its user
 * would.
 */
export class OldPage {
  readonly #client: BareClient;
  readonly #device: Device;
  #hasSession = false;

  constructor(device: Device, world: World, name: string) {
    const client = new BareClient(world, name, device.name);
    this.#client = client;
    this.#device = device;
    const { socket } = client;
    const { items } = device;
    socket.on("connect", () => socket.emit("getToken", { token: items.get(KEY) ?? "" }));
    socket.on("gotToken", ({ token, errors }: Got) => {
      world.count(errors ? `(old client told "${errors}")` : "old client got a token");
      if (!token) return;
      items.set(KEY, token);
      this.#hasSession = true;
    });
    socket.on("sessionEnd", () => void items.delete(KEY));
    socket.on("disconnect", (reason: string) => {
      this.#hasSession = false;
      if (reason === "io server disconnect") client.after(2_000, "comes back", () => socket.connect());
    });
    world.ledger.identities.mayLose(device.name);
    socket.connect();
  }

  get process() {
    return this.#client.process;
  }

  get line() {
    return this.#client.line;
  }

  get session(): { readonly state: string; readonly id: string | undefined } {
    const [id] = this.#device.items.get(KEY)?.split(".") ?? [];
    return { state: this.#hasSession ? "open" : "waiting", id };
  }

  get isOpen(): boolean {
    return this.process.isAlive && this.#client.socket.connected && this.#hasSession;
  }

  hear(): void {}

  ask(event: string, given: unknown[], told: (code: string) => void): void {
    this.#client.socket
      .timeout(PATIENCE_MS)
      .emit(event, ...given, (error: unknown, code: string) => told(error ? "gone" : code));
  }

  close(): void {
    this.#client.close();
  }
}
