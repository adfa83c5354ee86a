// The public surface of "socket.io-token-session/testing", name by name.
export { contractSettings, type StoreCase, type StoreHarness } from "./harness.js";
export { storeContract } from "./store-contract.js";
