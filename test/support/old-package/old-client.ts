/** What socket.io-client 1, 2 and 4 have in common, as far as the old package's README uses it. */
export interface OldSocket {
  emit(event: string, ...args: unknown[]): unknown;
  on(event: string, listener: (...args: never[]) => void): unknown;
  close(): unknown;
}
export type OldClient = (url: string, options?: object) => OldSocket;
