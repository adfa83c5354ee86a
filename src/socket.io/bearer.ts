import type { Socket } from "socket.io";
import { type Clock, pause } from "../clock.js";
import { Credential } from "../credential.js";
import type { Bearer } from "../rotation.js";
import { type PresentedToken, parseToken } from "../token.js";
import { TOKEN_CHANGED } from "../wire.js";
import type { ClientFacts, Request } from "./opening.js";
import { CONFIRM_TIMEOUT_MS, sendGotToken } from "./reply.js";

/** How long a client may take to present the token that it holds. */
const PRESENT_TIMEOUT_MS = 10_000;

/** The client of one socket, as one session's rotations see it. */
export class SocketBearer implements Bearer {
  readonly credential: Credential;
  readonly confirms: boolean;
  readonly #socket: Socket;
  readonly #clock: Clock;
  /** Called when the client has presented a token, or has gone. */
  #whenPresented: (() => void)[] = [];
  #whenLeft: (() => void)[] = [];

  constructor(socket: Socket, secretHash: Uint8Array, { confirms }: ClientFacts, clock: Clock) {
    this.#socket = socket;
    this.credential = new Credential(secretHash);
    this.confirms = confirms;
    this.#clock = clock;
  }

  presentAgain(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(PRESENT_TIMEOUT_MS, resolve);
      this.#whenPresented.push(() => {
        cancel();
        resolve();
      });
      this.askForToken();
    });
  }

  async offer(token: PresentedToken): Promise<boolean> {
    const left = new Promise<false>((resolve) => this.#whenLeft.push(() => resolve(false)));
    const message = { token: token.text, errors: "", created: false } as const;
    const sent = sendGotToken(this.#socket, message, { confirm: this.confirms });
    if (!this.confirms) return false;
    return Promise.race([sent, left, pause(this.#clock, CONFIRM_TIMEOUT_MS).then(() => false)]);
  }

  askForToken(): void {
    this.#socket.emit(TOKEN_CHANGED, {});
  }

  /** The client is presenting a token: if that opens the session, it is the one that this socket goes on with. */
  presents(request: Request): void {
    const token = request.kind === "token" ? parseToken(request.presented) : undefined;
    if (token) this.credential.expect(token.secretHash);
  }

  presented(): void {
    for (const run of this.#whenPresented.splice(0)) run();
  }

  left(): void {
    this.presented();
    for (const run of this.#whenLeft.splice(0)) run();
  }
}
