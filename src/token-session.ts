import type { Namespace } from "socket.io";
import { administration } from "./admin/administration.js";
import { healthOf } from "./admin/health.js";
import { livenessProbe, readinessProbe } from "./admin/probes.js";
import type { TokenSessionConstructor, TokenSessions } from "./api.js";
import { Outages } from "./base/outages.js";
import { chosenStore } from "./chosen-store.js";
import { SessionError } from "./errors.js";
import { storeError } from "./gateway/retry.js";
import { SessionHandle } from "./handle/handle.js";
import { expressMiddleware } from "./http/express.js";
import { fastifyPlugin } from "./http/fastify.js";
import { koaMiddleware } from "./http/koa.js";
import { type RequestSessionOptions, SessionMiddleware } from "./http/session-middleware.js";
import { type TokenSessionOptions, toSettings } from "./options.js";
import { destroyDevices, listDevices } from "./registry/devices.js";
import { Events, type TokenSessionEvents } from "./registry/events.js";
import { Freshness } from "./registry/freshness.js";
import { AddressLimits } from "./registry/mint-limit.js";
import { Pruning } from "./registry/pruning.js";
import { SessionRegistry } from "./registry/registry.js";
import { setRegistry } from "./registry/registry-of.js";
import { Strangers } from "./registry/strangers.js";
import { Sweep } from "./registry/sweep.js";
import { Audience } from "./socket.io/audience.js";
import { ClientScript } from "./socket.io/client-script.js";
import { Cluster } from "./socket.io/cluster.js";
import { handlerWrapper } from "./socket.io/handler.js";
import { hideCookiesOf } from "./socket.io/handshake-cookies.js";
import { HandshakeCredential } from "./socket.io/handshake-credential.js";
import { type AttachTarget, attachTo, createMiddleware } from "./socket.io/namespaces.js";
import { newSocketCounts } from "./socket.io/socket-counts.js";
import { StoreFault } from "./store.js";
import { fromConnectStore } from "./stores/express-session-backend/from-connect-store.js";
import { memoryStore } from "./stores/memory.js";
import { ReplacedTokens } from "./token/replaced-tokens.js";
import { Tickets } from "./token/tickets.js";
import { TokenCookies } from "./token/token-cookies.js";

// A function declaration: unlike an arrow function it can be called with `new`, as the old package was.
function createTokenSession(options: TokenSessionOptions): TokenSessions {
  const settings = toSettings(options);
  const { log, required } = settings;
  const events = new Events(log);
  const store = chosenStore(settings);
  const registry = new SessionRegistry(settings, store, events);
  const cluster = new Cluster(registry, store);
  registry.announcer = cluster;
  const tokenCookies = new TokenCookies({ hasBridges: settings.cookieSecret !== undefined });
  const script = settings.serveClient ? new ClientScript(log) : undefined;
  const outages = new Outages(settings, {
    failing: "sessions cannot be opened",
    recovered: "sessions can be opened again",
  });
  const audience = new Audience(registry, outages);
  const counts = newSocketCounts();
  const health = () => healthOf({ registry, cluster, counts });
  const context = {
    registry,
    outages,
    recovery: audience.recovery,
    required,
    counts,
    replacedTokens: new ReplacedTokens(settings.clock),
    strangers: new Strangers(settings.clock),
    handshakeCredential: settings.identify && new HandshakeCredential(settings.identify, settings),
    tokenCookies,
    tickets:
      settings.cookieSecret === undefined ? undefined : new Tickets(settings.cookieSecret, registry.store),
    absoluteExpiration: settings.absoluteExpiration,
    touchesOnEvents: settings.idle === "events",
    freshness: settings.freshness === "connection" ? undefined : new Freshness(registry, settings),
    addressLimits: new AddressLimits(settings, settings.addressOf),
    onAttach: (namespace: Namespace) => {
      const { server } = namespace;
      cluster.join(server);
      hideCookiesOf(server, tokenCookies);
      script?.serveOn(server);
      audience.addNamespace(namespace);
    },
  };
  const middleware = createMiddleware(context);
  const ofRequests = (options?: RequestSessionOptions) => new SessionMiddleware(context, options);
  const sweep = new Sweep(registry, settings);
  sweep.start();
  const pruning = new Pruning(store, settings, (work) => registry.track(work));
  pruning.start();

  const sessions: TokenSessions = Object.assign(middleware, {
    store,
    attach(target: AttachTarget) {
      attachTo(target, middleware, context);
      return sessions;
    },
    handler: handlerWrapper(registry),
    express: (options?: RequestSessionOptions) => expressMiddleware(ofRequests(options)),
    koa: (options?: RequestSessionOptions) => koaMiddleware(ofRequests(options)),
    fastify: (options?: RequestSessionOptions) => fastifyPlugin(ofRequests(options)),
    async check() {
      try {
        await store.check?.();
        if (store.check) registry.storeWatch.state.onAnswer();
      } catch (error) {
        registry.storeWatch.state.onFailure(error);
        throw storeError(error);
      }
    },
    health,
    liveness: livenessProbe(),
    readiness: readinessProbe(health),
    on: subscribe("on"),
    once: subscribe("once"),
    off: subscribe("off"),
    // For `once` of node:events, which would leave a listener behind that throws at the next error.
    removeListener: subscribe("off"),
    async find(sessionId: string) {
      const session = await registry.find(sessionId);
      if (!session) return undefined;
      const handle = new SessionHandle(registry);
      SessionHandle.bind(handle, session);
      // A handle holds its session only while it changes something.
      registry.release(session);
      return handle;
    },
    destroy: (sessionId: string) => registry.destroy(sessionId),
    forUser: async (userId: string | number) =>
      listDevices(registry, userId, (ids) => cluster.findOpenElsewhere(ids)),
    destroyForUser: async (userId: string | number, options?: { except?: string }) =>
      destroyDevices(registry, userId, options),
    toUser: (userId: string | number) => audience.toUser(userId),
    toSession: (sessionId: string) => audience.toSession(sessionId),
    ...administration(registry),
    prune: () => pruning.run(),
    async close() {
      sweep.stop();
      pruning.stop();
      // The library's own timers keep no process alive, and it must not end before the last change is
      // written.
      const awake = setInterval(() => {}, 1_000);
      try {
        await registry.close();
        cluster.close();
      } finally {
        clearInterval(awake);
      }
    },
  });

  setRegistry(sessions, registry);
  settings.facts.sessions = sessions;

  function subscribe(method: "on" | "once" | "off") {
    return (event: keyof TokenSessionEvents, listener: (content: never) => void) => {
      events.subscribe(method, event, listener);
      return sessions;
    };
  }
  return sessions;
}

/**
 * Makes token sessions for Socket.IO. Throws `SESSION_OPTION_INVALID` for a wrong option; touches no database
 * until the first client comes (or `check()` is called), and never creates a table: apply `sql/session.sql`
 * first.
 *
 * @example
 * import { createPool } from "mysql2/promise";
 * import { Server } from "socket.io";
 * import { tokenSession } from "socket.io-token-session";
 *
 * const io = new Server(3000);
 * const sessions = tokenSession({ db: createPool(process.env.DATABASE_URL!), expiration: 3600 });
 * sessions.attach(io);
 *
 * io.on("connection", (socket) => {
 *   socket.on("login", sessions.handler(async (name, password, done) => {
 *     const user = await checkPassword(name, password); // yours
 *     if (user) await socket.session.login(user.id);
 *     done(user !== undefined);
 *   }));
 * });
 */
export const tokenSession: TokenSessionConstructor = Object.assign(
  createTokenSession as unknown as TokenSessionConstructor,
  {
    tokenSession: createTokenSession as unknown as TokenSessionConstructor,
    memoryStore,
    fromConnectStore,
    SessionError,
    StoreFault,
  },
);
