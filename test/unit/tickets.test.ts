import { describe, expect, test } from "@jest/globals";
import { parseStandIn, standInFor, Tickets } from "../../src/tickets.js";
import { mintToken } from "../../src/token.js";
import { HandClock } from "../support/clock.js";

const SECRET = "a secret of at least 32 characters";

function ticketsAt(secret = SECRET) {
  const clock = new HandClock();
  return { clock, tickets: new Tickets(secret, () => clock.now()) };
}

function opened(tickets: Tickets, use: "present" | "store", ticket: string) {
  const standIn = parseStandIn(ticket);
  return standIn && tickets.open(use, standIn);
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
