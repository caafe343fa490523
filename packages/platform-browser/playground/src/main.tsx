/** Starts the page. */
import { render } from "preact"
import { show } from "./state/client.ts"
import { kept, refresh } from "./state/kept.ts"
import { discover } from "./state/server.ts"
import "./style/tokens.css"
import "./style/base.css"
import "./style/controls.css"
import "./style/layout.css"
import "./style/parts.css"
import { App } from "./view/App.tsx"

render(<App />, document.body)

// What was registered before is there again; the server, if the address names one, is asked at once.
void refresh().then(() => show(kept.value[0]))
void discover()
