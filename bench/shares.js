// @ts-check
// What rates and CPU times of several contenders are to each other.
import { figure } from "./figures.js";
import { median } from "./stats.js";

/** @typedef {import("./context.js").ContenderName} ContenderName */
/** @typedef {import("./context.js").Figure} Figure */
/** @typedef {import("./side-by-side.js").Crowd} Crowd */
/** @typedef {import("./side-by-side.js").Round} Round */

/**
 * Rates of ours as shares of bare Socket.IO's, for each crowd, and against the others.
 * @param {Crowd[]} crowds
 * @param {Record<number, number>} least what is wanted of bare, in percent, by the size of the crowd
 * @returns {Figure[]}
 */
export function rateFigures(crowds, least) {
  const rounds = crowds[0]?.rounds ?? [];
  const against = (/** @type {ContenderName} */ name) => ratios(rounds, "ours", name);
  const share = (/** @type {ContenderName} */ name) => percent(ratios(rounds, name, "bare"));
  return [
    ...crowds.map(({ crowd, rounds: those }) => {
      const wanted = least[crowd] === undefined ? {} : { least: least[crowd] };
      return figure(
        `ours, share of bare, ${crowd} clients`,
        "%",
        percent(ratios(those, "ours", "bare")),
        wanted,
      );
    }),
    figure("ours against the old package made durable", "×", against("old-durable"), { least: 2.5 }),
    figure("ours against express-session", "×", against("express"), { least: 2.5 }),
    figure("bare Socket.IO", "per second", ratesOf(rounds, "bare")),
    figure("old package made durable, share of bare", "%", share("old-durable")),
    figure("old package as it is, share of bare", "%", share("old")),
    figure("express-session, share of bare", "%", share("express")),
  ];
}

/**
 * Rates of ours as shares of the floor's.
 * @param {Crowd[]} crowds
 * @param {Record<number, number>} least
 * @returns {Figure[]}
 */
export function floorFigures(crowds, least) {
  return crowds.map(({ crowd, rounds }) => {
    const wanted = least[crowd] === undefined ? {} : { least: least[crowd] };
    return figure(
      `ours, share of the floor, ${crowd} clients`,
      "%",
      percent(ratios(rounds, "ours", "floor")),
      wanted,
    );
  });
}

/**
 * What the server of ours takes beyond bare Socket.IO's, against that itself and against what others take
 * beyond it.
 * @param {Crowd[]} crowds
 * @param {{ bare?: number, oldDurable?: number, express?: number }} most
 * @returns {Figure[]}
 */
export function beyondFigures(crowds, most) {
  const rounds = crowds[0]?.rounds ?? [];
  const beyond = (/** @type {ContenderName} */ name) =>
    rounds.map((round) => server(round, name) - server(round, "bare"));
  const to = (/** @type {readonly number[]} */ others) =>
    beyond("ours").map((own, round) => own / (others[round] ?? Number.NaN));
  const limit = (/** @type {number | undefined} */ limited) =>
    limited === undefined ? {} : { most: limited };
  return [
    figure(
      "server CPU beyond bare, against bare's own",
      "×",
      to(rounds.map((round) => server(round, "bare"))),
      limit(most.bare),
    ),
    figure(
      "the same, against the old package made durable",
      "×",
      to(beyond("old-durable")),
      limit(most.oldDurable),
    ),
    figure("the same, against express-session", "×", to(beyond("express")), limit(most.express)),
  ];
}

/**
 * The CPU time of each contender, for each operation: of its server, and of the database.
 * @param {Crowd[]} crowds
 * @returns {Figure[]}
 */
export function cpuFigures(crowds) {
  return crowds.flatMap(({ crowd, rounds }) =>
    Object.keys(rounds[0] ?? {}).flatMap((name) => {
      const figures = [
        figure(
          `${name}, ${crowd} clients: server CPU`,
          "µs",
          rounds.map((round) => server(round, name)),
        ),
      ];
      if (name !== "bare")
        figures.push(
          figure(
            `${name}, ${crowd} clients: database CPU`,
            "µs",
            rounds.map((round) => round[name]?.cpu.database ?? Number.NaN),
          ),
        );
      return figures;
    }),
  );
}

/**
 * For the picture.
 * @param {Crowd[]} crowds
 * @returns {Record<string, number>} percent of bare, by contender
 */
export function sharesOf(crowds) {
  const rounds = crowds[0]?.rounds ?? [];
  const names = Object.keys(rounds[0] ?? {});
  return Object.fromEntries(names.map((name) => [name, 100 * median(ratios(rounds, name, "bare"))]));
}

/**
 * @param {Round} round
 * @param {string} name
 */
function server(round, name) {
  return round[name]?.cpu.server ?? Number.NaN;
}

/**
 * @param {Round[]} rounds
 * @param {string} one
 * @param {string} other
 */
function ratios(rounds, one, other) {
  const others = ratesOf(rounds, other);
  return ratesOf(rounds, one).map((rate, round) => rate / (others[round] ?? Number.NaN));
}

/**
 * @param {Round[]} rounds
 * @param {string} name
 */
function ratesOf(rounds, name) {
  return rounds.map((round) => round[name]?.perSecond ?? Number.NaN);
}

/** @param {readonly number[]} ratiosOfRounds */
function percent(ratiosOfRounds) {
  return ratiosOfRounds.map((ratio) => 100 * ratio);
}
