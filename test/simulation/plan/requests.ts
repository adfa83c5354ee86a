import type { Random } from "../world/random.js";
import type { Act, DeviceKind, Settings } from "./plan.js";

/** Settings of a run that is about HTTP too. */
export function withWeb(random: Random, settings: Settings): Settings {
  const kinds = Array.from({ length: settings.devices }, () =>
    random.pick<DeviceKind>(["token", "bridge", "cookie", "cookie"]),
  );
  const cookie = random.pick([
    {},
    { cookie: { maxAge: 600_000 } },
    { rolling: true },
    { saveUninitialized: true },
  ]);
  return { ...settings, kinds, cookie };
}

/** What a page asks by HTTP. */
export function requestAct(
  random: Random,
  { kinds = [], devices }: Settings,
  at: { device: number; tab: number; atMs: number },
): Act {
  const ofCookie = ["put", "put", "put", "put", "put", "put", "take", "reload", "regenerate", "destroy"];
  const ofToken = [
    ...["update", "update", "update", "update", "put", "put", "read"],
    ...["login", "login", "regenerate", "logout", "destroy"],
  ];
  const kind = random.chance(0.12)
    ? random.pick(["job-update", "job-update", "job-put", "job-destroy"])
    : random.pick(kinds[at.device] === "cookie" ? ofCookie : ofToken);
  return {
    do: "request",
    // Ends are many all the same: each has other requests under way.
    kind: kind.endsWith("destroy") && random.chance(0.5) ? kind.replace("destroy", "put") : kind,
    how: random.pick(["plain", "plain", "plain", "streamed", "early"]),
    waitMs: random.pick([0, 0, 5, 100, 1_500]),
    lazy: random.chance(0.3),
    fate: random.pick([
      ...[{}, {}, {}, {}],
      { abortAfterMs: random.pick([1, 10, 200]) },
      { cutAfterMs: random.pick([1, 10, 200]) },
    ]),
    again: random.chance(0.5),
    ...(kind.startsWith("job-") && { of: random.below(devices) }),
    ...at,
  };
}

/** One page that lets nothing else run while a login by HTTP does, as docs/http.md says: it keeps its session. */
export function calmLife(random: Random, device: number, endMs: number): Act[] {
  const at = (atMs: number) => ({ device, tab: 0, atMs });
  const request = { do: "request", how: "plain", waitMs: 0, fate: {}, again: false } as const;
  const acts: Act[] = [{ do: "open", ...at(random.between(0, 1_000)) }];
  for (let atMs = 3_000; atMs < endMs; atMs += random.between(3_000, 9_000)) {
    const kind = random.pick(["login", "regenerate", "update", "put"]);
    acts.push({ ...request, kind, lazy: random.chance(0.5), ...at(atMs) });
  }
  if (random.chance(0.5)) acts.push({ do: "open", ...at(endMs) });
  return acts;
}
