/** What every control gets. */

export interface ControlAttributes {
  readonly id: string
  readonly "aria-describedby": string | undefined
  readonly "aria-invalid": true | undefined
}

export interface ControlProps {
  readonly name: string
  readonly value: unknown
  readonly attributes: ControlAttributes
}
