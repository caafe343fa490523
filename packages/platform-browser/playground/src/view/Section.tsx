import type { ComponentChildren } from "preact"

export const Section = (props: {
  readonly id: string
  readonly number: number
  readonly title: string
  readonly aside?: ComponentChildren
  readonly children: ComponentChildren
}) => (
  <section class="section" id={props.id} aria-labelledby={`${props.id}-title`}>
    <header class="section-head">
      <h2 id={`${props.id}-title`}>
        <span class="number" aria-hidden="true">{props.number}</span>
        {props.title}
      </h2>
      {props.aside}
    </header>
    {props.children}
  </section>
)
