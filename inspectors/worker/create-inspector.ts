import { createIds } from '../ids/ids.ts'
import { RuleLibrary } from '../waf/rule-library.ts'
import { createWaf } from '../waf/waf.ts'
import type { EngineServices, InspectorSpec, LoadedEngine } from './routes.ts'

/** A worker loads one configuration in its life: what its chains have in common is compiled once. */
const library = new RuleLibrary()
/** What one chain has warmed up the others have too. */
let isWarm = false

/**
 * The engine that an entry of a chain names.
 *
 * @throws the engine's error with `diagnostics` when the rules do not load
 */
export function createInspector(
  { entry, rulePaths, setupPaths, tenant, chain, kind }: InspectorSpec,
  { audit, collections }: Partial<EngineServices> = {},
): LoadedEngine {
  const { mode } = entry
  switch (entry.type) {
    case 'waf': {
      const waf = createWaf({
        mode,
        rulePaths,
        setupPaths,
        library,
        ...(audit === undefined ? {} : { audit }),
        ...(collections === undefined
          ? {}
          : { openStore: (seconds) => collections.store(`${tenant}/${chain}`, seconds) }),
        ...(entry.settings === undefined ? {} : { settings: entry.settings }),
      })
      if (!isWarm) waf.warmUp()
      isWarm = true
      return withWarnings(waf)
    }
    case 'ids':
      return withWarnings(
        createIds({
          mode,
          rulePaths,
          packets: kind === 'packets',
          ...(entry.settings === undefined ? {} : { settings: entry.settings }),
        }),
      )
  }
}

const withWarnings = (
  inspector: LoadedEngine['inspector'] & Pick<LoadedEngine, 'warnings'>,
): LoadedEngine => ({ inspector, warnings: inspector.warnings })
