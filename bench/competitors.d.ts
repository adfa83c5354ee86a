// The competitors, as far as they are used here. They are installed for a run of the benchmark alone, so
// their own types (those that have any) are not always there.
declare module "socket.io-mysql-session" {
  export interface Db {
    format(sql: string, params: unknown[]): string;
    query(sql: string, params: unknown[], done: (error: unknown, ...rest: unknown[]) => void): void;
  }
  export interface Session {
    db: Db;
    get(key: string): unknown;
    set(key: string, value: unknown): void;
    _dbCreateError(): string;
  }
  const middleware: (options: { db: Db }) => (socket: object, next: () => void) => void;
  export default middleware;
}
declare module "express" {
  const express: () => import("node:http").RequestListener;
  export default express;
}
declare module "express-session" {
  export type Middleware = (request: object, response: object, next: (error?: unknown) => void) => void;
  export interface Session {
    [key: string]: unknown;
    reload(done: (error?: unknown) => void): void;
    save(done: (error?: unknown) => void): void;
  }
  const session: {
    (options: object): Middleware;
    Store: new () => object;
  };
  export default session;
}
declare module "express-mysql-session" {
  import type session from "express-session";

  interface Store {
    onReady(): Promise<void>;
    close(): Promise<void>;
  }
  const factory: (module: typeof session) => new (options: object, connection: object) => Store;
  export default factory;
}
