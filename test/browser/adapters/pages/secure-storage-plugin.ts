import { SecureStoragePlugin } from "capacitor-secure-storage-plugin";
import { capacitorSecureStoragePlugin } from "../../../../client/adapters/capacitor-secure-storage-plugin.js";
import type { TokenStorage } from "../../../../client/types.js";

const storage: TokenStorage = capacitorSecureStoragePlugin(SecureStoragePlugin);
Object.assign(window, { storage });
