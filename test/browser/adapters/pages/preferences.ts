import { Preferences } from "@capacitor/preferences";
import { capacitorPreferences } from "../../../../client/adapters/capacitor-preferences.js";
import type { TokenStorage } from "../../../../client/types.js";

const storage: TokenStorage = capacitorPreferences(Preferences);
Object.assign(window, { storage });
