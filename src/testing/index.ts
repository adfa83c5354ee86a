/**
 * The rules that a store must keep, {@link storeContract}, as test cases for a store of your own. They need
 * no test framework.
 *
 * @module
 */
// The public surface of "socket.io-token-session/testing", name by name.
export { contractSettings, type StoreCase, type StoreHarness } from "./harness.js";
export { storeContract } from "./store-contract.js";
