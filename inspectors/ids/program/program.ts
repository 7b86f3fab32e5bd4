import type { HashAlgorithm } from '#signatures/suricata/checks.ts'
import type { Application, CompiledRule, Side, Slot } from './compiled-rule.ts'
import type { Prefilter } from './prefilter.ts'

/** Rules of one protocol and direction. */
export interface RuleGroup {
  /** Over buffers that are seen whole; null: no rule chose one of them. */
  readonly whole: Prefilter | null
  /** Over bodies, or the stream itself: text that comes in chunks. */
  readonly chunked: Prefilter | null
  /** Rules without a fast pattern, in order. */
  readonly always: readonly CompiledRule[]
  readonly alwaysSet: ReadonlySet<CompiledRule>
  readonly size: number
}

/** `session`: of a TCP connection whose stream is inspected; `tcp`: any other TCP packet. */
export type PacketKind = 'session' | 'tcp' | 'udp' | 'other'

export const PACKET_KINDS: readonly PacketKind[] = ['session', 'tcp', 'udp', 'other']

/** All rules of an inspector, compiled. Shared by its connections; evaluation is single-threaded. */
export interface Program {
  readonly rules: readonly CompiledRule[]
  readonly slots: readonly Slot[]
  readonly headerCount: number
  readonly applications: Readonly<Record<Application, Readonly<Record<Side, RuleGroup>>>>
  /** Payload of streams and chunks. */
  readonly stream: Readonly<Record<Side, RuleGroup>>
  /** Packets of a capture; empty for the inline path. */
  readonly packet: Readonly<Record<PacketKind, Readonly<Record<Side, RuleGroup>>>>
  /** Rules that are asked when an event of the application protocol is raised, by its name. */
  readonly events: ReadonlyMap<string, readonly CompiledRule[]>
  /** Sums that rules ask of files; null: no rule asks for files. */
  readonly fileSums: readonly HashAlgorithm[] | null
  /** Rules that this path has no data for, by reason. */
  readonly inapplicable: ReadonlyMap<string, number>
}
