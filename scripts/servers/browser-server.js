// @ts-check
// One browser for all tests of a run. Their processes ask an address on this machine for it; the first
// question starts it.
import { once } from "node:events";
import http from "node:http";
import { onShutdown } from "../shutdown.js";

/** @typedef {import("./browser.js").Browser} Browser */
/** @typedef {import("playwright-core").BrowserServer} BrowserServer */

/** A start takes a second or two; a machine that does much besides may take far longer. */
const startTimeoutMs = 120_000;

/**
 * @param {Browser} browser
 * @returns {Promise<{ url: string, stop: () => Promise<void> }>} where to ask for the address that
 * Playwright's `connect` takes
 */
export async function offerBrowser(browser) {
  /** @type {Promise<BrowserServer> | undefined} */
  let running;
  const start = () => {
    const started = launch(browser);
    running = started;
    const forget = () => {
      if (running === started) running = undefined;
    };
    // One that could not be started, or has crashed, is started again for whoever asks next.
    started.then((server) => server.on("close", forget), forget);
    return started;
  };
  const server = http.createServer(async (_, response) => {
    try {
      response.end((await (running ?? start())).wsEndpoint());
    } catch (error) {
      response.writeHead(500).end(String(error));
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  const stop = async () => {
    forget();
    server.close();
    server.closeAllConnections();
    const started = await running?.catch(() => undefined);
    // Its processes are children of ours: Playwright waits for their end, and ends them itself where they do
    // not obey. Where we are killed, the browser sees that the other end of its pipe is gone.
    await started?.close();
  };
  const forget = onShutdown(stop);
  return { url: `http://127.0.0.1:${port}/`, stop };
}

/** @param {Browser} browser */
async function launch({ path, args, env }) {
  // Here and not above: the command that installs the packages imports this file first.
  const { chromium } = await import("playwright-core");
  /** @type {Record<string, string>} */
  const environment = {};
  for (const [name, value] of Object.entries({ ...process.env, ...env })) {
    if (value !== undefined) environment[name] = value;
  }
  return chromium.launchServer({
    executablePath: path,
    args,
    env: environment,
    host: "127.0.0.1",
    timeout: startTimeoutMs,
    // Ctrl-C is for us (shutdown.js), and the tests end before their browser.
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
  });
}
