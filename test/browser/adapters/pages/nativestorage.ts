import {
  cordovaNativeStorage,
  type NativeStorageLike,
} from "../../../../client/adapters/cordova-nativestorage.js";
import type { TokenStorage } from "../../../../client/types.js";

declare const NativeStorage: NativeStorageLike;

const storage: TokenStorage = cordovaNativeStorage(() => NativeStorage);
// Before cordova.js is there.
Object.assign(window, { storage, early: Promise.all([storage.getItem("early"), storage.getItem("other")]) });
