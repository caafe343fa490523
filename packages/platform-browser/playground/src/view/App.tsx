import { announcement } from "../state/announcer.ts"
import { ClientSection } from "./ClientSection.tsx"
import { Masthead } from "./Masthead.tsx"
import { MetadataSection } from "./MetadataSection.tsx"
import { ServerSection } from "./ServerSection.tsx"
import { TimelineSection } from "./TimelineSection.tsx"

export const App = () => (
  <>
    <a class="skip" href="#server">Skip to the server</a>
    <Masthead />
    <main class="sheet">
      <div class="work">
        <ServerSection />
        <MetadataSection />
        <ClientSection />
      </div>
      <div class="log">
        <TimelineSection />
      </div>
    </main>
    <footer class="colophon">
      <p>Everything happens in this page: it talks to the server you name and to nobody else.</p>
    </footer>
    <p class="unseen" role="status">{announcement}</p>
  </>
)
