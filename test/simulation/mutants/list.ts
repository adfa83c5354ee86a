import type { Topic } from "../plan/plan.js";
import type { Mutant } from "../world/program.js";
import { ROTATION } from "./rotation.js";
import { WRITES } from "./writes.js";

/** A mutant, and what runs have to be about to meet it; any unless said. */
export type TriedMutant = Mutant & { readonly topics?: readonly Topic[] };

export const MUTANTS: readonly TriedMutant[] = [...WRITES, ...ROTATION];
