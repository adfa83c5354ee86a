import { afterEach } from "@jest/globals";
import { Clients } from "../processes/child-node.js";
import type { ClientProxy } from "./client-proxy.js";

/** Clients, and the proxies between them and their servers, that are closed after each test. */
export function useClientNetworks(): { readonly clients: Clients; readonly networks: ClientProxy[] } {
  const clients = new Clients();
  const networks: ClientProxy[] = [];
  afterEach(async () => {
    clients.close();
    for (const network of networks.splice(0)) await network.close();
  });
  return { clients, networks };
}
