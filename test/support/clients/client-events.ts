import type { ClientErrorCode, ClientEvents, ClientSession } from "../../../client/index.js";

type Heard = { [Name in keyof ClientEvents]: [Name, ClientEvents[Name]] }[keyof ClientEvents];

export const STORAGE: ClientErrorCode = "storage";
export const SERVER: ClientErrorCode = "server";

const NAMES = ["start", "token", "end", "error"] as const;

/** All that a session tells from now on, in order. */
export function hear(session: ClientSession): Heard[] {
  const heard: Heard[] = [];
  for (const name of NAMES) session.on(name, (content) => heard.push([name, content] as Heard));
  return heard;
}

/** The next such event of a session. */
export function nextOf<Name extends keyof ClientEvents>(
  session: ClientSession,
  name: Name,
): Promise<ClientEvents[Name]> {
  return new Promise((resolve) => {
    const stop = session.on(name, (content) => {
      stop();
      resolve(content);
    });
  });
}
