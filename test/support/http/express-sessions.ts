import type { SessionHandle } from "../../../src/index.js";
import type { Node, Nodes } from "../servers/nodes.js";
import { cookieRow } from "./cookie-client.js";
import { addExpressApp, type Routes } from "./express-app.js";

/**
 * Applications with express-session on servers of their own, whose page "/" shows the values of its session.
 */
export function expressSessions(nodes: Nodes) {
  return {
    async app(
      routes: Routes,
      options: Parameters<typeof addExpressApp>[2] = {},
    ): Promise<{ node: Node } & ReturnType<typeof addExpressApp>> {
      const node = await nodes.node();
      const express = addExpressApp(
        node,
        { "/": (session) => ({ ...session, cookie: undefined }), ...routes },
        options,
      );
      return { node, ...express };
    },
    async found(handle: Promise<SessionHandle | undefined>): Promise<SessionHandle> {
      const session = await handle;
      if (!session) throw new Error("there is no such session");
      return session;
    },
    async valuesOf(id: string): Promise<Record<string, unknown> | undefined> {
      return (await cookieRow(nodes, id))?.values;
    },
  };
}
