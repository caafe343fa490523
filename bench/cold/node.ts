/** Node alone. */
import { done } from "./done.ts"

done()
