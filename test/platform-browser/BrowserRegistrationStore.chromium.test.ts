/** Registrations in IndexedDB, in real Chromium. */
import { suiteInPage } from "../browser/page.ts"

await suiteInPage("storeContract")
