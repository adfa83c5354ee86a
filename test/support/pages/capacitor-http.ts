import { createRequire } from "node:module";
import path from "node:path";
import type { Page } from "playwright-core";

/** What the bridge hands to the plugin CapacitorHttp. */
interface NativeRequest {
  url: string;
  method: string;
  headers: Record<string, string>;
  dataType?: string;
  data?: unknown;
}

interface FormPart {
  key: string;
  value: string;
  type: "string" | "base64File";
  contentType: string;
  fileName: string;
}

const nativeBridge = path.join(
  path.dirname(createRequire(import.meta.url).resolve("@capacitor/android/package.json")),
  "capacitor/src/main/assets/native-bridge.js",
);

/**
 * Makes a page believe that it is in a Capacitor app on Android with CapacitorHttp enabled: the bridge is
 * Capacitor's own, and replaces `fetch`. Its native side is here, as HttpRequestHandler.java and
 * WebViewLocalServer.java have it.
 */
export async function capacitorHttp(page: Page): Promise<void> {
  await page.exposeFunction("nativeRequest", send);
  await page.route(/\/_capacitor_http_interceptor_/, async (route) => {
    const request = route.request();
    const url = new URL(request.url()).searchParams.get("u") ?? "";
    const answer = await fetch(url, { method: request.method(), headers: sendable(request.headers()) });
    await route.fulfill({
      status: answer.status,
      headers: Object.fromEntries(answer.headers),
      body: Buffer.from(await answer.arrayBuffer()),
    });
  });
  await page.addInitScript(() =>
    Object.assign(window, {
      androidBridge: { postMessage() {} },
      CapacitorHttpAndroidInterface: { isEnabled: () => true },
      WEBVIEW_SERVER_URL: location.origin,
    }),
  );
  await page.addInitScript({ path: nativeBridge });
  await page.addInitScript(() => {
    const { Capacitor, nativeRequest } = window as unknown as {
      Capacitor: { nativePromise(plugin: string, method: string, options: object): Promise<unknown> };
      nativeRequest(options: object): Promise<unknown>;
    };
    Capacitor.nativePromise = (_plugin, _method, options) => nativeRequest(options);
  });
}

/**
 * As the native side sets them, one after the other: of two that differ by case only, the later one stands.
 */
function sendable(given: Record<string, string>): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(given))
    if (!/^(host|connection|content-length|sec-.*)$/i.test(name)) headers.set(name, value);
  return headers;
}

async function send({ url, method, headers, dataType, data }: NativeRequest) {
  const type = headers["content-type"] ?? headers["Content-Type"] ?? "";
  // Nothing is sent without a type.
  const body = type && data !== undefined ? bodyOf(data, type, dataType) : undefined;
  const answer = await fetch(url, {
    method,
    headers: sendable(headers),
    ...(body !== undefined && { body: new Uint8Array(Buffer.from(body)) }),
  });
  return {
    status: answer.status,
    url: answer.url,
    headers: Object.fromEntries(answer.headers),
    data: await answer.text(),
  };
}

function bodyOf(data: unknown, type: string, dataType?: string): string | Buffer {
  const text = typeof data === "string" ? data : JSON.stringify(data);
  if (type.includes("application/json")) return text;
  if (dataType === "file") return Buffer.from(text, "base64");
  if (dataType === "formData") return multipart(data as FormPart[], type.split("boundary=")[1] ?? "");
  return text;
}

function multipart(parts: FormPart[], boundary: string): Buffer {
  const pieces = parts.map(({ key, value, type, contentType, fileName }) =>
    Buffer.concat(
      type === "string"
        ? [Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="${key}"\r\n\r\n${value}\r\n`)]
        : [
            Buffer.from(
              `--${boundary}\r\nContent-Disposition: form-data; name="${key}"; filename="${fileName}"\r\n` +
                `Content-Type: ${contentType}\r\n\r\n`,
            ),
            Buffer.from(value, "base64"),
            Buffer.from("\r\n"),
          ],
    ),
  );
  return Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)]);
}
