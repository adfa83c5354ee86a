/** A server that is there for all tests of a run; or why there is none, and what would add one. */
export type Offer = { url: string } | { missing: string; command: string };

/** Asks for such a server (scripts/jest/offers.js). It is started when the first test file asks. */
export async function offered(name: "redis" | "browser"): Promise<Offer> {
  const address = process.env["TEST_OFFERS"];
  if (!address) throw new Error("TEST_OFFERS is not set: run the tests with `npm test` or `npx jest`");
  const response = await fetch(`${address}${name}`);
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as Offer;
}
