import { defineConfig } from "vite"

// Nothing that the SDK needs: the JSX of Preact, and what the page is allowed to be built for.
export default defineConfig({
  root: import.meta.dirname,
  clearScreen: false,
  build: { target: "esnext", modulePreload: false },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } }
})
