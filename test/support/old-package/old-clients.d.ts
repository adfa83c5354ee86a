// Old releases of socket.io-client under names of their own; they carry no types, and the README's code needs
// none.
declare module "socket.io-client-1" {
  const io: import("./old-client.js").OldClient;
  export default io;
}
declare module "socket.io-client-2" {
  const io: import("./old-client.js").OldClient;
  export default io;
}
// The old package itself, untyped too.
declare module "socket.io-mysql-session" {
  const session: (options: { db: import("mysql2").Connection }) => (socket: object, next: () => void) => void;
  export default session;
}
// This one has types, which its `exports` hide.
declare module "socket.io-client-4.0" {
  export const io: typeof import("socket.io-client").io;
}
