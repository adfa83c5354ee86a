// @ts-check
// HTTP, as clients use it.

/** @typedef {{ status: number, cookie?: string, content: Record<string, any> & { code: string } }} Answer */

/**
 * Gives the code "gone" where no answer came. @param {string} url @param {RequestInit} init @returns
 * {Promise<Answer>}
 */
export async function request(url, init) {
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(60_000) });
    const text = await response.text();
    const cookie = response.headers.getSetCookie()[0]?.split(";")[0];
    const content = text.startsWith("{") ? JSON.parse(text) : { code: `HTTP ${response.status}` };
    return { status: response.status, ...(cookie && { cookie }), content };
  } catch {
    return { status: 0, content: { code: "gone" } };
  }
}

/** @param {string} url @param {string} token @param {"GET" | "POST"} [method] */
export function withToken(url, token, method = "GET") {
  return request(url, { method, headers: { authorization: `Bearer ${token}` } });
}
