// How the scripts of interfaces that only tell are configured: by the tag, and for what it leaves open by the adapter.

import type { Config } from '../config.ts'
import { told as tell } from '../told.ts'
import { running } from './tag.ts'

/** `told` for the running beacon, where the tag says nothing else with these settings. */
export const told = (days: number, { root, second, buttons }: Pick<Config, 'root' | 'second' | 'buttons'> = {}) => {
  const { config } = running
  config.root ||= root
  config.second ||= second
  config.buttons = { ...buttons, ...config.buttons }
  return tell(running, days)
}
