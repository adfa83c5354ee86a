// The package is installed only where no browser is found; its one member in use is described here, so that
// the types can be checked without it.
declare module "@sparticuz/chromium" {
  const chromium: { executablePath(): Promise<string> };
  export default chromium;
}
