import {
  cordovaSecureStorageEcho,
  type EchoStorageConstructor,
} from "../../../../client/adapters/cordova-secure-storage-echo.js";
import type { TokenStorage } from "../../../../client/types.js";

declare const cordova: { plugins: { SecureStorage: EchoStorageConstructor } };

const storage: TokenStorage = cordovaSecureStorageEcho(() => cordova.plugins.SecureStorage, {
  namespace: "your-app",
});
// Before cordova.js is there.
Object.assign(window, { storage, early: Promise.all([storage.getItem("early"), storage.getItem("other")]) });
