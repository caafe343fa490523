/** What types would not allow: values as a JavaScript caller passes them, or as a file holds them. */

const isAnything = <A>(_value: unknown): _value is A => true

/** The value itself, whatever it is, as something of another type. */
export const unchecked = <A>(value: unknown): A => {
  if (isAnything<A>(value)) return value
  throw new Error("cannot be")
}
