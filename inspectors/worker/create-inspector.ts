import type { Inspector } from '../inspector.ts'
import type { InspectorSpec } from './routes.ts'

/** @throws the engine's error with `diagnostics` when the rules do not load */
export function createInspector(spec: InspectorSpec): Inspector {
  throw new Error(`no engine for ${spec.entry.type}`)
}
