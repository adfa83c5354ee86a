import { createHash } from "node:crypto";
import { type Fetch, ORIGIN, simulatedFetch } from "../network/fetch.js";
import { Line } from "../network/line.js";
import type { Act } from "../plan/plan.js";
import type { World } from "../world/world.js";
import type { Device } from "./device.js";
import type { Page } from "./page.js";

type Request = Extract<Act, { do: "request" }>;

/** `fetch` of a page, with the cookies of its device. */
export function fetchOf(page: Pick<Page, "process">, device: Device, world: World): Fetch {
  const { process } = page;
  const random = world.random.stream(`${process.name}/fetch`);
  let count = 0;
  return simulatedFetch({
    process,
    jar: device.jar,
    address: device.name,
    count: world.count,
    keepsAlive: random.chance(0.5),
    dial: () => {
      const node = world.nodeFor(process.name);
      if (!node?.web) return undefined;
      const line = new Line(
        world.network,
        world.random.stream(`${process.name}/http${++count}`),
        world.count,
      );
      node.web.accept(line, device.name);
      world.lines.add([line, node]);
      return line;
    },
    completes: ({ headers }) => {
      const opens = headers["x-opens"];
      const inHeader = headers["session-token"];
      // A page with the bridge is to see no token.
      if (inHeader && device.kind === "bridge") world.web.shows(`an answer to ${process.name}`);
      const token = inHeader ?? bridgedIn(headers["set-cookie"]).at(-1) ?? "";
      if (opens) world.web.brings(String(opens), String(token), `an answer to ${process.name}`);
      for (const cookie of headers["set-cookie"] ?? []) {
        const [, value] = /^connect\.sid=([^;]+)/.exec(cookie) ?? [];
        if (value) world.web.promisedCookie(sessionIdOfCookie(value));
      }
    },
    arrives: ({ headers }) => {
      const token = headers["session-token"];
      if (typeof token === "string") world.web.promised(token, `an answer to ${process.name}`);
      for (const bridged of bridgedIn(headers["set-cookie"]))
        world.web.promised(bridged, `a cookie of ${device.name}`);
    },
  });
}

/** The tokens in cookies of the bridge. The first secret of a browser is of no session. */
function bridgedIn(cookies: readonly string[] = []): string[] {
  return cookies.flatMap((cookie) => /^session-token=([0-9a-f]{32}\.[^;]*)/.exec(cookie)?.[1] ?? []);
}

/** A page asks the application by HTTP. */
export function request(world: World, act: Request): void {
  const device = world.devices[act.device];
  const page = device?.pages[act.tab];
  // Pages of old apps make no requests.
  if (!device || !page?.isOpen || !("fetch" in page)) return world.count("(not requested: no session)");
  const { kind } = act;
  const { path, mark } = pathOf(world, device, act);
  const isRotation = ["login", "logout", "regenerate"].includes(kind);
  page.process.receive(0, `requests ${kind}`, () => {
    const ended = isRotation ? world.rotations.begins(device.name, "requests") : undefined;
    if (act.how !== "plain") world.count(`HTTP answer ${act.how}`);
    world.timeline.tell(page.process.name, () => `requests ${path} ${JSON.stringify(act.fate)}`);
    const over = (code: string) => {
      ended?.(code);
      const isRefused = code === "503" || !/^\d*$/.test(code);
      const came = code === "gone" ? "no answer" : isRefused ? "refused" : "answered";
      world.count(`HTTP with ${device.kind}, ${kind}: ${came}`);
      world.timeline.tell(page.process.name, () => `is answered "${code}" of ${path}`);
    };
    // With a cookie the browser's own will do, and ours sends what stands for the token.
    const isOurs = device.kind === "token" || (device.kind === "bridge" && act.lazy);
    const fetch = isOurs ? page.session.fetch : page.fetch;
    const init = { method: "POST", fate: act.fate } as RequestInit;
    void fetch(`${ORIGIN}${path}`, init).then(
      (response) => {
        const code = response.headers.get("x-code") ?? String(response.status);
        over(code === "none" ? "" : code);
        const opens = response.headers.get("x-opens");
        const isKept = world.ledger.identities.keeps(device.name);
        if (opens && isOurs && device.kind === "token" && isKept)
          world.web.brings(opens, device.token ?? "", `the storage of ${device.name}`);
        if (device.kind === "cookie" && mark === undefined) page.reconnect();
      },
      () => {
        over("gone");
        // As people do: they try again, and it is another change.
        if (act.again) request(world, { ...act, fate: {}, again: false });
      },
    );
  });
}

function pathOf(
  world: World,
  device: Device,
  { kind, tab, how, waitMs, lazy, of }: Request,
): { path: string; mark: string | undefined } {
  const isChange = ["update", "put", "take", "job-update", "job-put"].includes(kind);
  const isCookie = device.kind === "cookie" && !kind.startsWith("job-");
  // Each in a place of its own: requests of a cookie that overlap keep each other's keys.
  const place = isCookie ? `cookie${++world.users}` : `key${tab}`;
  const where = kind.endsWith("update") ? "updates" : kind === "job-put" ? "job" : place;
  const mark = isChange ? world.ledger.asks(device.name, where) : undefined;
  const key = kind.startsWith("job-") ? sessionIdOf(world.devices[of ?? 0]) : where;
  const query = new URLSearchParams({ given: mark ?? `user${++world.users}`, key, how, waitMs: `${waitMs}` });
  if (lazy) query.set("lazy", "");
  return { path: `/${isCookie ? "c" : "t"}/${kind}?${query}`, mark };
}

/** The public id of the session that a device has. */
function sessionIdOf(device: Device | undefined): string {
  if (device?.kind === "cookie") return sessionIdOfCookie(device.jar.get("connect.sid") ?? "");
  return device?.pages.find((page) => page?.session.id)?.session.id ?? "";
}

/** Of a signed cookie of express-session. */
function sessionIdOfCookie(value: string): string {
  const cookieId = cookieIdIn(value);
  return createHash("sha256").update(`id\0${cookieId}`).digest("hex").slice(0, 32);
}

function cookieIdIn(value: string): string {
  return decodeURIComponent(value)
    .replace(/^s:/, "")
    .replace(/\.[^.]*$/, "");
}
