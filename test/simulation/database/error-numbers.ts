import type { Random } from "../world/random.js";
import { type DatabaseError, databaseError } from "./errors.js";

/**
 * What a server has done where it answers with an error, by its reference. This is what is so; what the
 * product makes of it is the product's.
 *
 * `none`: it does not even begin. `undone`: it was rolled back. `either`: it may have been committed, or may
 * yet be, or not. `wrong`: the statement, or its row, is refused. The others are told to who connects.
 */
type Effect = "none" | "undone" | "either" | "wrong" | "not now" | "not you";

interface Numbers {
  readonly effect: Effect;
  /** The server closes the connection with it, or it is of no use from then on. */
  readonly isEnd: boolean;
  readonly numbers: readonly number[];
}

const GROUPS: readonly Numbers[] = [
  {
    effect: "none",
    isEnd: false,
    numbers: [1036, 1047, 1099, 1100, 1104, 1223, 1290, 1792, 1836, 1874, 1881],
  },
  { effect: "none", isEnd: true, numbers: [4031] },
  { effect: "undone", isEnd: false, numbers: [1020, 1114, 1205, 1206, 1213, 1226, 1317, 1969, 3024, 3101] },
  { effect: "either", isEnd: false, numbers: [1105, 1180, 2006, 2013, 3100, 9001] },
  {
    effect: "either",
    isEnd: true,
    numbers: [1053, 1152, 1158, 1159, 1160, 1161, 1184, 1927, 3032, 3169],
  },
  { effect: "wrong", isEnd: false, numbers: [1136, 1175, 1193, 1267, 1364, 1366, 1644, 3098, 3819] },
  { effect: "wrong", isEnd: true, numbers: [1153, 1820] },
  { effect: "not now", isEnd: true, numbers: [1040, 1129, 1203] },
  { effect: "not you", isEnd: true, numbers: [1130, 1862, 3118, 4151] },
];

/** Numbers that the product does not list: it has to know them by their SQLSTATE, or by nothing. */
const UNLISTED: readonly Numbers[] = [
  { effect: "either", isEnd: false, numbers: [1030, 1296, 1637, 3170, 3200] },
  { effect: "wrong", isEnd: false, numbers: [1146, 1406] },
];

/** All that are met, but for those that the product does not list. */
export const LISTED_NUMBERS: readonly number[] = GROUPS.flatMap(({ numbers }) => numbers);

const ALL = [...GROUPS, ...UNLISTED];

/** What comes of one statement, or of one that connects. */
export interface Raised {
  readonly error: DatabaseError;
  readonly effect: Effect;
  readonly isEnd: boolean;
  /** For the report. */
  readonly told: string;
}

const TOLD: Readonly<Record<Effect, string>> = {
  none: "not begun",
  undone: "rolled back",
  either: "unknown",
  wrong: "refused",
  "not now": "cannot connect now",
  "not you": "may not connect",
};

/** An error with one of these effects, any number as likely as any other. */
export function raised(random: Random, effects: readonly Effect[]): Raised {
  const groups = ALL.filter(({ effect }) => effects.includes(effect));
  const number = random.pick(groups.flatMap(({ numbers }) => numbers));
  const { effect, isEnd } = groups.find(({ numbers }) => numbers.includes(number)) as Numbers;
  const told = `error: ${TOLD[effect]}${isEnd ? ", connection closed" : ""}`;
  return { error: databaseError(number), effect, isEnd, told };
}
