import { expect, jest, test } from "@jest/globals";
import { tokenSession } from "../../../client/index.js";
import { useNodes } from "../../support/servers/nodes.js";
import { gotToken } from "../../support/servers/server.js";

// Node, like React Native, has no document, no localStorage and no locks: tokens then live as long as the
// program.

const nodes = useNodes();

test("without a storage tokens live in memory, for all sockets, and that is said once", async () => {
  expect(typeof localStorage).toBe("undefined");
  const warn = jest.spyOn(console, "warn").mockImplementation(() => {});
  try {
    const node = await nodes.node();
    const socket = node.client();
    const first = tokenSession(socket);
    await first.ready;
    const message = gotToken(socket);
    socket.io.engine.close();
    expect(await message).toMatchObject({ token: first.token, created: false });
    const second = tokenSession(node.client());
    await second.ready;
    expect(second.token).toBe(first.token);

    const work = tokenSession(node.client(), { identity: "work" });
    await work.ready;
    expect(work.token).not.toBe(first.token);
    expect((await first.identities()).sort()).toEqual(["", "work"]);
    const { token } = first;
    await first.forget();
    expect(await first.identities()).toEqual(["work"]);
    // The other one shares what was dropped, and what follows.
    await Promise.all([first.ready, second.ready]);
    expect([first.token, second.token]).not.toContain(token);

    const elsewhere = tokenSession((await nodes.node()).client());
    await elsewhere.ready;
    expect(elsewhere.token).not.toBe(first.token);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(String(warn.mock.calls[0]?.[0])).toMatch(/memory/);
  } finally {
    warn.mockRestore();
  }
});
