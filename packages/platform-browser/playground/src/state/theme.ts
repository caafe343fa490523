/** Light, dark, or what the system says. */
import { effect, signal } from "@preact/signals"

export const themes = ["auto", "light", "dark"] as const

export type Theme = (typeof themes)[number]

const key = "theme"

const isTheme = (text: string | null): text is Theme => themes.some((theme) => theme === text)

const remembered = localStorage.getItem(key)

export const theme = signal<Theme>(isTheme(remembered) ? remembered : "auto")

effect(() => {
  document.documentElement.dataset["theme"] = theme.value
  localStorage.setItem(key, theme.value)
})
