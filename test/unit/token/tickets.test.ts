import { describe, expect, test } from "@jest/globals";
import { parseStandIn, standInFor, Tickets } from "../../../src/token/tickets.js";
import { mintToken } from "../../../src/token/token.js";
import { HandClock } from "../../support/clock.js";

const SECRET = "a secret of at least 32 characters";

function ticketsAt(...secrets: string[]) {
  const clock = new HandClock();
  const known = {
    get nowMs() {
      return clock.now();
    },
    refreshClock: async () => {},
  };
  return { clock, tickets: new Tickets([secrets[0] ?? SECRET, ...secrets.slice(1)], known) };
}

function opened(tickets: Tickets, use: "present" | "store", ticket: string) {
  const standIn = parseStandIn(ticket);
  const found = standIn && tickets.open(use, standIn);
  return found && tickets.seemsGood(found) ? found.content : undefined;
}

describe("tickets", () => {
  const { text, sessionId } = mintToken();

  test("give back what was sealed, and show nothing of it", () => {
    const { tickets } = ticketsAt();
    const ticket = tickets.seal("store", sessionId, { token: text, boundTo: "\u00ff\u0000hash" });
    expect(ticket).toMatch(new RegExp(`^${sessionId}\\.cookie~[\\w-]+$`));
    expect(ticket).not.toContain(text.slice(33));
    expect(opened(tickets, "store", ticket)).toEqual({ token: text, boundTo: "\u00ff\u0000hash" });
    expect(tickets.seal("store", sessionId, { token: text, boundTo: "hash" })).not.toBe(
      tickets.seal("store", sessionId, { token: text, boundTo: "hash" }),
    );
  });

  test("are opened by each server with the same secret, and by no other", () => {
    const ticket = ticketsAt().tickets.seal("present", sessionId, { token: text, boundTo: "hash" });
    expect(opened(ticketsAt().tickets, "present", ticket)).toEqual({ token: text, boundTo: "hash" });
    expect(opened(ticketsAt(`${SECRET}!`).tickets, "present", ticket)).toBeUndefined();
  });

  test("a secret is changed without one that is refused: the first seals, all open", () => {
    const [old, next] = [SECRET, `${SECRET} of tomorrow`];
    // Server after server, from one of these to the following: whatever is sealed by either opens on the
    // other.
    const steps = [[old], [old, next], [next, old], [next]];
    const seal = (secrets: string[]) =>
      ticketsAt(...secrets).tickets.seal("store", sessionId, { token: text, boundTo: "hash" });
    const opens = (secrets: string[], ticket: string) =>
      opened(ticketsAt(...secrets).tickets, "store", ticket) !== undefined;
    for (const [at, secrets] of steps.entries())
      for (const [other, others] of steps.entries())
        if (Math.abs(at - other) <= 1) expect(opens(others, seal(secrets))).toBe(true);
    expect(opens([old], seal([next, old]))).toBe(false);
    expect(opens([next], seal([old, next]))).toBe(false);
  });

  test("are for one use, one session and two minutes", () => {
    const { clock, tickets } = ticketsAt();
    const ticket = tickets.seal("present", sessionId, { token: text, boundTo: "hash" });
    expect(opened(tickets, "store", ticket)).toBeUndefined();
    expect(opened(tickets, "present", ticket.replace(sessionId, "0".repeat(32)))).toBeUndefined();
    clock.advance(120_000);
    expect(opened(tickets, "present", ticket)).toEqual({ token: text, boundTo: "hash" });
    clock.advance(1);
    expect(opened(tickets, "present", ticket)).toBeUndefined();
  });

  /** A server whose idea of the database's time is `offMs` off until it asks. */
  function off(offMs: number, refreshClock = async () => {}) {
    const known = {
      nowMs: 1_000_000_000 + offMs,
      async refreshClock() {
        await refreshClock();
        known.nowMs = 1_000_000_000;
      },
    };
    return new Tickets([SECRET], known);
  }
  const content = { token: text, boundTo: "hash" };
  const standInOf = (ticket: string) => parseStandIn(ticket) ?? { sessionId, sealed: undefined };

  test.each([-3_600_000, 3_600_000])("are not refused for a clock that is %i ms off", async (offMs) => {
    const ticket = off(0).seal("present", sessionId, content);
    const tickets = off(offMs);
    const found = tickets.open("present", standInOf(ticket));
    expect(found && tickets.seemsGood(found)).toBe(false);
    expect(found && (await tickets.isGood(found))).toBe(true);
  });

  test("are sealed with the time that the database tells then, or, where it is away, that is known", async () => {
    const tickets = off(-3_600_000);
    await tickets.refreshClock();
    const found = off(0).open("present", standInOf(tickets.seal("present", sessionId, content)));
    expect(found?.sealedAtMs).toBe(1_000_000_000);
    const away = off(-5, async () => Promise.reject(new Error("away")));
    await away.refreshClock();
    const other = off(0).open("present", standInOf(away.seal("present", sessionId, content)));
    expect(other?.sealedAtMs).toBe(1_000_000_000 - 5);
  });

  test("that are too old are refused, once the database has said so, and not where it cannot", async () => {
    const ticket = off(-3_600_000).seal("present", sessionId, content);
    const found = off(0).open("present", standInOf(ticket));
    if (!found) throw new Error("it is none of ours");
    expect(await off(0).isGood(found)).toBe(false);
    const away = off(0, async () => Promise.reject(new Error("away")));
    await expect(away.isGood(found)).rejects.toThrow("away");
  });

  test("that somebody has altered open nothing", () => {
    const { tickets } = ticketsAt();
    const ticket = tickets.seal("present", sessionId, { token: text, boundTo: "hash" });
    for (const at of [40, 60, ticket.length - 2]) {
      const other = ticket[at] === "A" ? "B" : "A";
      expect(opened(tickets, "present", ticket.slice(0, at) + other + ticket.slice(at + 1))).toBeUndefined();
    }
    expect(opened(tickets, "present", `${standInFor(sessionId)}~AAAA`)).toBeUndefined();
  });

  test.each([
    [".cookie", { sessionId: "", sealed: undefined }],
    [standInFor(sessionId), { sessionId, sealed: undefined }],
    [`${standInFor(sessionId)}~a-_9`, { sessionId, sealed: "a-_9" }],
    [text, undefined],
    [".cookie~abc", { sessionId: "", sealed: "abc" }],
    [`${standInFor(sessionId)}~`, undefined],
    ["", undefined],
    [{}, undefined],
    [null, undefined],
  ])("%p as a stand-in", (presented, expected) => {
    expect(parseStandIn(presented)).toEqual(expected);
  });
});
