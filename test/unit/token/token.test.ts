import { createHash } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { hashSecret, isSameHash } from "../../../src/token/hash.js";
import { generateToken, isTokenCookie, mintToken, parseToken } from "../../../src/token/token.js";

describe("mintToken", () => {
  test("makes a UUIDv7 without dashes and 32 random bytes", () => {
    const { text, sessionId } = mintToken();
    expect(text).toMatch(/^[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}\.[A-Za-z0-9_-]{43}$/);
    expect(text.startsWith(`${sessionId}.`)).toBe(true);
  });

  test("ids come in order of time, secrets never twice", () => {
    const tokens = Array.from({ length: 1000 }, mintToken);
    const ids = tokens.map(({ sessionId }) => sessionId);
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(tokens.map(({ text }) => text.slice(33))).size).toBe(1000);
  });

  test("keeps the SHA-256 of the secret as presented", () => {
    const { text, secretHash } = mintToken();
    expect(secretHash).toEqual(createHash("sha256").update(text.slice(33)).digest());
    expect(parseToken(text)).toEqual({ text, sessionId: text.slice(0, 32), secretHash });
  });
});

describe("isTokenCookie", () => {
  const { text } = mintToken();
  const secret = text.slice(33);

  test("knows a token, and a secret that has no session yet", () => {
    expect([text, generateToken("").text].map(isTokenCookie)).toEqual([true, true]);
  });

  test.each([
    ["empty", ""],
    ["a secret alone", secret],
    ["a random id with a signature", `0123456789abcdef0123456789abcdef.${secret}`],
    ["a UUIDv4", `018f0000000040008000000000000000.${secret}`],
    ["of a time before", `000000000000${text.slice(12)}`],
    ["of a time to come", `ffffffffffff${text.slice(12)}`],
    ["one character more", `${text}A`],
    ["signed by express-session", `s:${text}`],
  ])("leaves others: %s", (_, value) => {
    expect(isTokenCookie(value)).toBe(false);
  });
});

describe("parseToken", () => {
  const valid = mintToken().text;

  test.each([
    ["nothing", undefined],
    ["null", null],
    ["empty", ""],
    ["a number", 7],
    ["an object", { sessionId: 1 }],
    ["an array of a token", [valid]],
    ["a String object", new String(valid)],
    ["a bare id", valid.slice(0, 32)],
    ["a UUID with dashes", `018f0000-0000-7000-8000-000000000000${valid.slice(32)}`],
    ["upper-case digits", valid.toUpperCase()],
    ["a trailing newline", `${valid}\n`],
    ["a leading space", ` ${valid.slice(1)}`],
    ["one character more", `${valid}A`],
    ["one character less", valid.slice(0, -1)],
    ["base64 instead of base64url", `${valid.slice(0, -1)}+`],
    ["a NUL", `${valid.slice(0, -1)}\0`],
    ["another separator", valid.replace(".", ":")],
    ["full-width digits", `${"０".repeat(32)}${valid.slice(32)}`],
    ["1 MB", "a".repeat(1_000_000)],
    ["SQL", `${valid.slice(0, 32)}.' or 1=1 -- ${"x".repeat(30)}`],
  ])("refuses %s", (_, presented) => {
    expect(parseToken(presented)).toBeUndefined();
  });

  test("accepts exactly what has its form", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9a-f]{32}\.[A-Za-z0-9_-]{43}$/), (text) => {
        expect(parseToken(text)?.sessionId).toBe(text.slice(0, 32));
      }),
    );
    fc.assert(
      fc.property(fc.anything(), (value) => {
        if (typeof value !== "string" || value.length !== 76) expect(parseToken(value)).toBeUndefined();
      }),
    );
  });
});

test("isSameHash equals nothing to a missing hash or another length", () => {
  const hash = hashSecret("x");
  expect(isSameHash(hash, hashSecret("x"))).toBe(true);
  expect(isSameHash(hashSecret("y"), hash)).toBe(false);
  expect(isSameHash(null, hash)).toBe(false);
  expect(isSameHash(new Uint8Array(31), hash)).toBe(false);
  expect(isSameHash(new Uint8Array(0), hash)).toBe(false);
});
