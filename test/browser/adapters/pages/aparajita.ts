import { SecureStorage } from "@aparajita/capacitor-secure-storage";
import { aparajitaSecureStorage } from "../../../../client/adapters/aparajita-secure-storage.js";
import type { TokenStorage } from "../../../../client/types.js";

const storage: TokenStorage = aparajitaSecureStorage(SecureStorage);
Object.assign(window, { storage });
