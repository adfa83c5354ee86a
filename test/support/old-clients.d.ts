// Old releases of socket.io-client under names of their own; they carry no types, and the README's code needs none.
declare module "socket.io-client-1" {
  const io: import("./old-client.js").OldClient;
  export default io;
}
declare module "socket.io-client-2" {
  const io: import("./old-client.js").OldClient;
  export default io;
}
