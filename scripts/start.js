// @ts-check
// npm start: everything that the demo needs, from a fresh clone to a running server.
import path from "node:path";
import { runApplication } from "./application.js";

await runApplication({
  title: "the demo",
  program: path.join("examples", "demo", "server.js"),
  name: "token_session_demo",
  passwordFile: "demo-password",
});
