/** What an ecosystem asks of its clients. */
import * as MetadataPreset from "@effect-dcr/core/MetadataPreset"
import { computed, signal } from "@preact/signals"

export const presets = {
  none: { title: "Plain", about: "What you say and no more", preset: undefined },
  openid: { title: "OpenID", about: "An OpenID Connect relying party", preset: MetadataPreset.openid },
  fapi2: { title: "FAPI 2.0", about: "A client of the FAPI 2.0 Security Profile", preset: MetadataPreset.fapi2 },
  mcp: { title: "MCP", about: "A client of the Model Context Protocol", preset: MetadataPreset.mcp }
} as const

export type PresetName = keyof typeof presets

export const presetNames = ["none", "openid", "fapi2", "mcp"] as const satisfies ReadonlyArray<PresetName>

export const presetName = signal<PresetName>("none")

export const preset = computed(() => presets[presetName.value].preset)
