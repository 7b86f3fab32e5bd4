import type { Engine } from './engine.ts'
import { Findings } from './findings.ts'
import { PacketInspection } from './packet-inspection.ts'
import { StreamInspection } from './stream-inspection.ts'

/** What looks at all connections of an engine. They are shown one event at a time, so it keeps nothing of any of them. */
export class Inspections {
  readonly engine: Engine
  readonly findings: Findings
  readonly packets: PacketInspection
  readonly streams: StreamInspection

  constructor(engine: Engine) {
    this.engine = engine
    this.findings = new Findings(engine)
    this.packets = new PacketInspection(engine, this.findings)
    this.streams = new StreamInspection(engine, this.findings)
  }
}
