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
