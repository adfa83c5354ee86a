// @ts-check

/** Ends this process with a clear message on a Node that the library does not support. */
export function checkNodeVersion() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const supported = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22;
  if (supported) return;
  console.error(`This needs Node 20.19 or later, 22.12 or later, or newer; here runs ${process.version}.`);
  process.exit(1);
}
