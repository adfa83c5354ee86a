import { expect } from "@jest/globals";
import { SessionError } from "../../src/index.js";

/** Expects that an option is refused, with its code and a message for the developer. */
export function expectOptionRefused(run: () => unknown, message: RegExp): void {
  let thrown: unknown;
  try {
    run();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(SessionError);
  expect((thrown as SessionError).code).toBe("SESSION_OPTION_INVALID");
  expect(String(thrown)).toMatch(message);
}
