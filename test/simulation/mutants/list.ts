import type { Topic } from "../plan/plan.js";
import type { Mutant } from "../world/program.js";
import { CLIENT } from "./client.js";
import { EXPIRY } from "./expiry.js";
import { FAILOVER } from "./failover.js";
import { HANDLERS } from "./handlers.js";
import { HTTP } from "./http.js";
import { READS } from "./reads.js";
import { ROOMS } from "./rooms.js";
import { ROTATION } from "./rotation.js";
import { STORE } from "./store.js";
import { WRITES } from "./writes.js";

/** A mutant, and what runs have to be about to meet it; any unless said. */
export type TriedMutant = Mutant & { readonly topics?: readonly Topic[] };

export const MUTANTS: readonly TriedMutant[] = [
  ...WRITES,
  ...STORE,
  ...READS,
  ...FAILOVER,
  ...EXPIRY,
  ...HANDLERS,
  ...ROTATION,
  ...ROOMS,
  ...CLIENT,
  ...HTTP,
];
