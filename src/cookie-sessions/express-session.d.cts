// What is used here of express-session's types. The published ones declare `req.session` for a whole program,
// and in this one it is another. Applications get the published ones; test/package compiles with those.
import { EventEmitter } from "node:events";
import type { Request } from "express";

declare namespace session {
  interface Cookie {
    originalMaxAge: number | null;
    maxAge?: number | undefined;
    expires?: Date | null | undefined;
    httpOnly?: boolean | undefined;
    path?: string | undefined;
    domain?: string | undefined;
    secure?: boolean | "auto" | undefined;
    sameSite?: boolean | "lax" | "strict" | "none" | undefined;
  }

  interface SessionData {
    /** The cookie's settings. */
    cookie: Cookie;
  }

  interface Session extends SessionData {
    id: string;
    resetMaxAge(): this;
    regenerate(callback: (error: unknown) => void): this;
    destroy(callback: (error: unknown) => void): this;
    reload(callback: (error: unknown) => void): this;
    save(callback?: (error: unknown) => void): this;
    touch(): this;
  }

  abstract class Store extends EventEmitter {
    /** express-session's own: ends the session and begins another. */
    regenerate(request: Request, callback: (error?: unknown) => void): void;
    /** express-session's own: `get` and `createSession` in one. */
    load(sid: string, callback: (error: unknown, session?: SessionData) => void): void;
    createSession(request: Request, session: SessionData): Session & SessionData;
    abstract get(sid: string, callback: (error: unknown, session?: SessionData | null) => void): void;
    abstract set(sid: string, session: SessionData, callback?: (error?: unknown) => void): void;
    abstract destroy(sid: string, callback?: (error?: unknown) => void): void;
    all?(callback: (error: unknown, sessions?: SessionData[] | null) => void): void;
    length?(callback: (error: unknown, length?: number) => void): void;
    clear?(callback?: (error?: unknown) => void): void;
    touch?(sid: string, session: SessionData, callback?: () => void): void;
  }
}

export = session;
