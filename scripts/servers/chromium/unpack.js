// @ts-check
// Unpacks the Chromium of @sparticuz/chromium into the folder that TMPDIR names, and prints the program's
// path. The package unpacks the system libraries that it carries only where it takes the machine for its own
// kind of cloud.
process.env["AWS_LAMBDA_JS_RUNTIME"] = "nodejs20.x";
const { default: chromium } = await import("@sparticuz/chromium");
console.log(await chromium.executablePath());
