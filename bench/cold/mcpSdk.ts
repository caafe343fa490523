import { make } from "../sides/mcpSdk.ts"
import { done, origin } from "./done.ts"

// making a side registers a client
await make({ origin, size: 1024, dpop: false })
done()
