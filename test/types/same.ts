/** `true` if two types are the same type, not only assignable to one another; also `any`, `unknown` and `readonly` count. */
export type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false

/** Holds a type to be `true`. */
export const pin = <_ extends true>(): void => {}
