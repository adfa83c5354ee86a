import { randomBytes } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { sign } from "cookie-signature";
import Keygrip from "keygrip";
import { fromCookie, fromKoaCookie } from "../../../src/index.js";
import { expectOptionRefused } from "../../support/options.js";

const SECRET = "keyboard cat";
const ID = "dGhpcyBpcyBhIGNvb2tpZSdzIGlk";

const expressCookie = (value: string, name = "connect.sid") => `${name}=${encodeURIComponent(value)}`;
const handshake = (cookie: string | undefined, headers: object = {}) => ({
  headers: { cookie, host: "app.example.com", ...headers },
});

describe("fromCookie", () => {
  const read = fromCookie({ secret: SECRET });
  const good = expressCookie(`s:${sign(ID, SECRET)}`);

  test("finds the id of a signed cookie, among others", () => {
    expect(read(handshake(`a=b; ${good}; c=d`))).toBe(ID);
    expect(
      fromCookie({ name: "sid", secret: ["new", SECRET] })(
        handshake(expressCookie(`s:${sign(ID, SECRET)}`, "sid")),
      ),
    ).toBe(ID);
  });

  test.each([
    ["without a cookie", undefined],
    ["of another name", expressCookie(`s:${sign(ID, SECRET)}`, "other")],
    ["unsigned", expressCookie(ID)],
    ["without the mark", expressCookie(sign(ID, SECRET))],
    ["signed by somebody else", expressCookie(`s:${sign(ID, "dog")}`)],
    ["altered", expressCookie(`s:${sign(ID, SECRET).replace("d", "e")}`)],
    ["that cannot be decoded", "connect.sid=s%3"],
  ])("finds nothing %s", (_, cookie) => {
    expect(read(handshake(cookie))).toBeUndefined();
  });

  test.each([
    ["https://app.example.com", true],
    ["http://app.example.com", true],
    ["https://app.example.com:8443", false],
    ["https://evil.example", false],
    ["https://app.example.com.evil.example", false],
    ["null", false],
    ["https://admin.example.com", true],
  ])("believes a page of %s: %p", (origin, isBelieved) => {
    const reader = fromCookie({ secret: SECRET, origins: ["https://admin.example.com"] });
    expect(reader(handshake(good, { origin }))).toBe(isBelieved ? ID : undefined);
  });

  // A script of another origin's page is how clients of Socket.IO 2 poll.
  test.each([
    [{ "sec-fetch-site": "same-origin" }, true],
    [{ "sec-fetch-site": "none", "sec-fetch-mode": "navigate" }, true],
    [{ "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" }, true],
    [{ "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" }, false],
    [{ "sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors" }, false],
    [{ "sec-fetch-site": "same-site", referer: "https://evil.example/page" }, false],
    [{ "sec-fetch-site": "same-site", referer: "https://admin.example.com/page" }, true],
    [{ "sec-fetch-site": "same-site", referer: "nonsense" }, false],
  ])("without an origin, %j: %p", (headers, isBelieved) => {
    const reader = fromCookie({ secret: SECRET, origins: ["https://admin.example.com"] });
    expect(reader(handshake(good, headers))).toBe(isBelieved ? ID : undefined);
  });

  test("passes over other options of express-session", () => {
    const all = { secret: SECRET, resave: false, saveUninitialized: false };
    expect(fromCookie(all)(handshake(good))).toBe(ID);
  });

  test.each([
    [{}],
    [{ secret: "" }],
    [{ secret: [] }],
    [{ secret: new Array(1) }],
    [{ secret: SECRET, name: "" }],
    [{ secret: SECRET, origins: "https://app.example.com" }],
    [{ secret: SECRET, origins: ["app.example.com"] }],
  ])("refuses %j", (options) => {
    expect(() => fromCookie(options as never)).toThrow(
      expect.objectContaining({ code: "SESSION_OPTION_INVALID" }),
    );
  });
});

test("a secret that is none is not shown", () => {
  for (const make of [
    () => fromCookie({ secret: 12345678 as never }),
    () => fromKoaCookie({ keys: [12345678] as never }),
  ])
    expectOptionRefused(make, /^(?!.*1234).* must be/);
});

describe("fromKoaCookie", () => {
  const keys = ["new key", "old key"];
  const cookieBy = (key: string, value = ID) =>
    `koa.sess=${value}; koa.sess.sig=${new Keygrip([key]).sign(`koa.sess=${value}`)}`;

  test.each([[keys], [new Keygrip(keys)]])("finds the id that one of the keys has signed", (given) => {
    const read = fromKoaCookie({ keys: given });
    for (const key of keys) expect(read(handshake(cookieBy(key)))).toBe(ID);
    expect(read(handshake(cookieBy("another")))).toBeUndefined();
    expect(read(handshake(cookieBy("old key").replace(ID, "x".repeat(28))))).toBeUndefined();
    expect(read(handshake(`koa.sess=${ID}`))).toBeUndefined();
    expect(read(handshake(cookieBy("old key"), { origin: "https://evil.example" }))).toBeUndefined();
  });

  test("takes what keygrip has signed, whatever the key and the value, and nothing near it", () => {
    for (let n = 0; n < 200; n++) {
      const key = randomBytes(1 + (n % 70)).toString(n % 2 ? "base64" : "latin1");
      const value = randomBytes(n % 40).toString("base64url") || "x";
      const signature = new Keygrip([key]).sign(`koa.sess=${value}`);
      const read = fromKoaCookie({ keys: ["another", key] });
      const found = (by: string) => read(handshake(`koa.sess=${value}; koa.sess.sig=${by}`));
      expect(found(signature)).toBe(value);
      for (const wrong of [
        signature.slice(1),
        `${signature}A`,
        `${signature}=`,
        signature.toLowerCase(),
        "\u00e9",
      ])
        expect(found(wrong)).toBe(wrong === signature ? value : undefined);
    }
  });

  test("refuses what are no keys", () => {
    for (const given of [undefined, [], {}, "key", new Array(1), ["key"].concat(new Array(1))])
      expect(() => fromKoaCookie({ keys: given as never })).toThrow(
        expect.objectContaining({ code: "SESSION_OPTION_INVALID" }),
      );
  });
});
