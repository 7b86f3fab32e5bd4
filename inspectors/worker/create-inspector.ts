import { createIds } from '../ids/ids.ts'
import type { Inspector } from '../inspector.ts'
import { createWaf } from '../waf/waf.ts'
import type { InspectorSpec } from './routes.ts'

/**
 * The engine that an entry of a chain names.
 *
 * @throws the engine's error with `diagnostics` when the rules do not load
 */
export function createInspector({ entry, rulePaths, setupPaths }: InspectorSpec): Inspector {
  const { mode } = entry
  switch (entry.type) {
    case 'waf':
      return createWaf({
        mode,
        rulePaths,
        setupPaths,
        ...(entry.settings === undefined ? {} : { settings: entry.settings }),
      })
    case 'ids':
      return createIds({
        mode,
        rulePaths,
        ...(entry.settings === undefined ? {} : { settings: entry.settings }),
      })
  }
}
