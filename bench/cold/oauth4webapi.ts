import { make } from "../sides/oauth4webapi.ts"
import { done, origin } from "./done.ts"

// making a side registers a client
await make({ origin, size: 1024, dpop: false })
done()
