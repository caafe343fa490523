/** Gives a value of any type where a typed one is expected, as a JavaScript caller can. The first argument names the type. */
export const untyped = <A>(typed: A, value: unknown): A => {
  const place = { value: typed }
  Reflect.set(place, "value", value)
  return place.value
}
