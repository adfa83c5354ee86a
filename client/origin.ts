/**
 * Scheme, host and port of an http or WebSocket address. By hand, because `URL` of React Native cannot tell.
 */
export function originOf(address: string): string {
  return address.toLowerCase().replace(/^(ws|http)(s?:\/\/[^/?#]*).*/, "http$2");
}
