import { expect, test } from "@jest/globals";
import { Credential } from "../../../src/token/credential.js";
import { bytesToText, internHash, isSameHashText } from "../../../src/token/hash.js";
import { toCompactIdentity, toIdentity } from "../../../src/token/identity.js";

const EVERY_BYTE = Uint8Array.from({ length: 256 }, (_, byte) => byte);
const hash = (first: number) => EVERY_BYTE.slice(first, first + 32);

test("an identity comes back as it was kept, byte for byte", () => {
  const identity = { userId: "7", secretHash: hash(0), nextHash: hash(120), previousHash: hash(224) };
  const again = toIdentity(toCompactIdentity(identity));
  expect(again.userId).toBe("7");
  for (const name of ["secretHash", "nextHash", "previousHash"] as const)
    expect(Uint8Array.from(again[name] ?? [])).toEqual(identity[name]);
  const nobody = { userId: null, secretHash: null, nextHash: null, previousHash: null };
  expect(toIdentity(toCompactIdentity(nobody))).toEqual(nobody);
});

test("bytes in the middle of others are kept alone", () => {
  expect(bytesToText(EVERY_BYTE.subarray(65, 68))).toBe("ABC");
  expect(bytesToText(Buffer.from(EVERY_BYTE).subarray(65, 68))).toBe("ABC");
});

test("hashes differ wherever they differ", () => {
  const text = bytesToText(hash(100));
  expect(isSameHashText(text, bytesToText(hash(100)))).toBe(true);
  for (let at = 0; at < 32; at++) {
    const other = hash(100);
    other[at] = (other[at] as number) ^ 1;
    expect(isSameHashText(text, bytesToText(other))).toBe(false);
    expect(internHash(other, text)).not.toBe(text);
  }
  expect(isSameHashText(null, text)).toBe(false);
  expect(isSameHashText("", text)).toBe(false);
  expect(isSameHashText(text.slice(0, 31), text)).toBe(false);
  expect(internHash(hash(100), text)).toBe(text);
});

test("a credential that opened an identity does not open it for ever", () => {
  const [first, second, third] = [hash(0), hash(32), hash(64)].map((secretHash) =>
    toCompactIdentity({ userId: null, secretHash, nextHash: null, previousHash: null }),
  ) as [
    ReturnType<typeof toCompactIdentity>,
    ReturnType<typeof toCompactIdentity>,
    ReturnType<typeof toCompactIdentity>,
  ];
  const credential = new Credential(hash(0));
  expect([first, second, third].map((each) => credential.canOpen(each))).toEqual([true, false, false]);
  credential.acceptPresented(hash(32));
  expect([first, second, third].map((each) => credential.canOpen(each))).toEqual([true, true, false]);
  credential.acceptPresented(hash(64));
  expect([second, third, first].map((each) => credential.canOpen(each))).toEqual([false, true, true]);
  expect(credential.follow({ secretHash: hash(64) })).toBe(true);
  expect(credential.canOpen(first)).toBe(false);
  expect(credential.isPrevious(hash(0))).toBe(true);
});
