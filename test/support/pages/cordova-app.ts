import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { bundlePage } from "./adapter-page.js";

const require = createRequire(import.meta.url);

interface Plugin {
  /** Name of its page in test/browser/adapters/pages. */
  page: string;
  package: string;
  /** Its modules, as plugin.xml lists them: file in www/, and the global that it becomes. */
  modules: { name: string; file: string; clobbers?: string }[];
}

export const ECHO: Plugin = {
  page: "echo",
  package: "cordova-plugin-secure-storage-echo",
  modules: [{ name: "SecureStorage", file: "securestorage.js", clobbers: "SecureStorage" }],
};

export const NATIVE_STORAGE: Plugin = {
  page: "nativestorage",
  package: "cordova-plugin-nativestorage",
  modules: [
    { name: "mainHandle", file: "mainHandle.js", clobbers: "NativeStorage" },
    { name: "LocalStorageHandle", file: "LocalStorageHandle.js" },
    { name: "NativeStorageError", file: "NativeStorageError.js" },
  ],
};

/** The scripts of a Cordova app: the application itself comes before `cordova.js`, the worst that can be. */
export async function cordovaApp(plugin: Plugin): Promise<{ application: string; cordova: string }> {
  const core = path.dirname(require.resolve("@capacitor/core/package.json"));
  const folder = path.dirname(require.resolve(`${plugin.package}/package.json`));
  const id = (name: string) => JSON.stringify(`${plugin.package}.${name}`);
  // As Cordova's tools wrap a plugin's files and list them.
  const modules = plugin.modules.map(({ name, file }) => {
    const source = readFileSync(path.join(folder, "www", file), "utf8");
    return `cordova.define(${id(name)}, function (require, exports, module) { ${source}\n});`;
  });
  const list = plugin.modules.map(
    ({ name, clobbers }) => `{ id: ${id(name)}, clobbers: ${JSON.stringify(clobbers ? [clobbers] : [])} }`,
  );
  return {
    application: await bundlePage(plugin.page),
    // One script: Cordova looks for the list of plugins in the turn after the one it is loaded in.
    cordova: [
      await bundlePage("cordova-host"),
      readFileSync(path.join(core, "cordova.js"), "utf8"),
      ...modules,
      `cordova.define("cordova/plugin_list", (require, exports, module) => { module.exports = [${list}]; });\n`,
    ].join("\n"),
  };
}

/** Holds `deviceready` back, as a plugin does that is not ready yet. */
export const HOLD_DEVICEREADY = `cordova.require("cordova/channel").waitForInitialization("onTest");`;
export const GIVE_DEVICEREADY = `cordova.require("cordova/channel").initializationComplete("onTest");`;
