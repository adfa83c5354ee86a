// @ts-check
// After the last test: ends what the set-ups have started. A run that is stopped ends it too (shutdown.js).
export { shutdown as default } from "../shutdown.js";
